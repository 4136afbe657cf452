"""
What sales answers on the record itself: accepted, returned, rejected, and the day on which they promised to call back.

An answer stands for a lead status, counts inside a hand-off, and once; the track remembers which it answered to. A
day to call back ends the wait, and is a promise: on that day the person is handed over again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from connector.agreement.terms import Agreement, Answer
from connector.decide.days import begins, said
from connector.decide.walk import ADOPTED_FROM, ANSWERED, Judgement, Walk


class Answers:
    """The agreement's answers, and the promises of sales."""

    def __init__(self, agreement: Agreement) -> None:
        self._answers = agreement.answers
        self._statuses = agreement.statuses
        self._zone = agreement.zone
        self._may_return = {each.name for each in agreement.rejection_reasons if each.may_return}

    # -- the answer ------------------------------------------------------------------------------------------------

    def take_in(self, walk: Walk) -> None:
        """Take the lead status of a new answer, and a day to call back that comes later than the answer. Of a track that
        the record does not speak of it says nothing, neither now nor when it speaks of that track again."""
        if not walk.is_spoken_to:
            walk.track = replace(walk.track, answer=walk.answer_on_record)
            return
        self._answer(walk)
        if self._is_waiting(walk):
            self._keep_promise_as_said(walk)

    def _answer(self, walk: Walk) -> None:
        value = walk.facts.values.get("sales_answer")
        name = None if value is None else str(value)
        answer = self._answers.get(name or "")
        edit = walk.edit("status")
        is_overruled = edit is not None and edit.by in ADOPTED_FROM  # a status that a person set is the plainer word
        if name == walk.track.answer:
            if answer and not is_overruled and self._reason_came_later(answer, walk):
                self._follow(answer, walk)
            return
        counts = name is not None and walk.track.handed_over and self._is_of_this_cycle(walk)
        if counts and answer is None:
            walk.warnings.append(f"sales answer {name} is none of the agreement")
        if counts and answer and self._lacks_reason(answer, walk):
            walk.warnings.append(f"sales answer {name} waits for a rejection reason")
            return
        walk.track = replace(walk.track, answer=name)
        if answer and not is_overruled and (counts or self._reason_came_later(answer, walk)):
            self._follow(answer, walk)

    def _follow(self, answer: Answer, walk: Walk) -> None:
        at, status = self._answered_at(walk), self._status(answer, walk)
        walk.set_status(status, f"{ANSWERED}{answer.name}", f"sales answered: {answer.label}")
        walk.track = replace(walk.track, edited_at=max(at, walk.track.edited_at or at))
        walk.answer(at)
        walk.answered = Judgement(status, at, answer.name)

    def _status(self, answer: Answer, walk: Walk) -> str:
        """The lead status; another one where the reason given says that the person may return."""
        may_return = walk.facts.values.get("rejection_reason") in self._may_return
        return answer.status_if_may_return if may_return and answer.status_if_may_return else answer.status

    def _reason_came_later(self, answer: Answer, walk: Walk) -> bool:
        """Whether the reason that lets the person return was filled in after the answer had sent them away. What
        somebody made of the status by hand since then stands."""
        track = walk.track
        stands = track.status == answer.status and track.cause == f"{ANSWERED}{answer.name}"
        return stands and not track.handed_over and self._status(answer, walk) != answer.status

    def _lacks_reason(self, answer: Answer, walk: Walk) -> bool:
        status = self._statuses.get(answer.status)
        blocks = status is not None and status.reason_required == "block"
        return blocks and walk.facts.values.get("rejection_reason") is None

    def _answered_at(self, walk: Walk) -> datetime:
        edit = walk.edit("sales_answer")
        return (edit.at if edit else None) or walk.as_of

    def _is_of_this_cycle(self, walk: Walk) -> bool:
        """An answer that the CRM's history dates before the hand-off was given to an earlier one."""
        since = walk.track.handed_over_at
        return since is None or self._answered_at(walk) >= since

    # -- the day to call back ----------------------------------------------------------------------------------------

    def promise(self, walk: Walk) -> None:
        """Sales makes the person wait: until the day they named, where they named one."""
        at = self._named_day(walk)
        if at is not None and at > walk.as_of:
            walk.track = replace(walk.track, wait_until=at, call_back_at=at)

    def is_due(self, walk: Walk) -> bool:
        """Whether the day has come that sales promised."""
        at = walk.track.call_back_at
        return at is not None and at <= walk.as_of

    def agreed_day(self, walk: Walk) -> str:
        """The promised day as people write it."""
        at = walk.track.call_back_at
        return f"{at.astimezone(self._zone):%Y-%m-%d}" if at else ""

    def let_go(self, walk: Walk) -> None:
        """A promise that could not be kept on its day is over; a day that nobody waits for is told."""
        if self.is_due(walk) and walk.hands_over:
            if not walk.track.handed_over:
                walk.warnings.append(f"call back agreed for {self.agreed_day(walk)}: not handed over")
            walk.track = replace(walk.track, call_back_at=None)
            return
        at = self._named_day(walk)
        if at is not None and walk.track.cycle == walk.before.cycle and walk.track.call_back_at is None:
            day = said(walk.facts.values.get("call_back_on"), self._zone)
            walk.turns_at(at)
            why = "it is past" if at <= walk.as_of else "the person was not returned"
            walk.warnings.append(f"call back on {day} is ignored: {why}")

    def _named_day(self, walk: Walk) -> datetime | None:
        return begins(walk.facts.values.get("call_back_on"), self._zone)

    def _is_waiting(self, walk: Walk) -> bool:
        """Whether sales has sent the person away for a while, in this cycle of the track."""
        track = walk.track
        if track.handed_over:
            return False
        if track.wait_until is not None and track.wait_until > walk.as_of:
            return True
        status = self._statuses.get(track.status or "")
        return status is not None and (status.returned or bool(status.wait_days)) and track.stage == status.to

    def _keep_promise_as_said(self, walk: Walk) -> None:
        """A day named or changed while the person waits counts as if it had come with the answer; one taken back
        is no promise any more."""
        at, track = self._named_day(walk), walk.track
        restored = track.evaluated_at is None and at == track.wait_until  # the ledger that knew of it is lost
        if at is not None and (at > walk.as_of or restored) and at != track.call_back_at:
            walk.track = replace(track, wait_until=at, call_back_at=at)
        elif at is None and track.call_back_at is not None:
            walk.track = replace(track, call_back_at=None)
