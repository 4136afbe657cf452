"""
How an agreement's words meet one CRM: which property is which field, which value means what, where signals are seen.

Loaded from `mappings/<crm>.toml`, checked there, plain data here. `connector.fields` makes records into people
with it and decisions into properties; `check` proves every name in it against the live account, which is why
each entry remembers where it was written.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

FieldType = Literal["text", "number", "bool", "datetime", "list"]
Policy = Literal["always", "if_empty", "never_after_human", "clear"]


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One of our fields as a property of one kind of record.

    `values` maps our value to the CRM's values in file order: the first of them is written, all are understood;
    where two of our values share one of theirs, the one listed first in the file is read. Empty: no translation.
    Where the property is blank, the first of `otherwise` that is not is read in its place, and never written.
    """

    field: str
    property: str
    type: FieldType = "text"
    values: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    where: str = ""  # "mappings/FILE:14, contact.fields.job_title"
    optional: bool = False  # not every account has it: missing, it is a remark of `check` and reads as unknown
    places: Mapping[str, str] = dataclasses.field(default_factory=dict)  # our value -> where its line is written
    otherwise: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()  # values of ours that rules may name, and that this CRM never tells

    def place_of(self, value: str) -> str:
        """Where the line of one of our values is; the field's own where the file has none for it."""
        return self.places.get(value, self.where)


@dataclass(frozen=True, slots=True)
class SignalSource:
    """How one signal of the agreement is recognised in this CRM.

    how       key            what it matches
    activity  kind           an activity of this kind ("meeting"), with `direction` and `outcomes` where given
    list      list name      a person was added to this list (segment); the added-time dates it
    form      form id        a submission of this form
    counter   property       a rise of this number property; dated by property `date` where given, else the read
    date      property       a "last ..." date property took a new value
    """

    signal: str
    how: Literal["activity", "list", "form", "counter", "date"]
    key: str
    direction: str | None = None
    outcomes: tuple[str, ...] = ()
    date: str | None = None
    where: str = ""

    @property
    def source(self) -> str:
        """The name under which occurrences of it are kept (model.Occurrence.source)."""
        return self.key if self.how == "activity" else f"{self.how}:{self.key}"


@dataclass(frozen=True, slots=True)
class OwnProperty:
    """A custom property that is ours to create and write; its name carries the own prefix."""

    kind: str
    property: str
    type: Literal["string", "number", "bool", "date", "datetime", "enumeration"]
    label: str
    description: str = ""
    options: tuple[tuple[str, str], ...] = ()  # (value, label)
    decimals: int = 0  # of a number, where the CRM wants to know


@dataclass(frozen=True, slots=True)
class Wiring:
    """One CRM's mapping file, checked.

    `deal_stages` maps (pipeline id, deal stage id) to our deal stage; what is not named there is classified by
    the CRM's own probability. `entered` names the properties in which the CRM itself remembers when a person
    entered a stage: read at first sight, never written. `pipelines` are the counted ones; empty means all.
    `leave_alone` names, per field, live values that are known and never touched.
    """

    crm: str
    fields: Mapping[str, Mapping[str, FieldSpec]]  # kind -> our field -> spec
    signals: tuple[SignalSource, ...] = ()
    deal_stages: Mapping[tuple[str, str], str] = dataclasses.field(default_factory=dict)
    #: (pipeline,) or (pipeline, deal stage) -> where the file names it
    places: Mapping[tuple[str, ...], str] = dataclasses.field(default_factory=dict)
    pipelines: tuple[str, ...] = ()
    lead_types: Mapping[str, str] = dataclasses.field(default_factory=dict)  # pipeline id -> lead type of its deals
    leave_alone: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    entered: Mapping[str, FieldSpec] = dataclasses.field(default_factory=dict)  # stage -> the CRM's date of entering
    own_prefix: str = "cx_"
    own_group: str = "agreement"
    own: tuple[OwnProperty, ...] = ()
    fingerprint: str = ""
    own_options: Literal["texts", "numbers"] = "texts"  # what the CRM has for the values of a choice of ours
    unseen: Mapping[str, str] = dataclasses.field(default_factory=dict)  # signals that this CRM cannot see, and why
    kinds: Mapping[str, str] = dataclasses.field(default_factory=dict)  # kind -> where the file begins to speak of it

    def is_as_of_people(self, kind: str, field: str) -> bool:
        """Whether the values of a lead's field are those that people's has, of which all is said there."""
        like, spec = self.fields.get("contact", {}).get(field), self.fields.get(kind, {}).get(field)
        return kind == "lead" and like is not None and spec is not None and like.values is spec.values


@dataclass(frozen=True, slots=True)
class WriteRule:
    """How one output field may be written back.

    policy    always, if_empty, never_after_human, or clear: people's own field, which is only ever blanked, whoever
              filled it, when a new hand-off begins
    leads     mapping (ours unless a person just changed it), people, or crm
    group     route (stage, status, cycle ...: only in mode live), score, or stamp
    alone     False: written only together with another change, so that it never causes a write itself (A14)
    """

    field: str
    policy: Policy = "always"
    leads: Literal["mapping", "people", "crm"] = "mapping"
    group: Literal["route", "score", "stamp"] = "score"
    alone: bool = True
    smallest_change: float = 0.0  # numbers only: a smaller difference writes nothing by itself


@dataclass(frozen=True, slots=True)
class WriteBack:
    """Which outputs are written, and how. A field without a rule is never written."""

    rules: Mapping[str, WriteRule]
    scores_at: str = "06:00"  # local time at which displayed scores that only aged are refreshed
