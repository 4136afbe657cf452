"""
Does the account fit the agreement? Every mapped name proved against what the CRM itself says (G11).

Pure: takes the account's description, gives problems (nothing may be written) and remarks (worth knowing). Runs in
full for `check`, and as the first step of every run, so that a renamed option stops a run before its first write.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from connector.agreement import Agreement
from connector.agreement.highest import highest
from connector.agreement.wiring import FieldSpec, FieldType, OwnProperty
from connector.crm import Description, Finding, Owner, PropertyDefinition
from connector.errors import Problem
from connector.fields import STRICT
from connector.model import ALWAYS

#: The way on where something of ours is missing.
SETUP = "Run: connector setup"

#: Which of the CRM's types can hold or give which of ours. Text can be read from anything.
_FITS: dict[FieldType, frozenset[str]] = {
    "number": frozenset({"number"}),
    "bool": frozenset({"bool", "enumeration"}),
    "datetime": frozenset({"datetime", "date"}),
    "list": frozenset({"enumeration"}),
}


@dataclass(frozen=True, slots=True)
class Findings:
    """What does not fit, and what is merely worth knowing."""

    problems: tuple[Problem, ...]
    remarks: tuple[Problem, ...]


def check_account(agreement: Agreement, account: Description, *, writes: bool) -> Findings:
    """Compare the mapping with the account. `writes` is False while only observing: own properties may be missing."""
    problems: list[Problem] = []
    remarks: list[Problem] = []
    for kind, specs in agreement.wiring.fields.items():
        if kind not in account.properties:
            continue
        known = account.properties[kind]
        used = set(agreement.fields_used.get(kind, ()))
        for spec in specs.values():
            written = kind in ("contact", "lead") and spec.field in agreement.write_back.rules
            if spec.field not in used and not written:
                continue
            into = problems if written and writes else remarks
            _check_field(kind, spec, known, written=written, hard=problems, soft=into, agreement=agreement)
    remarks += _entry_dates(agreement, account)
    problems += _check_deal_stages(agreement, account)
    for finding in account.findings:
        stops = finding.stops == "reading" or (finding.stops == "writing" and writes)
        (problems if stops else remarks).append(_told_by_the_crm(finding, agreement, account))
    return Findings(tuple(problems), tuple(remarks))


def _told_by_the_crm(finding: Finding, agreement: Agreement, account: Description) -> Problem:
    """What the CRM's adapter found out, with the lines that it concerns."""
    where = agreement.wiring.kinds.get(finding.kind) or f"account {account.account}"
    later = " Needed from the mode scores on." if finding.stops == "writing" else ""
    return Problem(where, finding.what, f"{finding.fix}{later}".strip())


def definitions(agreement: Agreement, account: Description) -> str:
    """The account's definitions of everything mapped, as one digest: what a refusal by the CRM depends on."""
    mapped = {(kind, spec.property) for kind, specs in agreement.wiring.fields.items() for spec in specs.values()}
    told = [
        repr((kind, name, one.type, sorted(one.options), one.read_only, one.calculated, *_where_narrow(one)))
        for kind, name in sorted(mapped)
        if (one := account.properties.get(kind, {}).get(name)) is not None
    ]
    return hashlib.sha256("\x1f".join(told).encode()).hexdigest()


def _where_narrow(one: PropertyDefinition) -> tuple[object, ...]:
    """What else a refusal may depend on, where the CRM tells it."""
    told = (one.length, one.least, one.most, one.lacking)
    return told if any(told) else ()


def _check_field(
    kind: str,
    spec: FieldSpec,
    known: Mapping[str, PropertyDefinition],
    *,
    written: bool,
    hard: list[Problem],
    soft: list[Problem],
    agreement: Agreement,
) -> None:
    definition = known.get(spec.property)
    if definition is None:
        own = spec.property.startswith(agreement.wiring.own_prefix)
        fix = SETUP if own else did_you_mean(spec.property, known) + "See: connector discover"
        (soft if own or (spec.optional and not written) else hard).append(
            Problem(spec.where, f"{kind} has no property {spec.property}.", fix)
        )
        return
    soft += _wrong_type(spec, definition)
    for name in (one for one in spec.otherwise if one not in known):
        what = f"{kind} has no property {name}, so it is not read in place of {spec.property}."
        (soft if spec.optional else hard).append(Problem(spec.where, what, did_you_mean(name, known)))
    soft += _hardly_seen(spec, definition)
    if written:
        soft += _not_writable(spec, definition, agreement)
        soft += _own_options(kind, spec, definition, agreement)
        soft += _not_everywhere(spec, definition)
    (hard if spec.field in STRICT else soft).extend(_options(spec, definition, known, agreement.wiring.own_prefix))


