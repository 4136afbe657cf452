"""The funnel from the transition log alone: entries, cohorts, visits, and what is no entry."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from connector.agreement.periods import Period, periods
from connector.ledger import Ledger
from connector.ledger.history import Moved
from connector.report.entries import Log
from connector.report.funnel import funnel
from connector.report.reckoning import Span
from connector.report.sheet import Setting, Sheet
from tests.report.house import House, april, may, people, spring, value
from tests.sync.world import agreement

SPRING = list(periods(date(2026, 3, 1), date(2026, 4, 30), "month"))


def _sheet(house: House, ledger: Ledger, found: list[Period] = SPRING) -> Sheet:
    setting = Setting(house.agreement, house.clock(), "acme", "memory")
    return funnel(setting, Log(ledger.history.stage_moves(), house.agreement), ledger.history.standings(), found)


@pytest.fixture
def sheet(tmp_path: Path) -> Sheet:
    return _sheet(*spring(tmp_path))


def test_entries_are_counted_with_those_who_only_passed(sheet: Sheet) -> None:
    """MQL: four by score, one passed on the fast track, one passed by a won deal; four make work."""
    assert people(sheet, "entries.mql.2026-04") == ("1", "2", "3", "4", "5", "6")
    assert people(sheet, "entries.mql.2026-03") == ()
    assert people(sheet, "funnel.mql.passed") == ("1", "6")
    assert people(sheet, "funnel.mql.workload") == ("2", "3", "4", "5")
    assert people(sheet, "funnel.customer") == ("6",)
    assert (people(sheet, "funnel.nurture"), people(sheet, "funnel.disqualified")) == (("2",), ("4",))


def test_conversion_is_of_a_cohort_and_young_cohorts_are_maturing(sheet: Sheet) -> None:
    """Of six who became MQL in April three got to SAL or further; the others still have time."""
    assert people(sheet, "conversion.mql.sal.2026-04.reached") == ("1", "2", "6")
    assert value(sheet, "conversion.mql.sal.2026-04.rate") == 0.5
    row = next(row for part in sheet.parts if part.name == "conversion" for row in part.rows if row[0] == "MQL")
    assert row[-1] == "maturing"


def test_time_in_stage_is_of_completed_visits(sheet: Sheet) -> None:
    """Person 4 left MQL after 26 hours, person 2 after 51; persons 3 and 5 are still there and not in it."""
    assert sorted(people(sheet, "visits.mql")) == ["2", "4"]
    assert value(sheet, "time_in_stage.mql.median") == pytest.approx(26 / 24)
    assert value(sheet, "time_in_stage.mql.p90") == pytest.approx(51 / 24)
    assert "ompleted only" in next(part.says for part in sheet.parts if part.name == "time_in_stage")


def test_the_snapshot_says_where_everybody_stands(sheet: Sheet) -> None:
    """Two in MQL, one each in SAL, customer, nurture, disqualified; nobody was adopted."""
    assert people(sheet, "standing.mql") == ("3", "5")
    assert [people(sheet, f"standing.{name}") for name in ("sal", "customer", "nurture", "disqualified")] == [
        ("1",),
        ("6",),
        ("2",),
        ("4",),
    ]
    assert value(sheet, "standing.mql.adopted") == 0


def test_coming_back_is_counted_apart(tmp_path: Path) -> None:
    """Returned, and back by a demo request in May: a re-entry into SAL, new only in April."""
    house, ledger = spring(tmp_path)
    house.on(may(10))
    house.asked_for_demo("2")
    house.edit("2", {"phone": "1"})
    house.sync(ledger)
    sheet = _sheet(house, ledger, list(periods(date(2026, 5, 1), date(2026, 5, 10), "month")))
    assert people(sheet, "funnel.sal.again") == ("2",)
    assert people(sheet, "funnel.sal.new") == ()


def test_g15_the_adopted_enter_nothing(tmp_path: Path) -> None:
    """With a go-live yesterday everybody stands where they stood: no entry, and all of them adopted."""
    house = House(tmp_path)
    ledger = house.ledger()
    house.on(april(1))
    house.person("1", lifecyclestage="marketingqualifiedlead")
    house.person("2", lifecyclestage="customer")
    house.sync(ledger, go_live=datetime(2026, 3, 31, tzinfo=UTC))
    sheet = _sheet(house, ledger)
    assert not any(figure.people.ids for figure in sheet.figures() if figure.key.startswith(("funnel", "entries")))
    assert (people(sheet, "standing.mql.adopted"), people(sheet, "standing.customer.adopted")) == (("1",), ("2",))


def test_a_stage_set_by_a_person_is_counted_apart(tmp_path: Path) -> None:
    """Sales sets SQL by hand: an entry, by people; marketing's MQL by hand would count for no goal of marketing's."""
    house, ledger = spring(tmp_path)
    house.on(april(14))
    house.edit("3", {"lifecyclestage": "salesqualifiedlead"})
    house.sync(ledger)
    sheet = _sheet(house, ledger)
    assert people(sheet, "funnel.sql.by_hand") == ("3",)


def _moved(
    id: str, at: datetime, before: str | None, after: str, cause: str = "stages.x.enter_when", **more: str
) -> Moved:
    told = Moved(id, f"t{id}", at, before, after, cause, (), "f1", "new_business", None)
    return replace(told, **more)  # type: ignore[arg-type]  # the fields of a move


APRIL = Span(april(1, "00:00"), may(1, "00:00"))


def test_falling_back_is_no_entry() -> None:
    """From SQL back to MQL nobody enters MQL; from nurture back up somebody does, again."""
    log = Log(
        [
            _moved("1", april(1), "lead", "mql"),
            _moved("1", april(2), "mql", "sql"),
            _moved("1", april(3), "sql", "mql", "person"),
            _moved("1", april(4), "mql", "nurture"),
            _moved("1", april(5), "nurture", "mql"),
        ],
        agreement(),
    )
    assert [(one.stage, one.at, one.again) for one in log.entries if one.stage == "mql"] == [
        ("mql", april(1), False),
        ("mql", april(5), True),
    ]


def test_marketing_is_credited_with_rules_and_sales_with_people_too() -> None:
    """The same hand on MQL and on SQL: only the second counts for a goal."""
    log = Log(
        [_moved("1", april(1), "lead", "mql", "person"), _moved("1", april(2), "mql", "sql", "person")], agreement()
    )
    assert [len(log.counted(name, APRIL)) for name in ("mql", "sql", "new_sql", "re_sql")] == [0, 1, 1, 0]


def test_a_changed_agreement_is_marked(tmp_path: Path) -> None:
    """The fingerprint of the moves changes within the time: the sheet says since when."""
    house, ledger = spring(tmp_path)
    moves = [*ledger.history.stage_moves(), _moved("1", april(12), "sal", "sql", fingerprint="fedcba9876543210")]
    setting = Setting(house.agreement, house.clock())
    told = funnel(setting, Log(moves, house.agreement), [], SPRING).unknown
    assert told == ("the definitions changed on 2026-04-12 (to fedcba987654): numbers before and after differ",)


def test_several_lead_types_have_a_table_each() -> None:
    """New business and existing customers are counted together and apart; a row without a type is the default's."""
    moves = [
        _moved("1", april(1), "lead", "mql"),
        _moved("2", april(1), "lead", "mql", lead_type="existing_customer"),
        replace(_moved("3", april(1), "lead", "mql"), lead_type=None),
    ]
    sheet = funnel(Setting(agreement(), april(2)), Log(moves, agreement()), [], SPRING)
    assert people(sheet, "funnel.mql") == ("1", "2", "3")
    assert people(sheet, "funnel.new_business.mql") == ("1", "3")
    assert people(sheet, "funnel.existing_customer.mql") == ("2",)
    assert "Entries: Existing customer" in [part.title for part in sheet.parts]
