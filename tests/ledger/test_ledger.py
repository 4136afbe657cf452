"""The ledger on a real SQLite file and a real PostgreSQL: schema, lease, transactions, and honest errors."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from connector.errors import Busy, LedgerError
from connector.ledger import Ledger, migrate, open_ledger
from connector.ledger.aside import SetAside
from connector.ledger.handoffs import HandOff
from connector.ledger.mirror import Seen
from connector.ledger.rejects import FIRST_WAIT, LONGEST_WAIT, Reject, wait_after
from connector.ledger.tables import metadata
from connector.ledger.work import PlannedChange
from connector.model import Link, Occurrence

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)


@pytest.fixture
def in_file(tmp_path: Path) -> Ledger:
    """A ledger on SQLite."""
    return open_ledger(f"sqlite:///{tmp_path}/state/ledger.db", "acme")


@pytest.fixture(params=["sqlite", "postgres"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    """A ledger on either database."""
    if request.param == "sqlite":
        return cast("Ledger", request.getfixturevalue("in_file"))
    return open_ledger(request.getfixturevalue("databases")(request.node.nodeid), "acme")


def test_the_program_knows_the_newest_schema() -> None:
    """HEAD is Alembic's head, so that a schema is brought up exactly when it is behind."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))

    assert ScriptDirectory.from_config(config).get_current_head() == migrate.HEAD


def test_the_migrations_make_the_tables_the_program_uses(in_file: Ledger) -> None:
    """Statement by statement: what the migrations build is what the code describes."""
    described = sa.create_engine("sqlite://")
    migrated = sa.create_engine(in_file.database.url)
    metadata.create_all(described)

    assert _schema(migrated) == _schema(described)
    described.dispose()
    migrated.dispose()


def _schema(engine: sa.Engine) -> dict[str, set[str]]:
    """Tables with their columns, and indexes with their definition, however they are spaced."""
    query = sa.text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name != 'alembic_version'")
    with engine.connect() as connection:
        return {
            name: {part.strip(" ()") for part in " ".join(sql.split()).split(",")}
            for name, sql in connection.execute(query)
        }


def test_g14_the_state_file_is_private(in_file: Ledger, tmp_path: Path) -> None:
    """It holds personal data: its owner reads it, nobody else."""
    assert (tmp_path / "state" / "ledger.db").stat().st_mode & 0o777 == 0o600


def test_a_schema_of_a_newer_program_is_refused(ledger: Ledger) -> None:
    """An old program must not write into what it does not know."""
    with ledger.database.transaction() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    url = ledger.database.url
    ledger.database.close()

    with pytest.raises(LedgerError, match="newer connector"):
        open_ledger(url, "acme")


def test_a_file_that_is_no_database_is_told_so(tmp_path: Path) -> None:
    """The path, and no traceback."""
    (tmp_path / "notes.db").write_text("this is a letter to a friend, not a database" * 40)

    with pytest.raises(LedgerError, match=r"notes\.db"):
        open_ledger(f"sqlite:///{tmp_path}/notes.db", "acme")


def test_one_run_at_a_time_and_a_stale_lease_cannot_write(ledger: Ledger) -> None:
    """The second worker is refused; after the lease ran out it takes over, and the first one is fenced off."""
    first = ledger.runs.take_lease("one", NOW)
    with pytest.raises(Busy, match="one"):
        ledger.runs.take_lease("two", NOW + timedelta(minutes=4))

    second = ledger.runs.take_lease("two", NOW + timedelta(minutes=6))

    ledger.runs.renew_lease(second, NOW + timedelta(minutes=7))
    with pytest.raises(Busy, match="took over"):
        ledger.runs.renew_lease(first, NOW + timedelta(minutes=7))
    ledger.runs.drop_lease(first)
    assert ledger.runs.connection().lease_owner == "two"


def test_what_happens_in_a_transaction_happens_together(ledger: Ledger) -> None:
    """An error takes everything back, the inner steps included."""

    def half() -> None:
        with ledger.transaction():
            ledger.mirror.store("contact", [Seen("1", {"f": {}})], read_at=NOW, run=1)
            raise RuntimeError("the second half fails")

    with pytest.raises(RuntimeError):
        half()

    assert ledger.mirror.kept("contact", ["1"]) == {}


def test_reading_waits_for_nobody_who_writes(tmp_path: Path) -> None:
    """Another process is in the middle of a transaction: what is committed is read meanwhile, without a lock."""
    url = f"sqlite:///{tmp_path}/state.db"
    reader, writer = open_ledger(url, "acme"), open_ledger(url, "acme")
    writer.cursors.move("changes:contact", "before")
    with writer.transaction():
        writer.cursors.move("changes:contact", "after")

        assert reader.cursors.of("changes:contact") == "before"
        assert writer.cursors.of("changes:contact") == "after"
    assert reader.cursors.of("changes:contact") == "after"


