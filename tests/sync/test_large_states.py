"""What a run asks for each page and each batch is found at once, however many people its state holds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from connector.fields import email_hash
from connector.model import Occurrence
from connector.sync import Order, run

from .world import World

#: Tables with a row or more for each person, or each thing that happened to one.
GROWING = (
    "records|links|occurrences|people|shadows|transitions|handoffs|changes|tasks|clears|aside|observed|holds|reversals"
    "|rejects|merges|addresses|undone"
)
#: A step of SQLite's plan that goes through all of a connection, or all of its contacts.
_THROUGH_ALL = re.compile(rf"^SCAN ({GROWING})\b|^SEARCH ({GROWING}) .*\(connection=\?( AND kind=\?)?\)$")


def _life(folder: Path, people: int, asked: Counter[str], given: dict[str, Any]) -> World:
    """First run, changes, merges and a full look by pages and batches as small as they get; every statement counted."""
    world = World(folder, page=2)
    for number in range(people):
        id = str(100 + number)
        world.person(id)
        world.interested(id)
        if number % 2:
            asks = email_hash(f"p{id}@northmill.example")
            world.crm.happen(Occurrence(f"asks-{id}", "form:demo-request", world.clock(), email_hash=asks))
        else:
            world.deal(f"5{id}", id, "appointmentscheduled")
    ledger = world.ledger()
    world.settings = replace(world.settings, records=1, records_ahead=0, chunk=2, write_chunk=2)
    with _counting(asked, given):
        for verb in ("backfill", "sync", "backfill"):
            session = world.session(ledger)
            run(session, Order(verb, world.clock(), everything=verb == "backfill"))
            session.crm.close()
            world.clock.pass_by(hours=1)
            for number in range(0, people, 4):
                world.edit(str(100 + number), {"lifecyclestage": "customer", "jobtitle": "Director"})
                world.set_by("integration", str(102 + number), {"hs_lead_status": "OPEN"})
    ledger.database.close()
    return world


@contextmanager
def _counting(asked: Counter[str], given: dict[str, Any]) -> Iterator[None]:
    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        asked[statement] += 1
        given.setdefault(statement, parameters)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


def test_no_statement_of_a_page_or_a_batch_goes_through_everybody(tmp_path: Path) -> None:
    """At a million people the forms' pages once took two seconds each, because the database began with all contacts."""
    few, many, given = Counter[str](), Counter[str](), dict[str, Any]()
    for name, people, asked in (("few", 8, few), ("many", 32, many)):
        (tmp_path / name).mkdir()
        world = _life(tmp_path / name, people, asked, given)
    repeated = [text for text, times in many.items() if times >= max(6, 2 * few[text]) and "BEGIN" not in text]
    engine = sa.create_engine(f"sqlite:///{next(world.folder.glob('*.db'))}")
    slow = {}
    with engine.connect() as connection:
        for text in repeated:
            parameters = given[text][0] if isinstance(given[text], list) else given[text]
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", parameters)]
            if through := [step for step in plan if _THROUGH_ALL.search(step)]:
                slow[" ".join(text.split())] = through
    engine.dispose()

    assert len(repeated) > 30, "these lives do ask again and again"
    assert slow == {}
