"""The verbs about the account: check, discover, setup."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from connector.cli import show
from connector.cli.app import CONFIG, ConfigOption, ConnectionOption, OutputOption, YesOption, app
from connector.cli.opening import Opened, choose, now, opened, owner_problems, queue_problem
from connector.errors import ConfigError, CrmError, Denied, Problem

if TYPE_CHECKING:
    from connector.agreement.wiring import OwnProperty
    from connector.crm import PropertyDefinition

#: Properties per record of a plain list call, and calls that fit into ten seconds on most tiers.
PAGE, CALLS_PER_10_SECONDS = 100, 100


@app.command()
def check(config: ConfigOption = CONFIG, connection: ConnectionOption = None, output: OutputOption = "text") -> int:
    """Prove that configuration, agreement and account fit together."""
    from connector.check import reachable  # noqa: PLC0415 - --help does without

    chosen = choose(config, connection)
    with opened(chosen) as door:
        delivered, unseen = _signals(door)
        problems = [*door.findings.problems, *_options_in_use(door), *reachable(chosen.agreement, delivered)]
        if problem := queue_problem(chosen.connection, door.account):
            problems.append(problem)
        problems += door.go_live_problems()
        for setting in ("never_to", "time_zones"):
            problems += owner_problems(chosen.connection, door.account, setting)
        remarks = [*door.findings.remarks, *unseen]
        counts, shut = _count_everything(door)
        problems += shut
        cost = _first_read(door, counts)
        if output == "json":
            show.json(
                {
                    "connection": chosen.connection.name,
                    "account": door.account.account,
                    "status": "failed" if problems else "done",
                    "problems": [str(one) for one in problems],
                    "remarks": [str(one) for one in remarks],
                    "first_read": cost,
                    "signals": sorted(delivered),
                }
            )
        else:
            _tell(door, problems, remarks, cost, delivered)
    return ConfigError.exit_code if problems else 0


def _tell(
    door: Opened, problems: list[Problem], remarks: list[Problem], cost: dict[str, Any], delivered: set[str]
) -> None:
    agreement = door.chosen.agreement
    show.say(f"token accepted; account {door.account.account}, time zone {door.account.zone}", "✓")
    show.say(
        f"agreement {agreement.version} ({agreement.fingerprint[:12]}); {len(delivered)} of {len(agreement.signals)}"
        " signals can be seen in this account",
        "✓",
    )
    if cost["records"]:
        show.say(_cost(cost), "✓")
    show.problems(remarks, "note")
    show.problems(problems, "✗")
    if problems:
        show.say(f"{len(problems)} problem{'s' if len(problems) != 1 else ''}; nothing was written.")
    else:
        show.say("everything fits; see what would change: connector plan", "✓")


def _cost(cost: dict[str, Any]) -> str:
    share = f", {_share(cost['share_of_day'])} of the day's quota" if cost["share_of_day"] is not None else ""
    minutes = "under a minute" if cost["minutes"] < 1 else f"about {cost['minutes']:,.0f} minutes"
    return f"the first read: {cost['records']:,} records, about {cost['calls']:,} calls, {minutes}{share}"


def _share(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else "under 0.1%"


def _signals(door: Opened) -> tuple[set[str], list[Problem]]:
    """Which signals this account delivers, by asking for each; and which it does not, with the reason."""
    delivered: set[str] = set()
    unseen: list[Problem] = []
    known = door.account.properties.get("contact", {})
    asked: dict[str, str] = {}
    for one in door.chosen.agreement.wiring.signals:
        if one.how in ("list", "form") and one.source not in asked:
            asked[one.source] = _ask_source(door, one.source)
        reason = asked.get(one.source, "")
        if one.how in ("counter", "date") and one.key not in known:
            reason = f"contact has no property {one.key}."
        if reason:
            unseen.append(Problem(one.where, f"signal {one.signal} cannot be seen: {reason}"))
        else:
            delivered.add(one.signal)
    return delivered, unseen


def _ask_source(door: Opened, source: str) -> str:
    try:
        list(islice(door.crm.occurrences(source, None, now()), 1))
    except Denied as error:
        if error.code != "scope":
            raise
        return str(error)
    except CrmError as error:
        return str(error)
    return ""


def _options_in_use(door: Opened) -> list[Problem]:
    """Each option of stage and status that somebody has must be mapped or named under leave_alone (G11)."""
    from connector.check import unmapped_options  # noqa: PLC0415 - --help does without

    problems = []
    for spec, value in unmapped_options(door.chosen.agreement, door.account):
        people = door.crm.count("contact", spec.property, value)
        if people:
            problems.append(
                Problem(
                    spec.where,
                    f"{people:,} people have {spec.property} = {value!r}, which the mapping does not name.",
                    f'Map it under contact.values.{spec.field}, or list it: leave_alone.{spec.field} = ["{value}"].',
                )
            )
    return problems


def _count_everything(door: Opened) -> tuple[dict[str, int | None], list[Problem]]:
    """How many records of each kind there are; and which kinds this token may not read, all of them at once."""
    counts: dict[str, int | None] = {}
    problems: list[Problem] = []
    for kind in door.account.properties:
        try:
            counts[kind] = door.crm.count(kind)
        except Denied as error:
            if error.code != "scope":
                raise
            problems.append(Problem(f"connections.{door.chosen.connection.name}.token", f"{kind}: {error}"))
    return counts, problems


def _first_read(door: Opened, counts: dict[str, int | None]) -> dict[str, Any]:
    """What reading everything once costs."""
    records = sum(count or 0 for count in counts.values())
    calls = sum(-(-(count or 0) // PAGE) for count in counts.values())
    limit = door.account.daily_limit
    return {
        "records": records,
        "by_kind": counts,
        "calls": calls,
        "minutes": calls * 10 / CALLS_PER_10_SECONDS / 60,
        "share_of_day": calls / limit if limit else None,
    }


@app.command()
def discover(config: ConfigOption = CONFIG, connection: ConnectionOption = None, output: OutputOption = "text") -> None:
    """List what the account has, and what of it is mapped."""
    chosen = choose(config, connection)
    with opened(chosen) as door:
        mapped = {
            (kind, spec.property): spec.field
            for kind, specs in chosen.agreement.wiring.fields.items()
            for spec in specs.values()
        }
        if output == "json":
            show.json(_discovered(door, mapped))
            return
        for kind, known in door.account.properties.items():
            show.title(f"{kind}, {len(known)} properties")
            rows = [
                [mapped.get((kind, name), ""), name, one.type, _limits(one), ", ".join(list(one.options)[:8])]
                for name, one in sorted(known.items(), key=lambda item: ((kind, item[0]) not in mapped, item[0]))
            ]
            show.table(["our field", "property", "type", "", "options"], rows)
        show.title("deal stages")
        stages = chosen.agreement.wiring.deal_stages
        rows = [
            [stages.get((one.pipeline, one.id), ""), one.pipeline, one.id, one.label, one.state]
            for one in door.account.deal_stages
        ]
        show.table(["our deal stage", "pipeline", "id", "label", "state"], rows)
        show.title("owners")
        show.table(["id", "active"], [[one.id, "yes" if one.active else "no"] for one in door.account.owners])


def _limits(one: PropertyDefinition) -> str:
    return "calculated" if one.calculated else "read-only" if one.read_only else ""


def _discovered(door: Opened, mapped: dict[tuple[str, str], str]) -> dict[str, Any]:
    return {
        "account": door.account.account,
        "properties": {
            kind: [
                {
                    "property": name,
                    "type": one.type,
                    "field": mapped.get((kind, name)),
                    "read_only": one.read_only or one.calculated,
                    "options": list(one.options),
                }
                for name, one in known.items()
            ]
            for kind, known in door.account.properties.items()
        },
        "deal_stages": [
            {"pipeline": one.pipeline, "id": one.id, "label": one.label, "state": one.state}
            for one in door.account.deal_stages
        ],
        "owners": [{"id": one.id, "active": one.active} for one in door.account.owners],
    }


@app.command()
def setup(
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
    yes: YesOption = False,
) -> None:
    """Create the properties and options that are missing."""
    from connector.crm import PropertyDefinition  # noqa: PLC0415 - --help does without

    chosen = choose(config, connection)
    with opened(chosen) as door:
        wiring = chosen.agreement.wiring
        missing = [one for one in wiring.own if one.property not in door.account.properties.get(one.kind, {})]
        lacking = _lacking(door)
        if missing and output == "text":
            _tell_missing(door, missing, briefly=yes)
        if lacking and output == "text":
            for one, options in lacking:
                show.say(f"{one.property} does not take {', '.join(options)} yet")
        if missing or lacking:
            show.ask(f"Create them in the group {wiring.own_group}?", yes=yes)
        for one in missing:
            definition = PropertyDefinition(
                one.property, one.type, one.label, dict(one.options), description=one.description
            )
            door.crm.create_property(one.kind, definition, wiring.own_group)
        for one, options in lacking:
            door.crm.add_options(one.kind, one.property, options)
        names = [one.property for one in missing]
        extended = {one.property: list(options) for one, options in lacking}
        if output == "json":
            show.json({"connection": chosen.connection.name, "status": "done", "created": names, "extended": extended})
        else:
            done = f"{len(names)} created, {len(extended)} extended." if names or extended else "Nothing is missing."
            show.say(done, "✓")


def _lacking(door: Opened) -> list[tuple[OwnProperty, dict[str, str]]]:
    """Own properties that exist and do not take every value the agreement gives them yet."""
    from connector.check import missing_options  # noqa: PLC0415 - --help does without

    found = []
    for one in door.chosen.agreement.wiring.own:
        definition = door.account.properties.get(one.kind, {}).get(one.property)
        if definition is not None and (options := missing_options(one, definition)):
            found.append((one, options))
    return found


def _tell_missing(door: Opened, missing: Sequence[OwnProperty], *, briefly: bool) -> None:
    """What is to be created: a table for whoever is asked, names for whoever said yes already."""
    what = f"Account {door.account.account} is missing {len(missing)} propert{'y' if len(missing) == 1 else 'ies'}"
    if briefly:
        show.say(f"{what}: {', '.join(one.property for one in missing)}")
        return
    show.say(f"{what}:")
    show.table(
        ("kind", "property", "type", "label"), [(one.kind, one.property, one.type, one.label) for one in missing]
    )
