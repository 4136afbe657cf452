"""What sales says and what deals say: lead statuses, answers, rejection reasons, deal stages, lost reasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connector.agreement.sentences.words import Sentence, Words, either, quoted, tried_after
from connector.agreement.terms import Agreement, Answer, DealRules, DealStage, LostReason, Reason, Status
from connector.agreement.words import label_of
from connector.wording import counted

STATUSES = "Lead statuses"
ANSWERS = "Sales answers"
REASONS = "Rejection reasons"
DEALS = "Deals"

_REASON = {"ask": "a reason is asked for", "block": "nothing happens before a reason is given"}
_STATE = {
    "open": "an open deal",
    "won": "a won deal",
    "lost": "a lost deal",
    "on_hold": "an open deal on hold, for which no clock runs",
}


def sentences(agreement: Agreement, words: Words) -> Iterator[Sentence]:
    """Statuses, answers, reasons, and what deals do to people."""
    for status in agreement.statuses.values():
        yield Sentence(f"statuses.{status.name}", STATUSES, _status(status, words))
    for answer in agreement.answers.values():
        yield Sentence(f"sales_answers.{answer.name}", ANSWERS, _answer(answer, words))
    for reason in agreement.rejection_reasons:
        yield Sentence(f"rejection_reasons.{reason.name}", REASONS, _reason(reason))
    yield from _deals(agreement.deals, words)


def _status(status: Status, words: Words) -> str:
    does = []
    if status.working:
        does.append("somebody in sales is at work and a falling score takes nobody away")
    if status.accepts:
        does.append("sales accepted the hand-off")
    if status.to:
        does.append(f"the person goes to {words.stage(status.to)}")
    if status.wait_days is not None:
        does.append(f"nobody is handed over again for {counted(status.wait_days, 'day')}")
    if status.returned:
        does.append("it counts as returned")
    if status.reason_required != "no":
        does.append(_REASON[status.reason_required])
    return f"{quoted(status.label)} means{': ' + '; '.join(does) if does else ' no more than its name'}."


def _answer(answer: Answer, words: Words) -> str:
    said = f"The answer {quoted(answer.label)} sets the status {quoted(words.status(answer.status))}"
    if answer.status_if_may_return:
        other = quoted(words.status(answer.status_if_may_return))
        said += f", or {other} where the reason given lets the person return"
    return f"{said}."


def _reason(reason: Reason) -> str:
    said = f"{quoted(reason.label)} is for {reason.fixed_by or 'nobody'} to fix"
    return f"{said}; the person may return." if reason.may_return else f"{said}."


def _deals(deals: DealRules, words: Words) -> Iterator[Sentence]:
    whose = (
        f"only people in the role {either(map(quoted, deals.counted_roles))}"
        if deals.counted_roles
        else "everybody on it"
    )
    yield Sentence("deals.counted_roles", DEALS, f"A deal speaks for {whose}.")
    for position, stage in enumerate(deals.stages):
        yield Sentence(f"deal_stages.{stage.name}", DEALS, _deal_stage(stage, deals.stages[:position]))
    for position, reason in enumerate(deals.lost_reasons):
        text = _lost(reason, deals.lost_reasons[:position], words)
        yield Sentence(f"lost_reasons.{reason.name}", DEALS, text)


def _deal_stage(stage: DealStage, before: Sequence[DealStage]) -> str:
    after = f", after {quoted(before[-1].label)}" if before else ", the first one"
    return f"The deal stage {quoted(stage.label)} is {_STATE[stage.state]}{after}."


def _lost(reason: LostReason, before: Sequence[LostReason], words: Words) -> str:
    of = (
        f"A lost deal whose reason contains {either(map(quoted, reason.phrases))}"
        if reason.phrases
        else "Any other lost deal"
    )
    said = f"{of} sends its people to {words.stage(reason.to)}"
    if reason.wait_days is not None:
        said += f", and none of them is handed over again for {counted(reason.wait_days, 'day')}"
    return f"{said}{tried_after(label_of(before[-1].name) if before else '')}."
