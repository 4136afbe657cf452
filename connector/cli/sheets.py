"""report scorecard, sla, funnel, blocked, conflicts: from the ledger alone, every number with the list behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from connector.cli.app import CONFIG, AsOfOption, ConfigOption, ConnectionOption, instant
from connector.cli.opening import Chosen, choose, ledger_of, now
from connector.cli.reporting import place_of, reports
from connector.cli.sessions import offline_session
from connector.cli.spreading import SheetForm, tell
from connector.errors import UsageError

if TYPE_CHECKING:
    from connector.agreement.periods import Period
    from connector.ledger import Ledger
    from connector.report.promises import AtWork, Books
    from connector.report.reckoning import Span
    from connector.report.scorecard import Beside
    from connector.report.sheet import Setting
    from connector.sync import Session

SheetOption = Annotated[SheetForm, typer.Option("--output", help="Text for people, JSON, an HTML page, or CSV.")]
SheetFileOption = Annotated[
    Path | None, typer.Option("-o", "--file", help="Write it here instead; a page goes to KIND.html by itself.")
]
ListOption = Annotated[str | None, typer.Option("--list", help="Only the record ids behind this number, one a line.")]
PeriodOption = Annotated[Literal["month", "quarter", "year"], typer.Option("--period", help="month, quarter or year.")]
DayOption = Annotated[str | None, typer.Option("--day", help="A day in the period (2026-03-31); default: today.")]

_ENDLESS = 20


@dataclass(frozen=True, slots=True)
class Given:
    """What every sheet is made from."""

    chosen: Chosen
    ledger: Ledger
    session: Session
    setting: Setting

    def day(self, text: str | None, option: str) -> date:
        """A day on the command line; today in the business time zone where none is given. Raises UsageError."""
        if text is None:
            return self.setting.today
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

    def beside(self) -> Beside:
        """What the newest look at everybody adds."""
        from connector.report import gathering  # noqa: PLC0415 - --help does without
        from connector.report.around import beside  # noqa: PLC0415 - --help does without

        return beside(self.session, gathering.standing(self.session, self.setting.as_of), _unsigned(self))

    def books(self, active: AtWork | None) -> Books:
        """The two logs: as known now, and as they were known at any instant before."""
        from connector.report.entries import Log  # noqa: PLC0415 - --help does without
        from connector.report.promises import Books  # noqa: PLC0415 - --help does without

        as_of, kept = self.setting.as_of, self.ledger.hand_offs
        log = Log(self.ledger.history.stage_moves(until=as_of + timedelta(microseconds=1)), self.chosen.agreement)
        return Books(self.setting, log, kept.every(as_of), kept.every, active)


@contextmanager
def _given(config: Path, connection: str | None, as_of: str | None) -> Iterator[Given]:
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
            ledger.mirror.forms,
        )
        yield Given(chosen, ledger, session, setting)


def _scope(chosen: Chosen) -> str:
    """Whom the connection speaks about, where that is not everybody."""
    asked = [f"{name} {' or '.join(values)}" for name, values in chosen.connection.scope.items()]
    never = [f"never {name} {' or '.join(values)}" for name, values in chosen.connection.never_touch.items()]
    return ", ".join([*asked, *never])


def _unsigned(given: Given) -> tuple[str, ...]:
    """What the agreement itself lacks, for the joint meeting."""
    from connector.cli.sessions import signatures_of  # noqa: PLC0415 - --help does without
    from connector.sync.signing import listed  # noqa: PLC0415 - the same

    paper, signatures = given.chosen.agreement.paper, signatures_of(given.chosen)
    today = given.day(None, "")
    said = []
    if paper.review_by is not None and paper.review_by < today:
        said.append(f"The agreement was to be reviewed by {paper.review_by:%Y-%m-%d}: that day is past.")
    standing = signatures.standing(given.setting.as_of)
    if standing.emergency is not None:
        said.append(signatures.notes(given.setting.as_of)[0])
    elif missing := standing.missing:
        said.append(f"The agreement is not signed by {listed(missing)}.")
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
    with _given(config, connection, as_of) as given:
        one = given.period(period, day)
        told = given.beside()
        made = scorecard(given.books(told.active), one, told)
    tell(made, output, place, listed, given.chosen.agreement.zone)


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
    with _given(config, connection, as_of) as given:
        one = given.period(period, day)
        span = given.span(one)
        books = given.books(given.beside().active)
        open_ = f", so far (until {given.setting.today:%Y-%m-%d})" if given.setting.as_of < span.ends else ""
        made = sla(books, span, f"{one.label}{open_}")
    tell(made, output, place, listed, given.chosen.agreement.zone)


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
    with _given(config, connection, as_of) as given:
        last = given.day(until, "--until")
        first = given.day(since, "--since") if since else last - timedelta(days=75 if period == "month" else 270)
        if first > last:
            raise UsageError(f"--since {first} lies after the end of the period, {last}.")
        found = list(periods(first, last, period, given.chosen.agreement.paper.fiscal_year_starts))
        if len(found) > _ENDLESS:
            raise UsageError(f"That is {len(found)} periods; choose a longer --period or a later --since.")
        moves = given.ledger.history.stage_moves(until=given.setting.as_of + timedelta(microseconds=1))
        log = Log(moves, given.chosen.agreement)
        made = funnel(given.setting, log, given.ledger.history.standings(), found, within)
    tell(made, output, place, listed, given.chosen.agreement.zone)


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
    with _given(config, connection, as_of) as given:
        made = blocked(given.setting, gathering.standing(given.session, given.setting.as_of))
    tell(made, output, place, listed, given.chosen.agreement.zone)


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
    with _given(config, connection, None) as given:
        ledger, known = given.ledger, given.ledger.conflicts
        held, set_back = ledger.holds.every(), ledger.reversals.every()
        found = Found(held, set_back, known.taken_back(), known.pairs(), known.connections())
        made = conflicts(given.setting, found)
    tell(made, output, place, listed, given.chosen.agreement.zone)
