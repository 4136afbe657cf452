"""The verbs that run the loop: plan, apply, sync, backfill."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connector.cli import bar, plan_file, planned, show
from connector.cli.app import (
    CONFIG,
    AsOfOption,
    ConfigOption,
    ConnectionOption,
    Output,
    OutputOption,
    YesOption,
    app,
    instant,
)
from connector.cli.budgeting import foretell
from connector.cli.opening import Chosen, choose, now
from connector.cli.sessions import session_for
from connector.errors import CrmError, UsageError

if TYPE_CHECKING:
    from connector.sync import Order, Report, Session

EXIT = {"done": 0, "partial": 3, "refused": 5, "deferred": 75, "failed": 1}

#: `plan` ends with this where it found changes and --exit-code asks for it.
CHANGES = 2

ShowOption = Annotated[int, typer.Option("--show", min=0, help="How many people to show one by one.")]
ValuesOption = Annotated[
    bool, typer.Option("--show-values", help="With JSON: the texts of tasks too, which name people.")
]


@app.command()
def sync(
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
    yes: YesOption = False,
    as_of: AsOfOption = None,
) -> int:
    """Read what changed, decide, and write what differs."""
    from connector.sync import Order  # noqa: PLC0415 - --help does without
    from connector.sync.asking import must_read_everything  # noqa: PLC0415 - --help does without

    moment = instant(as_of, "--as-of")
    chosen = choose(config, connection)
    with session_for(chosen) as session:
        everything = must_read_everything(session)
        _confirm_first(session, yes=yes)
        order = Order("sync", moment or now(), everything=everything, resume=moment is None)
        if everything and session.unsigned() is None:
            foretell(session, chosen.connection, aloud=output == "text")
        return _told(ran(session, order), output)


@app.command()
def backfill(
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
    yes: YesOption = False,
    as_of: AsOfOption = None,
    since: Annotated[str | None, typer.Option(help="Only people created at or after this instant.")] = None,
    until: Annotated[str | None, typer.Option(help="Only people created before this instant.")] = None,
    ids: Annotated[str | None, typer.Option(help="Only these record ids, separated by commas.")] = None,
    stage: Annotated[str | None, typer.Option(help="Only people who stand in this stage in the CRM.")] = None,
    tasks: Annotated[bool, typer.Option("--tasks", help="Create hand-off tasks too.")] = False,
    with_history: Annotated[
        bool, typer.Option("--with-history", help="Date past counter steps by the CRM's history (50 people a call).")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and decide, write nothing.")] = False,
    canary: Annotated[int | None, typer.Option(min=1, help="Write to this many people first.")] = None,
    most: ShowOption = 10,
) -> int:
    """Read and decide everybody, or a slice; goes on where it stopped."""
    from connector.sync import Order  # noqa: PLC0415 - --help does without

    moment, only = instant(as_of, "--as-of"), _ids(ids)
    created = instant(since, "--since"), instant(until, "--until")
    chosen = choose(config, connection)
    within = _slice(chosen, *created, stage)
    with session_for(chosen) as session:
        if not dry_run:
            _confirm_first(session, yes=yes)
        order = Order(
            "plan" if dry_run else "backfill",
            moment or now(),
            everything=only is None,
            only=only,
            within=within,
            write=not dry_run,
            tasks=tasks,
            with_history=with_history,
            canary=canary,
            rehearses=dry_run and only is None and within is None,
            resume=moment is None,
        )
        if order.everything and session.unsigned() is None:
            foretell(session, chosen.connection, aloud=output == "text", dry=dry_run)
        report = ran(session, order)
        batch = chosen.connection.read.batch
        return _told_plan(session, report, output, most, batch) if dry_run else _told(report, output)


@app.command()
def plan(
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
    as_of: AsOfOption = None,
    file: Annotated[Path | None, typer.Option("-o", "--out", help="Keep the plan for `connector apply`.")] = None,
    ids: Annotated[str | None, typer.Option(help="Only these record ids, separated by commas.")] = None,
    most: ShowOption = 10,
    clean_up: Annotated[
        str | None,
        typer.Option("--clean-up", metavar="STAGE", help="Only: let stale people of a stage from before go_live fall."),
    ] = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 2 when there are changes.")] = False,
    show_values: ValuesOption = False,
) -> int:
    """Show what would be written, and why. Writes nothing."""
    from connector.sync import Order  # noqa: PLC0415 - --help does without
    from connector.sync.asking import must_read_everything  # noqa: PLC0415 - --help does without

    moment, only = instant(as_of, "--as-of"), _ids(ids)
    if file is not None:
        plan_file.writable(file)
    chosen = choose(config, connection)
    with session_for(chosen) as session:
        order = Order(
            "plan",
            moment or now(),
            everything=must_read_everything(session) and only is None,
            only=only,
            within=_stage_to_clean(chosen, clean_up),
            clean_up=clean_up,
            write=False,
            resume=moment is None,
        )
        report = ran(session, order)
        if file is not None:
            found = ((one.person_id, one.body) for one in session.ledger.work.every(report.run))
            plan_file.write(file, session, report, found, clean_up=clean_up)
        batch = chosen.connection.read.batch
        code = _told_plan(session, report, output, most, batch, file=file, with_texts=show_values)
        return code or (CHANGES if exit_code and report.counts["changed"] else 0)


@app.command()
def apply(
    file: Annotated[Path | None, typer.Argument(help="A plan made by `connector plan -o FILE`.")] = None,
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
    yes: YesOption = False,
    run_number: Annotated[int | None, typer.Option("--run", help="Release what this run parked.")] = None,
    per_day: Annotated[
        int | None, typer.Option("--per-day", min=1, help="Of a clean-up: write to so many people in 24 hours.")
    ] = None,
) -> int:
    """Write exactly what was reviewed: a plan file, or a parked run."""
    if (file is None) == (run_number is None):
        raise UsageError("Name a plan file, or a run whose parked changes are to be released: apply --run 12.")
    expected = plan_file.read(file) if file is not None else None
    chosen = choose(config, connection)
    with session_for(chosen) as session:
        if session.mode == "observe":
            raise UsageError('This connection only observes. Set go_live and mode = "live" to write.')
        if expected is not None:
            order = plan_file.order(session, expected, per_day)
        else:
            order = _released(session, run_number or 0)
        people = len(order.only or ())
        if people and session.unsigned() is None:
            noun = "person" if people == 1 else "people"
            show.ask(f"Write to {people:,} {noun} of account {session.account}?", yes=yes)
            session.ledger.runs.confirm(session.account, now())
        return _told(ran(session, order), output)


# -- orders ---------------------------------------------------------------------------------------------------


def _ids(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not found:
        raise UsageError("--ids names nobody.")
    return found


def _slice(chosen: Chosen, since: datetime | None, until: datetime | None, stage: str | None) -> Any:
    """A test on facts and creation time, or None for everybody."""
    if stage is not None and stage not in {one.name for one in chosen.agreement.stages}:
        names = ", ".join(one.name for one in chosen.agreement.stages)
        raise UsageError(f"--stage {stage} is no stage of the agreement; it has: {names}.")
    if since is None and until is None and stage is None:
        return None

    def within(facts: Mapping[str, Any], created_at: datetime | None) -> bool:
        if stage is not None and facts["f"].get("stage") != stage:
            return False
        if since is None and until is None:
            return True
        after = created_at is not None and (since is None or created_at >= since)
        return after and (until is None or (created_at is not None and created_at < until))

    return within


def _stage_to_clean(chosen: Chosen, stage: str | None) -> Any:
    """The people a clean-up is about. Raises UsageError for a stage that nobody leaves by score."""
    if stage is None:
        return None
    leaving = [one.name for one in chosen.agreement.stages if one.leave is not None]
    if stage not in leaving:
        names = ", ".join(leaving) or "none"
        raise UsageError(f"--clean-up {stage}: only stages with leave_when can be cleaned up; here: {names}.")
    return _slice(chosen, None, None, stage)


def _released(session: Session, number: int) -> Order:
    from connector.sync import Order  # noqa: PLC0415 - --help does without

    found = session.ledger.runs.find(number)
    if found is None:
        raise UsageError(f"Run {number} is not known. See: connector runs")
    parked = [one.person_id for one in session.ledger.work.every(number, "parked")]
    causes = [one["cause"] for one in found.report.get("parked", [])]
    waiting = session.ledger.aside.ids(causes, number)
    if not parked and not waiting:
        raise UsageError(f"Run {number} parked nothing, or nobody of it waits any more. See: connector status")
    return Order("apply", now(), only=tuple(dict.fromkeys((*waiting, *parked))), release=True)


# -- asking, running, telling ---------------------------------------------------------------------------------------


def _confirm_first(session: Session, *, yes: bool) -> None:
    """The first run that may write asks; later ones do not, the guard protects them."""
    if session.mode == "observe" or session.ledger.runs.connection().confirmed_at is not None:
        return
    if session.unsigned() is not None:
        return  # nobody is asked about what is refused anyway
    show.ask(
        f'First run against account {session.account} in mode "{session.mode}": read everybody and write?', yes=yes
    )
    session.ledger.runs.confirm(session.account, now())


def ran(session: Session, order: Order) -> Report:
    """One run, with a bar beside it for as long as it lasts."""
    from connector.sync import run  # noqa: PLC0415 - --help does without

    with bar.progress(lambda phase: how_many(session, phase)) as told:
        session.progress = told
        return run(session, order)


def how_many(session: Session, phase: str) -> int | None:
    """About how many records there are to read, for the bar alone: a refusal is no reason to stop."""
    from connector.crm import KINDS  # noqa: PLC0415 - --help does without

    try:
        return session.crm.count(phase) if phase in KINDS else None
    except CrmError:
        return None


def _told(report: Report, output: Output) -> int:
    if output == "json":
        show.json(as_json(report))
    else:
        show.report(report)
    return EXIT[report.status]


def as_json(report: Report, **more: object) -> dict[str, object]:
    """The object of a run that ended by itself: with the keys that one which failed has, too."""
    return {**report.to_json(), "error": None, "problems": [], **more}


def _told_plan(
    session: Session,
    report: Report,
    output: Output,
    most: int,
    batch: int,
    *,
    file: Path | None = None,
    with_texts: bool = False,
) -> int:
    """The changes of a run that wrote nothing; what the guard would park is told, and no failure. They are as many as
    there are people, so they are gone through and never held."""
    gist = planned.gist(session.ledger.work.every(report.run), most)
    calls = gist.calls_to_write(batch)
    if output == "json":
        kept = str(file) if file is not None else None
        changes = (planned.as_json(one, with_texts=with_texts) for one in session.ledger.work.every(report.run))
        show.json_with(as_json(report, calls_to_write=calls, file=kept), "changes", changes)
    else:
        planned.plan(report, gist, calls, session.fields.in_words)
        if file is not None:
            show.say(f"kept in {file}; write exactly this: connector apply {file}", "✓")
    return EXIT["deferred"] if report.status == "deferred" else EXIT["partial"] if report.counts["rejected"] else 0
