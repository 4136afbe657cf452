"""Both promises of one period, counted by hand in the diary of tests/report/house.py."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connector.agreement import Agreement
from connector.agreement.metrics import HAND_OFFS
from connector.agreement.periods import period_of
from connector.agreement.terms import Correction, Goal
from connector.ledger import Ledger
from connector.ledger.handoffs import HandOff
from connector.ledger.history import Moved
from connector.report import gathering
from connector.report.around import beside
from connector.report.entries import Log
from connector.report.page import sheet_page
from connector.report.promises import Books, promises
from connector.report.reckoning import Reckoning, Span
from connector.report.scorecard import Beside, scorecard
from connector.report.sheet import Setting, Sheet
from tests.report.house import House, april, books, may, people, spring, value
from tests.report.test_page import outside
from tests.sync.world import agreement

APRIL = period_of(date(2026, 4, 1), "month")


@pytest.fixture
def lived(tmp_path: Path) -> tuple[House, Ledger]:
    return spring(tmp_path)


@pytest.fixture
def card(lived: tuple[House, Ledger]) -> Sheet:
    house, ledger = lived
    return scorecard(books(house, ledger), APRIL)


def test_marketings_side(card: Sheet) -> None:
    """Five handed over, three of them decided: two accepted, one rejected; one of the accepted was returned later."""
    assert people(card, "hand_offs") == ("1", "2", "3", "4", "5")
    assert (people(card, "acceptance_rate"), value(card, "acceptance_rate")) == (("1", "2"), pytest.approx(2 / 3))
    assert value(card, "completeness") == 1
    assert (people(card, "returned"), people(card, "rejected")) == (("2",), ("4",))


def test_saless_side(card: Sheet) -> None:
    """In time: the demo, and the one who got an owner later. Late: a call on the third day, an answer, and silence."""
    assert (people(card, "first_attempt_in_time"), value(card, "first_attempt_in_time")) == (("1", "3"), 0.4)
    assert (people(card, "reason_given"), value(card, "reason_given")) == (("2",), 0.5)
    assert (people(card, "connect_rate"), value(card, "connect_rate")) == (("1", "2"), pytest.approx(2 / 3))
    assert people(card, "never_worked") == ()


def test_goals_have_attainment_and_pace(card: Sheet) -> None:
    """Five MQL by rule (one on a fast track's way) of 40; the won deal that passed MQL is no MQL of marketing's. 8 of
    22 business days are over on 10 April."""
    assert people(card, "goals.mqls") == ("1", "2", "3", "4", "5")
    assert value(card, "goals.mqls.attained") == 5 / 40
    row = next(row for part in card.parts if part.name == "marketing_goals" for row in part.rows)
    assert row[5] == f"{5 / 40 / (8 / 22):.0%}" == "34%"
    assert people(card, "goals.customers") == ("6",)
    assert people(card, "goals.sqls") == ()
    assert card.headlines[0] == "MQL, 2026-04: marketing promised 40, reached 5, 34% of the pace (open)."


def test_the_flywheel_is_days_lost_per_side(card: Sheet) -> None:
    """One step onward from a stage: person 2 spent 2 days and 3 hours in MQL, marketing's stage, before SAL."""
    assert people(card, "friction.marketing") == ("2",)
    assert value(card, "friction.marketing.days") == pytest.approx(2 + 3 / 24)


def test_the_meeting_pack(lived: tuple[House, Ledger]) -> None:
    """False positive: rejected. False negative: won and never handed over. Near, outside and holds are told it."""
    house, ledger = lived
    told = Beside({"9": 1.5, "8": 0.4}, frozenset({"6"}), ("3",), None, ("The agreement was to be reviewed.",))
    card = scorecard(books(house, ledger), APRIL, told)
    assert people(card, "false_positives") == ("4",)
    assert people(card, "false_negatives") == ("6",)
    assert people(card, "non_icp_wins") == ("6",)
    assert people(card, "near_misses") == ("8", "9")
    assert people(card, "holds") == ("3",)
    assert card.headlines[-1] == "The agreement was to be reviewed."


def test_rejections_by_reason_and_rule(card: Sheet) -> None:
    """No reason is a row of its own; the rule that handed over is named as people say it."""
    parts = {part.name: part for part in card.parts}
    assert [(row[0], row[3]) for row in parts["reasons"].rows] == [
        ("no reason given", "sales"),
        ("Not now", "marketing"),
    ]
    assert [row[0] for row in parts["by_rule"].rows] == ["score and rule of MQL", "demo request (fast track)"]


def test_a_hand_off_that_fades_unworked_counts_against_saless_promise(lived: tuple[House, Ledger]) -> None:
    """In May person 5 fades, and so does person 3's score, who was called: one never worked, by name, in May."""
    house, ledger = lived
    house.on(may(29))
    house.sync(ledger)
    card = scorecard(books(house, ledger), period_of(date(2026, 5, 1), "month"))
    assert people(card, "never_worked") == ("5",)
    assert any("1 hand-off ended and never worked" in text for text in card.headlines)


def test_a_closed_period_does_not_change_and_what_came_later_has_its_lines(lived: tuple[House, Ledger]) -> None:
    """Case 51: in May sales fills in April's missing reason and logs an old call; April stays as it was closed."""
    house, ledger = lived
    house.on(may(3)).sync(ledger)
    closed = scorecard(books(house, ledger), APRIL)
    house.on(may(5))
    house.edit("4", {"cx_rejection_reason": "not_icp"})
    house.called("5", april(1, "12:00"))
    house.sync(ledger)
    again = scorecard(books(house, ledger), APRIL)
    assert (value(closed, "reason_given"), value(again, "reason_given")) == (0.5, 0.5)
    assert (value(closed, "first_attempt_in_time"), value(again, "first_attempt_in_time")) == (0.4, 0.4)
    assert value(again, "after_closing.reason_given") == 1
    assert value(again, "after_closing.first_attempt_in_time") == 0.6
    assert not any(part.name == "after_closing" for part in closed.parts)
    in_time = next(
        row for part in again.parts if part.name == "sales_goals" for row in part.rows if "time" in str(row[0])
    )
    assert in_time[7] == "with what was learned since closing: 60%"


def test_case_51_a_late_signal_counts_when_it_was_heard(lived: tuple[House, Ledger]) -> None:
    """A demo request of 20 April imported on 5 May: an MQL of May, and a line under April that says so."""
    house, ledger = lived
    house.on(april(25))
    house.person("9")
    house.sync(ledger)
    house.on(may(5))
    house.saw("9", "form:demo-request", 15)
    house.edit("9", {"phone": "1"})
    house.sync(ledger)
    card = scorecard(books(house, ledger), APRIL)
    assert people(card, "goals.mqls") == ("1", "2", "3", "4", "5")
    assert people(card, "after_closing.late_signals") == ("9",)
    assert people(scorecard(books(house, ledger), period_of(date(2026, 5, 1), "month")), "goals.mqls") == ("9",)


def test_a_correction_is_shown_with_the_goal_it_corrects(lived: tuple[House, Ledger]) -> None:
    """35 holds in April; the row says that it was 40, until when and why. A goal of one lead type counts only that."""
    house, ledger = lived
    fair = Correction(date(2026, 4, 8), 35, "trade fair cancelled")
    goals = (
        Goal("mqls", "mql", "month", 40, "marketing", corrections=(fair,)),
        Goal("others", "mql", "month", 1, "marketing", lead_type="existing_customer"),
        Goal("ads", "mql", "month", 1, "marketing", source="PAID_SEARCH"),
    )
    house.agreement = _with_goals(house.agreement, goals)
    card = scorecard(books(house, ledger), APRIL)
    rows = {row[3].key: row for part in card.parts if part.name == "marketing_goals" for row in part.rows}  # type: ignore[union-attr]  # figures
    assert (rows["goals.mqls"][2], rows["goals.mqls"][7]) == ("35", "40 until 2026-04-08: trade fair cancelled")
    assert value(card, "goals.mqls.attained") == 5 / 35
    assert (people(card, "goals.others"), people(card, "goals.ads")) == ((), ())


def _with_goals(one: Agreement, goals: tuple[Goal, ...], zone: str = "UTC") -> Agreement:
    return replace(one, zone=ZoneInfo(zone), paper=replace(one.paper, goals=goals))


def test_case_50_an_mql_counts_in_the_business_time_zone() -> None:
    """MQL at 2026-03-31T22:30Z: in Warsaw it is April and Q2."""
    terms = _with_goals(
        agreement(), (Goal("m", "mql", "month", 1), Goal("q", "mql", "quarter", 1)), zone="Europe/Warsaw"
    )
    late = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)
    move = Moved("1", "t", late, "lead", "mql", "stages.mql.enter_when", (), "f", "new_business", None)
    told = Books(Setting(terms, april(15)), Log([move], terms), [])
    for day, reached in ((date(2026, 4, 1), 1), (date(2026, 3, 31), 0)):
        assert [one.reached.value for one in promises(told, day)] == [reached, reached]


