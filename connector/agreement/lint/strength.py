"""Points that do not say what was agreed: a weak signal above a strong one, rules and limits that undo each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from connector.agreement.lint.finding import Finding, Severity
from connector.agreement.places import Places
from connector.agreement.terms import Agreement, Condition, Group, Rule
from connector.wording import counted, number

_ORDER = ("low", "medium", "high")
_DAYS = {"day": 1, "week": 7, "month": 28}


def findings(agreement: Agreement, places: Places) -> Iterator[Finding]:
    """Everything odd about points."""
    yield from _upside_down(agreement, places)
    for group in agreement.scoring.groups:
        for rule in group.rules:
            for severity, what, fix in (*_rule(rule), *_in_group(rule, group)):
                yield Finding(severity, places.of(rule.path), what, fix)
    yield from _counted_twice(agreement, places)


def _upside_down(agreement: Agreement, places: Places) -> Iterator[Finding]:
    """The hierarchy of signals that both sides agreed on, against what one fresh signal of each is worth."""
    worth, rules = _freshest(agreement)
    strength = {name: _ORDER.index(kind.strength) for name, kind in agreement.signals.items()}
    for name, points in worth.items():
        above = [other for other in worth if strength[other] > strength[name] and worth[other] < points]
        if above:
            least = min(above, key=worth.__getitem__)
            one, other = agreement.signals[name], agreement.signals[least]
            what = (
                f"{one.label} is of {one.strength} strength and gives {counted(points, 'point')}, more than"
                f" {other.label}, which is of {other.strength} strength and gives {number(worth[least])}."
            )
            fix = "Change the points, or the strength in signals.toml."
            yield Finding("warning", places.of(rules[name]), what, fix)


def _freshest(agreement: Agreement) -> tuple[Mapping[str, float], Mapping[str, str]]:
    """Per signal that speaks for a person, what one gives today, over all rules; and the first rule about it."""
    worth: dict[str, float] = {}
    rules: dict[str, str] = {}
    for group in agreement.scoring.groups:
        for rule in group.rules:
            if rule.signal and rule.signal in agreement.signals and rule.points > 0:
                worth[rule.signal] = worth.get(rule.signal, 0.0) + rule.points
                rules.setdefault(rule.signal, rule.path)
    return worth, rules


def _rule(rule: Rule) -> Iterator[tuple[Severity, str, str]]:
    if rule.points == 0:
        yield "remark", "gives no points, so it never speaks.", "Give it points, or remove it."
    days, ends = rule.within_days, rule.fading
    if days is not None and ends.kind == "after" and days < ends.days:
        what = f"looks back {counted(days, 'day')}, so its points never live to end after {number(ends.days)}."
        yield "warning", what, "Keep the shorter one."
    lasts = min(
        (each for each in (days, ends.days if ends.kind == "after" else None) if each is not None), default=None
    )
    if rule.times_at_most and rule.once_per and lasts is not None:
        possible = lasts // _DAYS[rule.once_per] + 2  # a window may touch one period more at each end
        if rule.times_at_most > possible:
            what = f"is limited to {rule.times_at_most} times, and once a {rule.once_per} there are never so many."
            yield "warning", what, "Lower times_at_most, or let the points live longer."


def _in_group(rule: Rule, group: Group) -> Iterator[tuple[Severity, str, str]]:
    if group.at_most is not None and group.at_most <= 0 < rule.points:
        what = f"gives points, and its group never gives more than {number(group.at_most)}: it only weighs up others."
        yield "warning", what, "Move it to another group, or raise group_total_at_most."
    elif group.at_most is not None and rule.points > group.at_most:
        what = f"gives {number(rule.points)}, and its group never gives more than {number(group.at_most)}."
        yield "warning", what, "Lower the points, or raise group_total_at_most."
    if group.never_below is not None and group.never_below >= 0 > rule.points:
        what = f"takes points, and its group is never below {number(group.never_below)}: it only weighs up others."
        yield "warning", what, "Move it to another group, or lower group_total_never_below."


def _counted_twice(agreement: Agreement, places: Places) -> Iterator[Finding]:
    """One question asked by two rules, or one signal counted by two rules that differ only in points."""
    fields: dict[Condition, str] = {}
    signals: dict[tuple[object, ...], str] = {}
    for rule in (rule for group in agreement.scoring.groups for rule in group.rules):
        same = (rule.signal, rule.within_days, rule.fading, rule.once_per, rule.times_at_most)
        first = fields.setdefault(rule.condition, rule.path) if rule.condition else signals.setdefault(same, rule.path)
        if first != rule.path:
            what = f"asks the same as {first}, so that it counts twice."
            yield Finding("warning", places.of(rule.path), what, "Keep one of the two.")
