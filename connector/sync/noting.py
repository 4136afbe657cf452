"""
What a decision teaches about hand-offs: by which rule somebody was handed over, what sales did, how the cycle ended.

Pure: person, decision and what was remembered before in, rows for the log of hand-offs out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connector.agreement import Agreement
from connector.decide.attempts import AttemptCounter
from connector.decide.walk import Stages
from connector.ledger.handoffs import HandOff
from connector.model import Decision, Move, Person, TaskDraft, Track


class Noting:
    """Reads decisions for the log of hand-offs; `teams` tells who works with whom, for calls that are logged late."""

    def __init__(self, agreement: Agreement, teams: Mapping[str, frozenset[str]] | None = None) -> None:
        self._agreement = agreement
        self._counter = AttemptCounter(agreement.attempts, teams, agreement.zone)
        self._stages = Stages(agreement.stages)

    def hand_offs(
        self, person: Person, decision: Decision, before: Sequence[Mapping[str, Any]], as_of: datetime
    ) -> tuple[HandOff, ...]:
        """What is known now of the current cycle of each track; `before` are the tracks as they were remembered."""
        remembered = {track.get("id"): track for track in before}
        return tuple(
            self._hand_off(person, decision, track, remembered.get(track.id, {}), as_of)
            for track in decision.tracks
            if track.cycle and track.handed_over_at
        )

    def _hand_off(
        self, person: Person, decision: Decision, track: Track, before: Mapping[str, Any], as_of: datetime
    ) -> HandOff:
        draft = next((one for one in decision.tasks if (one.track_id, one.cycle) == (track.id, track.cycle)), None)
        was_open = bool(before.get("handed_over")) and before.get("cycle") == track.cycle
        began, ended_at = track.handed_over_at or as_of, None if track.handed_over else track.left_at or as_of
        moves = [one for one in decision.moves if (one.track_id or decision.tracks[0].id) == track.id]
        reason, outputs = person.fields.get("rejection_reason"), decision.outputs
        accepts = was_open and self._accepts(track, moves)
        attempts, first_attempt_at, contact_at = track.attempts, track.first_attempt_at, track.contact_at
        if ended_at is not None and not was_open:  # nobody counts any more, and something may have been logged late
            tried = self._counter.since(person, began, ended_at, track.owners)
            attempts, first_attempt_at, contact_at = tried.count, tried.first_at, tried.contact_at
        return HandOff(
            person.id,
            track.id,
            track.cycle,
            began,
            track.lead_type,
            **(self._at_the_beginning(person, decision, track, draft) if draft else {}),
            triggered_at=track.triggered_at,
            owner_id=track.owners[-1] if track.owners else None,
            sla_class=track.sla_class,
            assigned_at=track.assigned_at,
            due_at=track.sla_due_at,
            unowned_at=track.unowned_at,
            answer_due_at=track.answer_due_at,
            decided_at=track.decided_at,
            paused_at=track.paused_at,
            attempts=attempts,
            first_attempt_at=first_attempt_at,
            contact_at=contact_at,
            answered_at=track.answered_at,
            accepted_at=(track.answered_at or as_of) if accepts else None,
            ended_at=ended_at,
            outcome=self._outcome(moves, track) if ended_at else None,
            rejection=str(reason) if ended_at and reason else None,
            excluded=_text(outputs.get("exclusion_reason")),
        )

    def _at_the_beginning(self, person: Person, decision: Decision, track: Track, draft: TaskDraft) -> dict[str, Any]:
        return {
            "rule": draft.rule,
            "stage": track.stage,
            "source": _text(person.fields.get("source_first")),
            "grade": decision.score.grade,
            "fit": decision.score.fit,
            "engagement": decision.score.engagement,
            "complete": decision.outputs.get("missing_information") is None,
            "fingerprint": self._agreement.fingerprint,
        }

    def _accepts(self, track: Track, moves: Sequence[Move]) -> bool:
        """Sales took the person: a status that says so, or a stage further on while it was theirs."""
        status = self._agreement.statuses.get(track.status or "")
        further = any(
            one.what == "stage" and self._stages.level(one.after) > self._stages.level(one.before) for one in moves
        )
        return further or (status is not None and status.accepts)

    def _outcome(self, moves: Sequence[Move], track: Track) -> str:
        """How a cycle ended, by the last move of the stage that was made with it."""
        cause = next((one.cause for one in reversed(moves) if one.what == "stage"), "")
        kind, _, name = cause.replace(":", ".", 1).partition(".")
        if kind == "sales_answers":  # the answer stands for a lead status, or for another one by the reason given
            stands = track.status or ""
            name = stands if stands in self._agreement.statuses else self._agreement.answers[name].status
        if kind in ("statuses", "sales_answers"):
            return "returned" if self._agreement.statuses[name].returned else "rejected"
        if kind == "attempts":
            return "exhausted"
        if kind in ("stages", "clean_up"):
            return "faded"
        return {"deal": "lost", "person": "moved", "import": "moved", "crm": "moved"}.get(kind, "ended")


def _text(value: object) -> str | None:
    return None if value is None else str(value)
