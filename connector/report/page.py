"""
A report as one HTML page that can be mailed around: no script, no request to anywhere, links only to the records.

Everything from outside is escaped by the template engine; bars are plain elements with a width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from connector.report import baseline, observed
from connector.report.numbers import hours, share, since, times
from connector.report.parts import Document
from connector.report.sheet import Sheet

if TYPE_CHECKING:
    from jinja2 import Environment

#: People of a list that a page names at once; the rest of them unfolds.
FIRST = 10


def baseline_page(one: baseline.Baseline, zone: ZoneInfo) -> str:
    """The baseline as a page."""
    return _render("baseline.html", one, zone, baseline.headlines(one))


def observed_page(one: observed.Observations, zone: ZoneInfo) -> str:
    """What would have been handed over, as a page."""
    return _render("observed.html", one, zone, observed.headlines(one))


def sheet_page(one: Sheet, zone: ZoneInfo) -> str:
    """Any sheet as a page."""
    return _render("sheet.html", one, zone, list(one.headlines))


def agreement_page(one: Document, version: str) -> str:
    """The agreement's document, as a page."""
    return _pages().get_template("agreement.html").render(one=one, version=version)


def as_json(one: Any) -> Any:
    """Any report as plain JSON: dataclasses by their fields but for those that say `untold`, sets in order."""
    if is_dataclass(one):
        return {each.name: as_json(getattr(one, each.name)) for each in fields(one) if not each.metadata.get("untold")}
    if isinstance(one, Mapping):
        return {str(name): as_json(value) for name, value in one.items()}
    if isinstance(one, frozenset):
        return sorted(one)
    if isinstance(one, tuple | list):
        return [as_json(each) for each in one]
    return one


def _render(template: str, one: Any, zone: ZoneInfo, headlines: list[str]) -> str:
    return _pages().get_template(template).render(one=one, zone=zone, headlines=headlines, first=FIRST)


@cache
def _pages() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - text and JSON do without

    pages = Environment(
        loader=PackageLoader("connector.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters.update(number=_number, share=share, day=_day, moment=_moment, age=since, span=hours, times=times)
    pages.tests["figure"] = _is_figure
    return pages


def _is_figure(cell: object) -> bool:
    """Whether a cell stands to the right: a number, also one that is written already."""
    if isinstance(cell, str):
        digits = cell.rstrip("%").replace(",", "").replace(".", "", 1)
        return digits.isdigit() or cell == "–"  # noqa: RUF001 - what stands for no number
    return cell is not None


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"  # noqa: RUF001 - an en dash stands for no number


def _day(at: datetime | None) -> str:
    return "–" if at is None else f"{at.astimezone(UTC):%Y-%m-%d}"  # noqa: RUF001 - the same


def _moment(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%d %B %Y, %H:%M} ({zone.key})"
