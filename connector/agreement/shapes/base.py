"""The ground the shapes of all files stand on."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

#: A time of day.
CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"

#: A language as ISO 639 writes it, with a country or a script where needed.
LANGUAGE = r"^[a-z]{2,3}(-[A-Za-z]{2,4})?$"

#: How names of properties and groups begin in both CRMs.
PREFIX = r"^[a-z][a-z0-9_]*$"

#: Marks a key in which an empty text says something: that the field is blank.
MAY_BE_BLANK = "may be blank"

#: The longest time anything here lasts: ten years, in days.
TEN_YEARS = 3650

Plain = str | bool | int | float


class Shape(BaseModel):
    """A table of a mapping file: an unknown key is an error, a number is never text."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True, allow_inf_nan=False)


class Rows(BaseModel):
    """A table whose keys are names that the writer chooses, beside the few that are ours."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, allow_inf_nan=False)


class ConditionShape(Shape):
    """One question about one field: a field and one operator."""

    field: str | None = None
    is_: Plain | None = Field(default=None, alias="is")
    is_any_of: list[Plain] | None = None
    contains_any_of: list[str] | None = None
    unless_any_of: list[str] | None = None
    at_least: float | None = None
    at_most: float | None = None
    between: list[float] | None = None
    is_known: Literal[True] | None = None
    is_unknown: Literal[True] | None = None
    in_list: str | None = None