def test_case_50_after_midnight_in_warsaw_the_goals_are_those_of_the_new_month() -> None:
    """Half past midnight on 1 April in Warsaw: goals, heading and quarter are April's, though UTC still has March."""
    goals = (Goal("m", "mql", "month", 1, "marketing"), Goal("q", "mql", "quarter", 1, "marketing"))
    terms = _with_goals(agreement(), goals, zone="Europe/Warsaw")
    early = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)
    card = scorecard(Books(Setting(terms, early), Log([], terms), []), APRIL)
    rows = [row[1] for part in card.parts if part.name == "marketing_goals" for row in part.rows]
    assert (rows, card.when) == (["2026-04", "2026 Q2"], "2026-04, so far (until 2026-04-01)")


def test_who_was_at_work_is_asked_for_each_goal_s_own_period() -> None:
    """Owner 78 logged nothing in April and a call in May: nothing is measurable of April, and the quarter's promise is
    missed, on the page of either month."""
    goals = tuple(Goal(f"in_time_{kind}", "first_attempt_in_time", kind, 0.9, "sales") for kind in ("month", "quarter"))
    terms = _with_goals(agreement(), goals)
    idle = HandOff("1", "t", 1, april(1), sla_class="standard", owner_id="78", assigned_at=april(1), due_at=april(2))
    told = Books(Setting(terms, may(20)), Log([], terms), [idle], active=frozenset({("78", may(5))}))
    months = [promises(told, date(2026, month, 1)) for month in (4, 5)]
    assert [one.reached.value for one in months[0]] == [None, 0]
    assert [one.reached.value for one in months[1]] == [None, 0]


