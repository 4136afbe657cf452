"""What an agreement needs besides rules: signatures, dates, owners, words, proof."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from connector.agreement.approvals import BOTH, Standing, same_person
from connector.agreement.goals import goal_changes_without_correction
from connector.agreement.lint.finding import Finding
from connector.agreement.places import Places
from connector.agreement.terms import Agreement, Goal, Stage
from connector.agreement.words import fold, label_of


def findings(agreement: Agreement, places: Places, today: date, signed: Standing) -> Iterator[Finding]:
    """Everything that is missing on paper."""
    yield from _signatures(agreement, places, signed)
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


def _signatures(agreement: Agreement, places: Places, now: Standing) -> Iterator[Finding]:
    where, signers = places.of("approvals"), agreement.paper.signers
    for side in now.missing:
        what = f"{side} has not signed {'this wiring' if side == 'admin' else 'these rules'}."
        yield Finding("warning", where, what, f'To sign: connector agreement approve --as {side} --name "...".')
    if now.emergency_until is not None:
        until = f"{now.emergency_until:%Y-%m-%d %H:%M} UTC"
        what = f"one side signed alone, in an emergency: that {'holds until' if now.signed else 'ended on'} {until}."
        yield Finding("warning", where, what, "Let the other side read it and sign.")
    names = [signers.get(side, ()) for side in BOTH]
    if all(len(each) == 1 for each in names) and same_person(names[0][0], names[1][0]):
        what = f"{names[0][0]} alone may sign for marketing and for sales, and nobody signs for both."
        yield Finding("error", where, what, "Name somebody else for one of them.")
    for side in BOTH:
        if not signers.get(side):
            what = f"anybody may sign for {side}."
            yield Finding("remark", where, what, f'Name who may: {side} = {{ name = "..." }}.')


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


def broken_promises(agreement: Agreement, places: Places, today: date, promised: Sequence[Goal]) -> Iterator[Finding]:
    """Goals of a running period that differ from what was signed, and no correction says why."""
    starts = agreement.paper.fiscal_year_starts
    for one in goal_changes_without_correction(promised, agreement.paper.goals, today, starts):
        yield Finding("error", places.of(one.where.partition(", ")[2]), one.what, one.fix)
