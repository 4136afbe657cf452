"""Points: every rule with its limits, its frequency and its fading; grades; the combined score."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from connector.agreement.sentences.words import Sentence, Words, because, capital, either
from connector.agreement.terms import Agreement, Fading, Group, Inactivity, Rule
from connector.wording import counted, number

SCORING = {"fit": "Scoring: fit", "engagement": "Scoring: engagement"}
GRADES = "Scoring: grades"


def sentences(agreement: Agreement, words: Words) -> Iterator[Sentence]:
    """Every rule of the two scores, group by group."""
    scoring = agreement.scoring
    for group in scoring.groups:
        chapter, path = SCORING[group.side], f"{group.side}.{group.name}"
        yield Sentence(path, chapter, _group(group, words))
        for rule in group.rules:
            yield Sentence(rule.path, chapter, _rule(rule, words))
        for silence in group.inactivity:
            yield Sentence(silence.path, chapter, _silence(silence))
    yield Sentence("grades.fit", GRADES, _grades("fit", scoring.fit_grades))
    yield Sentence("grades.engagement", GRADES, _grades("engagement", scoring.engagement_grades))
    share = number(round(scoring.fit_share * 100, 6))
    text = f"The combined score is {share} % of the fit score and the rest of the engagement score."
    yield Sentence("combined.fit_share", GRADES, text)
    if scoring.freeze_in:
        stages = either(map(words.stage, scoring.freeze_in))
        text = f"Scores on the record stay as they were when somebody became {stages}."
        yield Sentence("freeze_in", GRADES, text)


def _group(group: Group, words: Words) -> str:
    limits = []
    if group.at_most is not None:
        limits.append(f"never more than {number(group.at_most)}")
    if group.never_below is not None:
        limits.append(f"never less than {number(group.never_below)}")
    said = f"its total is {' and '.join(limits)}" if limits else "its total has no limit of its own"
    of = f" of {either(words.value('lead_type', name) for name in group.lead_types)} only" if group.lead_types else ""
    return f"The group {group.label} counts for {group.side}{of}; {said}."


def _rule(rule: Rule, words: Words) -> str:
    label = capital(rule.label)
    said = f"{label}: {_points(rule.points)}"
    if rule.condition:
        said += f" when {words.condition(rule.condition)}"
    if rule.signal:
        of = words.signal(rule.signal)
        said += f" for each {of}" if of.casefold() != rule.label.casefold() else " each"
    return f"{said}{_how_often(rule)}{_fading(rule.fading)}{because(rule.why)}."


def _points(points: float) -> str:
    return counted(points, "point") if points < 0 else f"+{counted(points, 'point')}"


def _how_often(rule: Rule) -> str:
    said = f", once a {rule.once_per}" if rule.once_per else ""
    if rule.times_at_most is not None:
        said += f", the newest {rule.times_at_most} at most" if rule.times_at_most > 1 else ", the newest one only"
    if rule.within_days is not None:
        said += f", of the last {counted(rule.within_days, 'day')}"
    return said


def _fading(fading: Fading) -> str:
    days = counted(fading.days, "day")
    match fading.kind:
        case "after":
            return f", and nothing after {days}"
        case "evenly":
            return f", fading evenly to nothing over {days}"
        case "by_half":
            return f", halving every {days}"
        case "never":
            return f", never fading ({days})" if fading.days else ""


def _silence(silence: Inactivity) -> str:
    said = f"{_points(silence.points)} after {counted(silence.days, 'day')} without a positive signal"
    return f"{capital(silence.label)}: {said}."


def _grades(side: str, grades: tuple[tuple[str, float], ...]) -> str:
    best = [f"{name} from {number(least)}" for name, least in grades[:1]]
    rest = [f"{name} from {number(least)} to below {number(above)}" for (_, above), (name, least) in pairwise(grades)]
    return f"The {side} score is graded {', '.join([*best, *rest]) or 'not at all'}."
