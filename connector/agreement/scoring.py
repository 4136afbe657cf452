"""From scoring.toml, signals.toml, icp.toml and personas.toml to terms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from connector.agreement.complaints import did_you_mean
from connector.agreement.reading import Reading
from connector.agreement.shapes.base import ConditionShape
from connector.agreement.shapes.scoring import (
    GroupShape,
    IcpShape,
    PersonasShape,
    RuleShape,
    ScoringShape,
    SignalShape,
    SignalsShape,
)
from connector.agreement.source import Source
from connector.agreement.terms import Band, Bots, Fading, Group, Inactivity, Persona, Rule, Scoring, SignalKind
from connector.agreement.words import asset_of, label_of

Path = tuple[str, ...]

#: What the line of a group's limit is called: "engagement.content.limit".
LIMIT = "limit"

#: Keys of a rule that speak of dated signals.
_ABOUT_SIGNALS = frozenset(
    (
        "signal",
        "once_per",
        "times_at_most",
        "within_days",
        "points_halve_every_days",
        "points_fade_evenly_over_days",
        "points_end_after_days",
    )
)


@dataclass(frozen=True, slots=True)
class ScoringRoom:
    """What building the scoring needs besides its shape."""

    source: Source
    kinds: Mapping[str, SignalKind]
    reading: Reading


def build_signals(
    shape: SignalsShape, source: Source, scoring: ScoringShape, wired: Sequence[str], reading: Reading
) -> dict[str, SignalKind]:
    """Every kind of signal that exists: described in signals.toml, recognised in the CRM's file, or both."""
    points = _points_by_signal(scoring)
    kinds = {}
    for name in dict.fromkeys([*shape.signals, *wired]):
        row = shape.signals.get(name)
        positive = row.positive if row and row.positive is not None else points.get(name, 0) > 0
        kinds[name] = SignalKind(
            name,
            (row and row.label) or label_of(name),
            row.strength if row else "medium",
            positive,
            row.journey_stage if row else None,
            bool(row and row.human_only),
            row.duplicates_within_minutes if row else 0,
            _not_scored(name, row, source, reading) if row else frozenset(),
        )
    return kinds


def _not_scored(name: str, row: SignalShape, source: Source, reading: Reading) -> frozenset[str]:
    """The assets named on the line, or in the list file that it names."""
    said = row.not_scored_assets
    path = ("signals", name, "not_scored_assets")
    entries = reading.list_entries(source, path, said) if isinstance(said, str) else said
    return frozenset(filter(None, map(asset_of, entries)))


def build_bots(shape: SignalsShape, source: Source, kinds: Mapping[str, SignalKind], reading: Reading) -> Bots:
    """The bot rules, with every signal they name known."""
    bots = shape.bots
    for key, names in (("clicks", bots.clicks), ("opened_by_click", bots.opened_by_click)):
        for name in names:
            reading.known(source, ("bots", key), "signal", name, kinds)
    if bots.delivered:
        reading.known(source, ("bots", "delivered"), "signal", bots.delivered, kinds)
    return Bots(
        tuple(bots.clicks),
        tuple(bots.opened_by_click),
        bots.clicks_at_least,
        bots.within_seconds,
        bots.opened_within_seconds,
        bots.delivered,
        bots.seconds_after_delivery,
    )


def build_scoring(shape: ScoringShape, room: ScoringRoom) -> Scoring:
    """Groups with their rules, and the grades."""
    groups = [_group(("fit", name), table, room) for name, table in shape.fit.items()]
    groups += [_group(("engagement", name), table, room) for name, table in shape.engagement.items()]
    fit_grades = _grades("fit", shape.grades.fit, room.source, room.reading)
    engagement_grades = _grades("engagement", shape.grades.engagement, room.source, room.reading)
    return Scoring(tuple(groups), fit_grades, engagement_grades, shape.combined.fit_share, tuple(shape.freeze_in))


