"""From lifecycle.toml to terms: stages and everything that moves people between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from connector.agreement.reading import Reading
from connector.agreement.shapes.base import ConditionShape
from connector.agreement.shapes.lifecycle import LeaveShape, LifecycleShape, OwnStageShape, StageShape
from connector.agreement.source import Source
from connector.agreement.terms import (
    Answer,
    Backward,
    DealRules,
    DealStage,
    Entry,
    Evidence,
    Exclusion,
    FastTrack,
    Leaving,
    LostReason,
    Reason,
    SignalKind,
    Stage,
    Status,
)
from connector.agreement.words import fold, label_of

#: The statuses that the connector itself may set (domain 4.3), for an agreement that says nothing of statuses.
FROM_FACTS = ("new", "attempting", "connected", "attempts_exhausted")


@dataclass(frozen=True, slots=True)
class LifecycleRoom:
    """What building the lifecycle needs besides its file."""

    shape: LifecycleShape
    source: Source
    signals: Mapping[str, SignalKind]
    slas: Iterable[str]
    reading: Reading


def build_stages(room: LifecycleRoom) -> tuple[Stage, ...]:
    """Stages in file order; whatever they name must exist and be used."""
    if not any(not row.side for row in room.shape.stages.values()):
        room.reading.complain(room.source, ("stages",), "has no main stage.", "Add [stages.lead] and the next ones.")
    return tuple(_stage(name, row, room, ("stages", name)) for name, row in room.shape.stages.items())


def _stage(name: str, row: StageShape, room: LifecycleRoom, path: tuple[str, ...]) -> Stage:
    if row.counts_as and room.reading.known(room.source, path, "stage", row.counts_as, room.shape.stages):
        _check_counts_as(name, row.counts_as, row, room)
    if row.sla:
        room.reading.known(room.source, path, "SLA class", row.sla, room.slas)
    _check_hysteresis(path, row, room)
    return Stage(
        name,
        row.label or label_of(name),
        row.owner,
        row.means,
        row.side,
        row.used,
        row.may_return,
        row.counts_as,
        _entry((*path, "enter_when"), row, room),
        _leaving(name, row.leave_when, room, (*path, "leave_when")),
        row.stay_at_least_days,
        row.notify == "sales_task",
        row.sla,
    )


def _check_counts_as(name: str, other: str, row: StageShape, room: LifecycleRoom) -> None:
    """A side stage stands as far along as one of the main ones."""
    path = ("stages", name, "counts_as")
    if not row.side:
        what = f"belongs to a side stage, and {name} has a place of its own in the order."
        room.reading.complain(room.source, path, what, "Remove it, or set side = true.")
    elif other == name:
        room.reading.complain(room.source, path, "names the stage itself.", "Name a main stage, such as lead.")
    elif room.shape.stages[other].side:
        what = f'names "{other}", which is a side stage itself, so nobody could say how far it is.'
        room.reading.complain(room.source, path, what, "Name a main stage, such as lead.")


def own_stage(name: str, own: OwnStageShape, room: LifecycleRoom, path: tuple[str, ...]) -> Stage:
    """A stage with what one lead type says of it; the rest is as for everybody."""
    said = {key: getattr(own, key) for key in own.model_fields_set - {"why"}}
    return _stage(name, room.shape.stages[name].model_copy(update=said), room, path)


def _entry(path: tuple[str, ...], row: StageShape, room: LifecycleRoom) -> Entry | None:
    shape = row.enter_when
    if shape is None:
        return None
    source, reading = room.source, room.reading
    if shape.minimum_information:
        reading.known(source, path, "minimum_information", shape.minimum_information, room.shape.minimum_information)
    for each in shape.known_any_of:
        reading.use(source, path, each)
    for each in shape.evidence:
        reading.known(source, path, "evidence", each, room.shape.evidence)
    for each in shape.from_stages:
        if reading.known(source, path, "stage", each, room.shape.stages) and each == path[-2]:
            what = f"from_stages names {each} itself, and who is there need not enter."
            reading.complain(source, (*path, "from_stages"), what, "Name the stages before it.")
    there = len(shape.evidence or room.shape.evidence)
    if shape.evidence_at_least > there:
        what = f"asks for {shape.evidence_at_least} pieces of evidence and there are only {there}."
        reading.complain(source, path, what, "Add lines under [evidence] or ask for fewer.")
    if not shape.model_fields_set - {"from_stages"}:
        reading.complain(source, path, "is empty, so everybody enters.", "Say what must hold.")
    return Entry(
        shape.fit_at_least,
        shape.engagement_at_least,
        shape.combined_at_least,
        shape.minimum_information,
        tuple(shape.known_any_of),
        shape.any_positive_signal,
        shape.accepted_by_sales,
        shape.evidence_at_least,
        tuple(shape.evidence),
        shape.deal,
        tuple(shape.from_stages),
    )


def _leaving(name: str, shape: LeaveShape | None, room: LifecycleRoom, path: tuple[str, ...]) -> Leaving | None:
    if shape is None:
        return None
    target(room, path, shape.to)
    if shape.to == name:
        room.reading.complain(room.source, path, "leads back to the same stage.", "Name another.")
    return Leaving(**shape.model_dump())


def _check_hysteresis(path: tuple[str, ...], row: StageShape, room: LifecycleRoom) -> None:
    """Leaving at or above the value of entering would send people back and forth."""
    if row.enter_when is None or row.leave_when is None:
        return
    for side in ("fit", "engagement", "combined"):
        enter, leave = getattr(row.enter_when, f"{side}_at_least"), getattr(row.leave_when, f"{side}_below")
        if enter is not None and leave is not None and leave >= enter:
            what = f"{side}_below {leave:g} is not lower than {side}_at_least {enter:g} of enter_when."
            fix = "Leave a gap, or people flip to and fro."
            room.reading.complain(room.source, (*path, "leave_when"), what, fix)


def target(room: LifecycleRoom, path: Sequence[str | int], name: str) -> bool:
    """Whether people can be sent to this stage: it exists and is used."""
    if not room.reading.known(room.source, path, "stage", name, room.shape.stages):
        return False
    if not room.shape.stages[name].used:
        fix = f"Send people to another stage, or set used = true in [stages.{name}]."
        room.reading.complain(room.source, path, f'goes to "{name}", which is not used.', fix)
        return False
    return True


def build_fast_tracks(room: LifecycleRoom) -> tuple[FastTrack, ...]:
    """Fast tracks in file order."""
    built = []
    for name, row in room.shape.fast_track.items():
        path = ("fast_track", name)
        room.reading.known(room.source, path, "signal", row.signal, room.signals)
        target(room, path, row.to)
        for each in row.requires:
            room.reading.use(room.source, path, each)
        if row.sla:
            room.reading.known(room.source, path, "SLA class", row.sla, room.slas)
        built.append(FastTrack(name, row.signal, row.to, tuple(row.requires), row.sla, row.within_days))
    return tuple(built)


def build_exclusions(room: LifecycleRoom) -> tuple[Exclusion, ...]:
    """Exclusions in file order: the first that holds is the reason shown."""
    built = []
    for name, row in room.shape.exclusions.items():
        path = ("exclusions", name)
        room.reading.known(room.source, path, "stage", row.blocks, room.shape.stages)
        condition = room.reading.condition(room.source, path, row)
        if condition:
            built.append(Exclusion(name, condition, row.blocks, row.reason, row.beats_fast_track, row.flag))
    return tuple(built)


def build_evidence(room: LifecycleRoom) -> tuple[Evidence, ...]:
    """What proves a qualified talk; a line without a field is about the signal of its name."""
    built = []
    for name, row in room.shape.evidence.items():
        path, label = ("evidence", name), row.label or label_of(name)
        if row.field:
            if idle := row.model_fields_set & {"signal", "within_days"}:
                what = f"is about a field, so {' and '.join(sorted(idle))} would do nothing."
                room.reading.complain(room.source, path, what, "Remove that, or the field.")
            condition = room.reading.condition(room.source, path, row)
            built.append(Evidence(name, label, condition=condition))
        elif asked := row.model_fields_set & set(ConditionShape.model_fields):
            what = f"asks {' and '.join(sorted(each.rstrip('_') for each in asked))} of no field."
            room.reading.complain(room.source, path, what, 'Add field = "...".')
        elif room.reading.known(room.source, path, "signal", row.signal or name, room.signals):
            built.append(Evidence(name, label, row.signal or name, None, row.within_days))
    return tuple(built)


def build_minimum(room: LifecycleRoom) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Per block, what must be known: each entry a field, or a list of which one is enough."""
    built = {}
    for name, needs in room.shape.minimum_information.items():
        built[name] = tuple(tuple(need) if isinstance(need, list) else (need,) for need in needs)
        if not needs or () in built[name]:
            what = "is empty, so it asks for nothing." if not needs else "holds an empty list, which nothing can fill."
            room.reading.complain(room.source, ("minimum_information", name), what, "Name a field, or remove it.")
        for need in built[name]:
            for each in need:
                room.reading.use(room.source, ("minimum_information", name), each)
    return built


