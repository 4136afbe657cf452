"""From the CRM's file and write_back.toml to the wiring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from connector.agreement.complaints import did_you_mean
from connector.agreement.reading import Reading
from connector.agreement.shapes.wiring import (
    KindShape,
    PropertyShape,
    SignalSourceShape,
    Texts,
    WiringShape,
    WriteBackShape,
    WriteRuleShape,
)
from connector.agreement.source import Source
from connector.agreement.vocabulary import ANSWERS, DERIVED, OF_TRACK, OUTPUTS, PERSON, known_type
from connector.agreement.wiring import (
    FieldSpec,
    Policy,
    SignalSource,
    Wiring,
    WriteBack,
    WriteRule,
)
from connector.crms import CRMS, label_of

KINDS = ("contact", "company", "deal", "call", "email", "meeting", "task", "lead")


def build_wiring(crm: str, shape: WiringShape, source: Source, deal_stages: Sequence[str], reading: Reading) -> Wiring:
    """The CRM's file as wiring; own properties are added later, when everything they list is known."""
    fields = {kind: _fields(kind, getattr(shape, kind), source, reading) for kind in KINDS}
    _check_leads(crm, shape, source, reading)
    fields["lead"] = {name: _as_of_people(spec, fields["contact"]) for name, spec in fields["lead"].items()}
    return Wiring(
        crm,
        {kind: specs for kind, specs in fields.items() if specs},
        tuple(_signal(name, row, source, reading) for name, row in shape.signals.items()),
        _deal_stages(shape.deal.stages, source, deal_stages, reading),
        _deal_places(shape, source),
        tuple(shape.deal.pipelines),
        _pipelines_of_types(shape, source, reading),
        {field: tuple(those) for kind in reversed(KINDS) for field, those in getattr(shape, kind).leave_alone.items()},
        _entered(shape, source),
        shape.own_prefix,
        shape.own_group,
        own_options=shape.own_options,
        unseen=dict(shape.unseen),
        kinds={kind: source.where((kind, "fields")) for kind in fields},
    )


def _check_leads(crm: str, shape: WiringShape, source: Source, reading: Reading) -> None:
    """Only a CRM that keeps leads beside contacts has any to map."""
    if shape.lead.fields and crm in CRMS and not CRMS[crm].leads:
        what = f"{label_of(crm)} keeps no leads beside contacts that can be read."
        reading.complain(source, ("lead", "fields"), what, "Remove the section: what is decided stands on the contact.")


def _as_of_people(spec: FieldSpec, people: Mapping[str, FieldSpec]) -> FieldSpec:
    """A lead's property of the name that a person's has takes the same values, unless it has some of its own."""
    like = people.get(spec.field)
    if like is None or like.property != spec.property or spec.values:
        return spec
    return replace(spec, values=like.values, places=like.places)


def _pipelines_of_types(shape: WiringShape, source: Source, reading: Reading) -> dict[str, str]:
    found: dict[str, str] = {}
    for lead_type, pipelines in shape.deal.lead_types.items():
        path = ("deal", "lead_types", lead_type)
        for pipeline in pipelines:
            if pipeline in found:
                what = f'the pipeline "{pipeline}" already belongs to {found[pipeline]}.'
                reading.complain(source, path, what, "Give it to one lead type.")
            if shape.deal.pipelines and pipeline not in shape.deal.pipelines:
                what = f'the pipeline "{pipeline}" is none of the counted ones.'
                reading.complain(source, path, what, "Add it to pipelines under [deal], or remove it here.")
            found.setdefault(pipeline, lead_type)
    return found


def _entered(shape: WiringShape, source: Source) -> dict[str, FieldSpec]:
    return {
        stage: FieldSpec(f"entered {stage}", name, "datetime", {}, source.where(("contact", "entered", stage)), True)
        for stage, name in shape.contact.entered.items()
    }


def declare_types(shape: WiringShape, source: Source, reading: Reading) -> None:
    """Learn the fields of people that the CRM's file maps, so that rules may use them."""
    reading.crm_file = source.name
    for kind in ("contact", "company"):
        for name, row in getattr(shape, kind).fields.items():
            reading.mapped.add(name)
            reading.types[name] = row.type or known_type(kind, name) or "text"


