"""The verbs that run the loop: plan, apply, sync, backfill."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from connector.cli import show
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
from connector.cli.opening import Chosen, choose, now, session_for
from connector.errors import ConfigError, Denied, GuardRefused, Problem, UsageError
from connector.sync import Order, Report, Session, run
from connector.sync.loop import must_read_everything

EXIT = {"done": 0, "partial": 3, "refused": 5, "deferred": 75, "failed": 1}

#: The layout of a plan file; another number is refused.
PLAN_VERSION = 1


@app.command()
def sync(
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
    yes: YesOption = False,
    as_of: AsOfOption = None,
) -> int:
    """Bring the CRM in line: read what changed, decide, write only what differs."""
    chosen = choose(config, connection)
    with show.progress() as told, session_for(chosen, told) as session:
        everything = must_read_everything(session)
        _confirm_first(session, yes=yes)
        moment = instant(as_of, "--as-of")
        order = Order("sync", moment or now(), everything=everything, resume=moment is None)
        return _finish(run(session, order), output)


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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and decide, write nothing.")] = False,
    canary: Annotated[int | None, typer.Option(min=1, help="Write to this many people first.")] = None,
) -> int:
    """Read and decide everybody, or a slice; an interrupted one goes on where it stopped."""
    chosen = choose(config, connection)
    with show.progress() as told, session_for(chosen, told) as session:
        if not dry_run:
            _confirm_first(session, yes=yes)
        moment = instant(as_of, "--as-of")
        only = _ids(ids)
        order = Order(
            "plan" if dry_run else "backfill",
            moment or now(),
            everything=only is None,
            only=only,
            within=_slice(chosen, instant(since, "--since"), instant(until, "--until"), stage),
            write=not dry_run,
            tasks=tasks,
            canary=canary,
            resume=moment is None,
        )
        return _finish(run(session, order), output)


@app.command()
def plan(
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
    as_of: AsOfOption = None,
    file: Annotated[Path | None, typer.Option("-o", "--out", help="Keep the plan for `connector apply`.")] = None,
    ids: Annotated[str | None, typer.Option(help="Only these record ids, separated by commas.")] = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 2 when there are changes.")] = False,
) -> int:
    """Show what would be written, with the reason for each change. Writes nothing."""
    chosen = choose(config, connection)
    with show.progress() as told, session_for(chosen, told) as session:
        moment = instant(as_of, "--as-of")
        only = _ids(ids)
        everything = must_read_everything(session) and only is None
        order = Order("plan", moment or now(), everything=everything, only=only, write=False, resume=moment is None)
        report = run(session, order)
        changes = list(session.ledger.work.every(report.run))
        if file is not None:
            _write_plan(file, session, report, {one.person_id: one.body for one in changes})
        if output == "json":
            show.json({**report.to_json(), "changes": [one.body for one in changes], "file": str(file or "")})
        else:
            show.plan(report, changes)
    return 2 if exit_code and changes else 0


@app.command()
def apply(
    file: Annotated[Path | None, typer.Argument(help="A plan made by `connector plan -o FILE`.")] = None,
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
    yes: YesOption = False,
    run_number: Annotated[int | None, typer.Option("--run", help="Release what this run parked.")] = None,
) -> int:
    """Write exactly what was reviewed: a plan file, or what the guard parked in a run."""
    if (file is None) == (run_number is None):
        raise UsageError("Name a plan file, or a run whose parked changes are to be released: apply --run 12.")
    chosen = choose(config, connection)
    expected = _read_plan(file) if file is not None else None
    with show.progress() as told, session_for(chosen, told) as session:
        if session.mode == "observe":
            raise UsageError('This connection only observes. Set go_live and mode = "live" to write.')
        order = _reviewed(session, expected) if expected is not None else _released(session, run_number or 0)
        show.ask(f"Write to {len(order.only or ())} people of account {session.account}?", yes=yes)
        session.ledger.runs.confirm(session.account, now())
        return _finish(run(session, order), output)


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


def _reviewed(session: Session, expected: Mapping[str, Any]) -> Order:
    for name, mine in (
        ("connection", session.ledger.connection),
        ("account", session.account),
        ("fingerprint", session.agreement.fingerprint),
    ):
        if expected[name] != mine:
            raise GuardRefused(
                f"The plan was made for another {name} ({expected[name]}, now {mine}). Nothing was written."
                " Make and review a new plan: connector plan -o FILE"
            )
    moment = datetime.fromisoformat(expected["as_of"])
    return Order("apply", moment, only=tuple(expected["changes"]), expected=expected["changes"])


def _released(session: Session, number: int) -> Order:
    found = session.ledger.runs.find(number)
    parked = tuple(one.person_id for one in session.ledger.work.every(number, "parked")) if found else ()
    if found is None or not parked:
        what = "is not known" if found is None else "parked nothing"
        raise UsageError(f"Run {number} {what}. See: connector runs")
    return Order("apply", now(), only=parked, release=True)


# -- plan files -------------------------------------------------------------------------------------------------


def _write_plan(file: Path, session: Session, report: Report, changes: Mapping[str, Any]) -> None:
    """A plan holds personal data: only its owner may read it."""
    content = {
        "plan": PLAN_VERSION,
        "connection": session.ledger.connection,
        "account": session.account,
        "fingerprint": session.agreement.fingerprint,
        "as_of": report.as_of.isoformat(),
        "run": report.run,
        "changes": changes,
    }
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(orjson.dumps(content, option=orjson.OPT_INDENT_2))
        file.chmod(0o600)
    except OSError as error:
        raise ConfigError([Problem(str(file), f"the plan cannot be written: {error.strerror}.")]) from error


def _read_plan(file: Path) -> Mapping[str, Any]:
    try:
        content = orjson.loads(file.read_bytes())
    except OSError as error:
        raise ConfigError([Problem(str(file), f"cannot be read: {error.strerror}.")]) from error
    except ValueError:
        content = None
    if not isinstance(content, dict) or content.get("plan") != PLAN_VERSION:
        raise ConfigError([Problem(str(file), "is no plan of this version.", "Make one: connector plan -o FILE")])
    return content


# -- asking and telling -------------------------------------------------------------------------------------------


def _confirm_first(session: Session, *, yes: bool) -> None:
    """The first run that may write asks; later ones do not, the guard protects them."""
    known = session.ledger.runs.connection()
    if known.account is not None and known.account != session.account:
        raise Denied(
            f"This state belongs to account {known.account}, and the token opens account {session.account}."
            " Nothing was read or written. Correct the token, or point [state] url at another database.",
            code="wrong_account",
        )
    if session.mode == "observe" or known.confirmed_at is not None:
        return
    show.ask(
        f'First run against account {session.account} in mode "{session.mode}": read everybody and write?', yes=yes
    )
    session.ledger.runs.confirm(session.account, now())


def _finish(report: Report, output: Output) -> int:
    if output == "json":
        show.json(report.to_json())
    else:
        show.report(report)
    return EXIT[report.status]
