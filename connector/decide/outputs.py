"""
A decision as field values: what the CRM record should say. A field left out is left as it is.

The CRM's own stage shows the furthest of what it shows and where the person is; it goes back only by a move that
the agreement opted into (G5). Nothing about stage and status is said of an adopted person whom no rule has moved.
"""

from __future__ import annotations

from collections.abc import Mapping

from connector.agreement.terms import Agreement
from connector.agreement.vocabulary import ANSWERS, ASK_NEXT, OF_TRACK
from connector.decide.asking import Asking
from connector.decide.facts import Facts, Traits
from connector.decide.nurture import Nurturer
from connector.decide.obstacle import Obstacle
from connector.decide.reasons import ReasonWriter
from connector.decide.scoring import shown
from connector.decide.sla import clock_now
from connector.decide.walk import Walk
from connector.model import Lead, Value

#: What the record says of where the person stands, whichever track it speaks of.
OF_STAGE = ("stage", "current_stage", "furthest_stage")

#: Causes of a status with which a cycle ends, and which is therefore still ours to write.
_LAST_WORDS = ("attempts.exhausted_after", "sales_answers.")

_REMEMBERED = 16_384


class Recorder:
    """Turns a walk into outputs."""

    def __init__(self, agreement: Agreement, obstacle: Obstacle) -> None:
        self._version = agreement.version
        self._reasons = ReasonWriter(agreement.scoring.groups)
        self._asking = Asking(agreement)
        self._nurturer = Nurturer(agreement)
        self._obstacle = obstacle
        self._known: dict[tuple[Traits, tuple[str, ...], tuple[str, ...]], dict[str, Value]] = {}
        self._freeze_in = frozenset(agreement.scoring.freeze_in)
        self._backwards = {(each, move.to) for move in agreement.backwards for each in move.from_stages}

    def outputs(self, walk: Walk, missing: tuple[str, ...], blocked: tuple[str, ...]) -> dict[str, Value]:
        """The wanted values of every output this person has; `blocked` without points that change every day."""
        said = self._who(walk, missing)
        if walk.before.stage not in self._freeze_in:
            self._say_points(said, walk.facts)
        if "stage" not in walk.person.unmapped and walk.held_until is None:
            self._say_route(said, walk, blocked)
        elif self.is_withdrawn(walk):  # a withdrawn consent is no matter of stages, and waits for nobody
            said["nurture_track"] = None
        said["agreement_version"] = self._version
        said["scored_at"] = walk.as_of
        return said

    def is_withdrawn(self, walk: Walk) -> bool:
        """Whether the person withdrew consent to be nurtured."""
        return self._nurturer.withdrawn(walk.facts)

    def _who(self, walk: Walk, missing: tuple[str, ...]) -> dict[str, Value]:
        """Who the person is, what nobody knows of them and what to ask next, and what signals and deals say of that."""
        facts = walk.facts
        questions = tuple(self._asking.questions(walk))
        key = (facts.traits, questions, missing)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[key] = _of_fields(*key)
        said = known.copy()
        said["journey_stage"] = facts.journey_stage
        said["buying_group_missing"] = facts.buying_group_missing
        said["latest_deal_stage"] = facts.deals.latest_deal_stage
        return said

    def _say_points(self, said: dict[str, Value], facts: Facts) -> None:
        score = facts.score
        said["fit_score"] = shown(score.fit)
        said["engagement_score"] = shown(score.engagement)
        said["combined_score"] = shown(facts.scored.combined)
        said["grade"] = score.grade
        said["score_reasons"] = self._reasons.text(facts.scored)

    def _say_route(self, said: dict[str, Value], walk: Walk, blocked: tuple[str, ...]) -> None:
        track = walk.track
        said["nurture_track"] = self._nurturer.track(walk)
        said["not_mql_reason"] = self._obstacle.reason(walk)
        if track.cause != "adopted" or track.cycle:
            self._say_stage(said, walk, blocked)
        if track.cycle or track.wait_until or track.returned_count:
            said |= {"cycle": track.cycle, "wait_until": track.wait_until, "returned_count": track.returned_count}
        if track.cycle:
            said |= self._follow_up(walk)
        if walk.tasks:  # a new hand-off: what sales said in an earlier one must not speak for it
            said |= dict.fromkeys(name for name in ANSWERS if walk.person.fields.get(name) is not None)

    def stage_of(self, walk: Walk) -> dict[str, Value]:
        """What the record says of the stage alone, where another track than the one it speaks of is furthest on."""
        said = self.outputs(walk, (), ())
        return {name: said[name] for name in OF_STAGE if name in said}

    def of_lead(self, walk: Walk, said: Mapping[str, Value], lead: Lead) -> dict[str, Value]:
        """What an open lead of this track should say, of what is said of the track: its own stage goes forward from
        where it stands, and what it says of its type itself stays. A lead whose stage or status nobody has a word for
        is left alone."""
        if lead.unmapped:
            return {}
        outputs = {name: said[name] for name in OF_TRACK if name in said}
        if lead.lead_type is not None:
            outputs.pop("lead_type", None)
        if "current_stage" in outputs:
            outputs.pop("stage", None)
            if (stage := self.shown_stage(walk, lead.stage)) is not None:
                outputs["stage"] = stage
        if walk.tasks:
            outputs |= dict.fromkeys(ANSWERS)
        return outputs

    def _say_stage(self, said: dict[str, Value], walk: Walk, blocked: tuple[str, ...]) -> None:
        track = walk.track
        said["current_stage"] = track.stage
        said["furthest_stage"] = track.furthest
        said["lead_type"] = track.lead_type
        if (stage := self.shown_stage(walk, walk.person.stage)) is not None:
            said["stage"] = stage
        if walk.reason:
            said["stage_reason"] = walk.reason
        elif blocked:
            said["stage_reason"] = "not yet: " + "; ".join(blocked)

    def shown_stage(self, walk: Walk, live: str | None) -> str | None:
        """What the CRM's own stage property should hold where it holds this now; None leaves a blank that a person
        made, for as long as nothing moves the track on."""
        track, stages = walk.track, walk.stages
        if live is None and track.stage is None:
            return None
        if walk.moves:
            backwards = [
                move for move in walk.moves if move.what == "stage" and (move.before, move.after) in self._backwards
            ]
            if backwards and backwards[-1].after == track.stage:
                return track.stage
        if live is None:
            return stages.further(track.stage, track.furthest) or track.stage
        if not stages.is_side(track.stage) and stages.level(track.stage) > stages.ranks.get(live, -1):
            return track.stage
        return live

    def _follow_up(self, walk: Walk) -> dict[str, Value]:
        """Status and the clock that runs now, inside a cycle that we handed over; afterwards the clock is blank."""
        track, tried = walk.track, walk.tried
        if not track.handed_over:
            said: dict[str, Value] = {"sla_due": None, "sla_state": None}
            if any(move.what == "status" and move.cause.startswith(_LAST_WORDS) for move in walk.moves):
                said["status"] = track.status
            return said
        said = {}
        if track.handed_over_at:  # unknown after a lost ledger: then what stands on the record stays
            due_at, state = clock_now(track, walk.as_of)
            said = {
                "sla_due": due_at,
                "sla_state": state,
                "attempts": tried.count,
                "first_attempt_at": tried.first_at,
            }
        if "status" not in walk.person.unmapped:
            said["status"] = track.status
        return said


def _of_fields(traits: Traits, questions: tuple[str, ...], missing: tuple[str, ...]) -> dict[str, Value]:
    """What follows from the fields alone. One question an output, the outputs beyond the last question blank."""
    return {
        **dict(zip(ASK_NEXT, (*questions, *(None for _ in ASK_NEXT)), strict=False)),
        "persona": traits.persona.name if traits.persona else None,
        "icp_band": traits.band,
        "missing_information": ", ".join(missing) or None,
        "exclusion_reason": traits.exclusions[0].reason if traits.exclusions else None,
    }
