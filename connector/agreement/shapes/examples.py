"""examples.toml: people both teams agree about."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, create_model

from connector.agreement.shapes.base import MAY_BE_BLANK, Plain, Shape
from connector.agreement.vocabulary import OUTPUTS
from connector.agreement.wiring import FieldType

Score = Annotated[float | None, Field(ge=0, le=100)]


class ExampleDealShape(Shape):
    """A deal of an example person."""

    state: Literal["open", "won", "lost", "on_hold"]
    deal_stage: str | None = None
    opened_at: AwareDatetime | None = None
    closed_at: AwareDatetime | None = None
    lost_reason: str | None = None
    counted: bool = True
    role: str | None = None


class ExampleActivityShape(Shape):
    """What sales did with an example person, or the person with sales."""

    kind: Literal["call", "email", "meeting", "task"]
    at: AwareDatetime
    direction: Literal["outbound", "inbound"] | None = None
    outcome: str | None = None
    seconds: float | None = Field(default=None, ge=0, le=86_400)
    by: Literal["rep", "automation"] = "rep"
    owner_id: str | None = None


class ExampleEditShape(Shape):
    """What somebody set on the record."""

    field: Literal["stage", "status"]
    to: str
    at: AwareDatetime | None = None
    by: Literal["person", "automation", "crm", "integration", "import", "other", "unknown"] = "person"


class _ExpectShape(Shape):
    """What the agreement must say about an example person; what is not named is not looked at.

    Besides these keys every output may be named ("exclusion_reason", "sla_due"); an empty text means: blank.
    """

    stage: str | None = None
    status: Annotated[str | None, MAY_BE_BLANK] = None
    crm_stage: Annotated[str | None, MAY_BE_BLANK] = None
    fit: Score = None
    engagement: Score = None
    combined: Score = None
    points: dict[str, float] | None = None
    missing: list[str] | None = None
    tasks: int | None = Field(default=None, ge=0, le=100)
    cause: Annotated[str | None, MAY_BE_BLANK] = None
    reason: str | None = None
    why_not: list[str] | None = None
    warnings: list[str] | None = None
    passed_through: list[str] | None = None
    sla: str | None = None


def _type_of(kind: FieldType) -> Any:
    """The type of an expected output."""
    if kind == "number":
        return Annotated[float | None, Field(ge=0, le=1_000_000)]
    if kind == "datetime":
        return AwareDatetime | None
    return bool | None if kind == "bool" else Annotated[str | None, MAY_BE_BLANK]


#: Every output has its key, also one that is added later.
ExpectShape: Any = create_model(  # type: ignore[call-overload]  # fields by name, known only at run time
    "ExpectShape",
    __base__=_ExpectShape,
    __doc__=_ExpectShape.__doc__,
    **{
        name: (_type_of(output.type), None) for name, output in OUTPUTS.items() if name not in _ExpectShape.model_fields
    },
)


class LookShape(Shape):
    """One look at a person: what has been added since the look before, and what must be said now."""

    as_of: AwareDatetime
    owner_id: str | None = None
    fields: dict[str, Plain] = Field(default={})
    signals: dict[str, list[AwareDatetime]] = Field(default={})
    activities: list[ExampleActivityShape] = Field(default=[])
    edits: list[ExampleEditShape] = Field(default=[])
    deals: list[ExampleDealShape] | None = None
    expect: ExpectShape


class ExampleShape(LookShape):
    """One person with the outcome both teams expect, at one instant or at several."""

    says: str = ""
    stage: str | None = None
    status: str | None = None
    then: list[LookShape] = Field(default=[])
