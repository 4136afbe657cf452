"""How high a score can get: what the rules could give at best to one person, limits included."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from math import inf

from connector.agreement.logic import holds_at, interval, points_between
from connector.agreement.terms import Agreement, Condition, Group, Rule


def highest(agreement: Agreement, side: str, signals: Collection[str]) -> float:
    """The highest score of a side, when only these signals are ever seen; never lower than what can really come."""
    groups = [group for group in agreement.scoring.groups if group.side == side]
    return min(100.0, sum(_of_group(group, signals) for group in groups))


def highest_combined(agreement: Agreement, signals: Collection[str]) -> float:
    """The highest combined score."""
    share = agreement.scoring.fit_share
    return share * highest(agreement, "fit", signals) + (1 - share) * highest(agreement, "engagement", signals)


def _of_group(group: Group, signals: Collection[str]) -> float:
    giving = [rule for rule in group.rules if rule.points > 0]
    total = sum(_of_signal(rule) for rule in giving if rule.signal in signals)
    fields = dict.fromkeys(rule.condition.field for rule in giving if rule.condition)
    total += sum(
        _of_field([rule for rule in giving if rule.condition and rule.condition.field == name]) for name in fields
    )
    total += sum(max(0.0, silent.points) for silent in group.inactivity)
    return total if group.at_most is None else min(total, group.at_most)


def _of_signal(rule: Rule) -> float:
    return rule.points * rule.times_at_most if rule.times_at_most is not None else inf


def _of_field(rules: list[Rule]) -> float:
    """The most that rules about one field give to one value of it: nobody has 50 and 500 colleagues."""
    asked = [(rule.condition, rule.points) for rule in rules if rule.condition]
    if all(interval(condition) for condition, _ in asked):
        values: Iterable[float | str] = points_between([condition for condition, _ in asked])
    elif all(condition.operator in ("is", "is_any_of") for condition, _ in asked) and _single(asked[0][0]):
        values = {str(value) for condition, _ in asked for value in condition.values}
    else:
        return sum(points for _, points in asked)
    return max(sum(points for condition, points in asked if holds_at(condition, value)) for value in values)


def _single(condition: Condition) -> bool:
    """Whether a person has only one value of the field; several are possible where the CRM keeps a list."""
    return condition.field in ("persona", "icp_band", "country", "industry", "seniority", "language")