def _group(path: Path, shape: GroupShape, room: ScoringRoom) -> Group:
    low, high = shape.group_total_never_below, shape.group_total_at_most
    if low is not None and high is not None and low > high:
        what = f"group_total_never_below {low:g} is above group_total_at_most {high:g}."
        room.reading.complain(room.source, path, what, "Swap them.")
    for key, wrong in (
        ("group_total_never_below", low is not None and low > 0),
        ("group_total_at_most", high is not None and high < 0),
    ):
        if wrong:
            what = "would give points to people of whom none of its rules speaks, or take them."
            fix = "A lower limit is 0 or less, an upper one 0 or more: the group then adds nothing until a rule speaks."
            room.reading.complain(room.source, (*path, key), what, fix)
    _fading(path, shape, room.source, room.reading)
    if not any(_rows(shape)):
        room.reading.complain(room.source, path, "has no rules.", "Add one: case_study = { points = 6 }, or remove it.")
    rules, silent = [], []
    for id_, row in _rows(shape):
        if id_ == LIMIT:
            what = f'a rule cannot be called "{LIMIT}": the line of the group\'s limit is called so.'
            room.reading.complain(room.source, (*path, id_), what, "Give it another name.")
        _check_silence((*path, id_), row, room)
        if row.no_positive_signal_for_days is not None:
            silent.append(_inactivity((*path, id_), row))
        elif rule := _rule((*path, id_), row, shape, room):
            rules.append(rule)
    label = shape.label or label_of(path[1])
    side: Literal["fit", "engagement"] = "fit" if path[0] == "fit" else "engagement"
    return Group(path[1], side, label, tuple(rules), high, low, tuple(silent), tuple(shape.lead_types))


def _check_silence(path: Path, row: RuleShape, room: ScoringRoom) -> None:
    """A rule about silence takes points from engagement, and asks for nothing else."""
    if row.no_positive_signal_for_days is None:
        return
    if path[0] == "fit":
        room.reading.complain(room.source, path, "is about silence; fit is about fields.", "Move it to engagement.")
    if row.points > 0:
        room.reading.complain(room.source, path, "gives points for silence.", "Write points = -10, or another loss.")
    if others := row.model_fields_set - {"points", "no_positive_signal_for_days", "label", "why"}:
        what = f"is about silence, so {_keys(others)} would do nothing."
        room.reading.complain(room.source, path, what, "Remove that, or no_positive_signal_for_days.")


def _inactivity(path: Path, row: RuleShape) -> Inactivity:
    days = row.no_positive_signal_for_days or 0
    return Inactivity(".".join(path), row.points, days, row.label or f"nothing positive for {days} days")


def _rule(path: Path, row: RuleShape, group: GroupShape, room: ScoringRoom) -> Rule | None:
    """One line as a rule: about a field where it has an operator, about a signal otherwise."""
    source, kinds, reading = room.source, room.kinds, room.reading
    id_, dotted = path[-1], ".".join(path)
    label = row.label or label_of(id_)
    if row.field or _asks(row):
        if idle := row.model_fields_set & _ABOUT_SIGNALS:
            what = f"is about a field, so {_keys(idle)} would do nothing."
            reading.complain(source, path, what, "Remove that: a field has no dates.")
        condition = reading.condition(source, path, row)
        return Rule(id_, dotted, row.points, label, condition=condition, why=row.why) if condition else None
    if path[0] == "fit":
        reading.complain(
            source, path, "is about a signal; fit is about fields.", "Move it to engagement, or give it a field."
        )
        return None
    signal = row.signal or id_
    if not reading.known(source, path, "signal", signal, kinds):
        return None
    return Rule(
        id_,
        dotted,
        row.points,
        row.label or kinds[signal].label,
        signal,
        None,
        _fading(path, row, source, reading) or _fading(path[:2], group, source, reading) or Fading(),
        row.once_per or group.once_per,
        row.times_at_most or group.times_at_most,
        row.within_days or group.within_days,
        row.why,
    )


def _asks(row: RuleShape) -> bool:
    """Whether a line asks something of a field."""
    return bool(row.model_fields_set & set(ConditionShape.model_fields))


def _keys(names: Iterable[str]) -> str:
    return " and ".join(sorted(name.rstrip("_") for name in names))


def _fading(path: Path, shape: RuleShape | GroupShape, source: Source, reading: Reading) -> Fading | None:
    said = []
    if shape.points_halve_every_days:
        said.append(Fading("by_half", shape.points_halve_every_days))
    if shape.points_fade_evenly_over_days:
        said.append(Fading("evenly", shape.points_fade_evenly_over_days))
    if shape.points_end_after_days:
        said.append(Fading("after", shape.points_end_after_days))
    if len(said) > 1:
        reading.complain(source, path, "fades in several ways.", "Keep one of the points_... keys.")
    return said[0] if said else None