def build_ask_next(room: LifecycleRoom) -> tuple[str, ...]:
    """The order of questions."""
    order = room.shape.ask_next.order
    for each in dict.fromkeys(one for one in order if order.count(one) > 1):
        room.reading.complain(room.source, ("ask_next", "order"), f'asks for "{each}" twice.', "Keep the first.")
    for each in order:
        room.reading.use(room.source, ("ask_next", "order"), each)
    return tuple(order)


def build_statuses(room: LifecycleRoom) -> dict[str, Status]:
    """Lead statuses, the four that follow from facts always among them."""
    built = {}
    for name, row in room.shape.statuses.items():
        if row.moves_to:
            target(room, ("statuses", name), row.moves_to)
        idle = row.model_fields_set & {"wait_days", "returned"}
        if idle and not row.moves_to:
            what = f"has {' and '.join(sorted(idle))} and no moves_to, so nobody would wait or be returned anywhere."
            room.reading.complain(room.source, ("statuses", name), what, 'Add moves_to = "nurture", or remove it.')
        label = row.label or label_of(name)
        built[name] = Status(
            name, label, row.working, row.accepts, row.moves_to, row.wait_days, row.returned, row.reason_required
        )
    for name in FROM_FACTS:
        built.setdefault(name, Status(name, label_of(name), working=name in ("attempting", "connected")))
    return built