def test_a_contact_is_dirty_until_settled_and_again_when_its_company_changes(ledger: Ledger) -> None:
    """Whatever a rule may use of a person makes the person due."""
    mirror = ledger.mirror
    mirror.store("company", [Seen("9", {"f": {"size": 1}})], read_at=NOW, run=1)
    mirror.store("contact", [Seen("1", {"f": {}})], read_at=NOW, run=1)
    mirror.links.relink("contact", {"1": (Link("9"),)}, "company", 1)
    mirror.settle(["1"])
    assert mirror.store("contact", [Seen("1", {"f": {}})], read_at=NOW, run=2) == ()
    assert mirror.dirty("", 10) == {}

    mirror.store("company", [Seen("9", {"f": {"size": 2}})], read_at=NOW, run=3)

    assert mirror.dirty("", 10) == {"1": 1}


def test_links_replaced_from_either_side_agree(ledger: Ledger) -> None:
    """A deal read later may drop the contact, and the contact is due again."""
    mirror = ledger.mirror
    mirror.store("contact", [Seen("1", {"f": {}}), Seen("2", {"f": {}})], read_at=NOW, run=1)
    mirror.links.relink("contact", {"1": (Link("7"),), "2": ()}, "deal", 1)
    mirror.settle(["1", "2"])

    mirror.links.relink("deal", {"7": (Link("2", ("decider",)),)}, "contact", 2)

    around = mirror.around(["1", "2"])
    assert around["1"].links == []
    assert [(one.id, one.labels) for one in around["2"].links] == [("7", ("decider",))]
    assert set(mirror.dirty("", 10)) == {"1", "2"}


def test_labels_in_another_order_are_no_news(ledger: Ledger) -> None:
    """No CRM promises an order: nobody is looked at again for it."""
    mirror = ledger.mirror
    mirror.store("contact", [Seen("1", {"f": {}})], read_at=NOW, run=1)
    mirror.links.relink("contact", {"1": (Link("7", ("decider", "champion")),)}, "deal", 1)
    mirror.settle(["1"])

    assert mirror.links.relink("contact", {"1": (Link("7", ("champion", "decider")),)}, "deal", 2) == []
    assert mirror.dirty("", 10) == {}


def test_a_submission_finds_its_contact_when_that_appears(ledger: Ledger) -> None:
    """The form was read before the contact; nobody is lost and nothing is told twice."""
    mirror = ledger.mirror
    submission = Occurrence("s1", "form:demo", NOW, email_hash="abc")
    assert mirror.occurrences.add([submission], 1) == 1
    mirror.store("contact", [Seen("1", {"f": {}}, email_hash="abc")], read_at=NOW, run=1)
    mirror.settle(["1"])

    assert mirror.occurrences.adopt_submissions() == 1

    assert [one.id for one in mirror.around(["1"])["1"].occurrences] == ["s1"]
    assert set(mirror.dirty("", 10)) == {"1"}
    assert mirror.occurrences.add([submission], 2) == 0
    assert mirror.occurrences.adopt_submissions() == 0


def test_g2_an_intention_without_an_end_outlives_the_next_call(ledger: Ledger) -> None:
    """Two calls whose end nobody knows: what stood before the first is remembered, either value is ours."""
    people = ledger.people
    people.intend({"1": {"stage": ("lead", "mql"), "fit": ("", "60")}})
    people.intend({"1": {"stage": ("mql", "sql")}})
    assert people.remember(["1"])["1"].intended == {"stage": ("lead", "sql", "mql"), "fit": ("", "60")}

    people.intend({"1": {"stage": ("customer", "sql")}})  # somebody else set it meanwhile
    assert people.remember(["1"])["1"].intended["stage"] == ("customer", "sql")


def test_rejects_count_their_attempts_and_wait_longer_each_time(ledger: Ledger) -> None:
    """Kept with code and since when; the same error again doubles the wait, another one begins anew."""
    hour = timedelta(hours=1)
    refused = Reject("contact", "1", "value_not_allowed", "why", {"cx_persona": "digest"}, fingerprint="a")
    for run in (1, 2, 3):
        ledger.rejects.keep([refused], run, NOW + run * hour)

    (one,) = ledger.rejects.every()
    assert (one.code, one.attempts, one.run, one.names) == ("value_not_allowed", 3, 3, ("cx_persona",))
    assert (one.first_at, one.at, one.next_at) == (NOW + hour, NOW + 3 * hour, NOW + 7 * hour)
    ledger.rejects.keep([replace(refused, code="collision")], 4, NOW + 4 * hour)
    assert ledger.rejects.every("collision")[0].attempts == 1
    assert ledger.rejects.by_code() == {"collision": 1}
    ledger.rejects.release("contact", ["1"])
    assert ledger.rejects.every() == []


def test_rejects_are_due_when_their_time_or_what_they_hang_on_is_over(ledger: Ledger) -> None:
    """By the clock, by another agreement, mapping or definition, or because somebody asked."""
    reject = Reject("contact", "1", "collision", "why", fingerprint="a")
    ledger.rejects.keep([reject, replace(reject, kind="deal", id="7")], 1, NOW)

    assert ledger.rejects.due("a", NOW) == []
    assert [one.id for one in ledger.rejects.due("a", NOW + FIRST_WAIT)] == ["1", "7"]
    assert [one.id for one in ledger.rejects.due("b", NOW)] == ["1", "7"]
    ledger.rejects.try_again("deal", ["7"], NOW)
    assert [one.kind for one in ledger.rejects.due("a", NOW)] == ["deal"]
    assert [wait_after(n) for n in (1, 2, 8, 9, 1000)] == [
        FIRST_WAIT,
        2 * FIRST_WAIT,
        128 * FIRST_WAIT,
        *[LONGEST_WAIT] * 2,
    ]


