"""The verbs that only look at the ledger: status, runs. None makes a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from connector.cli import budgeting, pausing, planning, several, show
from connector.cli import signatures as under
from connector.cli.app import CONFIG, ConfigOption, ConnectionOption, OutputOption, app
from connector.cli.opening import ledger_alone, now
from connector.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from connector.ledger import Ledger
    from connector.ledger.aside import SetAside, Waiting
    from connector.ledger.runs import RunRow

LimitOption = Annotated[int, typer.Option("--limit", min=1, help="How many to show.")]


@app.command()
def status(
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
    waiting: Annotated[bool, typer.Option("--waiting", help="Who waits, one by one, the most urgent first.")] = False,
    limit: LimitOption = 20,
) -> int:
    """Where things stand: last run, how far reading got, what waits.

    Of every connection, or of the one named.
    """
    aloud = output == "text"
    names = several.names_of(config, connection)
    told = several.each(names, lambda name: _stands(config, name, limit if waiting else 0, aloud=aloud), aloud=aloud)
    if not aloud:
        show.json(several.as_json(told))
    return max(one.code for one in told)


def _stands(config: Path, connection: str, waiting: int, *, aloud: bool) -> several.Told:
    """One connection; `waiting`: so many of those who wait, one by one."""
    with ledger_alone(config, connection) as (ledger, chosen):
        found = _status(ledger, chosen.mode)
        budget, forecast = budgeting.found(ledger, chosen, now())
        signatures = under.of_connection(config, connection)
        queue = [_waiter(one) for one in ledger.aside.every(limit=waiting)] if waiting else []
    found["signatures"] = signatures if isinstance(signatures, str) else under.as_json(signatures, now())
    if not aloud:
        found |= {"budget": budget, "forecast": budgeting.forecast_as_json(forecast)}
        return several.Told(connection, 0, {**found, "queue": queue} if waiting else found)
    found["calls"] = budgeting.rows(budget, forecast)
    _tell_status(found, signatures if isinstance(signatures, str) else under.one_line(signatures, now()))
    if queue:
        show.table(tuple(queue[0]), [tuple(one.values()) for one in queue])
    return several.Told(connection, 0, found)


def _waiter(one: SetAside) -> dict[str, object]:
    """One person who waits, with the clock."""
    return {
        "contact": one.person_id,
        "owner": one.owner_id,
        "waits for": one.cause,
        "since": one.since,
        "until": one.until,
        "tasks": one.tasks,
        "run": str(one.run),
    }


def _tell_status(found: dict[str, Any], signatures: str) -> None:
    account = f"account {found['account']}" if found["account"] else "no account seen yet"
    show.out.print(f"[bold]{found['connection']}[/], {account}, mode {found['mode']}")
    last = found["last_run"]
    planned = [("signatures", signatures), *planning.rows(found["schedule"], now())]
    if found["paused"]:
        planned.insert(0, ("writing", pausing.told(found["paused"])))
    if last is None:
        show.say("no run yet; start with: connector check, then: connector plan", indent=2)
        show.table(("", ""), planned if found["schedule"] or found["paused"] else planned[:1])
        return
    counts = last["counts"]
    said = f", {counts['looked_at']:,} looked at, {counts['written']:,} written" if counts else ""
    rows = [
        ("last run", f"{last['run']} ({last['verb']}), {last['started_at']}: {last['status']}{said}"),
        ("picture", found["completeness"]),
        ("people known", f"{found['people']:,}"),
        ("waiting for the next run", f"{found['waiting']:,}"),
        ("set aside", _rejects(found["rejects_by_code"])),
        ("values held", f"{found['holds']:,}" + (" (connector holds)" if found["holds"] else "")),
    ]
    if last["code"]:
        rows.insert(1, ("because", f"{last['code']}: {last['message']}"))
    rows[1:1] = [("not seen", one) for one in last["unseen"]]
    if found["set_aside"]:
        people = sum(one["people"] for one in found["set_aside"])
        rows.append(("waiting for a review, a place or an hour", f"{people:,} (connector status --waiting)"))
    if found["stage_moves"]:
        rows.append(("the CRM's stage moves", found["stage_moves"]))
    if found["open_clears"]:
        rows.append(("stages standing cleared", f"{found['open_clears']:,}; the next run sets them first"))
    if found["held_by"]:
        rows.append(("being worked on by", found["held_by"]))
    rows += found["calls"] + planned
    show.table(("", ""), rows)
    for one in found["alerts"]:
        since = f"since {one['since'][:16].replace('T', ' ')} UTC"
        if not one["review"]:
            show.say(f"alert {since}: {one['message']}", "✗", indent=2)
            continue
        wait = counted(one["people"], "person waits", "people wait")
        show.say(f"alert {since}: {wait} for a review: {one['message']}", "✗", indent=2)
        show.say(f"look: connector plan; release: connector apply --run {one['run']} --yes", indent=4)
    for group in found["set_aside"]:
        if not group["review"]:
            since = f"since {group['since'][:16].replace('T', ' ')} UTC"
            wait = counted(group["people"], "person waits", "people wait")
            show.say(f"{wait} for: {group['cause']}, {since}", "…", indent=2)


def _rejects(by_code: Mapping[str, int]) -> str:
    """How many records are set aside, and for what."""
    told = ", ".join(f"{number:,} {code}" for code, number in by_code.items())
    return f"{sum(by_code.values()):,}" + (f": {told} (connector rejects)" if told else "")


def _status(ledger: Ledger, mode: str) -> dict[str, Any]:
    from connector.ledger.completeness import completeness  # noqa: PLC0415 - --help does without

    known = ledger.runs.connection()
    rejects = ledger.rejects.by_code()
    recent = ledger.runs.recent(1)
    last = recent[0] if recent else None
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
            "code": last.report.get("code", ""),
            "message": last.report.get("message", ""),
            "unseen": last.report.get("unseen", []),
        },
        **completeness(ledger.cursors).to_json(now()),
        "people": ledger.mirror.count("contact"),
        "waiting": ledger.mirror.waiting(),
        "rejects": sum(rejects.values()),
        "rejects_by_code": rejects,
        "holds": ledger.holds.count(),
        "open_clears": len(ledger.work.open_clears()),
        "stage_moves": ledger.cursors.of("stage moves"),
        "set_aside": [_group(one) for one in ledger.aside.by_cause()],
        "alerts": _alerts(ledger),
        "held_by": known.lease_owner if busy else None,
        "paused": pausing.as_json(ledger.runs.paused(now())),
        "schedule": planning.as_json(known.schedule, now()),
    }


def _alerts(ledger: Ledger) -> list[dict[str, Any]]:
    """What somebody must look at; the run to release is the latest that set somebody aside for it."""
    from connector.ledger.aside import FOR_REVIEW  # noqa: PLC0415 - --help does without

    latest = {f"{one.code}:{one.cause}": one.run for one in ledger.aside.by_cause()}
    return [
        {
            "message": one.message,
            "people": one.people,
            "since": _iso(one.opened_at),
            "run": latest.get(one.key, one.run),
            "review": one.key.partition(":")[0] in FOR_REVIEW,
        }
        for one in ledger.aside.open_alerts()
    ]


def _group(one: Waiting) -> dict[str, Any]:
    from connector.ledger.aside import FOR_REVIEW  # noqa: PLC0415 - --help does without

    return {
        "cause": one.cause,
        "people": one.people,
        "tasks": one.tasks,
        "since": _iso(one.since),
        "review": one.code in FOR_REVIEW,
    }


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


@app.command()
def runs(
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
    limit: LimitOption = 20,
) -> None:
    """The latest runs, newest first."""
    with ledger_alone(config, connection) as (ledger, _):
        found = ledger.runs.recent(limit)
    if output == "json":
        show.json({"runs": [_run_as_json(one) for one in found]})
        return
    columns = ("run", "verb", "mode", "status", "started", "seconds", "looked at", "written", "parked", "tasks")
    rows = []
    for one in found:
        told = one.report
        counts = told.get("counts", {})
        numbers = [told.get("seconds"), *(counts.get(name) for name in ("looked_at", "written", "parked"))]
        started = f"{one.started_at:%m-%d %H:%M:%S}"
        rows.append([str(one.number), one.verb, one.mode, one.status, started, *numbers, told.get("tasks_created")])
    show.table(columns, rows)


def _run_as_json(one: RunRow) -> dict[str, Any]:
    """One that was killed left no report, and has the keys of one."""
    from connector.sync.session import no_report  # noqa: PLC0415 - --help does without

    whole = one.report.keys() >= {"counts"}
    return {**({} if whole else no_report()), **one.report, "run": one.number, "verb": one.verb, "status": one.status}