def build_deals(room: LifecycleRoom) -> DealRules:
    """Deal stages, lost reasons, and whose deals count."""
    stages = tuple(
        DealStage(name, row.label or label_of(name), row.state) for name, row in room.shape.deal_stages.items()
    )
    reasons = []
    for name, row in room.shape.lost_reasons.items():
        target(room, ("lost_reasons", name), row.to)
        if row.contains_any_of and not all(map(fold, row.contains_any_of)):
            what = "holds a phrase without a letter or digit."
            room.reading.complain(room.source, ("lost_reasons", name, "contains_any_of"), what, "Remove it.")
        reasons.append(LostReason(name, tuple(map(fold, row.contains_any_of)), row.to, row.wait_days))
    rest = [reason.name for reason in reasons if not reason.phrases]
    if len(rest) > 1:
        what = f"{' and '.join(rest)} both have no phrases, so both take all the others."
        room.reading.complain(room.source, ("lost_reasons", rest[1]), what, "Keep one.")
    return DealRules(stages, tuple(reasons), tuple(map(fold, room.shape.deals.counted_roles)))


def build_moves(room: LifecycleRoom) -> tuple[Backward, ...]:
    """The moves that are also made backwards in the CRM."""
    built = []
    for name, row in room.shape.moves.items():
        path = ("moves", name)
        for each in row.from_stages:
            room.reading.known(room.source, path, "stage", each, room.shape.stages)
        target(room, path, row.to)
        if not row.from_stages:
            room.reading.complain(room.source, (*path, "from_stages"), "is empty, so nobody moves.", "Name a stage.")
        if row.to in row.from_stages:
            what = f"goes from {row.to} to {row.to}."
            room.reading.complain(room.source, path, what, "Name the stages that people leave, and where they go.")
        if row.backwards == "clear_then_set":
            built.append(Backward(name, tuple(row.from_stages), row.to))
    return tuple(built)


def build_answers(room: LifecycleRoom) -> dict[str, Answer]:
    """What sales may answer; each answer stands for a lead status."""
    statuses = [*room.shape.statuses, *FROM_FACTS]
    built = {}
    for name, row in room.shape.sales_answers.items():
        path = ("sales_answers", name)
        for status in filter(None, (row.status, row.status_if_may_return)):
            room.reading.known(room.source, path, "status", status, statuses)
        if row.status_if_may_return and not any(each.may_return for each in room.shape.rejection_reasons.values()):
            what = "has status_if_may_return, and no rejection reason may return."
            room.reading.complain(room.source, path, what, "Set may_return = true on a reason, or remove it.")
        built[name] = Answer(name, row.label or label_of(name).capitalize(), row.status, row.status_if_may_return)
    if built and "sales_answer" not in room.reading.mapped:
        fix = f'Add sales_answer = "cx_sales_answer" under [contact.fields] in {room.reading.crm_file}.'
        room.reading.complain(room.source, ("sales_answers",), "are agreed, and no property takes them.", fix)
    if not built and "sales_answer" in room.reading.mapped:
        what = f"says nothing of [sales_answers], and {room.reading.crm_file} maps sales_answer."
        room.reading.complain(room.source, (), what, "Say which answers there are, or remove the property.")
    return built


def build_reasons(room: LifecycleRoom) -> tuple[Reason, ...]:
    """Rejection reasons."""
    return tuple(
        Reason(name, row.label or label_of(name), row.fixed_by, row.may_return)
        for name, row in room.shape.rejection_reasons.items()
    )
