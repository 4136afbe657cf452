"""The verbs that only look, or only touch the ledger: status, runs, explain, rejects, holds. None makes a call."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from connector.cli import show
from connector.cli.app import (
    CONFIG,
    AsOfOption,
    ConfigOption,
    ConnectionOption,
    OutputOption,
    app,
    instant,
)
from connector.cli.opening import choose, ledger_of, now, offline_session
from connector.errors import UsageError
from connector.fields import STRICT
from connector.ledger import Ledger
from connector.ledger.work import PlannedChange
from connector.model import Decision, Track
from connector.sync import Order, Report, Session
from connector.sync.look import Look, Looked

LimitOption = Annotated[int, typer.Option("--limit", min=1, help="How many to show.")]


@app.command()
def status(config: ConfigOption = CONFIG, connection: ConnectionOption = None, output: OutputOption = "text") -> None:
    """Where things stand: last run, how far reading got, what waits, what was set aside."""
    chosen = choose(config, connection)
    with ledger_of(chosen) as ledger:
        found = _status(ledger, chosen.connection.mode)
    if output == "json":
        show.json(found)
        return
    last = found["last_run"]
    show.out.print(
        f"[bold]{found['connection']}[/], account {found['account'] or 'not seen yet'}, mode {found['mode']}"
    )
    if last is None:
        show.out.print("  no run yet; start with: connector check, then: connector plan")
    else:
        show.out.print(f"  last run {last['run']} ({last['verb']}) {last['status']}, started {last['started_at']}")
    show.out.print(f"  complete up to {found['complete_until'] or 'nothing yet'}")
    for name in ("people", "waiting", "rejects", "holds", "open_clears"):
        show.out.print(f"  {name.replace('_', ' ')}: {found[name]:,}")
    for parked in (last or {}).get("parked", []):
        show.out.print(f"  [yellow]parked[/] {parked['people']} people: {parked['why']}")
    if found["held_by"]:
        show.out.print(f"  being worked on by {found['held_by']}")


def _status(ledger: Ledger, mode: str) -> dict[str, Any]:
    known = ledger.runs.connection()
    recent = ledger.runs.recent(1)
    last = recent[0] if recent else None
    complete = ledger.runs.complete_until()
    busy = known.lease_until is not None and known.lease_until > now()
    return {
        "connection": ledger.connection,
        "account": known.account or (known.described or {}).get("account"),
        "mode": mode,
        "confirmed": known.confirmed_at is not None,
        "last_run": None
        if last is None
        else {
            "run": last.number,
            "verb": last.verb,
            "status": last.status,
            "started_at": f"{last.started_at:%Y-%m-%dT%H:%M:%SZ}",
            "parked": last.report.get("parked", []),
            "counts": last.report.get("counts", {}),
        },
        "complete_until": f"{complete:%Y-%m-%dT%H:%M:%SZ}" if complete else None,
        "people": ledger.mirror.count("contact"),
        "waiting": ledger.mirror.waiting(),
        "rejects": len(ledger.work.rejects()),
        "holds": len(ledger.work.holds()),
        "open_clears": len(ledger.work.open_clears()),
        "held_by": known.lease_owner if busy else None,
    }


@app.command()
def runs(
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
    limit: LimitOption = 20,
) -> None:
    """The latest runs, newest first."""
    chosen = choose(config, connection)
    with ledger_of(chosen) as ledger:
        found = ledger.runs.recent(limit)
    if output == "json":
        show.json(
            {"runs": [{"run": one.number, "verb": one.verb, "status": one.status, **one.report} for one in found]}
        )
        return
    columns = ("run", "verb", "mode", "status", "started", "seconds", "looked at", "written", "parked", "tasks")
    rows = []
    for one in found:
        counts = one.report.get("counts", {})
        numbers = [
            counts.get("looked_at"),
            counts.get("written"),
            counts.get("parked"),
            one.report.get("tasks_created"),
        ]
        rows.append([one.number, one.verb, one.mode, one.status, one.started_at, one.report.get("seconds"), *numbers])
    show.table(columns, rows)


@app.command()
def rejects(
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
    retry: Annotated[bool, typer.Option("--retry", help="Look at all of them again in the next run.")] = False,
) -> None:
    """Records set aside, with code and reason; they come back when the record or the agreement changes."""
    chosen = choose(config, connection)
    with ledger_of(chosen) as ledger:
        found = ledger.work.rejects()
        if retry:
            contacts = [one.id for one in found if one.kind == "contact"]
            with ledger.transaction():
                ledger.mirror.mark_dirty(contacts)
                ledger.work.release("contact", contacts)
    if output == "json":
        rows = [{"kind": one.kind, "id": one.id, "code": one.code, "message": one.message} for one in found]
        show.json({"rejects": rows, "released": retry})
    elif not found:
        show.out.print("Nothing was set aside.")
    else:
        columns = ("kind", "id", "code", "attempts", "since run", "reason")
        show.table(columns, [[one.kind, one.id, one.code, one.attempts, one.run, one.message] for one in found])
        if retry:
            show.out.print("They are looked at again in the next run.")


@app.command()
def holds(
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
    release: Annotated[str | None, typer.Option("--release", help="Let go of the holds of this record id.")] = None,
) -> None:
    """Values somebody else set, which are left alone until their time."""
    chosen = choose(config, connection)
    with ledger_of(chosen) as ledger:
        found = ledger.work.holds()
        if release is not None:
            _release(ledger, release, [one.property for one in found if one.person_id == release])
    if output == "json":
        rows = [
            {"id": one.person_id, "property": one.property, "since": one.since, "until": one.until} for one in found
        ]
        show.json({"holds": rows})
    elif not found:
        show.out.print("Nothing is held.")
    else:
        columns = ("contact", "property", "since", "until", "then")
        ends = [one.until or "for good" for one in found]
        rows_shown = [
            [one.person_id, one.property, one.since, end, "the agreement's value is written"]
            for one, end in zip(found, ends, strict=True)
        ]
        show.table(columns, rows_shown)


def _release(ledger: Ledger, id: str, names: list[str]) -> None:
    """The value that stands there now becomes the base, so that the agreement may overwrite it."""
    if not names:
        raise UsageError(f"Contact {id} has nothing on hold. See: connector holds")
    with ledger.transaction():
        ledger.people.forget_base(id, names)
        ledger.work.drop_holds([(id, name) for name in names])
        ledger.mirror.mark_dirty([id])


# -- explain ---------------------------------------------------------------------------------------------------------


@app.command()
def explain(
    id: Annotated[str, typer.Argument(help="The CRM's record id of a contact.")],
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
    as_of: AsOfOption = None,
) -> None:
    """Why this score, stage and status; why not the next one; what was written when and by which run."""
    chosen = choose(config, connection)
    with ledger_of(chosen) as ledger:
        session = offline_session(chosen, ledger)
        looked = _look(session, id, instant(as_of, "--as-of") or now())
        history = ledger.people.transitions(id)
        changes = ledger.work.changes_of(id)
        tasks = ledger.work.tasks_of(id)
        held = ledger.work.holds([id])
    if output == "json":
        show.json(_explained(session, looked, history, changes, tasks, held))
        return
    _person(looked)
    _score(looked.decision)
    _stage(session, looked)
    if history:
        show.out.print("\n[bold]How it came to this[/]")
        show.table(
            ("when", "run", "what", "from", "to", "because"),
            [
                [one.at, one.run, one.move.what, one.move.before, one.move.after, one.move.because or one.move.cause]
                for one in history
            ],
        )
    _written(changes)
    for task in tasks:
        show.out.print(
            f"  task {task.task_id or '(not confirmed)'} for cycle {task.cycle}, run {task.run}: {task.state}"
        )
    for one in held:
        end = f"until {one.until:%Y-%m-%d %H:%M}" if one.until else "for good"
        show.out.print(f"  [yellow]held[/] {one.property}: somebody else set it; left alone {end}")


def _look(session: Session, id: str, as_of: datetime) -> Looked:
    """One person as the ledger knows them. Raises UsageError for an unknown id."""
    order = Order("explain", as_of, only=(id,), write=False)
    report = Report(0, session.ledger.connection, session.mode, as_of, as_of, session.agreement.fingerprint)
    recent = session.ledger.runs.recent(1)
    report.run = recent[0].number if recent else 0
    found = Look(session, order, report).at([id])
    if not found:
        raise UsageError(f"Contact {id} is not known, or gone. Known are {session.ledger.mirror.count('contact'):,}.")
    return found[0]


def _person(looked: Looked) -> None:
    track = looked.decision.tracks[0]
    show.out.print(f"[bold]contact {looked.person.id}[/]")
    show.out.print(
        f"  in the CRM: stage {looked.person.stage or '(blank)'}, status {looked.person.status or '(blank)'};"
        f" by the agreement: stage {track.stage or '(blank)'}, status {track.status or '(blank)'}, grade"
        f" {looked.decision.score.grade}"
    )


def _score(decision: Decision) -> None:
    """Every line that spoke; the lines of a side add up to its score."""
    for side, total in (("fit", decision.score.fit), ("engagement", decision.score.engagement)):
        lines = [line for line in decision.score.lines if line.rule.startswith(f"{side}.")]
        show.out.print(f"\n[bold]{side} {total:.2f}[/]")
        rows = [[f"{line.points:+.2f}", line.rule.removeprefix(f"{side}."), line.because] for line in lines]
        show.table(("points", "rule", "because"), [*rows, [f"{total:.2f}", "total", ""]])


def _stage(session: Session, looked: Looked) -> None:
    decision = looked.decision
    track: Track = decision.tracks[0]
    show.out.print(f"\n[bold]Why {track.stage or 'no stage'}[/]\n  {decision.reason or track.cause or 'as it stood'}")
    if decision.blocked:
        show.out.print("[bold]Why not the next one[/]")
        for text in decision.blocked:
            show.out.print(f"  {text}")
    for text in decision.also:
        show.out.print(f"  would also have matched: {text}")
    show.warnings(decision.warnings)
    change = looked.difference.change
    if change is not None:
        show.out.print(f"[bold]What the next run would write[/] ({session.mode})")
        for one in change.sets:
            label = " (counts toward the change budget)" if one.field in STRICT else ""
            show.out.print(f"  {one.property}: {show.shown(one.before)} → {show.shown(one.after)}{label}")
    if decision.route_next_at is not None:
        show.out.print(f"  changes by itself at {decision.route_next_at:%Y-%m-%d %H:%M} UTC, if nothing happens before")


def _written(changes: list[PlannedChange]) -> None:
    done = [one for one in changes if one.state not in ("planned", "superseded")]
    if not done:
        return
    show.out.print("\n[bold]What was written when[/]")
    for one in done:
        when = f"{one.at:%Y-%m-%d %H:%M:%S}" if one.at else ""
        sets = ", ".join(f"{name} = {show.shown(after)}" for _field, name, _before, after in one.body["sets"])
        reason = f" ({one.message})" if one.message else ""
        show.out.print(f"  {when} run {one.run} {one.state}{reason}: {sets}")


def _explained(
    session: Session,
    looked: Looked,
    history: list[Any],
    changes: list[PlannedChange],
    tasks: list[Any],
    held: list[Any],
) -> dict[str, Any]:
    decision, track = looked.decision, looked.decision.tracks[0]
    change = looked.difference.change
    return {
        "id": looked.person.id,
        "mode": session.mode,
        "fingerprint": session.agreement.fingerprint,
        "stage": track.stage,
        "status": track.status,
        "crm": {"stage": looked.person.stage, "status": looked.person.status},
        "fit": decision.score.fit,
        "engagement": decision.score.engagement,
        "grade": decision.score.grade,
        "lines": [{"rule": one.rule, "points": one.points, "because": one.because} for one in decision.score.lines],
        "reason": decision.reason,
        "blocked": list(decision.blocked),
        "also": list(decision.also),
        "warnings": list(decision.warnings),
        "would_write": {one.property: one.after for one in change.sets} if change else {},
        "route_next_at": decision.route_next_at,
        "history": [
            {
                "at": one.at,
                "run": one.run,
                "what": one.move.what,
                "from": one.move.before,
                "to": one.move.after,
                "cause": one.move.cause,
                "because": one.move.because,
            }
            for one in history
        ],
        "changes": [
            {
                "run": one.run,
                "at": one.at,
                "state": one.state,
                "sets": {name: after for _field, name, _before, after in one.body["sets"]},
            }
            for one in changes
        ],
        "tasks": [{"cycle": one.cycle, "run": one.run, "state": one.state, "task": one.task_id} for one in tasks],
        "holds": [{"property": one.property, "since": one.since, "until": one.until} for one in held],
    }
