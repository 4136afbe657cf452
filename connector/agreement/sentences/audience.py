"""Whom we talk to and what we say: the buyer's journey, nurture tracks, the buying group, and what to ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from connector.agreement.sentences.words import Sentence, Words, both, counted, either, field, fields, quoted
from connector.agreement.terms import Agreement, Nurture, Questions, Role
from connector.agreement.words import label_of

TALK = "Whom we talk to, and what we say"


def sentences(agreement: Agreement, words: Words) -> Iterator[Sentence]:
    """All that is agreed beside scores and stages."""
    for path, text in (
        *_journey(agreement),
        *_nurture(agreement.audience.nurture, words),
        *_buying_group(agreement.audience.buying_group),
        *_questions(agreement.audience.questions, words),
        *_left_out(agreement, words),
    ):
        yield Sentence(path, TALK, text)


def _journey(agreement: Agreement) -> Iterator[tuple[str, str]]:
    journey = agreement.audience.journey
    if journey is not None:
        which = "furthest" if journey.rule == "highest" else "latest"
        days, least = counted(journey.within_days, "day"), counted(journey.signals_at_least, "signal")
        text = f"A buyer is at the {which} journey stage of the last {days}, and nowhere with fewer than {least} there."
        yield "journey", text


def _nurture(nurture: Nurture, words: Words) -> Iterator[tuple[str, str]]:
    for track in nurture.tracks:
        yield f"nurture.tracks.{track.name}", f"The nurture track {track.name} is called {quoted(track.label)}."
    for stop in nurture.stops:
        asked = f"their {words.condition(stop.condition)}" if stop.condition else "nothing else is asked"
        said = f"there was ever a signal {words.signal(stop.signal)}" if stop.signal else asked
        yield f"nurture.stops_when.{stop.name}", f"Nobody is in a nurture track when {said}."
    pauses = [words.stage(name) for name, goes_on in nurture.goes_on.items() if not goes_on]
    goes_on = [words.stage(name) for name, goes_on in nurture.goes_on.items() if goes_on]
    said = f"Nurture pauses in {both(pauses)}" if pauses else "Nurture pauses in no stage as such"
    said += f", goes on in {both(goes_on)}" if goes_on else ""
    yield "nurture.pauses", f"{said}, and elsewhere pauses from a hand-off until sales is done."
    for part, rows in (
        ("statuses", nurture.statuses),
        ("lost_reasons", nurture.lost_reasons),
        ("stages", nurture.stages),
        ("personas", nurture.personas),
    ):
        if rows:
            yield f"nurture.by_{part}", f"The nurture track by {label_of(part)}: {_pairs(rows)}."
    if nurture.otherwise:
        yield "nurture.otherwise", f"Everybody else is in the nurture track {nurture.otherwise}."


def _buying_group(roles: Sequence[Role]) -> Iterator[tuple[str, str]]:
    for role in roles:
        said = either(map(quoted, sorted(role.said_as)))
        text = f"An open deal needs the role {role.name}, which a persona, a buying role or a label says as {said}."
        yield f"buying_group.roles.{role.name}", text


def _questions(questions: Questions, words: Words) -> Iterator[tuple[str, str]]:
    for key, rows in (("persona", questions.by_persona), ("lead type", questions.by_lead_type)):
        if rows:
            said = "; ".join(
                f"{words.value(key.replace(' ', '_'), name)}: {', then '.join(fields(order))}"
                for name, order in rows.items()
            )
            yield f"ask_next.by_{key.replace(' ', '_')}", f"Asked first by {key}: {said}."
    for each in questions.expires:
        days = counted(each.after_days, "day")
        text = f"{field(each.field)} may be asked for again {days} after the day in {field(each.confirmed_on)}."
        yield f"ask_next.expires.{each.field}", text[:1].upper() + text[1:]


def _left_out(agreement: Agreement, words: Words) -> Iterator[tuple[str, str]]:
    if agreement.scoring.freeze_in:
        stages = both(map(words.stage, agreement.scoring.freeze_in))
        yield "freeze_in", f"In {stages} the scores on the record stay as they were on entering."
    for kind in agreement.signals.values():
        if kind.not_scored:
            pages = both(map(quoted, sorted(kind.not_scored)))
            yield f"signals.{kind.name}.not_scored_assets", f"A {kind.label} signal about {pages} counts for nothing."


def _pairs(rows: Mapping[str, str]) -> str:
    return ", ".join(f"{label_of(name)} is in {track}" for name, track in rows.items())
