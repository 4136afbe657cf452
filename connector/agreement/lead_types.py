"""From [lead_types] of lifecycle.toml to terms: how each kind of interest is recognised, and what differs for it."""

from __future__ import annotations

from dataclasses import replace

from connector.agreement.lifecycle import LifecycleRoom, own_stage
from connector.agreement.reading import Reading
from connector.agreement.shapes.lifecycle import LeadTypeShape
from connector.agreement.shapes.wiring import WiringShape
from connector.agreement.source import Source
from connector.agreement.terms import Agreement, LeadType, Stage
from connector.agreement.words import label_of

#: For an agreement that says nothing of lead types.
ONLY = LeadType("new_business", "New business", default=True)


def build_lead_types(room: LifecycleRoom) -> tuple[LeadType, ...]:
    """Lead types in file order; new business alone where the agreement says nothing."""
    rows = room.shape.lead_types
    _check_one("default", [name for name, row in rows.items() if row.default], room, needed=bool(rows))
    _check_one("from_customers", [name for name, row in rows.items() if row.from_customers], room, needed=False)
    _check_signals(room)
    return tuple(_lead_type(name, row, room) for name, row in rows.items()) or (ONLY,)


def _check_one(key: str, names: list[str], room: LifecycleRoom, *, needed: bool) -> None:
    if len(names) > 1:
        what = f"has several with {key} = true: {', '.join(names)}."
        room.reading.complain(room.source, ("lead_types",), what, "Keep one.")
    elif needed and not names:
        room.reading.complain(room.source, ("lead_types",), f"has no {key}.", f"Set {key} = true on one of them.")


def _check_signals(room: LifecycleRoom) -> None:
    """A signal speaks of one lead type, or of whatever the person is about."""
    taken: dict[str, str] = {}
    for name, row in room.shape.lead_types.items():
        for signal in row.signals:
            if signal in taken:
                what = f'the signal "{signal}" already speaks of {taken[signal]}.'
                room.reading.complain(room.source, ("lead_types", name, "signals"), what, "Give it to one lead type.")
            taken.setdefault(signal, name)


def _lead_type(name: str, row: LeadTypeShape, room: LifecycleRoom) -> LeadType:
    path, reading, source = ("lead_types", name), room.reading, room.source
    for signal in row.signals:
        reading.known(source, (*path, "signals"), "signal", signal, room.signals)
    for stage in row.skips:
        reading.known(source, (*path, "skips"), "stage", stage, room.shape.stages)
    if row.sla:
        reading.known(source, path, "SLA class", row.sla, room.slas)
    if row.default and (row.from_customers or row.when or row.signals):
        what = "is the default, and yet says how it is recognised."
        reading.complain(source, path, what, "The default takes whoever nothing else speaks of: remove the other keys.")
    if row.from_customers and row.when:
        reading.complain(source, (*path, "when"), "goes not with from_customers.", "Keep one of them.")
    own = [stage for stage in row.stages if reading.known(source, (*path, "stages"), "stage", stage, room.shape.stages)]
    for stage in (stage for stage in own if stage in row.skips):
        reading.complain(source, (*path, "stages", stage), "is also skipped.", "Remove it here or from skips.")
    return LeadType(
        name,
        row.label or label_of(name),
        row.default,
        row.means,
        reading.condition(source, (*path, "when"), row.when) if row.when else None,
        tuple(row.signals),
        row.from_customers,
        tuple(row.skips),
        row.sla,
        tuple(own_stage(stage, row.stages[stage], room, (*path, "stages", stage)) for stage in own),
    )


def check_lead_types(
    agreement: Agreement, scoring: Source, shape: WiringShape, wiring: Source, reading: Reading
) -> None:
    """What other files say of lead types is said of ones that exist."""
    names = [each.name for each in agreement.lead_types]
    for group in agreement.scoring.groups:
        for name in group.lead_types:
            reading.known(scoring, (group.side, group.name, "lead_types"), "lead type", name, names)
    for part in ("lead_types", "values"):
        said = shape.deal.lead_types if part == "lead_types" else shape.deal.values.get("lead_type", {})
        for name in said:
            path = ("deal", "lead_types", name) if part == "lead_types" else ("deal", "values", "lead_type", name)
            reading.known(wiring, path, "lead type", name, names)


def agreement_for(agreement: Agreement, lead_type: LeadType) -> Agreement:
    """The agreement as it holds for one lead type: its stages, its scores, its follow-up."""
    own = {stage.name: stage for stage in lead_type.stages}
    stages = tuple(_for(own.get(stage.name, stage), lead_type) for stage in agreement.stages)
    groups = tuple(
        group for group in agreement.scoring.groups if not group.lead_types or lead_type.name in group.lead_types
    )
    used = {stage.name for stage in stages if stage.used}
    tracks = tuple(track for track in agreement.fast_tracks if track.to in used)
    if stages == agreement.stages and groups == agreement.scoring.groups:
        return agreement
    scoring = replace(agreement.scoring, groups=groups)
    return replace(agreement, stages=stages, scoring=scoring, fast_tracks=tracks)


def _for(stage: Stage, lead_type: LeadType) -> Stage:
    used = stage.used and stage.name not in lead_type.skips
    sla = lead_type.sla if lead_type.sla and stage.sla else stage.sla
    return stage if (used, sla) == (stage.used, stage.sla) else replace(stage, used=used, sla=sla)
