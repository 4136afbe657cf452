"""What an agreement needs besides rules: signatures, dates, owners, words, proof."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from connector.agreement.lint.finding import Finding
from connector.agreement.places import Places
from connector.agreement.terms import Agreement, Stage
from connector.agreement.words import fold, label_of

_SIDES = ("marketing", "sales")


def findings(agreement: Agreement, places: Places, today: date) -> Iterator[Finding]:
    """Everything that is missing on paper."""
    yield from _signatures(agreement, places)
    yield from _dates(agreement, places, today)
    known = {fold(term) for term in agreement.paper.glossary}
    for stage in agreement.stages:
        if stage.used:
            yield from _stage(stage, known, places)
    for persona in agreement.personas:
        if not persona.describes.get("evidence"):
            what = f"nothing says how we know {persona.label}."
            fix = 'Add evidence = "...": interviews, won deals, market research.'
            yield Finding("warning", places.of(f"personas.{persona.name}"), what, fix)
    for reason in agreement.rejection_reasons:
        if not reason.fixed_by:
            what = "nobody is named to fix it, so it will come again."
            yield Finding("warning", places.of(f"rejection_reasons.{reason.name}"), what, 'Add fixed_by = "marketing".')
    yield from _promises(agreement, places)


def _signatures(agreement: Agreement, places: Places) -> Iterator[Finding]:
    for side in _SIDES:
        if not agreement.paper.approvals.get(side, {}).get("name"):
            what = f"{side} has not signed."
            yield Finding("warning", places.of("approvals"), what, "Let both sides read it and sign.")


def _dates(agreement: Agreement, places: Places, today: date) -> Iterator[Finding]:
    paper = agreement.paper
    if paper.review_by is None:
        what = "nothing says when both sides look at this again."
        yield Finding("warning", places.of("review_by"), what, "Add review_by, half a year or a year ahead.")
    elif paper.review_by < today:
        what = f"the review was due on {paper.review_by}, {(today - paper.review_by).days} days ago."
        yield Finding("warning", places.of("review_by"), what, "Go through it together and set the next date.")
    if paper.effective_from is not None and paper.effective_from > today:
        what = f"is to hold from {paper.effective_from}, and the rules are followed as soon as they are loaded."
        yield Finding("remark", places.of("effective_from"), what, "Use it from that day on.")
    if not paper.summary.strip():
        yield Finding("remark", places.of("summary"), "there is no summary.", "Say in two sentences who promises what.")


def _stage(stage: Stage, known: set[str], places: Places) -> Iterator[Finding]:
    where = places.of(f"stages.{stage.name}")
    if not stage.owner:
        what = f"nobody owns {stage.label}, so its people are nobody's."
        yield Finding("warning", where, what, 'Add owner = "marketing" or owner = "sales".')
    if not stage.means and not {fold(stage.label), fold(label_of(stage.name))} & known:
        what = f"neither the glossary nor the stage itself says what {stage.label} means."
        yield Finding("warning", where, what, 'Add means = "...", or a line under [glossary] in agreement.toml.')


def _promises(agreement: Agreement, places: Places) -> Iterator[Finding]:
    for goal in agreement.paper.goals:
        if not goal.owner:
            what = "a goal that nobody owns."
            yield Finding("warning", places.of(f"goals.{goal.name}"), what, 'Add owner = "marketing" or "sales".')
    if agreement.paper.goals and not agreement.slas:
        what = "there are goals and no follow-up time."
        yield Finding("warning", places.of("goals"), what, "Add [sla]: what sales promises in return.")
