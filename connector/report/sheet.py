"""
A report as a sheet: headlines, then tables whose every number opens the list of people behind it.

One shape for funnel, SLA, scorecard, blocked and conflicts, so that text, JSON, CSV and HTML show all of them alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

from connector.agreement import Agreement
from connector.model import page_at
from connector.report.numbers import MOST_IDS, Named, hours, share

Unit = Literal["people", "share", "hours", "days", "number"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, under a key that `--list` knows, with the people behind it. `of` is what a share is of."""

    key: str
    value: float | None
    people: Named = field(default_factory=Named)
    unit: Unit = "people"
    of: int | None = None
    note: str = ""

    @property
    def text(self) -> str:
        """As a reader wants it."""
        if self.value is None:
            said = "none yet" if self.unit == "share" else "–"  # noqa: RUF001 - an en dash stands for no number
        elif self.unit == "share":
            said = f"{share(self.value, 1) if self.value else '0%'}"
            said += f" of {self.of:,}" if self.of is not None else ""
        elif self.unit == "hours":
            said = hours(self.value)
        elif self.unit == "days":
            said = f"{self.value:,.1f} days" if self.value < 10 else f"{self.value:,.0f} days"
        else:
            said = f"{self.value:,.0f}" if float(self.value).is_integer() else f"{self.value:,.1f}"
        return f"{said} {self.note}".rstrip()


Cell = Figure | str | int | None


@dataclass(frozen=True, slots=True)
class Part:
    """One table, and the sentence that says what its numbers count."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    says: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """What every sheet says of itself."""

    agreement: Agreement
    as_of: datetime
    connection: str = ""
    account: str = ""
    contact_page: str = ""
    scope: str = ""  # whom the connection speaks about, where it is not everybody
    #: Whose records are of another form than the usual one (model.page_at), of these people.
    forms: Callable[[Sequence[str]], Mapping[str, str]] = lambda _ids: {}

    def day(self, at: datetime) -> date:
        """The day of an instant where the business is."""
        return at.astimezone(self.agreement.zone).date()

    @property
    def today(self) -> date:
        """The day of the report."""
        return self.day(self.as_of)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One report."""

    kind: str
    title: str
    when: str  # the period in words
    connection: str
    account: str
    scope: str
    as_of: datetime
    agreement: str
    fingerprint: str
    contact_page: str
    headlines: tuple[str, ...]
    parts: tuple[Part, ...]
    unknown: tuple[str, ...] = ()
    #: Whose records are of another form than the usual one (model.page_at); for addresses only.
    forms: Mapping[str, str] = field(default_factory=dict, metadata={"untold": True})

    def page_of(self, id: str) -> str:
        """Where a person opens this contact; "" where that is not known."""
        return page_at(self.contact_page, id, self.forms.get(id, ""))

    def figures(self) -> Iterator[Figure]:
        """Every number of it."""
        for part in self.parts:
            for row in part.rows:
                yield from (cell for cell in row if isinstance(cell, Figure))


def sheet(
    setting: Setting,
    kind: str,
    title: str,
    when: str,
    *,
    headlines: Iterable[str],
    parts: Iterable[Part],
    unknown: Iterable[str] = (),
) -> Sheet:
    """Put together; tables without a row are left out."""
    made = Sheet(
        kind,
        title,
        when,
        setting.connection,
        setting.account,
        setting.scope,
        setting.as_of,
        setting.agreement.version,
        setting.agreement.fingerprint,
        setting.contact_page,
        tuple(text for text in headlines if text),
        tuple(part for part in parts if part.rows),
        tuple(text for text in unknown if text),
    )
    return replace(made, forms=setting.forms(sorted({id for one in made.figures() for id in one.people.ids})))


def count(key: str, ids: Iterable[str], note: str = "") -> Figure:
    """So many, one entry for each: a person who counts twice is listed twice."""
    listed = tuple(ids)
    return Figure(key, len(listed), Named(len(listed), listed[:MOST_IDS]), note=note)


def share_of(key: str, part: Iterable[str], whole: int, note: str = "") -> Figure:
    """The share of a whole; None where there is no whole yet."""
    listed = tuple(part)
    value = len(listed) / whole if whole else None
    return Figure(key, value, Named(len(listed), listed[:MOST_IDS]), "share", whole or None, note)


CSV_COLUMNS = ("part", "row", "column", "key", "value", "of", "unit", "people")


def _named(row: Sequence[Cell]) -> list[str]:
    """What a row is called: the words before its first number, else all of them."""
    first = next((place for place, cell in enumerate(row) if isinstance(cell, Figure)), 0)
    return [cell for cell in row[: first or None] if isinstance(cell, str) and cell]


def csv_rows(one: Sheet) -> Iterator[tuple[str, ...]]:
    """A line for every number, with the ids behind it; the first is the header."""
    yield CSV_COLUMNS
    for part in one.parts:
        for row in part.rows:
            label = " / ".join(_named(row))
            for column, cell in zip(part.columns, row, strict=True):
                if isinstance(cell, Figure):
                    value = "" if cell.value is None else f"{cell.value:.6g}"
                    of = "" if cell.of is None else str(cell.of)
                    yield part.name, label, column, cell.key, value, of, cell.unit, " ".join(cell.people.ids)
                elif isinstance(cell, int):
                    yield part.name, label, column, "", str(cell), "", "number", ""
