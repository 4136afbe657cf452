"""agreement.toml and texts.<language>.toml."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import AwareDatetime, Field

from connector.agreement.shapes.base import CLOCK, LANGUAGE, Shape

#: How long a promise may take: more than a month of days and nights is none.
Hours = Field(default=None, gt=0, le=1000)

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class SignerShape(Shape):
    """Who may sign for one side; without a name, anybody. (`on` is where older files kept the day of signing.)"""

    name: str | list[str] = ""
    on: date | None = None


class ApprovalShape(Shape):
    """One signature."""

    side: Literal["marketing", "sales", "admin"]
    name: str = Field(min_length=1)
    at: AwareDatetime
    definitions: str | None = None
    wiring: str | None = None
    version: str = ""
    crm: str = ""
    emergency: bool = False
    why: str = ""
    files: str = ""


class ApprovalsShape(Shape):
    """approvals.toml"""

    approval: list[ApprovalShape] = Field(default=[])


class CorrectionShape(Shape):
    """One change of a promise while its period runs."""

    on: date
    at_least: float = Field(ge=0)
    why: str = Field(min_length=1)


class GoalShape(Shape):
    """One promise per period."""

    metric: str
    period: Literal["month", "quarter", "year"]
    at_least: float = Field(gt=0, le=1e9)
    owner: str = ""
    lead_type: str | None = None
    source: str | None = None
    corrections: list[CorrectionShape] = Field(default=[])


class CalendarShape(Shape):
    """Business hours and holidays."""

    days: list[Day] = Field(default=["mon", "tue", "wed", "thu", "fri"])
    opens: str = Field(default="09:00", pattern=CLOCK)
    closes: str = Field(default="17:00", pattern=CLOCK)
    holidays: str | None = None
    days_off: list[date] = Field(default=[])


class NamedCalendarShape(CalendarShape):
    """Other business hours, of an SLA class that names them or of the owners of some teams."""

    time_zone: str | None = None
    teams: list[str] = Field(default=[])


class SlaShape(Shape):
    """One class of follow-up."""

    first_attempt_within_hours: float = Field(gt=0, le=1000)
    lead_to_touch_within_hours: float | None = Hours
    lead_to_touch_counts: Literal["all_hours", "business_hours"] | None = None
    owner_within_hours: float | None = Hours
    conversation_within_hours: float | None = Hours
    answer_within_hours: float | None = Hours
    calendar: str | None = None
    why: str = ""


class AgreementShape(Shape):
    """agreement.toml"""

    version: str
    time_zone: str
    language: str = Field(default="en", pattern=LANGUAGE)
    apply_to: Literal["new_facts", "everyone"] = "new_facts"
    summary: str = ""
    effective_from: date | None = None
    review_by: date | None = None
    fiscal_year_starts: int = Field(default=1, ge=1, le=12)
    approvals: dict[str, SignerShape] = Field(default={})
    glossary: dict[str, str] = Field(default={})
    goals: dict[str, GoalShape] = Field(default={})
    calendar: CalendarShape = CalendarShape()
    calendars: dict[str, NamedCalendarShape] = Field(default={})
    sla: dict[str, SlaShape] = Field(default={})


class TextsShape(Shape):
    """texts.<language>.toml"""

    task_subject: str = Field(min_length=1)
    task_body: str = Field(min_length=1)
    task_no_name: str = Field(min_length=1)
    weekdays: list[str] = Field(min_length=7, max_length=7)
    why: dict[str, str] = Field(default={})
    questions: dict[str, str] = Field(default={})
    labels: dict[str, str] = Field(default={})