def test_every_metric_that_is_known_is_made() -> None:
    """The definitions and the reckoning name the same numbers."""
    empty = Reckoning([], Span(april(1), may(1)), may(1))
    assert {name: empty.figure(name).value for name in HAND_OFFS}.keys() == HAND_OFFS.keys()
    assert empty.figure("acceptance_rate").text == "none yet"


def test_the_page_opens_every_list_and_asks_nobody(lived: tuple[House, Ledger]) -> None:
    """Links to the records and nothing else; what comes from outside is escaped."""
    house, ledger = lived
    told = books(house, ledger, contact_page="https://crm.example/{id}", account='"><script>x</script>')
    html = sheet_page(scorecard(told, APRIL), house.agreement.zone)
    assert set(outside(html)) == {f"https://crm.example/{id}" for id in "123456"}
    assert "<script" not in html
    assert '<th class="n">reached</th>' in html
    assert '<td class="n">34%</td>' in html
    assert '<summary>67% of 3</summary><p><a href="https://crm.example/1"' in html


def test_near_misses_and_idle_owners_come_from_everybody(lived: tuple[House, Ledger]) -> None:
    """Person 8 is two points short; the MQLs, whatever the CRM shows of them, are no near misses; 77 logged calls."""
    house, ledger = lived
    house.on(april(20))
    house.person("8")
    house.saw("8", "list:Visited pricing", 6)
    for name in ("Attended webinar", "Read case study", "Read comparison guide"):
        house.saw("8", f"list:{name}", 0)
    house.person("9")
    house.sync(ledger)
    session = house.session(ledger)
    told = beside(session, gathering.standing(session, april(20)))
    assert told.active is not None
    assert {(owner, at.date()) for owner, at in told.active} == {("77", april(day).date()) for day in (1, 2, 3)}
    assert told.near == {"8": pytest.approx(1.94)}


def test_a_goal_of_the_quarter_goes_on_when_the_month_is_closed(lived: tuple[House, Ledger]) -> None:
    """April's page read in May: the month is told as it closed, the running quarter with what May knows."""
    house, ledger = lived
    house.on(may(5))
    house.person("9")
    house.asked_for_demo("9")
    house.sync(ledger)
    house.on(may(6))
    house.edit("9", {"hs_lead_status": "IN_PROGRESS"})
    house.sync(ledger)
    card = scorecard(books(house, ledger), APRIL)
    assert people(card, "acceptance_rate") == ("1", "2")
    assert people(card, "goals.accepted") == ("1", "2", "9")
