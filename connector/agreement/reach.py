"""
What each part of an agreement allows and the whole makes impossible: a threshold that no rule can reach, stages that
wait for each other, a score that falls and leads up.

Only what can never work is refused here; whether it is wise is for `agreement lint`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from connector.agreement.reading import Reading
from connector.agreement.source import Source
from connector.agreement.terms import Agreement, Condition, Entry, Group, Rule
from connector.agreement.words import fold

Path = tuple[str, ...]


def check_reach(agreement: Agreement, source: Source, reading: Reading) -> None:
    """Complain of every stage that nobody can enter, or leave, as it is written."""
    groups, share = agreement.scoring.groups, agreement.scoring.fit_share
    for stage in agreement.stages:
        if stage.enter is not None and stage.used:
            _check_thresholds(("stages", stage.name), stage.enter, _highest(groups, share), source, reading)
    for lead_type in agreement.lead_types:
        counting = [group for group in groups if not group.lead_types or lead_type.name in group.lead_types]
        for stage in lead_type.stages:
            path = ("lead_types", lead_type.name, "stages", stage.name)
            if stage.enter is not None:
                _check_thresholds(path, stage.enter, _highest(counting, share), source, reading)
    _check_order(agreement, source, reading)
    _check_leaving(agreement, source, reading)


def _highest(groups: Sequence[Group], share: float) -> dict[str, float]:
    """The highest scores that these groups can give."""
    highest = {side: highest_score(groups, side) for side in ("fit", "engagement")}
    return {**highest, "combined": share * highest["fit"] + (1 - share) * highest["engagement"]}


def highest_score(groups: Iterable[Group], side: str) -> float:
    """The highest fit or engagement that the rules can give to anybody."""
    total = sum(_most(group) for group in groups if group.side == side)
    return max(0.0, min(100.0, total))


def _most(group: Group) -> float:
    """The most a group can give: every signal as often as it counts, every field at its best value."""
    signals = sum(
        rule.points * (rule.times_at_most or float("inf"))
        for rule in group.rules
        if rule.signal is not None and rule.points > 0
    )
    by_field: dict[str, list[Rule]] = {}
    for rule in group.rules:
        if rule.condition is not None:
            by_field.setdefault(rule.condition.field, []).append(rule)
    most = signals + sum(_most_of_field(rules) for rules in by_field.values())
    return most if group.at_most is None else min(most, group.at_most)


def _most_of_field(rules: Sequence[Rule]) -> float:
    """What one field can give: a company has one size, so two bands of sizes never both hold."""
    exact = [rule for rule in rules if rule.condition and rule.condition.operator in _HOLDS]
    loose = sum(rule.points for rule in rules if rule not in exact and rule.points > 0)
    candidates = {value for rule in exact if rule.condition for value in rule.condition.values}
    sums = [
        sum(rule.points for rule in exact if rule.condition and _HOLDS[rule.condition.operator](value, rule.condition))
        for value in candidates
    ]
    return loose + max([0.0, *sums])


def _is_one_of(value: object, condition: Condition) -> bool:
    return any(fold(str(each)) == fold(str(value)) for each in condition.values)


def _between(value: object, low: object, high: object) -> bool:
    numbers = [each for each in (value, low, high) if isinstance(each, (int, float))]
    return len(numbers) == 3 and numbers[1] <= numbers[0] <= numbers[2]


_HOLDS: Mapping[str, Callable[[object, Condition], bool]] = {
    "is": _is_one_of,
    "is_any_of": _is_one_of,
    "at_least": lambda value, condition: _between(value, condition.values[0], float("inf")),
    "at_most": lambda value, condition: _between(value, float("-inf"), condition.values[0]),
    "between": lambda value, condition: _between(value, *condition.values),
}


def _check_thresholds(path: Path, entry: Entry, highest: Mapping[str, float], source: Source, reading: Reading) -> None:
    for side, most in highest.items():
        wanted = getattr(entry, f"{side}_at_least")
        if wanted is not None and wanted > most:
            what = f"nobody can reach {wanted:g}: the rules give {most:g} {side} at most."
            fix = "Ask for less, or give more points (and a higher group_total_at_most) in scoring.toml."
            reading.complain(source, (*path, "enter_when", f"{side}_at_least"), what, fix)


def _check_order(agreement: Agreement, source: Source, reading: Reading) -> None:
    """People go up the funnel: from_stages names what comes before, and somebody must be able to begin."""
    ranks = {stage.name: rank for rank, stage in enumerate(each for each in agreement.stages if not each.side)}
    late: set[str] = set()
    for stage in agreement.stages:
        for each in stage.enter.from_stages if stage.enter else ():
            if ranks.get(each, -1) > ranks.get(stage.name, len(ranks)):
                late.add(stage.name)
                what = f"{stage.name} is entered from {each}, which comes after it."
                fix = "Name stages before it; whoever comes back does so by leave_when, a lead status or a deal."
                reading.complain(source, ("stages", stage.name, "enter_when", "from_stages"), what, fix)
    waiting = _closed(agreement)
    while opened := [name for name, before in waiting.items() if any(each not in waiting for each in before)]:
        for name in opened:
            del waiting[name]
    for name, before in waiting.items():
        if name not in late and name not in before:
            what = f"{name} is entered only from {' or '.join(before)}, and nobody ever gets there."
            fix = "Let one of these stages be entered without from_stages."
            reading.complain(source, ("stages", name, "enter_when", "from_stages"), what, fix)


def _closed(agreement: Agreement) -> dict[str, tuple[str, ...]]:
    """The stages that are entered from other stages only, with these."""
    targets = {track.to for track in agreement.fast_tracks}
    targets |= {status.to for status in agreement.statuses.values() if status.to}
    targets |= {reason.to for reason in agreement.deals.lost_reasons}
    targets |= {stage.leave.to for stage in agreement.stages if stage.leave}
    return {
        stage.name: stage.enter.from_stages
        for stage in agreement.stages
        if stage.enter and stage.enter.from_stages and stage.name not in targets
    }


def _check_leaving(agreement: Agreement, source: Source, reading: Reading) -> None:
    """A score that falls leads down or aside, and never round."""
    ranks = {stage.name: rank for rank, stage in enumerate(each for each in agreement.stages if not each.side)}
    leads = {stage.name: stage.leave.to for stage in agreement.stages if stage.leave}
    for name, to in leads.items():
        path = ("stages", name, "leave_when")
        if name in ranks and ranks.get(to, -1) > ranks[name]:
            reading.complain(
                source, path, f"a falling score would lead up, from {name} to {to}.", "Name an earlier or a side stage."
            )
        elif name in (round_trip := _followed(to, leads)) and name != to:
            way = " to ".join([name, *round_trip[: round_trip.index(name) + 1]])
            reading.complain(source, path, f"people would go round: {way}.", "Let one of them lead elsewhere.")


def _followed(name: str, leads: Mapping[str, str]) -> list[str]:
    """Where somebody ends up who leaves and leaves again."""
    seen: list[str] = []
    while name not in seen:
        seen.append(name)
        name = leads.get(name, name)
    return seen
