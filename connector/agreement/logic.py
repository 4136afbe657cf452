"""What follows from conditions alone: which one holds whenever another does, and which can never hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf

from connector.agreement.terms import Condition, Plain
from connector.agreement.words import fold


def interval(condition: Condition) -> tuple[float, float] | None:
    """The numbers for which a condition holds, both ends included; None where it is not about a range."""
    numbers = [float(value) for value in condition.values if isinstance(value, (int, float))]
    match condition.operator:
        case "at_least":
            return numbers[0], inf
        case "at_most":
            return -inf, numbers[0]
        case "between":
            return numbers[0], numbers[1]
    return None


def points_between(conditions: Iterable[Condition]) -> list[float]:
    """Numbers enough to try: where some range begins or ends."""
    ends = [end for condition in conditions for end in interval(condition) or ()]
    return [end for end in ends if abs(end) != inf] or [0.0]


def holds_at(condition: Condition, value: float | str) -> bool:
    """Whether a range or a comparison holds for a value."""
    between = interval(condition)
    if between:
        return isinstance(value, float) and between[0] <= value <= between[1]
    return isinstance(value, str) and fold(value) in {fold(str(each)) for each in condition.values}


def implies(one: Condition, other: Condition) -> bool:
    """Whether the other holds whenever the one does; False where that is not certain."""
    if one.field != other.field:
        return False
    if other.operator == "is_known":
        return one.operator != "is_unknown"
    if one.operator == "is_unknown" or other.operator == "is_unknown":
        return one.operator == other.operator
    within, around = interval(one), interval(other)
    if within and around:
        return around[0] <= within[0] and within[1] <= around[1]
    if one.operator == "contains_any_of" and other.operator == "contains_any_of":
        return set(other.unless) <= set(one.unless) and all(_says(text, other.values) for text in one.values)
    if one.operator in ("is", "is_any_of") and other.operator == "contains_any_of":
        return not other.unless and all(_says(text, other.values) for text in one.values)
    if one.operator in ("is", "is_any_of") and other.operator in ("is", "is_any_of"):
        return _folded(one.values) <= _folded(other.values)
    return one.operator == other.operator == "in_list" and one.entries <= other.entries and bool(one.entries)


def never_both(one: Condition, other: Condition) -> bool:
    """Whether two conditions about one field can never hold together; False where that is not certain."""
    if one.field != other.field:
        return False
    if "is_unknown" in (one.operator, other.operator):
        return one.operator != other.operator
    first, second = interval(one), interval(other)
    if first and second:
        return first[1] < second[0] or second[1] < first[0]
    same = ("is", "is_any_of")
    return one.operator in same and other.operator in same and not _folded(one.values) & _folded(other.values)


def stopped(condition: Condition) -> list[str]:
    """The phrases that can never be found, because what stops the condition stands within them."""
    return [str(text) for text in condition.values if condition.unless and _says(text, condition.unless)]


def doubles(values: Sequence[Plain]) -> list[str]:
    """Texts that are there twice, as rules compare them."""
    seen: set[str] = set()
    found = []
    for value in values:
        if fold(str(value)) in seen:
            found.append(str(value))
        seen.add(fold(str(value)))
    return found


def _says(text: Plain, phrases: Iterable[Plain]) -> bool:
    """Whether a text that contains this one contains one of the phrases, by whole words."""
    whole = f" {fold(str(text))} "
    return any(f" {fold(str(phrase))} " in whole for phrase in phrases)


def _folded(values: Iterable[Plain]) -> set[str]:
    return {fold(str(value)) if isinstance(value, str) else f"={value}" for value in values}
