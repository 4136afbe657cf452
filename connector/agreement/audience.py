"""From personas.toml, signals.toml and lifecycle.toml to terms: whom we talk to, and what we say to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from connector.agreement.lifecycle import LifecycleRoom
from connector.agreement.reading import Reading
from connector.agreement.shapes.scoring import JourneyShape, PersonasShape
from connector.agreement.source import Source
from connector.agreement.terms import Agreement, Audience, Expiry, Journey, Nurture, NurtureTrack, Questions, Role, Stop
from connector.agreement.vocabulary import asked_for
from connector.agreement.words import fold, label_of


def build_audience(
    room: LifecycleRoom, journey: JourneyShape | None, personas: tuple[PersonasShape, Source]
) -> Audience:
    """The terms, with every name they use checked."""
    return Audience(
        Journey(journey.rule, journey.within_days, journey.signals_at_least) if journey else None,
        _nurture(room, *personas),
        _buying_group(*personas, room.reading),
        _questions(room, personas[0]),
    )


# -- nurture tracks ----------------------------------------------------------------------------------------------


def _nurture(room: LifecycleRoom, personas: PersonasShape, personas_source: Source) -> Nurture:
    shape = room.shape.nurture
    named: dict[str, dict[str, str]] = {}
    for part, rows in _rows_with_tracks(room).items():
        named[part] = {name: track for name, track in rows.items() if track}
        for name, track in named[part].items():
            _is_track(room, room.source, (part, name), track)
    by_persona = {name: row.nurture_track for name, row in personas.personas.items() if row.nurture_track}
    for name, track in by_persona.items():
        _is_track(room, personas_source, ("personas", name), track)
    if shape.otherwise:
        _is_track(room, room.source, ("nurture", "otherwise"), shape.otherwise)
    return Nurture(
        tuple(NurtureTrack(name, row.label or label_of(name)) for name, row in shape.tracks.items()),
        shape.otherwise,
        _stops(room),
        named["statuses"],
        named["lost_reasons"],
        named["stages"],
        by_persona,
        {name: row.nurture == "continue" for name, row in room.shape.stages.items() if row.nurture},
    )


def _rows_with_tracks(room: LifecycleRoom) -> Mapping[str, Mapping[str, str | None]]:
    shape = room.shape
    return {
        "statuses": {name: row.nurture_track for name, row in shape.statuses.items()},
        "lost_reasons": {name: row.nurture_track for name, row in shape.lost_reasons.items()},
        "stages": {name: row.nurture_track for name, row in shape.stages.items()},
    }


def _is_track(room: LifecycleRoom, source: Source, path: Sequence[str], name: str) -> None:
    tracks = room.shape.nurture.tracks
    if tracks:
        room.reading.known(source, path, "nurture track", name, tracks)
    else:
        fix = f'Add {name} = {{ label = "..." }} under [nurture.tracks] in lifecycle.toml.'
        room.reading.complain(source, path, f'unknown nurture track "{name}".', fix)


def _stops(room: LifecycleRoom) -> tuple[Stop, ...]:
    """A line without a field is about the signal of its name."""
    built = []
    for name, row in room.shape.nurture.stops_when.items():
        path = ("nurture", "stops_when", name)
        if row.field:
            built.append(Stop(name, condition=room.reading.condition(room.source, path, row)))
        elif room.reading.known(room.source, path, "signal", row.signal or name, room.signals):
            built.append(Stop(name, row.signal or name))
    return tuple(built)


# -- the buying group --------------------------------------------------------------------------------------------


def _buying_group(shape: PersonasShape, source: Source, reading: Reading) -> tuple[Role, ...]:
    """The roles a deal needs; the roles of personas go by their words, so a mistyped one would never be filled."""
    group = shape.buying_group
    for role in group.said_as:
        reading.known(source, ("buying_group", "said_as", role), "role of the buying group", role, group.roles)
    filled = {fold(row.role) for row in shape.personas.values() if row.role}
    for role in group.roles:
        if fold(role) not in filled and not group.said_as.get(role):
            fix = f'Give a persona role = "{role}", or say under [buying_group.said_as] which buying role it is.'
            reading.complain(source, ("buying_group", "roles"), f'nobody could ever be the "{role}".', fix)
    if group.roles and "buying_role" in reading.mapped:
        reading.use(source, ("buying_group",), "buying_role")
    return tuple(
        Role(role, frozenset(map(fold, (role, *group.said_as.get(role, ()))))) for role in dict.fromkeys(group.roles)
    )


# -- what to ask next --------------------------------------------------------------------------------------------


def _questions(room: LifecycleRoom, personas: PersonasShape) -> Questions:
    shape, reading = room.shape.ask_next, room.reading
    lead_types = list(room.shape.lead_types) or ["new_business"]
    by_persona = _orders(room, "by_persona", "persona", shape.by_persona, personas.personas)
    by_lead_type = _orders(room, "by_lead_type", "lead type", shape.by_lead_type, lead_types)
    expires = []
    for name, row in shape.expires.items():
        path = ("ask_next", "expires", name)
        if not (reading.use(room.source, path, name) and reading.use(room.source, path, row.confirmed_on)):
            continue
        if reading.types.get(row.confirmed_on) != "datetime":
            fix = f'Map {row.confirmed_on} = {{ property = "...", type = "datetime" }} in {reading.crm_file}.'
            reading.complain(room.source, path, f"confirmed_on names {row.confirmed_on}, which is no date.", fix)
        expires.append(Expiry(name, row.after_days, row.confirmed_on))
    return Questions(by_persona, by_lead_type, tuple(expires))


def _orders(
    room: LifecycleRoom, key: str, what: str, rows: Mapping[str, Sequence[str]], names: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    for name, order in rows.items():
        room.reading.known(room.source, ("ask_next", key, name), what, name, names)
        for each in order:
            room.reading.use(room.source, ("ask_next", key, name), each)
    return {name: tuple(order) for name, order in rows.items()}


def askable(agreement: Agreement) -> tuple[str, ...]:
    """Every field that a question may be about, which is what the properties of questions may hold."""
    questions = agreement.audience.questions
    orders = (*questions.by_persona.values(), *questions.by_lead_type.values(), agreement.ask_next)
    required = [name for needs in agreement.minimum_information.values() for need in needs for name in need]
    named = (*(name for order in orders for name in order), *required, *(each.field for each in questions.expires))
    return tuple(dict.fromkeys(field for name in named for field in asked_for(name)))