def test_two_connections_in_one_file_do_not_meet(ledger: Ledger) -> None:
    """Every row belongs to one connection."""
    other = Ledger(ledger.database, "nordic")
    ledger.mirror.store("contact", [Seen("1", {"f": {}})], read_at=NOW, run=1)

    assert other.mirror.count("contact") == 0
    assert other.runs.take_lease("x", NOW) == 1


def test_what_nobody_will_ask_for_is_forgotten_and_the_rest_kept(ledger: Ledger) -> None:
    """Idle runs and plans that were only shown go; written changes, waiting people and the latest run stay."""
    runs, work = ledger.runs, ledger.work
    idle, shown, written, waits, latest = (runs.start("sync", "live", NOW, NOW, "x") for _ in range(5))
    for number in (idle, shown, written, waits, latest):
        runs.finish(number, "done", NOW, {})
    for number, person, state in ((shown, "1", "planned"), (written, "2", "written"), (waits, "3", "parked")):
        work.plan(number, [PlannedChange(person, "x", True, False, 0.0, {}, state=state)])
    ledger.aside.put([SetAside("3", waits, "x", "change_budget")], NOW)

    ledger.tidy(NOW - timedelta(days=1))
    assert len(runs.recent()) == 5
    ledger.tidy(NOW + timedelta(days=30))

    assert [one.number for one in runs.recent()] == [latest, waits, written]
    assert [len(list(work.every(number))) for number in (shown, written, waits)] == [0, 1, 1]


def test_people_on_hold_since_the_version_before_are_woken_when_it_is_over(tmp_path: Path) -> None:
    """A hold of an older program has no timer: it gets one, unless the person is looked at earlier anyway."""
    url = f"sqlite:///{tmp_path / 'old.db'}"
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        for id, due, until in (("1", None, 500.0), ("2", 900.0, 500.0), ("3", 100.0, 500.0), ("4", 100.0, None)):
            connection.exec_driver_sql(
                "INSERT INTO people (connection, id, route_next_at) VALUES ('acme', ?, ?)", (id, due)
            )
            row = (id, "cx_persona", "x", "y", 0.0, until)
            connection.exec_driver_sql(
                "INSERT INTO holds (connection, person_id, property, live, ours, since, until)"
                " VALUES ('acme', ?, ?, ?, ?, ?, ?)",
                row,
            )
    engine.dispose()

    ledger = open_ledger(url, "acme")

    with ledger.database._engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT id, route_next_at FROM people ORDER BY id").fetchall()
    assert [tuple(row) for row in rows] == [("1", 500.0), ("2", 500.0), ("3", 100.0), ("4", 100.0)]
    assert {(one.code, one.by, one.set_at) for one in ledger.holds.every()} == {("edit", "unknown", None)}


def test_a_ledger_of_the_version_before_is_brought_up_with_what_it_holds(tmp_path: Path) -> None:
    """Moves that were logged before lead types and hand-offs were kept are still there, and say neither."""
    url = f"sqlite:///{tmp_path / 'old.db'}"
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.exec_driver_sql(
            "INSERT INTO transitions (connection, person_id, track_id, run, at, what, before, after, cause, because,"
            " passed_through, fingerprint) VALUES ('acme', '1', 't', 1, 0.0, 'stage', 'lead', 'mql', 'stages.mql', '',"
            " X'5B5D', 'f')"
        )
    engine.dispose()

    ledger = open_ledger(url, "acme")

    (move,) = ledger.history.stage_moves()
    assert (move.person_id, move.after, move.lead_type, move.source) == ("1", "mql", None, None)
    assert ledger.hand_offs.every() == []
    ledger.hand_offs.note([HandOff("1", "t", 1, move.at, rule="x")], as_of=move.at, run=2)
    assert [one.cycle for one in ledger.hand_offs.every()] == [1]


def test_the_picture_is_as_complete_as_the_kind_that_was_read_least(ledger: Ledger) -> None:
    """One that was not read once makes it incomplete; one that nobody asks for any more holds nothing back."""
    cursors, earlier = ledger.cursors, NOW - timedelta(hours=1)
    cursors.move("changes:contact", "a", NOW)
    cursors.move("changes:deal", "b", earlier)
    known = cursors.complete_until()
    cursors.move("begun:company", NOW.isoformat())
    half = cursors.complete_until()
    cursors.move("changes:company", "c", NOW)

    assert (known, half, cursors.complete_until()) == (earlier, None, earlier)
    cursors.read_only(("contact", "company"))
    assert cursors.complete_until() == NOW
    assert cursors.of("changes:deal") is None
