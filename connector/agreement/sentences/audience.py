"""Whom we talk to and what we say: the buyer's journey, nurture tracks, the buying group, whom to ask what."""

from __future__ import annotations

from collections.abc import Iterator

from connector.agreement.sentences.words import Sentence, Words, capital, either, field, fields, quoted, with_article
from connector.agreement.terms import Agreement, Audience, Journey, Nurture, Questions, Stop
from connector.agreement.words import label_of
from connector.wording import counted

JOURNEY = "Buyer's journey"
NURTURE = "Nurture tracks"
GROUP = "Buying group"


def sentences(agreement: Agreement, words: Words) -> Iterator[Sentence]:
    """Everything but the questions, which stand with the minimum information."""
    audience: Audience = agreement.audience
    if audience.journey:
        yield Sentence("journey", JOURNEY, _journey(audience.journey))
    yield from _nurture(audience.nurture, words)
    for role in audience.buying_group:
        said_as = either(map(quoted, sorted(role.said_as)))
        text = f"A deal needs somebody in the role {quoted(role.name)}, said on a record as {said_as}."
        yield Sentence(f"buying_group.roles.{role.name}", GROUP, text)


def _journey(journey: Journey) -> str:
    which = "furthest" if journey.rule == "highest" else "newest"
    of = f"the {which} signal of the last {counted(journey.within_days, 'day')}"
    few = f"fewer than {counted(journey.signals_at_least, 'signal')} of them leave it unknown"
    return f"Somebody's stage of the buyer's journey is that of {of}; {few}."


def _nurture(nurture: Nurture, words: Words) -> Iterator[Sentence]:
    labels = {track.name: track.label for track in nurture.tracks}

    def track(name: str) -> str:
        return f"the nurture track {quoted(labels.get(name) or label_of(name))}"

    for each in nurture.tracks:
        yield Sentence(f"nurture.tracks.{each.name}", NURTURE, f"{quoted(each.label)} is a nurture track.")
    if nurture.otherwise is not None:
        text = f"Whoever is in no other track is in {track(nurture.otherwise)}."
        yield Sentence("nurture.otherwise", NURTURE, text)
    for stop in nurture.stops:
        yield Sentence(f"nurture.stops_when.{stop.name}", NURTURE, f"{_stop(stop, words)}.")
    who = {f"statuses.{name}": f"came back as {quoted(words.status(name))}" for name in nurture.statuses}
    who |= {f"lost_reasons.{name}": f"came back by a deal lost for {label_of(name)}" for name in nurture.lost_reasons}
    who |= {f"stages.{name}": f"is {words.stage(name)}" for name in nurture.stages}
    who |= {f"personas.{name}": f"is of the persona {words.value('persona', name)}" for name in nurture.personas}
    named = (*nurture.statuses.values(), *nurture.lost_reasons.values(), *nurture.stages.values())
    for (path, said), where in zip(who.items(), (*named, *nurture.personas.values()), strict=True):
        yield Sentence(f"{path}.nurture_track", NURTURE, f"Whoever {said} is in {track(where)}.")
    for name, goes_on in nurture.goes_on.items():
        text = f"While somebody is {words.stage(name)}, nurture {'goes on' if goes_on else 'pauses'}."
        yield Sentence(f"stages.{name}.nurture", NURTURE, text)


def _stop(stop: Stop, words: Words) -> str:
    ways = [f"whose {words.condition(stop.condition)}"] if stop.condition else []
    ways += [f"of whom there ever was {with_article(words.signal(stop.signal))}"] if stop.signal else []
    return f"Nobody {either(ways)} is in a nurture track"


def questions(asked: Questions, words: Words) -> Iterator[tuple[str, str]]:
    """Which question comes first for whom, and which is asked again: keys and sentences."""
    for key, orders, who in (
        ("by_persona", asked.by_persona, "persona"),
        ("by_lead_type", asked.by_lead_type, "lead_type"),
    ):
        for name, order in orders.items():
            first = ", then ".join(fields(order)) or "nothing"
            yield f"ask_next.{key}.{name}", f"{capital(words.value(who, name))} is asked before that for: {first}."
    for each in asked.expires:
        after = counted(each.after_days, "day")
        text = f"{capital(field(each.field))} is asked for again {after} after the day in {field(each.confirmed_on)}."
        yield f"ask_next.expires.{each.field}", text
