"""How the agreement meets the CRM: what is written back, which property is which field, where signals are seen."""

from __future__ import annotations

from collections.abc import Iterator

from connector.agreement.sentences.words import Sentence, Words, both, capital, either, quoted, with_article
from connector.agreement.terms import Agreement
from connector.agreement.vocabulary import HOLDS, OUTPUTS
from connector.agreement.wiring import FieldSpec, SignalSource, Wiring, WriteBack, WriteRule
from connector.agreement.words import label_of
from connector.wording import counted

WRITE_BACK = "What is written to the CRM"
WIRING = "In the CRM"

_POLICY = {
    "always": "whenever it differs",
    "if_empty": "only where it is empty",
    "never_after_human": "unless a person ever changed it",
    "clear": "only to blank it when a new hand-off begins",
}
_LEADS = {
    "mapping": "",
    "people": "; where people differ, people lead",
    "crm": "; where the CRM differs, the CRM leads",
}
_MODE = {"route": "in mode live only", "score": "in the modes scores and live", "stamp": "as a stamp beside them"}


def sentences(agreement: Agreement, words: Words) -> Iterator[Sentence]:
    """What the administrator signs."""
    yield from _write_back(agreement.write_back)
    yield from _wiring(agreement.wiring, words)


def _write_back(write_back: WriteBack) -> Iterator[Sentence]:
    for rule in write_back.rules.values():
        yield Sentence(f"write_back.fields.{rule.field}", WRITE_BACK, _rule(rule))
    text = f"Displayed scores that only aged are refreshed at {write_back.scores_at}."
    yield Sentence("write_back.scores_at", WRITE_BACK, text)


def _rule(rule: WriteRule) -> str:
    said = f"{_called(rule.field)} is written {_POLICY[rule.policy]}, {_MODE[rule.group]}{_LEADS[rule.leads]}"
    if not rule.alone:
        said += "; never by itself"
    if rule.smallest_change:
        said += f"; a change of less than {counted(rule.smallest_change, 'point')} is not written by itself"
    return f"{said}."


def _called(field: str) -> str:
    """A field as the CRM's users know it."""
    output = OUTPUTS.get(field) or HOLDS.get(field)
    return output.label if output else label_of(field).capitalize()


def _wiring(wiring: Wiring, words: Words) -> Iterator[Sentence]:
    crm = wiring.crm
    own = f"Properties that begin with {quoted(wiring.own_prefix)} are ours, in the group {quoted(wiring.own_group)}."
    yield Sentence(f"{crm}.own_prefix", WIRING, own)
    if wiring.own_options == "numbers":
        text = "Options of choices that are ours have numbers; a choice of ours without any is a text."
        yield Sentence(f"{crm}.own_options", WIRING, text)
    for kind, specs in wiring.fields.items():
        for spec in specs.values():
            yield Sentence(f"{crm}.{kind}.fields.{spec.field}", WIRING, _field(kind, spec, words))
    for stage, spec in wiring.entered.items():
        text = f"The day of entering {words.stage(stage)} is read from the property {spec.property}"
        yield Sentence(
            f"{crm}.contact.entered.{stage}",
            WIRING,
            f"{text}{_optional(spec)} ({spec.type}, {spec.field}){_values(spec, words)}.",
        )
    for field, values in wiring.leave_alone.items():
        text = f"A {label_of(field)} of {either(map(quoted, values))} is left alone."
        yield Sentence(f"{crm}.leave_alone.{field}", WIRING, text)
    counted_ones = both(map(quoted, wiring.pipelines)) if wiring.pipelines else "every one"
    yield Sentence(f"{crm}.deal.pipelines", WIRING, f"Of the deal pipelines, {counted_ones} counts.")
    for pipeline, lead_type in wiring.lead_types.items():
        of = words.value("lead_type", lead_type)
        text = f"A deal in the pipeline {quoted(pipeline)} that does not say its lead type is of {of}."
        yield Sentence(f"{crm}.deal.lead_types.{pipeline}", WIRING, text)
    for (pipeline, theirs), ours in wiring.deal_stages.items():
        text = f"In the pipeline {quoted(pipeline)}, {quoted(theirs)} is our deal stage {words.deal_stage(ours)}."
        yield Sentence(f"{crm}.deal.stages.{pipeline}.{theirs}", WIRING, text)
    for source in wiring.signals:
        yield Sentence(f"{crm}.signals.{source.signal}", WIRING, _seen(source, words))
    for signal, why in wiring.unseen.items():
        text = f"{capital(words.signal(signal))} cannot be seen here: {why.rstrip('.')}."
        yield Sentence(f"{crm}.unseen.{signal}", WIRING, text)


def _field(kind: str, spec: FieldSpec, words: Words) -> str:
    said = (
        f"{_called(spec.field)} is the property {spec.property} of {with_article(kind)}, {spec.type}{_optional(spec)}"
    )
    return f"{said}{_values(spec, words)}."


def _values(spec: FieldSpec, words: Words) -> str:
    """What is read where there is no value, what their values mean, and which of ours nobody tells."""
    told = [f"; where it is blank, {both(spec.otherwise)} is read"] if spec.otherwise else []
    told += [f"; {words.value(spec.field, ours)} is {either(map(quoted, them))}" for ours, them in spec.values.items()]
    told += [f"; nobody tells {either(map(quoted, spec.untold))}"] if spec.untold else []
    return "".join(told)


def _optional(spec: FieldSpec) -> str:
    return ", where there is one" if spec.optional else ""


def _seen(source: SignalSource, words: Words) -> str:
    key = quoted(source.key)
    ways = {
        "activity": f"there is {with_article(' '.join(filter(None, (source.direction, source.key))))}",
        "list": f"somebody is added to the list {key}",
        "form": f"somebody fills the form {key}",
        "counter": f"the number in the property {key} rises",
        "date": f"the property {key} has a new date",
    }
    said = f"{capital(words.signal(source.signal))} is seen when {ways[source.how]}"
    if source.direction and source.how != "activity":
        said += f", {source.direction}"
    if source.outcomes:
        said += f" with the outcome {either(map(quoted, source.outcomes))}"
    if source.date:
        said += f", dated by {quoted(source.date)}"
    return f"{said}."
