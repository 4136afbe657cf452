"""From agreement.toml and texts.<language>.toml to terms."""

from __future__ import annotations

import string
from zoneinfo import ZoneInfo

from connector.agreement.approvals import SIDES
from connector.agreement.follow_up import find_zone
from connector.agreement.reading import Reading
from connector.agreement.shapes.paper import AgreementShape, TextsShape
from connector.agreement.source import Source
from connector.agreement.terms import Goal, Paper, Texts
from connector.agreement.vocabulary import ANSWERS, DERIVED, FROM_PERSONA, HOLDS, OUTPUTS

#: What a line of the task may fill in; a line with a place that is empty for a person is left out.
PLACES = (
    "who",
    "name",
    "title",
    "company",
    "stage",
    "lead_type",
    "persona",
    "grade",
    "fit",
    "engagement",
    "why",
    "reasons",
    *FROM_PERSONA,
    "ask_next",
    "due",
    "record",
    *ANSWERS,
    "accepted",
    "returned_not_ready",
    "rejected",
)

#: Which reasons have words of their own, and what these may fill in.
WHY = {
    "score": ("fit", "engagement", "stage"),
    "fast_track": ("signal", "stage"),
    "call_back": ("day", "stage"),
}


def build_zone(shape: AgreementShape, source: Source, reading: Reading) -> ZoneInfo:
    """The business time zone; UTC stands in for one that does not exist, after a complaint."""
    return find_zone(shape.time_zone, ("time_zone",), source, reading) or ZoneInfo("UTC")


def build_paper(shape: AgreementShape, source: Source, reading: Reading, goals: tuple[Goal, ...]) -> Paper:
    """What people read and sign."""
    if shape.effective_from and shape.review_by and shape.review_by <= shape.effective_from:
        reading.complain(source, ("review_by",), "is not later than effective_from.", "Say when to look at it again.")
    signers = {side: names for side, row in shape.approvals.items() if (names := _names(row.name))}
    for side in shape.approvals:
        reading.known(source, ("approvals", side), "side", side, SIDES)
    return Paper(
        shape.summary, shape.effective_from, shape.review_by, shape.fiscal_year_starts, signers, shape.glossary, goals
    )


def _names(said: str | list[str]) -> tuple[str, ...]:
    """Who may sign for a side; empty names are nobody's."""
    return tuple(name.strip() for name in ([said] if isinstance(said, str) else said) if name.strip())


def build_texts(shape: TextsShape, source: Source, reading: Reading) -> Texts:
    """The texts of the language, each with nothing but known places to fill in."""
    for key, text in (("task_subject", shape.task_subject), ("task_body", shape.task_body)):
        _check_places((key,), text, PLACES, source, reading)
    for name, text in shape.why.items():
        if reading.known(source, ("why", name), "kind of reason", name, WHY):
            _check_places(("why", name), text, WHY[name], source, reading)
    for name in shape.questions:
        reading.known(source, ("questions", name), "field", name, [*reading.types, *DERIVED])
    for name in shape.labels:
        reading.known(source, ("labels", name), "property of ours", name, [*OUTPUTS, *HOLDS])
    return Texts(
        shape.task_subject,
        shape.task_body,
        shape.task_no_name,
        tuple(shape.weekdays),
        shape.why,
        shape.questions,
        shape.labels,
    )


def _check_places(path: tuple[str, ...], text: str, known: tuple[str, ...], source: Source, reading: Reading) -> None:
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        reading.complain(source, path, "has a brace that is not closed.", "Write {name}, or {{ for a plain brace.")
        return
    for _, place, form, conversion in parts:
        if place is None:
            continue
        if reading.known(source, path, "place", place, known) and (form or conversion):
            reading.complain(source, path, f"asks for a form of {place}.", f"Write only {{{place}}}.")
