"""Merges in the ledger: whatever hangs on a record that is gone goes over to the one that is left (G9)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from connector.fields.places import on_lead
from connector.ledger import Ledger, open_ledger
from connector.ledger.folding import GoingOn
from connector.ledger.holds import Reversal
from connector.ledger.mirror import Seen
from connector.ledger.people import Settled
from connector.ledger.tables import metadata
from connector.model import Link
from tests.sync.world import empty_ledger

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)

#: Tables of people whose rows of a merged contact stay, and why.
STAY = {
    "merges": "it is what they are about",
    "people": "tracks are joined, not moved",
    "shadows": "tracks are joined, not moved",
    "records": "the record is gone, and is remembered as that",
    "losses": "nobody asks the one that is gone",
    "rejects": "nobody tries it again",
    "reversals": "nobody fights over who is gone",
    "links": "they are read with the survivor, save those to activities",
}

#: How a table names a contact.
NAMES = ("person_id",)


@pytest.fixture(params=["sqlite", "postgres"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Ledger:
    """A ledger on either database."""
    if request.param == "postgres":
        return open_ledger(request.getfixturevalue("databases")(request.node.nodeid), "acme")
    (tmp_path / "state.db").write_bytes(empty_ledger())
    return open_ledger(f"sqlite:///{tmp_path}/state.db", "acme")


def _seen(ledger: Ledger, *ids: str) -> None:
    ledger.mirror.store("contact", [Seen(id, {"f": {}}) for id in ids], read_at=NOW, run=1)


def _fold(ledger: Ledger, survivor: str, *losers: str, live: dict[str, str | None] | None = None) -> None:
    ledger.folding.fold("contact", survivor, losers, live=live or {}, as_of=NOW, now=NOW, run=2)


def _filler(column: sa.Column[Any], id: str) -> Any:
    if column.name in NAMES:
        return id
    if column.name == "connection":
        return "acme"
    if column.name == "state":
        return "written"
    return {"BIGINT": 1, "TEXT": f"a {column.name}", "BLOB": b"{}"}.get(str(column.type), 0.0)


def _row(table: sa.Table, id: str) -> dict[str, Any]:
    return {one.name: _filler(one, id) for one in table.columns if one.autoincrement is not True}


def test_lesson_49_every_table_of_people_is_folded(ledger: Ledger) -> None:
    """Whichever table names a person: after a merge it names the survivor. A new table must be thought of here."""
    tables = [one for one in metadata.tables.values() if set(NAMES) & set(one.columns.keys()) and one.name not in STAY]
    _seen(ledger, "1", "2")
    ledger.people.intend({"1": {}})
    for table in tables:
        if table.name != "handoffs":  # its rows have a body of their own, see tests/report
            ledger.database.execute(sa.insert(table), [_row(table, "1")])

    _fold(ledger, "2", "1")

    for table in tables:
        found = {row.person_id for row in ledger.database.rows(sa.select(table.c.person_id))}
        assert found <= {"2"}, table.name
        assert found or table.name == "handoffs", table.name
    assert ledger.mirror.alive("contact", ["1", "2"]) == {"2"}
    assert ledger.mirror.dirty("", 10) == {"2": 1}


def test_what_the_survivor_has_of_its_own_stands(ledger: Ledger) -> None:
    """Its hold, its change of the same run, its place in the queue; what the other had beside goes over."""
    holds, changes = metadata.tables["holds"], metadata.tables["changes"]
    _seen(ledger, "1", "2")
    ledger.people.intend({"1": {}})
    for id, name, live in (("1", "cx_grade", "A1"), ("1", "cx_stage", "mql"), ("2", "cx_stage", "sal")):
        ledger.database.execute(sa.insert(holds), [{**_row(holds, id), "property": name, "live": live}])
    for id in ("1", "2"):
        ledger.database.execute(sa.insert(changes), [_row(changes, id)])

    _fold(ledger, "2", "1")

    assert {(one.person_id, one.property, one.live) for one in ledger.holds.every()} == {
        ("2", "cx_grade", "A1"),
        ("2", "cx_stage", "sal"),
    }
    assert len(ledger.work.changes_of("2")) == 1


def test_a_merge_is_folded_once_and_chains_are_followed(ledger: Ledger) -> None:
    """Survivors list those they swallowed for ever; one that is restored is somebody of their own again."""
    _seen(ledger, "1", "2", "3")
    listed = {"3": ("1", "2", "99")}
    assert ledger.folding.pending("contact", {"2": ("1",)}) == {"2": ("1",)}
    _fold(ledger, "2", "1")
    assert ledger.folding.pending("contact", listed) == {"3": ("2",)}
    _fold(ledger, "3", "2")

    assert ledger.folding.pending("contact", listed) == {}
    assert ledger.folding.survivor_of("contact", "1") == "3"
    assert sorted(ledger.folding.losers("contact", "3")) == ["1", "2"]
    _seen(ledger, "1")
    assert ledger.folding.pending("contact", listed) == {}


def test_a_value_of_ours_that_came_along_is_still_ours(ledger: Ledger) -> None:
    """The CRM took the stage we had written from the one that is gone: no edit of anybody."""
    _seen(ledger, "1", "2")
    for id, stage, grade in (("1", "customer", "A1"), ("2", "lead", "B2")):
        one = Settled(id, (), {"lifecyclestage": stage, "cx_grade": grade}, None, None)
        ledger.people.settle([one], as_of=NOW, run=1)

    _fold(ledger, "2", "1", live={"lifecyclestage": "customer", "cx_grade": "B2", "city": None})

    assert ledger.people.remember(["2"])["2"].base == {"lifecyclestage": "customer", "cx_grade": "B2"}
    assert ledger.people.remember(["1"]) == {}


def test_what_we_wrote_on_the_leads_of_who_is_gone_is_still_ours(ledger: Ledger) -> None:
    """Confirmed or not: the leads are the survivor's now, and nothing on them has changed."""
    _seen(ledger, "1", "2")
    stage, status = on_lead("L", "stage"), on_lead("L", "status")
    ledger.people.settle([Settled("1", (), {stage: "mql", "cx_stage": "mql"}, None, None)], as_of=NOW, run=1)
    ledger.people.intend({"1": {status: ("new", "open")}, "2": {"cx_grade": ("A", "B")}})
    ledger.reversals.note([Reversal("1", name, 1, True) for name in (stage, "cx_stage")], 1)

    _fold(ledger, "2", "1")

    assert [(one.person_id, one.property, one.times) for one in ledger.reversals.every()] == [("2", stage, 1)]

    memory = ledger.people.remember(["2"])["2"]
    assert memory.base == {stage: "mql"}
    assert memory.intended == {status: ("new", "open"), "cx_grade": ("A", "B")}


