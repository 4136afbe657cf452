"""
Which nurture track somebody is in: the word that a marketing tool branches on. Blank means that marketing sends
nothing.

Consent first: whoever withdrew it is in no track, whatever else holds. Then the stage: while sales has the person,
nurture pauses unless the stage says that it goes on. Then the track named nearest: how they came back to us, where
they are, who they are.
"""

from __future__ import annotations

from connector.agreement.terms import Agreement
from connector.decide.conditions import compile_condition
from connector.decide.deals import DealReader
from connector.decide.facts import Facts
from connector.decide.walk import Walk


class Nurturer:
    """The agreement's nurture tracks, compiled."""

    def __init__(self, agreement: Agreement) -> None:
        self._nurture = agreement.audience.nurture
        self._statuses = agreement.statuses
        self._deals = DealReader(agreement.deals)
        self._signals = frozenset(stop.signal for stop in self._nurture.stops if stop.signal)
        self._tests = [compile_condition(stop.condition) for stop in self._nurture.stops if stop.condition]

    def withdrawn(self, facts: Facts) -> bool:
        """Whether the person told us to stop."""
        return not self._signals.isdisjoint(facts.newest) or any(test(facts.values) for test in self._tests)

    def track(self, walk: Walk) -> str | None:
        """The person's nurture track, None for none."""
        if not self._nurture.tracks or self._pauses(walk) or self.withdrawn(walk.facts):
            return None
        nurture, persona = self._nurture, walk.facts.persona
        return (
            self._after_return(walk)
            or nurture.stages.get(walk.track.stage or "")
            or (nurture.personas.get(persona.name) if persona else None)
            or nurture.otherwise
        )

    def _pauses(self, walk: Walk) -> bool:
        return not self._nurture.goes_on.get(walk.track.stage or "", not walk.track.handed_over)

    def _after_return(self, walk: Walk) -> str | None:
        """The track of the lead status, or of the lost deal, that put the person where they still are."""
        track, deals = walk.track, walk.facts.deals
        status = self._statuses.get(track.status or "")
        if status and status.to == track.stage and (named := self._nurture.statuses.get(status.name)):
            return named
        if deals.says == "lost" and deals.deal and track.cause == f"deal:{deals.deal.id}":
            reason = self._deals.lost_to(deals.deal)
            return self._nurture.lost_reasons.get(reason.name) if reason else None
        return None
