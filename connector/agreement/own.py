"""
The properties of the CRM that are ours to create: every one that the CRM's file maps under our prefix.

Their options are what the agreement knows of a field's values, as the CRM's file translates them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from connector.agreement.reading import Reading
from connector.agreement.source import Source
from connector.agreement.vocabulary import HOLDS, OUTPUTS
from connector.agreement.wiring import FieldSpec, OwnProperty, SignalSource, Wiring
from connector.agreement.words import label_of

_OWN_TYPES = {"text": "string", "number": "number", "bool": "bool", "datetime": "datetime", "list": "string"}

#: What stands beside a property of ours that somebody else is to fill.
_FILLED = "Filled by whoever sees it: a web form, a flow, a marketing tool"


def with_own(
    wiring: Wiring,
    options: Mapping[str, Sequence[tuple[str, str]]],
    labels: Mapping[str, str] | None = None,
    signals: Mapping[str, str] | None = None,
) -> Wiring:
    """The wiring with the definition of every property that is ours to create: its name carries the prefix.

    `labels` are what the agreement's language calls a property, `signals` what it calls each signal.
    """
    own = [
        _own(kind, spec, options.get(field, ()), (labels or {}).get(field), wiring.own_options)
        for kind, specs in wiring.fields.items()
        for field, spec in specs.items()
        if spec.property.startswith(wiring.own_prefix)
    ]
    known = {(one.kind, one.property) for one in own}
    of_signals = {one.property: one for source in wiring.signals for one in _of_signal(source, wiring, signals or {})}
    return replace(wiring, own=(*own, *(one for one in of_signals.values() if ("contact", one.property) not in known)))


def _of_signal(source: SignalSource, wiring: Wiring, labels: Mapping[str, str]) -> Iterator[OwnProperty]:
    """The contact properties in which somebody else tells us of a signal: how often, and when the last time was."""
    label = labels.get(source.signal) or label_of(source.signal)
    last = source.key if source.how == "date" else source.date
    if source.how == "counter" and source.key.startswith(wiring.own_prefix):
        yield OwnProperty("contact", source.key, "number", f"Number of times: {label}", _FILLED)
    if last and last.startswith(wiring.own_prefix):
        yield OwnProperty("contact", last, "datetime", f"Last time: {label}", _FILLED)


def check_numbers(
    wiring: Wiring, options: Mapping[str, Sequence[tuple[str, str]]], source: Source, reading: Reading
) -> None:
    """Where the CRM numbers the options of a choice, every value of a choice of ours has its number in the file. One
    without any numbers is no choice there but a text, as the agreement says it."""
    if wiring.own_options != "numbers":
        return
    for kind, specs in wiring.fields.items():
        for field, spec in specs.items():
            if wiring.is_as_of_people(kind, field):
                continue
            if spec.values and spec.property.startswith(wiring.own_prefix):
                _check_numbers((kind, "values", field), spec, options.get(field, ()), source, reading)


def _check_numbers(
    path: tuple[str, ...], spec: FieldSpec, options: Sequence[tuple[str, str]], source: Source, reading: Reading
) -> None:
    theirs = [one for each in spec.values.values() for one in each]
    for ours, them in spec.values.items():
        if wrong := [one for one in them if not one.isdecimal()]:
            what = f'"{wrong[0]}" is no number, and options have numbers here.'
            reading.complain(source, (*path, ours), what, "Write the option's value, not what people read.")
    free = 1 + max((int(one) for one in theirs if one.isdecimal()), default=0)
    for place, value in enumerate(value for value, _ in options if value not in spec.values):
        what = f'the {label_of(spec.field)} "{value}" has no number in {spec.property}.'
        reading.complain(source, path, what, f'Add {value} = "{free + place}", and run connector setup.')


def property_label(field: str) -> str:
    """What an own property is called where no text says otherwise."""
    output = OUTPUTS.get(field) or HOLDS.get(field)
    return output.label if output else label_of(field).capitalize()


def _own(kind: str, spec: FieldSpec, options: Sequence[tuple[str, str]], label: str | None, said: str) -> OwnProperty:
    output = OUTPUTS.get(spec.field) or HOLDS.get(spec.field)
    label = label or property_label(spec.field)
    described = output.description if output else ""
    if said == "numbers" and not spec.values:
        options = ()
    values: dict[str, str] = {}  # where several of ours share one of theirs, the upper one gives it its name
    for value, text in options:
        values.setdefault(spec.values.get(value, (value,))[0], text)
    if values:
        return OwnProperty(kind, spec.property, "enumeration", label, described, tuple(values.items()))
    own = output.own if output and output.own != "enumeration" else _OWN_TYPES[spec.type]
    decimals = 2 if own == "number" and output is None else 0  # what we count and score are whole numbers
    return OwnProperty(kind, spec.property, own, label, described, decimals=decimals)  # type: ignore[arg-type]  # a value of the table above