def _hardly_seen(spec: FieldSpec, definition: PropertyDefinition) -> Iterator[Problem]:
    """A property behind a right of its own reads as blank for whoever lacks the right."""
    if definition.secured:
        what = (
            f"{spec.property} is secured by a right of its own, without which it reads as blank and is never written."
        )
        yield Problem(spec.where, what, "Give that right to the user of the connector (a field security profile).")


def _not_everywhere(spec: FieldSpec, definition: PropertyDefinition) -> Iterator[Problem]:
    if definition.lacking:
        what = f"{spec.property} is not in every table that people stand in: {', '.join(definition.lacking)} lacks it."
        yield Problem(spec.where, what, SETUP)


def _entry_dates(agreement: Agreement, account: Description) -> Iterator[Problem]:
    known = account.properties.get("contact", {})
    for stage, spec in agreement.wiring.entered.items():
        if known and spec.property not in known:
            what = f"contact has no property {spec.property}: since when people are in {stage} stays unknown."
            yield Problem(spec.where, what, did_you_mean(spec.property, known) + "Take the line out, or correct it.")


def _wrong_type(spec: FieldSpec, definition: PropertyDefinition) -> Iterator[Problem]:
    fits = _FITS.get(spec.type)
    if fits is not None and definition.type not in fits:
        yield Problem(
            spec.where,
            f"{spec.property} is of type {definition.type}, the field {spec.field} is a {spec.type}.",
            "Map another property, or give the field another type.",
        )


def _not_writable(spec: FieldSpec, definition: PropertyDefinition, agreement: Agreement) -> Iterator[Problem]:
    """Scores of the CRM's own, stamps and formulas: told before the first write, with what to map instead."""
    if not definition.calculated and not definition.read_only:
        return
    why = "calculated by the CRM" if definition.calculated else "read-only"
    own = spec.property if spec.property.startswith(agreement.wiring.own_prefix) else ""
    name = own or f"{agreement.wiring.own_prefix}{spec.field}"
    instead = "delete it in the CRM" if own else f'map {spec.field} = "{name}"'
    yield Problem(
        spec.where,
        f"{spec.property} is {why} and cannot be written.",
        f"{instead[0].upper()}{instead[1:]} and let connector setup create {name}, a property of type {spec.type} of"
        " our own; or take the field out of write_back.toml.",
    )


def missing_options(own: OwnProperty, definition: PropertyDefinition) -> dict[str, str]:
    """Values the agreement gives an own property and the CRM's definition does not take yet."""
    return {value: label for value, label in own.options if value not in definition.options}


def _own_options(kind: str, spec: FieldSpec, definition: PropertyDefinition, agreement: Agreement) -> Iterator[Problem]:
    for own in agreement.wiring.own:
        if (own.kind, own.property) == (kind, spec.property) and (missing := missing_options(own, definition)):
            what = f"{spec.property} does not take {', '.join(missing)} yet."
            yield Problem(spec.where, what, SETUP)


def _options(
    spec: FieldSpec, definition: PropertyDefinition, known: Mapping[str, PropertyDefinition], own_prefix: str
) -> Iterator[Problem]:
    """Values that no option has. Of a property of ours the further ones are for accounts that had it before us: setup
    gives it those that are written."""
    also = [known[name].options for name in spec.otherwise if name in known]
    if not definition.options or not all(also):
        return  # a text may hold anything
    read = {value for options in also for value in options}
    values = {label.casefold(): value for value, label in definition.options.items()}
    written_alone = spec.property.startswith(own_prefix)
    for ours, theirs in spec.values.items():
        for value in theirs[:1] if written_alone else theirs:
            if value in definition.options or value in read:
                continue
            meant = values.get(value.casefold())
            fix = (
                f"That is what people read; the value behind it is {meant!r}. "
                if meant is not None
                else did_you_mean(value, definition.options)
            )
            yield Problem(
                spec.place_of(ours),
                f"{ours} is mapped to {value!r}, which is no option of {spec.property}.",
                fix + f"Its options: {', '.join(definition.options)}.",
            )


