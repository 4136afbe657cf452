"""report scorecard, sla, funnel, blocked, conflicts: from the ledger alone, every number with the list behind it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import orjson
import typer

from connector.cli import show
from connector.cli.app import CONFIG, AsOfOption, ConfigOption, ConnectionOption, instant
from connector.cli.opening import Chosen, choose, ledger_of, now, offline_session
from connector.cli.reporting import place_of, put, reports
from connector.errors import UsageError

if TYPE_CHECKING:
    from connector.agreement.periods import Period
    from connector.ledger import Ledger
    from connector.report.promises import Books
    from connector.report.reckoning import Span
    from connector.report.scorecard import Beside
    from connector.report.sheet import Setting, Sheet
    from connector.sync import Session

SheetForm = Literal["text", "json", "html", "csv"]

SheetOption = Annotated[SheetForm, typer.Option("--output", help="Text for people, JSON, an HTML page, or CSV.")]
SheetFileOption = Annotated[
    Path | None, typer.Option("--file", help="Write it here instead; a page goes to KIND.html by itself.")
]
ListOption = Annotated[str | None, typer.Option("--list", help="Only the record ids behind this number, one a line.")]
PeriodOption = Annotated[Literal["month", "quarter", "year"], typer.Option("--period", help="month, quarter or year.")]
DayOption = Annotated[str | None, typer.Option("--day", help="A day in the period (2026-03-31); default: today.")]

_ENDLESS = 20


@dataclass(frozen=True, slots=True)
class Desk:
    """What every sheet is made from."""

    chosen: Chosen
    ledger: Ledger
    session: Session
    setting: Setting

    def day(self, text: str | None, option: str) -> date:
        """A day on the command line; today in the business time zone where none is given. Raises UsageError."""
        if text is None:
            return self.setting.as_of.astimezone(self.chosen.agreement.zone).date()
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise UsageError(f"{option} {text} is no day; write for example 2026-03-31.") from None

    def period(self, kind: Literal["month", "quarter", "year"], day: str | None) -> Period:
        """The period that is asked for. Raises UsageError."""
        from connector.agreement.periods import period_of  # noqa: PLC0415 - --help does without

        return period_of(self.day(day, "--day"), kind, self.chosen.agreement.paper.fiscal_year_starts)

    def span(self, period: Period) -> Span:
        """Its instants."""
        from connector.report.promises import span_of  # noqa: PLC0415 - --help does without

        return span_of(period, self.chosen.agreement)

    def beside(self, span: Span) -> Beside:
        """What the newest look at everybody adds."""
        from connector.report import gathering  # noqa: PLC0415 - --help does without
        from connector.report.around import beside  # noqa: PLC0415 - --help does without

        return beside(self.session, gathering.everybody(self.session, self.setting.as_of), span, _unsigned(self))

    def books(self, span: Span, active: frozenset[str] | None) -> Books:
        """The two logs: as known now, and as they were known when the span closed."""
        from connector.report.entries import Log  # noqa: PLC0415 - --help does without
        from connector.report.promises import Books  # noqa: PLC0415 - --help does without
        from connector.report.reckoning import closing  # noqa: PLC0415 - --help does without

        as_of, kept = self.setting.as_of, self.ledger.hand_offs
        log = Log(self.ledger.history.stage_moves(until=as_of + timedelta(microseconds=1)), self.chosen.agreement)
        return Books(self.setting, log, kept.every(as_of), kept.every(closing(span, as_of)), active)


@contextmanager
def _desk(config: Path, connection: str | None, as_of: str | None) -> Iterator[Desk]:
    from connector.report.sheet import Setting  # noqa: PLC0415 - --help does without

    moment = instant(as_of, "--as-of") or now()
    chosen = choose(config, connection)
    with ledger_of(chosen) as ledger:
        session = offline_session(chosen, ledger)
        described = ledger.runs.connection().described or {}
        setting = Setting(
            chosen.agreement,
            moment,
            ledger.connection,
            session.account,
            str(described.get("contact_page") or ""),
            _scope(chosen),
        )
        yield Desk(chosen, ledger, session, setting)


def _scope(chosen: Chosen) -> str:
    """Whom the connection speaks about, where that is not everybody."""
    asked = [f"{name} {' or '.join(values)}" for name, values in chosen.connection.scope.items()]
    never = [f"never {name} {' or '.join(values)}" for name, values in chosen.connection.never_touch.items()]
    return ", ".join([*asked, *never])


def _unsigned(desk: Desk) -> tuple[str, ...]:
    """What the agreement itself lacks, for the joint meeting."""
    paper = desk.chosen.agreement.paper
    today = desk.day(None, "")
    said = []
    if paper.review_by is not None and paper.review_by < today:
        said.append(f"The agreement was to be reviewed by {paper.review_by:%Y-%m-%d}: that day is past.")
    return tuple(said)


# -- the verbs ------------------------------------------------------------------------------------------------------


@reports.command("scorecard")
def report_scorecard(
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: SheetOption = "text",
    file: SheetFileOption = None,
    as_of: AsOfOption = None,
    period: PeriodOption = "month",
    day: DayOption = None,
    listed: ListOption = None,
) -> None:
    """Both promises on one page: marketing's beside sales'; no call."""
    from connector.report.scorecard import scorecard  # noqa: PLC0415 - --help does without

    place = place_of(output, file, "scorecard")
    with _desk(config, connection, as_of) as desk:
        one = desk.period(period, day)
        span = desk.span(one)
        told = desk.beside(span)
        made = scorecard(desk.books(span, told.active), one, told)
    _tell(made, output, place, listed, desk)


@reports.command("sla")
def report_sla(
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: SheetOption = "text",
    file: SheetFileOption = None,
    as_of: AsOfOption = None,
    period: PeriodOption = "month",
    day: DayOption = None,
    listed: ListOption = None,
) -> None:
    """Follow-up by class and owner: in time, late, without owner, not measurable; no call."""
    from connector.report.sla import sla  # noqa: PLC0415 - --help does without

    place = place_of(output, file, "sla")
    with _desk(config, connection, as_of) as desk:
        one = desk.period(period, day)
        span = desk.span(one)
        books = desk.books(span, desk.beside(span).active)
        open_ = f", so far (until {desk.setting.as_of:%Y-%m-%d})" if desk.setting.as_of < span.ends else ""
        made = sla(books, span, f"{one.label}{open_}")
    _tell(made, output, place, listed, desk)


@reports.command("funnel")
def report_funnel(
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: SheetOption = "text",
    file: SheetFileOption = None,
    as_of: AsOfOption = None,
    period: PeriodOption = "month",
    since: Annotated[str | None, typer.Option("--since", help="From the period of this day on.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Up to the period of this day; default: today.")] = None,
    within: Annotated[int, typer.Option("--within", min=1, help="Days a cohort has to get further.")] = 90,
    listed: ListOption = None,
) -> None:
    """Entries per stage and period, cohorts, time in stage, days lost, where everybody stands; no call."""
    from connector.agreement.periods import periods  # noqa: PLC0415 - --help does without
    from connector.report.entries import Log  # noqa: PLC0415 - --help does without
    from connector.report.funnel import funnel  # noqa: PLC0415 - --help does without

    place = place_of(output, file, "funnel")
    with _desk(config, connection, as_of) as desk:
        last = desk.day(until, "--until")
        first = desk.day(since, "--since") if since else last - timedelta(days=75 if period == "month" else 270)
        if first > last:
            raise UsageError(f"--since {first} lies after the end of the period, {last}.")
        found = list(periods(first, last, period, desk.chosen.agreement.paper.fiscal_year_starts))
        if len(found) > _ENDLESS:
            raise UsageError(f"That is {len(found)} periods; choose a longer --period or a later --since.")
        moves = desk.ledger.history.stage_moves(until=desk.setting.as_of + timedelta(microseconds=1))
        log = Log(moves, desk.chosen.agreement)
        made = funnel(desk.setting, log, desk.ledger.history.standings(), found, within)
    _tell(made, output, place, listed, desk)


@reports.command("blocked")
def report_blocked(
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: SheetOption = "text",
    file: SheetFileOption = None,
    as_of: AsOfOption = None,
    listed: ListOption = None,
) -> None:
    """People by why they are not handed over, and which field to ask for first; no call."""
    from connector.report import gathering  # noqa: PLC0415 - --help does without
    from connector.report.blocked import blocked  # noqa: PLC0415 - --help does without

    place = place_of(output, file, "blocked")
    with _desk(config, connection, as_of) as desk:
        standings = desk.ledger.history.first_tracks()
        made = blocked(desk.setting, gathering.everybody(desk.session, desk.setting.as_of), standings)
    _tell(made, output, place, listed, desk)


@reports.command("conflicts")
def report_conflicts(
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: SheetOption = "text",
    file: SheetFileOption = None,
    listed: ListOption = None,
) -> None:
    """Values of others left alone or written back, and people whom two accounts know; no call."""
    from connector.report.conflicts import Found, conflicts  # noqa: PLC0415 - --help does without

    place = place_of(output, file, "conflicts")
    with _desk(config, connection, None) as desk:
        known = desk.ledger.conflicts
        found = Found(desk.ledger.work.holds(), known.taken_back(), known.pairs(), known.connections())
        made = conflicts(desk.setting, found)
    _tell(made, output, place, listed, desk)


# -- how it is told ---------------------------------------------------------------------------------------------------


def _tell(one: Sheet, output: SheetForm, place: Path | None, listed: str | None, desk: Desk) -> None:
    if listed is not None:
        _list(one, listed)
    elif output == "html":
        from connector.report.page import sheet_page  # noqa: PLC0415 - text and JSON do without

        put(sheet_page(one, desk.chosen.agreement.zone).encode(), place, one.kind)
    elif output == "text":
        _as_text(one, place)
    else:
        content = _csv(one) if output == "csv" else _json(one)
        _out(content, place, one.kind)


def _list(one: Sheet, key: str) -> None:
    """The ids behind one number, for a program or a spreadsheet. Raises UsageError for a number that is not there."""
    from connector.agreement.complaints import did_you_mean  # noqa: PLC0415 - --help does without

    figures = {figure.key: figure for figure in one.figures()}
    if key not in figures:
        raise UsageError(f"This report has no number {key}. {did_you_mean(key, figures)}")
    for id in figures[key].people.ids:
        show.out.print(id)


def _csv(one: Sheet) -> bytes:
    from connector.report.sheet import csv_rows  # noqa: PLC0415 - --help does without

    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(csv_rows(one))
    return text.getvalue().encode()


def _json(one: Sheet) -> bytes:
    from connector.report.page import as_json  # noqa: PLC0415 - --help does without

    told = as_json(one)
    for part, kept in zip(one.parts, told["parts"], strict=True):
        names = [name or f"column_{number}" for number, name in enumerate(part.columns, 1)]
        kept["rows"] = [dict(zip(names, row, strict=True)) for row in kept["rows"]]
    return orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z) + b"\n"


def _out(content: bytes, place: Path | None, kind: str) -> None:
    if place is None:
        show.raw(content)
        return
    put(content, place, kind)


def _as_text(one: Sheet, place: Path | None) -> None:
    from rich.text import Text  # noqa: PLC0415 - only for a file

    if place is None:
        _say(one)
        return
    with show.out.capture() as kept:
        _say(one)
    put((Text.from_ansi(kept.get()).plain + "\n").encode(), place, one.kind)


def _say(one: Sheet) -> None:
    show.say(f"{one.title}, {one.when}. Account {one.account}, connection {one.connection}, agreement {one.agreement}.")
    if one.scope:
        show.say(f"Only people within the connection's scope: {one.scope}.")
    if one.headlines:
        show.title("In short")
        for text in one.headlines:
            show.say(text, "●", indent=2)
    for part in one.parts:
        show.title(part.title)
        if part.says:
            show.say(part.says, indent=2)
        show.table(part.columns, [tuple(_cell(cell) for cell in row) for row in part.rows])
    if one.unknown:
        show.title("What these numbers do not know")
        for text in one.unknown:
            show.say(text, "note", indent=2)
    if example := next((figure.key for figure in one.figures() if figure.people.ids), None):
        show.out.print()
        show.say(f"Who is behind a number: --list KEY, for example --list {example}; all of it: --output json or html")


def _cell(cell: object) -> object:
    from connector.report.sheet import Figure  # noqa: PLC0415 - --help does without

    if not isinstance(cell, Figure):
        return cell
    whole = cell.value is not None and cell.unit in ("people", "number") and float(cell.value).is_integer()
    return int(cell.value or 0) if whole and not cell.note else cell.text