def _grades(side: str, shape: Mapping[str, float], source: Source, reading: Reading) -> tuple[tuple[str, float], ...]:
    grades = shape or ({"A": 70.0, "B": 40.0, "C": 0.0} if side == "fit" else {"1": 60.0, "2": 30.0, "3": 0.0})
    for name, threshold in grades.items():
        if not 0 <= threshold <= 100:
            reading.complain(
                source, ("grades", side, name), f"{threshold:g} is outside 0 to 100.", "Scores are 0 to 100."
            )
    if min(grades.values()) > 0:
        reading.complain(source, ("grades", side), "the lowest grade does not begin at 0.", "Let one grade begin at 0.")
    if len(set(grades.values())) < len(grades):
        reading.complain(source, ("grades", side), "two grades begin at the same score.", "Give each its own.")
    for (name, threshold), (below, lower) in pairwise(grades.items()):
        if threshold < lower:
            what = f"{name} begins at {threshold:g}, below {below} at {lower:g}."
            reading.complain(source, ("grades", side, name), what, "Write the best grade first.")
    return tuple(sorted(grades.items(), key=lambda pair: -pair[1]))


def _rows(shape: GroupShape) -> Iterator[tuple[str, RuleShape]]:
    return iter((shape.__pydantic_extra__ or {}).items())


def _points_by_signal(shape: ScoringShape) -> dict[str, float]:
    points: dict[str, float] = {}
    for group in shape.engagement.values():
        for id_, row in _rows(group):
            signal = row.signal or id_
            points[signal] = max(points.get(signal, row.points), row.points)
    return points


def build_bands(shape: IcpShape, source: Source, reading: Reading) -> tuple[Band, ...]:
    """ICP bands in file order."""
    bands = []
    for name, row in shape.bands.items():
        _refuse_circles(("bands", name, "needs"), row.needs, source, reading)
        asked = [reading.condition(source, ("bands", name, "needs", key), need, key) for key, need in row.needs.items()]
        bands.append(Band(name, row.label or label_of(name), tuple(each for each in asked if each)))
    return tuple(bands)


def build_personas(shape: PersonasShape, source: Source, reading: Reading) -> tuple[Persona, ...]:
    """Personas in file order: the first that matches is the person's."""
    personas = []
    for name, row in shape.personas.items():
        if not row.match:
            fix = "Add a table [personas." + name + ".match] with one condition a line."
            reading.complain(source, ("personas", name), "never matches anybody.", fix)
        _refuse_circles(("personas", name, "match"), row.match, source, reading)
        asked = [
            reading.condition(source, ("personas", name, "match", key), match, key) for key, match in row.match.items()
        ]
        describes = {
            key: str(value)
            for key, value in row.model_dump(exclude={"label", "match", "nurture_track"}).items()
            if value
        }
        personas.append(Persona(name, row.label or label_of(name), tuple(each for each in asked if each), describes))
    return tuple(personas)


def _refuse_circles(path: Path, rows: Mapping[str, ConditionShape], source: Source, reading: Reading) -> None:
    """Personas and bands are worked out from fields, and not from each other."""
    for key, row in rows.items():
        if (row.field or key) in ("persona", "icp_band"):
            what = f"asks for {row.field or key}, which is itself worked out from such lines."
            reading.complain(source, (*path, key), what, "Ask for a field of the person or the company.")


def check_named_bands(
    scoring: Scoring, personas: Sequence[Persona], bands: Sequence[Band], source: Source, reading: Reading
) -> None:
    """A rule that asks for a persona or a band asks for one that exists."""
    names = {"persona": [each.name for each in personas], "icp_band": [each.name for each in bands]}
    for group in scoring.groups:
        for rule in group.rules:
            wanted = rule.condition and names.get(rule.condition.field)
            for value in rule.condition.values if rule.condition and wanted is not None else ():
                if isinstance(value, str) and value not in (wanted or ()):
                    what = f'unknown {rule.condition.field if rule.condition else ""} "{value}".'
                    reading.complain(source, tuple(rule.path.split(".")), what, did_you_mean(value, wanted or ()))