def _check_deal_stages(agreement: Agreement, account: Description) -> Iterator[Problem]:
    wiring = agreement.wiring
    known = {(stage.pipeline, stage.id) for stage in account.deal_stages}
    pipelines = {pipeline for pipeline, _ in known}
    somewhere = f"{wiring.crm}.toml, deal.stages"
    if not known:
        return
    texts = {name for name, one in account.properties.get("deal", {}).items() if not one.options}
    for pipeline in sorted({*wiring.pipelines, *(name for name, _ in wiring.deal_stages)}):
        if pipeline in texts:  # a text stands for the pipeline, and may hold anything
            continue
        if pipeline not in pipelines:
            where = wiring.places.get((pipeline,), somewhere)
            yield Problem(where, f"there is no pipeline {pipeline}.", did_you_mean(pipeline, pipelines))
    for pipeline, stage in wiring.deal_stages:
        if pipeline in pipelines and (pipeline, stage) not in known:
            stages = {id: label for name, id, label in _named(account) if name == pipeline}
            meant = next((id for id, label in stages.items() if label.casefold() == stage.casefold()), None)
            fix = f"That is what people read; its id is {meant}." if meant else did_you_mean(stage, stages)
            where = wiring.places.get((pipeline, stage), somewhere)
            yield Problem(where, f"pipeline {pipeline} has no deal stage {stage}.", fix)


def _named(account: Description) -> Iterator[tuple[str, str, str]]:
    return ((stage.pipeline, stage.id, stage.label) for stage in account.deal_stages)


def unmapped_options(agreement: Agreement, account: Description) -> list[tuple[FieldSpec, str]]:
    """Live options of stage and status that the mapping neither names nor leaves alone."""
    found = []
    for field in ("stage", "status"):
        spec = agreement.wiring.fields.get("contact", {}).get(field)
        definition = account.properties.get("contact", {}).get(spec.property) if spec else None
        if spec is None or definition is None:
            continue
        named = {value for theirs in spec.values.values() for value in theirs}
        named |= set(agreement.wiring.leave_alone.get(field, ()))
        found += [(spec, value) for value in definition.options if value not in named]
    return found


def reachable(agreement: Agreement, delivered: Iterable[str]) -> list[Problem]:
    """Thresholds that nobody can reach with the signals this account delivers."""
    have = set(delivered)
    best = {side: highest(agreement, side, have) for side in ("fit", "engagement")}
    missing = sorted(
        {
            rule.signal
            for group in agreement.scoring.groups
            for rule in group.rules
            if rule.signal and rule.points > 0 and rule.signal not in have
        }
    )
    problems = []
    for stage in agreement.stages:
        for side in ("fit", "engagement"):
            wanted = getattr(stage.enter, f"{side}_at_least", None) if stage.enter and stage.used else None
            if wanted is not None and wanted > best[side]:
                fix = f"This account does not deliver: {', '.join(missing)}." if missing else "Lower it, or add rules."
                what = f"needs {side} {wanted:g}, and no more than {best[side]:g} can be reached here."
                problems.append(Problem(f"lifecycle.toml, stages.{stage.name}", what, fix))
    return problems


def go_live_problems(
    where: str, mode: str, go_live: datetime | None, *, now: datetime, oldest: datetime | None
) -> list[Problem]:
    """Whether everybody or nobody would be new: a go-live instant that does not part the past from the future.

    `oldest` is when the account's oldest contact was created. Observing may look ahead to a coming day.
    """
    if go_live is None or go_live == ALWAYS:
        return []
    said = f"{go_live:%Y-%m-%d %H:%M} UTC"
    if go_live > now and mode != "observe":
        what = f"is {said}, which is still to come (now {now:%Y-%m-%d %H:%M} UTC): nobody would be new until then."
        return [Problem(where, what, 'Keep mode = "observe" until that day, or write an instant that has passed.')]
    if oldest is not None and go_live < oldest:
        what = f"is {said}, before the oldest contact of the account ({oldest:%Y-%m-%d}): everybody would be new."
        fix = 'Write the instant from which the agreement counts; for an account without a past, write "always".'
        return [Problem(where, what, fix)]
    return []


def find_owner(wanted: str, owners: Iterable[Owner]) -> Owner | None:
    """The active owner with this id, e-mail address or name."""
    key = wanted.casefold()
    for owner in owners:
        if owner.active and key in (owner.id, owner.email.casefold(), owner.name.casefold()):
            return owner
    return None


def nearest_owner(wanted: str, owners: Iterable[Owner]) -> Owner | None:
    """The active owner who is called most nearly like this, if anybody is."""
    words = {word.casefold(): one for one in owners if one.active for word in (one.id, one.email, one.name) if word}
    close = difflib.get_close_matches(wanted.casefold(), list(words), n=1)
    return words[close[0]] if close else None


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """ "Did you mean x? ", or nothing."""
    close = difflib.get_close_matches(wrong, list(known), n=1)
    return f"Did you mean {close[0]}? " if close else ""
