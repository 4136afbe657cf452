"""Others and the connector: values left alone, values written back, and the same person in two accounts."""

from __future__ import annotations

import re
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
    return conflicts(Setting(house.agreement, house.clock(), "acme"), found)


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
    assert sheet.headlines == ("1 value of others is left alone.",)


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
    other, there = _nordic(tmp_path, ledger)
    other.person("71", mail="P1@Northmill.example ", lifecyclestage="customer")
    other.deal("80", "71", "closedwon")
    other.person("72", mail="p2@northmill.example")
    other.person("73", mail="nobody@elsewhere.example")
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
    plans = []
    for query, given in asked:
        if "email_hash IN" in query:
            with ledger.database._engine.connect() as connection:
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", given).fetchall()
            plans.append(" ".join(row[-1] for row in plan))
    assert len(plans) == 2, asked
    assert "records USING INDEX records_email (connection=? AND email_hash=?)" in plans[0]
    assert re.search(r"addresses USING (COVERING )?INDEX \S+ \(connection=\? AND email_hash=\?\)", plans[1]), plans[1]


def test_since_when_accounts_differ_and_who_moved_last_is_told(house: House, tmp_path: Path) -> None:
    """By the later of the two moves: a person's there, a rule's here; who was found where they are has no date."""
    ledger = house.ledger()
    for id in ("1", "2"):
        house.person(id)
    house.sync(ledger)
    other, there = _nordic(tmp_path, ledger)
    other.person("71", mail="p1@northmill.example")
    other.person("72", mail="p2@northmill.example", lifecyclestage="customer")
    other.sync(there)
    other.on(april(2, "10:00")).set_by("person", "71", {"lifecyclestage": "opportunity"})
    other.sync(there)
    first = _row(_sheet(house, ledger), "1")
    assert first == ("1", "lead", "opportunity in nordic", "71", "2026-04-02 10:00", "nordic: a person")

    house.on(april(3))
    house.interested("1")
    house.sync(ledger)

    later = _row(_sheet(house, ledger), "1")
    assert (later[1], later[4]) == ("mql", "2026-04-03 09:00")
    assert str(later[5]).startswith("acme: score and rule of ")
    assert _row(_sheet(house, ledger), "2")[4:] == ("since before we looked", "")


def test_people_are_one_by_their_further_addresses_and_by_no_spelling(house: House, tmp_path: Path) -> None:
    """Whichever of the two addresses the other account knows, and whichever of the two accounts knows both."""
    ledger = house.ledger()
    house.person("1", mail="Anna@Northmill.example", other_emails="anna.nowak@old.example;x@y.example")
    house.person("2", mail="Second@northmill.example")
    house.sync(ledger)
    other, there = _nordic(tmp_path, ledger)
    other.person("71", mail="ANNA.NOWAK@old.example")
    other.person("72", mail="elsewhere@e.example", other_emails="SECOND@NORTHMILL.EXAMPLE")
    other.person("73", mail="second.namesake@northmill.example")
    other.sync(there)

    assert people(_sheet(house, ledger), "parity.nordic.same") == ("1", "2")
    assert [(one.person_id, one.other_id) for one in there.conflicts.pairs()] == [("71", "1"), ("72", "2")]


def test_an_account_that_only_observes_is_set_beside_by_what_it_would_have_done(house: House, tmp_path: Path) -> None:
    """And whoever is deleted over there is nobody's counterpart."""
    ledger = house.ledger()
    for id in ("1", "2"):
        house.person(id)
    house.interested("1")
    house.sync(ledger)
    other, there = _nordic(tmp_path, ledger)
    for id in ("1", "2"):
        other.person(f"7{id}", mail=f"p{id}@northmill.example")
    other.sync(there, mode="observe")

    assert people(_sheet(house, ledger), "parity.nordic.differs") == ("1",)

    other.delete("71")
    other.on(april(9))
    other.sync(there, mode="observe")
    other.on(april(10))
    other.sync(there, mode="observe")
    assert people(_sheet(house, ledger), "parity.nordic") == ("2",)


def _nordic(folder: Path, ledger: Ledger) -> tuple[House, Ledger]:
    """Another account in the same state."""
    (folder / "nordic").mkdir()
    return House(folder / "nordic").on(april(1)), open_ledger(ledger.database.url, "nordic")


def _row(sheet: Sheet, id: str) -> tuple[object, ...]:
    rows = next(part.rows for part in sheet.parts if part.name == "differing_people")
    return next(row for row in rows if row[0] == id)


def test_one_connection_alone_says_what_it_cannot_know(house: House) -> None:
    """Nobody contradicts, and whether another CRM knows these people is unknown."""
    ledger = house.ledger()
    house.person("1")
    house.sync(ledger)
    sheet = _sheet(house, ledger)
    assert sheet.headlines == ("Nobody contradicts the connector.",)
    assert len(sheet.unknown) == 1
