"""Moves that undo each other: who leaves or is sent away comes straight back."""

from __future__ import annotations

from collections.abc import Iterator

from connector.agreement.lint.finding import Finding
from connector.agreement.lint.stages import Order
from connector.agreement.places import Places
from connector.agreement.terms import Agreement, Entry, Leaving, Stage, Status
from connector.agreement.words import label_of
from connector.wording import number

_SCORES = ("fit", "engagement", "combined")


def findings(agreement: Agreement, places: Places) -> Iterator[Finding]:
    """Everything that can send a person to and fro."""
    order = Order(agreement)
    for stage in agreement.stages:
        if stage.used and stage.leave:
            yield from _left_at_once(stage, stage.leave, places)
            yield from _comes_back(stage, stage.leave, order, places)
    yield from _sent_away_without_a_wait(agreement, order, places)


def _left_at_once(stage: Stage, leave: Leaving, places: Places) -> Iterator[Finding]:
    """Entered without a look at the score by which it is left."""
    for score in _SCORES:
        below, least = _below(leave, score), _least(stage.enter, score) if stage.enter else None
        if below is not None and stage.enter and least is None:
            what = (
                f"{stage.label} is left when {score} is below {number(below)}, and its entry does not ask for {score}:"
                " it can be left as soon as it is entered."
            )
            fix = f"Add {score}_at_least above {number(below)} to enter_when, or take {score}_below out."
            yield Finding("warning", places.of(f"stages.{stage.name}.leave_when"), what, fix)


def _comes_back(stage: Stage, leave: Leaving, order: Order, places: Places) -> Iterator[Finding]:
    """Whoever leaves lands where another rule takes them as far again, or further."""
    where, floor = places.of(f"stages.{stage.name}.leave_when"), order.level(leave.to)
    if floor >= order.level(stage.name) or not order.may_return(leave.to):
        return
    for other in order.main:
        entry = other.enter
        if other.name == stage.name or not other.used or entry is None or entry.deal or entry.accepted_by_sales:
            continue
        if order.level(other.name) < order.level(stage.name) or order.level(other.name) <= floor:
            continue
        if entry.from_stages and leave.to not in entry.from_stages:
            continue
        if any(_still_enough(entry, leave, score) for score in _SCORES):
            what = (
                f"whoever leaves {stage.label} goes to {order.label(leave.to)}, and their score is still enough for"
                f" {other.label}: the next signal takes them there."
            )
            fix = f"Let [stages.{other.name}] ask for more than leave_when of {stage.name}, or name its from_stages."
            yield Finding("warning", where, what, fix)


def _still_enough(entry: Entry, leave: Leaving, score: str) -> bool:
    """Whether somebody who has just left because of this score has enough of it for the entry."""
    least, below = _least(entry, score), _below(leave, score)
    return below is not None and (least is None or least < below)


def _sent_away_without_a_wait(agreement: Agreement, order: Order, places: Places) -> Iterator[Finding]:
    """Sales sends somebody away, and the next click brings them back to sales."""
    sent = [(f"statuses.{one.name}", f"the status {one.label}", one.to, one.wait_days) for one in _leading(agreement)]
    sent += [
        (f"lost_reasons.{one.name}", f"a deal lost for {label_of(one.name)}", one.to, one.wait_days)
        for one in agreement.deals.lost_reasons
    ]
    for path, cause, to, wait in sent:
        again = _again(order, to) if to and not wait and order.may_return(to) else None
        if to and again:
            what = (
                f"{cause} sends people to {order.label(to)} without a wait: while the score holds, the next signal"
                f" makes them {again.label} and hands them over again."
            )
            yield Finding("warning", places.of(path), what, "Add wait_days, such as 30.")


def _leading(agreement: Agreement) -> list[Status]:
    return [status for status in agreement.statuses.values() if status.to]


def _again(order: Order, back: str) -> Stage | None:
    """The stage beyond this one that a score alone leads to, and that hands over."""
    for stage in order.main:
        entry = stage.enter
        if stage.used and stage.hands_over and entry and entry.by_score and order.level(stage.name) > order.level(back):
            return None if entry.from_stages and back not in entry.from_stages else stage
    return None


def _below(leave: Leaving, score: str) -> float | None:
    below: float | None = getattr(leave, f"{score}_below")
    return below


def _least(entry: Entry, score: str) -> float | None:
    least: float | None = getattr(entry, f"{score}_at_least")
    return least