def _fields(kind: str, shape: KindShape, source: Source, reading: Reading) -> dict[str, FieldSpec]:
    specs: dict[str, FieldSpec] = {}
    for name, row in shape.fields.items():
        path = (kind, "fields", name)
        _check_field(kind, name, row, source, reading)
        kind_of = row.type or known_type(kind, name) or "text"
        values = {ours: _several(theirs) for ours, theirs in shape.values.get(name, {}).items()}
        places = {ours: source.where((kind, "values", name, ours)) for ours in values}
        specs[name] = FieldSpec(
            name,
            row.property,
            kind_of,
            values,
            source.where(path),
            row.optional,
            places,
            _several(row.otherwise or []),
            tuple(shape.untold.get(name, ())),
        )
    for part in ("values", "leave_alone", "untold"):
        for name in getattr(shape, part):
            reading.known(source, (kind, part, name), f"field of {kind}", name, shape.fields)
    for name, table in shape.values.items():
        for ours in (ours for ours, theirs in table.items() if not theirs):
            what = "is an empty list, so nothing could be written or understood."
            reading.complain(source, (kind, "values", name, ours), what, "Name the CRM's value.")
    _check_doubles(kind, specs, source, reading)
    _check_otherwise(kind, specs, source, reading)
    return specs


def _check_otherwise(kind: str, specs: Mapping[str, FieldSpec], source: Source, reading: Reading) -> None:
    """What is read in place of a property is another one, and no value is told and untold at once."""
    for name, spec in specs.items():
        if spec.property in spec.otherwise:
            what = f'reads "{spec.property}" in place of itself.'
            reading.complain(source, (kind, "fields", name, "otherwise"), what, "Name another property, or remove it.")
        for value in sorted(set(spec.untold) & set(spec.values)):
            reading.complain(source, (kind, "untold", name), f'"{value}" is told after all.', "Remove it here.")


def _check_field(kind: str, name: str, row: PropertyShape, source: Source, reading: Reading) -> None:
    known = known_type(kind, name)
    path = (kind, "fields", name)
    if name in DERIVED and name not in OUTPUTS and kind == "contact":
        reading.complain(
            source, path, f"{name} is worked out from {DERIVED[name][0]}.", f"Map {DERIVED[name][0]} instead."
        )
    elif kind == "lead" and known is None:
        fix = f"Map it under [contact.fields], or here one of: {', '.join(OF_TRACK)}."
        reading.complain(source, path, f"{name} is nothing that a lead says of its track.", fix)
    elif known is None and row.type is None:
        names = [*PERSON, *OUTPUTS] if kind in ("contact", "company") else []
        own = f'{name} = {{ property = "{row.property}", type = "text" }}'
        fix = f"{did_you_mean(name, names)} A field of your own is declared: {own}."
        reading.complain(source, path, f'unknown field "{name}".', fix)
    elif known is not None and row.type is not None and row.type != known:
        reading.complain(source, path, f"{name} is {known}, and this says {row.type}.", "Remove the type.")


def _check_doubles(kind: str, specs: Mapping[str, FieldSpec], source: Source, reading: Reading) -> None:
    """One property holds one field."""
    seen: dict[str, str] = {}
    for name, spec in specs.items():
        if spec.property in seen:
            what = f'property "{spec.property}" is already the field {seen[spec.property]}.'
            reading.complain(source, (kind, "fields", name), what, "Map each property once.")
        seen.setdefault(spec.property, name)


def _signal(name: str, row: SignalSourceShape, source: Source, reading: Reading) -> SignalSource:
    path = ("signals", name)
    said = [how for how in ("list", "form", "activity", "counter") if getattr(row, "list_" if how == "list" else how)]
    if row.date and not said:
        said = ["date"]
    if len(said) != 1:
        what = "does not say where it is seen." if not said else f"is seen in several ways: {', '.join(said)}."
        reading.complain(source, path, what, "Give one of list, form, activity, counter, date.")
    how = said[0] if said else "date"
    if how != "activity" and (row.direction or row.outcome):
        reading.complain(source, path, "direction and outcome belong to an activity.", "Remove them.")
    if how not in ("counter", "date") and row.date:
        reading.complain(source, path, f"a {how} dates itself.", "Remove date.")
    if row.when and how != "list":
        reading.complain(source, path, "when belongs to a list.", "Remove it.")
    key = getattr(row, "list_" if how == "list" else how) or ""
    outcomes = _several(row.outcome) if row.outcome else ()
    date = row.date if how == "counter" else None
    return SignalSource(name, how, key, row.direction, outcomes, date, source.where(path))  # type: ignore[arg-type]  # from the tuple above


