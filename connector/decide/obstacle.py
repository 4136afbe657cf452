"""
Why somebody is not yet in the first stage that a score decides (as shipped: MQL), as one word to count and branch on.

Several things may be in the way at once; the word names the one that has to go first. An exclusion is final, a wait is
over on its day, missing points are not answered by a form, and only when the points are there does a missing answer
decide.
"""

from __future__ import annotations

from connector.agreement.terms import Stage
from connector.decide.entry import Doors
from connector.decide.walk import Stages, Walk


class Obstacle:
    """Finds what is in the way of one stage."""

    def __init__(self, stages: Stages, doors: Doors) -> None:
        self._stages = stages
        self._doors = doors
        self._stage = next((stage for stage in stages.used if stage.enter and stage.enter.by_score), None)
        self._rank = stages.ranks[self._stage.name] if self._stage else 0

    def reason(self, walk: Walk) -> str | None:
        """One of vocabulary.NOT_MQL_REASONS; None for whoever is there, further, or about to be."""
        stage, stages, track = self._stage, self._stages, walk.track
        if stage is None or stages.level(track.stage) >= self._rank:
            return None
        here = stages.by_name.get(track.stage or "")
        if here is not None and here.side and not here.may_return:
            return "disqualified"
        if any(stages.level(each.blocks) <= self._rank for each in walk.facts.exclusions):
            return "excluded"
        if track.wait_until and track.wait_until > walk.as_of:
            return "waiting"
        return self._short_of(stage, walk)

    def _short_of(self, stage: Stage, walk: Walk) -> str | None:
        entry, values = stage.enter, walk.facts.values
        if entry is None:
            return None
        if self._doors.points_short(stage, walk):
            return "below_threshold"
        nothing_known = entry.known_any_of and all(values.get(name) is None for name in entry.known_any_of)
        if nothing_known or (entry.minimum_information and self._doors.missing(entry, walk.facts)):
            return "missing_information"
        if not self._doors.holds(entry, walk):
            return "another_rule"
        return None if self._doors.has_news(stage, walk) else "nothing_new"
