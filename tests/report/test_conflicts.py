"""Others and the connector: values left alone, values written back, and the same person in two accounts."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from connector.ledger import Ledger, open_ledger
from connector.report.conflicts import Found, conflicts
from connector.report.sheet import Setting, Sheet
from tests.report.house import House, april, people, value


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path).on(april(1))


def _sheet(house: House, ledger: Ledger) -> Sheet:
    known = ledger.conflicts
    found = Found(
        ledger.holds.every(), ledger.reversals.every(), known.taken_back(), known.pairs(), known.connections()
    )
    return conflicts(Setting(house.agreement, house.clock()), found)


def test_case_67_a_value_of_others_is_left_alone_and_listed(house: House) -> None:
    """Somebody's workflow overwrites our stage: held, by property, until the hold is over."""
    ledger = house.ledger()
    house.person("1")
    house.interested("1")
    house.sync(ledger)
    house.on(april(2))
    house.edit("1", {"cx_stage": "customer"})
    house.sync(ledger)
    sheet = _sheet(house, ledger)
    assert people(sheet, "holds.cx_stage") == ("1",)
    row = next(row for part in sheet.parts if part.name == "holds" for row in part.rows)
    assert row[2:] == ("2026-04-02", "2026-05-02")
    assert sheet.headlines == ("1 values of others are left alone.",)


def test_a_value_written_back_is_counted(house: House) -> None:
    """The hold is over, ours is written again: somebody changed it between two writes of the same value."""
    ledger = house.ledger()
    house.person("1")
    house.interested("1")
    house.sync(ledger)
    house.on(april(2))
    house.edit("1", {"cx_lead_type": "existing_customer", "cx_persona": "x"})
    house.sync(ledger)
    assert value(_sheet(house, ledger), "holds.cx_persona") == 1
    ledger.people.forget_base("1", ["cx_persona"])
    ledger.holds.drop([("1", "cx_persona")])
    house.edit("1", {"phone": "1"})
    house.on(april(3))
    house.sync(ledger)
    assert people(_sheet(house, ledger), "written_back.cx_persona") == ("1",)


def test_lesson_17_a_quarrel_is_listed_by_its_writer(house: House) -> None:
    """One workflow sets our stage back on two people, on one of them twice: by its number, with who was given up."""
    ledger = house.ledger()
    for id in ("1", "2"):
        house.person(id)
        house.interested(id)
    house.sync(ledger)
    for day, ids in ((2, ("1", "2")), (3, ("1",))):
        house.on(april(day))
        for id in ids:
            house.set_by("automation", id, {"lifecyclestage": "lead"})
        house.sync(ledger)
    sheet = _sheet(house, ledger)
    assert people(sheet, "set_back.lifecyclestage.1") == ("1", "2")
    assert people(sheet, "given_up.lifecyclestage.1") == ("1",)
    row = next(row for part in sheet.parts if part.name == "set_back" for row in part.rows)
    assert (row[1], row[3], row[5]) == ("automation 12345", 3, "2026-04-03")
    assert "1 of them because another system set ours back twice." in sheet.headlines


def test_case_68_the_same_person_in_two_accounts_is_reported_and_not_merged(house: House, tmp_path: Path) -> None:
    """A lead here, a customer there, by the same address however it is written; no address is shown."""
    ledger = house.ledger()
    for id in ("1", "2"):
        house.person(id)
    house.sync(ledger)
    other = House(tmp_path / "nordic").on(april(1))
    (tmp_path / "nordic").mkdir()
    other.person("71", mail="P1@Northmill.example ", lifecyclestage="customer")
    other.deal("80", "71", "closedwon")
    other.person("72", mail="p2@northmill.example")
    other.person("73", mail="nobody@elsewhere.example")
    there = open_ledger(ledger.database.url, "nordic")
    other.sync(there)
    before = house.properties("1")
    sheet = _sheet(house, ledger)
    assert people(sheet, "parity.nordic.differs") == ("1",)
    assert people(sheet, "parity.nordic.same") == ("2",)
    rows = next(part.rows for part in sheet.parts if part.name == "differing")
    assert (rows[0][0], rows[0][1], rows[0][3]) == ("lead", "customer in nordic", "71")
    assert "northmill" not in str(sheet)
    assert house.properties("1") == before


def test_an_address_is_looked_up_and_not_searched_for(house: House) -> None:
    """Two accounts of a hundred thousand: each address is found by its index, or the report takes hours."""
    ledger = house.ledger()
    house.person("1")
    house.sync(ledger)
    house.session(open_ledger(ledger.database.url, "nordic")).ledger.runs.take_lease("x", house.clock())
    asked: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, given: object, *_more: object) -> None:
        asked.append((statement, given))

    sa.event.listen(ledger.database._engine, "before_cursor_execute", note)
    ledger.conflicts.pairs()
    sa.event.remove(ledger.database._engine, "before_cursor_execute", note)
    query, given = next(one for one in asked if "there" in one[0])
    with ledger.database._engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", given).fetchall()
    assert any("there USING INDEX records_email (connection=? AND email_hash=?)" in row[-1] for row in plan), plan


def test_one_connection_alone_says_what_it_cannot_know(house: House) -> None:
    """Nobody contradicts, and whether another CRM knows these people is unknown."""
    ledger = house.ledger()
    house.person("1")
    house.sync(ledger)
    sheet = _sheet(house, ledger)
    assert sheet.headlines == ("Nobody contradicts the connector.",)
    assert len(sheet.unknown) == 1