def _deal_stages(
    tables: Mapping[str, Texts], source: Source, ours: Sequence[str], reading: Reading
) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for pipeline, table in tables.items():
        for stage, theirs in table.items():
            reading.known(source, ("deal", "stages", pipeline, stage), "deal stage", stage, ours)
            for each in _several(theirs):
                if (pipeline, each) in found:
                    what = f'"{each}" is already the deal stage {found[pipeline, each]}.'
                    reading.complain(
                        source, ("deal", "stages", pipeline, stage), what, "Give each id to one deal stage."
                    )
                found.setdefault((pipeline, each), stage)
    return found


def _deal_places(shape: WiringShape, source: Source) -> dict[tuple[str, ...], str]:
    """Where the file names each pipeline and deal stage, for messages about the account."""
    counted = source.where(("deal", "pipelines"))
    places: dict[tuple[str, ...], str] = {(pipeline,): counted for pipeline in shape.deal.pipelines}
    for pipeline, table in shape.deal.stages.items():
        places[(pipeline,)] = source.where(("deal", "stages", pipeline))
        for stage, theirs in table.items():
            for each in _several(theirs):
                places.setdefault((pipeline, each), source.where(("deal", "stages", pipeline, stage)))
    return places


def _several(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def build_write_back(shape: WriteBackShape, source: Source, wiring: Wiring, reading: Reading) -> WriteBack:
    """How each output is written; an output without a property cannot be."""
    mapped = wiring.fields.get("contact", {})
    rules = {}
    for name, row in shape.fields.items():
        path = ("fields", name)
        if not reading.known(source, path, "output", name, OUTPUTS):
            continue
        if name not in mapped:
            fix = f"Map it under [contact.fields] in {reading.crm_file}, or remove this line."
            reading.complain(source, path, f"{name} is written back but not mapped to a property.", fix)
        if row.smallest_change and OUTPUTS[name].type != "number":
            reading.complain(source, path, f"smallest_change is for numbers; {name} is not one.", "Remove it.")
        group = row.group or OUTPUTS[name].group
        policy = _policy(name, row, source, reading)
        rules[name] = WriteRule(name, policy, row.leads, group, row.alone, row.smallest_change)
    return WriteBack(rules, shape.scores_at)


def _policy(name: str, row: WriteRuleShape, source: Source, reading: Reading) -> Policy:
    """People's answers are only ever blanked, and nothing else is blanked over a person's value."""
    said = "policy" in row.model_fields_set
    if name in ANSWERS and said and row.policy != "clear":
        fix = 'Write policy = "clear": it is blanked when a new hand-off begins. Or remove the line.'
        reading.complain(source, ("fields", name), f"{name} is for sales to fill, it is never written.", fix)
    elif name not in ANSWERS and row.policy == "clear":
        what = f'policy = "clear" is only for {", ".join(ANSWERS)}.'
        reading.complain(source, ("fields", name), what, "Write always, if_empty or never_after_human.")
    return "clear" if name in ANSWERS else row.policy


def check_values(wiring: Wiring, wanted: Mapping[str, Mapping[str, bool]], source: Source, reading: Reading) -> None:
    """Values named in the CRM's file are ours, and every stage and status that is used has one there.

    `wanted` tells, per field, our values and whether each is used.
    """
    for stage in wiring.entered:
        reading.known(source, ("contact", "entered", stage), "stage", stage, wanted["stage"])
    for kind, field in ((kind, field) for kind in ("contact", "lead") for field in wanted):
        spec, ours = wiring.fields.get(kind, {}).get(field), wanted[field]
        if spec is None or not spec.values or wiring.is_as_of_people(kind, field):
            continue
        for value in spec.values:
            reading.known(source, (kind, "values", field, value), field, value, ours)
        for value, used in ours.items():
            if used and value not in spec.values:
                what = f'the {field} "{value}" has no value in the CRM.'
                reading.complain(source, (kind, "values", field), what, f'Add {value} = "...".')
