"""Short ways to ask an adapter on Dynamics, for the test modules about it."""

from __future__ import annotations

from collections.abc import Callable

from connector.crm.dynamics import Dynamics
from connector.crm.dynamics.opening import Reading
from connector.model import Record
from tests.crm.organisation import Organisation

SMALL = Reading(page=2, batch=3, ids=3, threads=3)

Open = Callable[..., Dynamics]


def records(crm: Dynamics, kind: str = "contact", *properties: str, archived: bool = False) -> dict[str, Record]:
    found = [record for page in crm.scan(kind, properties, archived=archived) for record in page.records]
    assert len(found) == len({record.id for record in found})
    return {record.id: record for record in found}


def one(crm: Dynamics, kind: str, id: str, *properties: str) -> Record:
    (record,) = crm.read(kind, [id], properties)
    return record


def cursor_of(crm: Dynamics, kind: str = "contact", *properties: str) -> str:
    """The cursor that a full scan came to."""
    cursor = list(crm.scan(kind, properties))[-1].cursor
    assert cursor is not None
    return cursor


def told(crm: Dynamics, cursor: str, world: Organisation, kind: str = "contact") -> tuple[set[str], set[str], str]:
    """Ids, gone, and the cursor behind them."""
    batches = list(crm.changes(kind, cursor, world.now()))
    ids, gone = ([id for batch in batches for id in getattr(batch, name)] for name in ("ids", "gone"))
    assert len(ids) == len(set(ids))
    assert batches[-1].mark is not None
    return set(ids), set(gone), batches[-1].mark
