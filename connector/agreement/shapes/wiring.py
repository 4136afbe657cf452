"""The files of the CRMs, all of one shape, and write_back.toml."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from connector.agreement.shapes.base import CLOCK, PREFIX, Shape
from connector.agreement.wiring import FieldType, Policy

Texts = dict[str, str | list[str]]


def _as_table(value: Any) -> Any:
    """`job_title = "jobtitle"` is short for `job_title = { property = "jobtitle" }`."""
    return {"property": value} if isinstance(value, str) else value


class PropertyShape(Shape):
    """A property, its type where the field is not one everybody knows, those that are read where it is blank, and
    whether an account may lack it."""

    property: str
    otherwise: str | list[str] | None = None
    type: FieldType | None = None
    label: str | None = None
    optional: bool = False


Property = Annotated[PropertyShape, BeforeValidator(_as_table, json_schema_input_type=str | PropertyShape)]


class KindShape(Shape):
    """One kind of record: its fields, their values, the values that are known and left alone, and those of ours that
    this CRM never tells."""

    fields: dict[str, Property] = Field(default={})
    values: dict[str, Texts] = Field(default={})
    leave_alone: dict[str, list[str]] = Field(default={})
    untold: dict[str, list[str]] = Field(default={})


class ContactKindShape(KindShape):
    """People, with the properties in which the CRM remembers when they entered a stage: our stage = its property."""

    entered: dict[str, str] = Field(default={})


class DealKindShape(KindShape):
    """Deals, with their pipelines: [deal.stages.<pipeline>] our deal stage = their id, or several; lead_types names the
    pipelines whose deals are of a lead type, where the deal itself does not say."""

    pipelines: list[str] = Field(default=[])
    lead_types: dict[str, list[str]] = Field(default={})
    stages: dict[str, Texts] = Field(default={})


class SignalSourceShape(Shape):
    """How a signal is recognised: exactly one of list, form, activity, counter and date."""

    list_: str | None = Field(default=None, alias="list")
    form: str | None = None
    activity: Literal["call", "email", "meeting", "task"] | None = None
    counter: str | None = None
    date: str | None = None
    when: Literal["added"] | None = None
    direction: Literal["outbound", "inbound"] | None = None
    outcome: str | list[str] | None = None


class WiringShape(Shape):
    """The file of a CRM, which bears its name"""

    own_prefix: str = Field(default="cx_", pattern=PREFIX)
    own_group: str = Field(default="agreement", pattern=PREFIX)
    own_options: Literal["texts", "numbers"] = "texts"
    contact: ContactKindShape = ContactKindShape()
    lead: KindShape = KindShape()
    company: KindShape = KindShape()
    deal: DealKindShape = DealKindShape()
    call: KindShape = KindShape()
    email: KindShape = KindShape()
    meeting: KindShape = KindShape()
    task: KindShape = KindShape()
    signals: dict[str, SignalSourceShape] = Field(default={})
    unseen: dict[str, str] = Field(default={})


class WriteRuleShape(Shape):
    """How one output is written back."""

    policy: Policy = "always"
    leads: Literal["mapping", "people", "crm"] = "mapping"
    group: Literal["route", "score", "stamp"] | None = None
    alone: bool = True
    smallest_change: float = Field(default=0, ge=0, le=100)


class WriteBackShape(Shape):
    """write_back.toml"""

    scores_at: str = Field(default="06:00", pattern=CLOCK)
    fields: dict[str, WriteRuleShape]
