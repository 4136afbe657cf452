"""The verb that looks at an account before anything is done in it: check."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from connector.cli import several, show
from connector.cli import signatures as under
from connector.cli.app import CONFIG, ConfigOption, ConnectionOption, OutputOption, app
from connector.cli.opening import Chosen, Opened, choose, now, opened, opened_by
from connector.cli.sessions import signatures_of
from connector.cli.settling import owner_problems, queue_problem
from connector.crms import CRMS
from connector.errors import ConfigError, Problem

if TYPE_CHECKING:
    from connector.survey import Automations, Delivered, FirstRead
    from connector.sync import Signatures


@app.command()
def check(config: ConfigOption = CONFIG, connection: ConnectionOption = None, output: OutputOption = "text") -> int:
    """Prove that configuration, agreement and accounts fit.

    Of every connection, or of the one named.
    """
    aloud = output == "text"
    told = several.each(
        several.names_of(config, connection), lambda name: _checked(choose(config, name), aloud=aloud), aloud=aloud
    )
    if aloud:
        several.tell_signals(told)
    else:
        show.json(several.as_json(told))
    return max(one.code for one in told)


def _checked(chosen: Chosen, *, aloud: bool) -> several.Told:
    with opened(chosen) as door:
        found = _examined(door)
    signatures = signatures_of(chosen)
    if aloud:
        _tell(door, found, signatures)
    told = {**_as_json(door, found), "signatures": under.as_json(signatures, now())}
    code = ConfigError.exit_code if found.problems else 0
    return several.Told(chosen.connection.name, code, told, found.delivered, tuple(chosen.agreement.signals))


@dataclass(frozen=True, slots=True)
class Examined:
    """Everything `check` found out."""

    problems: list[Problem]
    remarks: list[Problem]
    cost: FirstRead
    delivered: Delivered
    automations: Automations


def _examined(door: Opened) -> Examined:
    from connector import survey  # noqa: PLC0415 - --help does without
    from connector.check import reachable, unmapped_options  # noqa: PLC0415 - the same

    crm, account, agreement = door.crm, door.account, door.chosen.agreement
    if any(one.stops == "reading" for one in account.findings):
        return _blind(door)
    delivered = survey.delivered(crm, agreement, account, now())
    in_use = survey.unmapped_in_use(crm, unmapped_options(agreement, account))
    problems = [*door.findings.problems, *in_use, *reachable(agreement, delivered.names)]
    problems += _settings(door)
    counts, shut = survey.counted(crm, tuple(account.properties))
    mine = door.chosen.connection
    key = f"connections.{mine.name}.{opened_by(mine)[0]}"
    problems += [Problem(key, f"{kind}: {why}") for kind, why in shut.items()]
    automations = survey.automations(crm, agreement)
    unseen = [Problem(one.where, f"signal {one.signal} cannot be seen: {one.why}") for one in delivered.unseen]
    unseen += survey.unfilled(crm, agreement, account)
    remarks = [*door.findings.remarks, *_rarely(door), *unseen, *survey.contested(automations)]
    remarks += survey.differing_clocks(crm, now())
    pace = CRMS[mine.crm].costs.calls_a_second
    cost = survey.first_read(crm, account, counts, mine.read.page, pace)
    return Examined(problems, remarks, cost, delivered, automations)


def _blind(door: Opened) -> Examined:
    """What is known of an account of which something cannot be read: counts and people's values would be wrong."""
    from connector import survey  # noqa: PLC0415 - --help does without

    remarks, unknown = [*door.findings.remarks, *_rarely(door)], "Not everything can be read yet."
    remarks += survey.differing_clocks(door.crm, now())
    cost, delivered = survey.FirstRead({}, 0, 0, 0.0), survey.Delivered(frozenset())
    return Examined(list(door.findings.problems), remarks, cost, delivered, survey.Automations(unknown=unknown))


def _settings(door: Opened) -> list[Problem]:
    """What the configuration says of this account: the queue, owners of tasks, the go-live instant, teams and lists."""
    mine, account = door.chosen.connection, door.account
    queue = queue_problem(mine, account)
    problems = [] if queue is None else [queue]
    for setting in ("never_to", "time_zones"):
        problems += owner_problems(mine, account, setting)
    return [*problems, *door.go_live_problems(), *door.scope_problems()]


def _rarely(door: Opened) -> list[Problem]:
    """A schedule that comes back after the CRM has forgotten what changed."""
    from connector.daemon.schedule import Schedule  # noqa: PLC0415 - --help does without

    mine, kept = door.chosen.connection, door.account.changes_kept
    schedule = Schedule(mine.every, mine.cron, door.chosen.agreement.zone)
    first = schedule.after(now())
    second = schedule.after(first) if first else None
    if kept is None or first is None or second is None or second - first < kept:
        return []
    where = f"connections.{mine.name}.{'cron' if mine.every is None else 'every'}"
    what = f"leaves {(second - first).days} days between two runs, and what changed is kept for {kept.days}:"
    return [Problem(where, f"{what} every run would read everything.", f"Run it at least every {kept.days - 1} days.")]