def test_a_lead_that_stood_alone_for_a_while_becomes_one_again_with_its_reversals(ledger: Ledger) -> None:
    """The survivor has a count of its own for that very place, from the first time."""
    _seen(ledger, "L", "C")
    ledger.mirror.links.relink("contact", {"C": [Link("L")]}, "lead", 1)
    place = on_lead("L", "cx_stage")
    for id, name, times in (("C", place, 1), ("L", "cx_stage", 2)):
        ledger.reversals.note([Reversal(id, name, times, True, "automation")], 1)

    going_on = GoingOn(("cx_stage",), lambda stage: 0)
    ledger.folding.fold("contact", "C", ["L"], live={}, as_of=NOW, now=NOW, run=2, leads=going_on)

    assert [(one.person_id, one.property, one.times) for one in ledger.reversals.every()] == [("C", place, 2)]


def test_contacts_of_a_merged_company_are_at_the_one_that_is_left(ledger: Ledger) -> None:
    """Their own records were not touched, so nobody would tell."""
    _seen(ledger, "1", "2")
    ledger.mirror.store("company", [Seen("900", {"f": {}}), Seen("901", {"f": {}})], read_at=NOW, run=1)
    ledger.mirror.links.relink(
        "contact", {"1": [Link("900", ("primary",))], "2": [Link("901"), Link("900")]}, "company", 1
    )
    ledger.mirror.settle(["1", "2"])

    ledger.folding.fold("company", "901", ["900"], live={}, as_of=NOW, now=NOW, run=2)

    around = ledger.mirror.around(["1", "2"])
    assert {id: [link.id for link in one.links] for id, one in around.items()} == {"1": ["901"], "2": ["901"]}
    assert around["1"].links[0].labels == ("primary",)
    assert set(ledger.mirror.dirty("", 10)) == {"1", "2"}
