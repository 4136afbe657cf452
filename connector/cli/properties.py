"""The verbs about an account's properties: discover lists them, setup makes those that are missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from connector.cli import show
from connector.cli.app import CONFIG, ConfigOption, ConnectionOption, OutputOption, YesOption, app
from connector.cli.opening import Opened, choose, opened

if TYPE_CHECKING:
    from connector.agreement.wiring import OwnProperty
    from connector.crm import PropertyDefinition


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
    told = ["calculated" if one.calculated else "read-only"] if one.calculated or one.read_only else []
    told += [f"not in {table}" for table in one.lacking]
    told += [f"at most {one.length:,} characters"] if one.length else []
    return ", ".join(told)


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
    wiring = chosen.agreement.wiring
    with opened(chosen, needs={one.kind for one in wiring.own}) as door:
        missing = [one for one in wiring.own if _is_missing(door, one)]
        lacking = _lacking(door)
        if missing and output == "text":
            _tell_missing(door, missing, briefly=yes)
        if lacking and output == "text":
            for one, options in lacking:
                show.say(f"{one.property} does not take {', '.join(options)} yet")
        if missing or lacking:
            show.ask(f"Create them in {wiring.own_group}?", yes=yes)
        for one in missing:
            definition = PropertyDefinition(
                one.property,
                one.type,
                one.label,
                dict(one.options),
                description=one.description,
                decimals=one.decimals,
            )
            door.crm.create_property(one.kind, definition, wiring.own_group)
        for one, options in lacking:
            door.crm.add_options(one.kind, one.property, options)
        if missing or lacking:
            door.crm.publish()
        names = [one.property for one in missing]
        extended = {one.property: list(options) for one, options in lacking}
        if output == "json":
            show.json({"connection": chosen.connection.name, "status": "done", "created": names, "extended": extended})
        else:
            done = f"{len(names)} created, {len(extended)} extended." if names or extended else "Nothing is missing."
            show.say(done, "✓")


def _is_missing(door: Opened, one: OwnProperty) -> bool:
    """Whether an own property is not there yet, or not in every table of its kind."""
    definition = door.account.properties.get(one.kind, {}).get(one.property)
    return definition is None or bool(definition.lacking)


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
        show.say(f"{what}:")
        for kind in dict.fromkeys(one.kind for one in missing):
            show.say(f"{kind}: {', '.join(one.property for one in missing if one.kind == kind)}", indent=2)
        return
    show.say(f"{what}:")
    show.table(
        ("kind", "property", "type", "label"), [(one.kind, one.property, one.type, one.label) for one in missing]
    )