def _as_json(door: Opened, found: Examined) -> dict[str, Any]:
    return {
        "connection": door.chosen.connection.name,
        "account": door.account.account,
        "told": list(door.account.told),
        "status": "failed" if found.problems else "done",
        "problems": [str(one) for one in found.problems],
        "remarks": [str(one) for one in found.remarks],
        "first_read": asdict(found.cost),
        "signals": sorted(found.delivered.names),
        "unseen": {one.signal: one.why for one in found.delivered.unseen},
        "bulk": _in_bulk(door),
        "automations": {
            "known": not found.automations.unknown,
            "unknown": found.automations.unknown or None,
            "found": [
                {"id": one.id, "name": one.name, "property": one.property, "enabled": one.enabled}
                for one in found.automations.found
            ],
        },
    }


def _tell(door: Opened, found: Examined, signatures: Signatures) -> None:
    agreement = door.chosen.agreement
    called = f" ({door.account.name})" if door.account.name else ""
    show.say(f"token accepted; account {door.account.account}{called}, time zone {door.account.zone}", "✓")
    for line in door.account.told:
        show.say(line, "✓")
    show.say(
        f"agreement {agreement.version} ({agreement.fingerprint[:12]}); {len(found.delivered.names)} of"
        f" {len(agreement.signals)} signals can be seen in this account",
        "✓",
    )
    if found.cost.records:
        show.say(_cost(found.cost), "✓")
    _tell_bulk(_in_bulk(door))
    _tell_automations(found.automations)
    under.tell(signatures, now())
    show.problems(_briefly(found.remarks), "note")
    show.problems(found.problems, "✗")
    if found.problems:
        count = len(found.problems)
        show.say(f"{count} problem{'s' if count != 1 else ''}; nothing was written.")
    else:
        show.say(
            "everything fits; see where you stand: connector report baseline; what would change: connector plan", "✓"
        )


def _in_bulk(door: Opened) -> dict[str, list[str]] | None:
    """Which of the written columns a backfill writes in bulk, and which are never written so; None without the
    setting."""
    from connector.fields.owning import never_alone, ours_alone  # noqa: PLC0415 - --help does without

    begins, agreement = door.chosen.connection.write.bulk, door.chosen.agreement
    if begins is None:
        return None
    columns = sorted(name for name in ours_alone(agreement) if name.startswith(begins))
    return {"columns": columns, "never": sorted(never_alone(agreement))}


def _tell_bulk(told: dict[str, list[str]] | None) -> None:
    """What goes out without a look at what others do meanwhile, column by column."""
    if told is not None:
        columns, never = (", ".join(told[key]) or "none" for key in ("columns", "never"))
        show.say(
            f"a backfill writes these in bulk, without asking who edited the record meanwhile: {columns}; and these"
            f" never, nor what is set together with them, because people set them as well: {never}",
            "✓",
        )


def _tell_automations(automations: Automations) -> None:
    """Who else sets what we write, by the account's own word."""
    if automations.unknown:
        show.say(f"the account's own automations on properties we write are unknown. {automations.unknown}", "note")
    elif not automations.found:
        show.say("no automation of the account sets a property we write", "✓")
    else:
        show.title("automations that set a property we write")
        rows = [
            (one.property, "on" if one.enabled else "off", "" if one.sets else "runs when it changes", one.id, one.name)
            for one in automations.found
        ]
        if all(one.sets for one in automations.found):
            show.table(("property", "", "id", "name"), [(*row[:2], *row[3:]) for row in rows])
        else:
            show.table(("property", "", "", "id", "name"), rows)
        show.out.print()


def _briefly(remarks: list[Problem]) -> list[Problem]:
    """What `setup` will create is one remark, not thirty; which ones, `setup` shows before it asks."""
    from connector.check import SETUP  # noqa: PLC0415 - --help does without

    lacking = [one for one in remarks if one.fix == SETUP]
    if len(lacking) < 2:
        return remarks
    first = lacking[0].where.partition(":")[0]
    what = f"{len(lacking)} properties or options of ours are not there yet, such as {lacking[0].what.rstrip('.')}."
    return [Problem(first, what, SETUP), *(one for one in remarks if one.fix != SETUP)]


def _cost(cost: FirstRead) -> str:
    share = f", {_share(cost.share_of_day)} of the day's quota" if cost.share_of_day is not None else ""
    back = f"; it goes back to {cost.reaches_back_to:%Y-%m-%d}" if cost.reaches_back_to else ""
    return f"the first read: {cost.records:,} records, about {cost.calls:,} calls, {_time(cost.minutes)}{share}{back}"


def _time(minutes: float) -> str:
    """Minutes up to an hour and a half, then hours."""
    if minutes < 1:
        return "under a minute"
    return f"about {minutes:,.0f} minutes" if minutes <= 90 else f"about {minutes / 60:,.1f} hours"


def _share(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else "under 0.1%"
