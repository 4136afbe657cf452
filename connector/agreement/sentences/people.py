"""Who we sell to, and what they do: ICP bands, personas, signals, mail scanners."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connector.agreement.sentences.words import Sentence, Words, both, capital, contents, either, stop, tried_after
from connector.agreement.terms import Agreement, Band, Bots, Persona, SignalKind
from connector.agreement.words import label_of
from connector.wording import counted, number

ICP = "Ideal customer profile"
PERSONAS = "Personas"
SIGNALS = "Signals"


def sentences(agreement: Agreement, words: Words) -> Iterator[Sentence]:
    """All that is agreed about companies, people and what people do."""
    for number_, band in enumerate(agreement.bands):
        yield Sentence(f"bands.{band.name}", ICP, _band(band, agreement.bands[:number_], words))
    for number_, persona in enumerate(agreement.personas):
        yield from _persona(persona, agreement.personas[:number_], words)
    for kind in agreement.signals.values():
        yield Sentence(f"signals.{kind.name}", SIGNALS, _signal(kind))
    yield from _bots(agreement.bots, words)


def _band(band: Band, before: Sequence[Band], words: Words) -> str:
    """Bands are tried from top to bottom, so what stood above is part of the rule."""
    turn = tried_after(before[-1].label if before else "")
    if not band.needs:
        return f"Every {'other ' if before else ''}company is {band.label}{turn}."
    return f"A company is {band.label} when its {both(words.condition(need) for need in band.needs)}{turn}."


def _persona(persona: Persona, before: Sequence[Persona], words: Words) -> Iterator[Sentence]:
    path = f"personas.{persona.name}"
    match = either(f"their {words.condition(asked)}" for asked in persona.match)
    turn = tried_after(before[-1].label if before else "")
    yield Sentence(path, PERSONAS, f"Somebody is {persona.label} when {match}{turn}.")
    for name, text in persona.describes.items():
        yield Sentence(f"{path}.{name}", PERSONAS, f"{persona.label}, {_ABOUT.get(name, label_of(name))}: {stop(text)}")


_ABOUT = {"say": "what to say", "bio": "who they are", "role": "role in the buying committee"}


def _signal(kind: SignalKind) -> str:
    said = f"{capital(kind.label)} is a signal of {kind.strength} strength"
    said += " that speaks for a person" if kind.positive else " that does not speak for a person"
    if kind.journey_stage:
        said += f", and of the {kind.journey_stage} stage of the buyer's journey"
    if kind.human_only:
        said += "; it counts only when a human did it"
    if kind.duplicates_within_minutes:
        said += f"; repeated within {counted(kind.duplicates_within_minutes, 'minute')} it is one"
    if kind.not_scored:
        said += f"; it earns nothing on {contents(kind.not_scored)}"
    return f"{said}."


def _bots(bots: Bots, words: Words) -> Iterator[Sentence]:
    clicks = either(map(words.signal, bots.clicks))
    opened = either(map(words.signal, bots.opened_by_click))
    burst = f"{number(bots.clicks_at_least)} or more within {counted(bots.within_seconds, 'second')}"
    if not bots.clicks:
        yield Sentence("bots.clicks", SIGNALS, f"No signal is watched for mail scanners ({burst} would be one).")
    else:
        yield Sentence("bots.clicks", SIGNALS, f"{capital(clicks)} is a mail scanner's work when there are {burst}.")
    within = f"within {counted(bots.opened_within_seconds, 'second')} of a mail scanner's click"
    yield Sentence("bots.opened_by_click", SIGNALS, f"{capital(opened)} {within} is no person's, either.")
    after = counted(bots.seconds_after_delivery, "second")
    if bots.delivered:
        text = f"A click up to {after} after {words.signal(bots.delivered)} is a mail scanner's, too."
        yield Sentence("bots.delivered", SIGNALS, text)
    elif bots.seconds_after_delivery:
        text = f"Nothing says when a mail was delivered, so that clicks up to {after} later are not told apart."
        yield Sentence("bots.delivered", SIGNALS, text)
