"""
When a person leaves a stage because the score fell.

A fall has to be one: by time or by facts, under rules that held when the person was looked at before. A changed
agreement alone takes nobody's stage away, unless it says apply_to = "everyone". Whom a change finds below the value of
leaving stays, and from then on leaves below what the new rules gave (Track.lowered). That value rises with the score,
and is the agreed one again as soon as the score reaches it.

Whoever had fallen before the change is not kept by it: a mark on the track (BELOW) remembers who was below at the last
look, in a minimum stay or in the hands of sales; and who has fallen since then would have under the new rules alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from connector.agreement.terms import Leaving
from connector.decide.facts import Facts, Observer
from connector.decide.walk import BELOW, RULES, Walk

#: The scores that a stage may be left by, as `Leaving` calls them.
_VALUES = ("fit_below", "engagement_below", "combined_below")


def rule_of(walk: Walk) -> Leaving | None:
    """The rule by which this person would leave the stage, with the values that hold for them. Only rules that led up
    lead down again."""
    stage, track = walk.stages.by_name.get(walk.track.stage or ""), walk.track
    if stage is None or stage.leave is None or not (track.cause or "").startswith(RULES):
        return None
    if not track.lowered:
        return stage.leave
    return Leaving(stage.leave.to, *[track.lowered.get(name, getattr(stage.leave, name)) for name in _VALUES])


def is_below(leave: Leaving, facts: Facts) -> bool:
    """Whether one of the scores is below its value."""
    score = facts.score
    return (
        (leave.engagement_below is not None and score.engagement < leave.engagement_below)
        or (leave.fit_below is not None and score.fit < leave.fit_below)
        or (leave.combined_below is not None and facts.scored.combined < leave.combined_below)
    )


class Keeper:
    """Keeps from falling whom only a changed agreement would make fall."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def keep(self, walk: Walk) -> None:
        """Settle which values of leaving hold for this person, before anybody asks."""
        stage = walk.stages.by_name.get(walk.track.stage or "")
        if stage is None or stage.leave is None:
            lowered: Mapping[str, float] = {}
        elif walk.rules_changed:
            lowered = self._after_change(stage.leave, walk)
        elif walk.track.lowered:
            lowered = _risen(stage.leave, walk)
        else:
            return
        if lowered != walk.track.lowered:
            walk.track = replace(walk.track, lowered=lowered)

    def _after_change(self, leave: Leaving, walk: Walk) -> Mapping[str, float]:
        had_fallen = walk.before.facts.endswith(BELOW)
        if walk.everyone or had_fallen or not (walk.track.cause or "").startswith(RULES):
            return {}
        if not is_below(leave, walk.facts) or not self._would_have_been_below(leave, walk):
            return {}
        now = _scores(walk.facts)
        return {name: now[name] for name in _VALUES if (agreed := getattr(leave, name)) and now[name] < agreed}

    def _would_have_been_below(self, leave: Leaving, walk: Walk) -> bool:
        """Whether the new rules would have found the person below at the last look already, by what was known then."""
        then, used = walk.before.evaluated_at, walk.before.used
        if then is None:
            return True
        known = tuple(each for each in walk.person.signals if each.at <= then and each.seen <= used)
        return is_below(leave, self._observer.observe(replace(walk.person, signals=known), then))


def _risen(leave: Leaving, walk: Walk) -> Mapping[str, float]:
    """The values lowered before, no lower than the score has been since; without those that are reached again."""
    now = _scores(walk.facts)
    risen = {name: max(value, now[name]) for name, value in walk.track.lowered.items()}
    return {name: value for name, value in risen.items() if (agreed := getattr(leave, name)) and value < agreed}


def _scores(facts: Facts) -> Mapping[str, float]:
    return dict(zip(_VALUES, (facts.score.fit, facts.score.engagement, facts.scored.combined), strict=True))
