"""What may become of a record: archived, restored, merged into another or into a third, erased for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.sandbox.records import Row, Source, Written

if TYPE_CHECKING:
    from connector.sandbox.world import World

MERGED, RESTORED = Source("MERGE_OBJECTS"), Source("RECYCLING_BIN")


def archive(world: World, kind: str, id: str) -> None:
    """Into the recycling bin; archiving twice is harmless."""
    row = world.store.own(kind, id)
    if row.archived_at is None:
        row.archived_at = world.stamp()


def restore(world: World, kind: str, id: str) -> None:
    """Back from the recycling bin; ValueError for a record that is not in it."""
    row = world.store.own(kind, id)
    if row.archived_at is None or world.is_merged_away(kind, id):
        raise ValueError(f"{kind} {id} is not in the recycling bin")
    row.archived_at = None
    row.wrote(Written(world.stamp(), RESTORED, {}))


def erase(world: World, kind: str, id: str) -> None:
    """A privacy deletion: the record is nowhere any more, not in the bin, not in lists, not in what it submitted."""
    email = world.get(kind, id).get("email", "")
    world.store.erase(kind, id)
    if kind == "contacts":
        world.audience.erase(id, email)


def merge(world: World, kind: str, survivor: str, loser: str, *, new_id: bool) -> Row:
    """The survivor takes over what it lacks, links, memberships and ids; the loser is gone. With `new_id` both are
    gone and a third record, which has the survivor's past, stands for them."""
    kept, gone = world.store.own(kind, survivor), world.store.own(kind, loser)
    mine, theirs = world.values(kind, kept), world.values(kind, gone)
    taken = {name: value for name, value in theirs.items() if value and not mine.get(name)}
    away = [gone]
    if new_id:
        kept = _heir(world, kind, kept)
        away.insert(0, world.store.own(kind, survivor))
    for row in away:
        _hand_over(world, kind, row, kept)
    return world.write(kind, kept.id, taken, MERGED)


def _heir(world: World, kind: str, row: Row) -> Row:
    """A new record with the past of another."""
    heir = Row(
        world.store.new_id(kind),
        row.created_at,
        row.born_modified_at,
        base=row.base,
        number=row.number,
        source=row.source,
    )
    heir.log = row.log
    world.store.keep(kind, heir)
    return heir


def _hand_over(world: World, kind: str, gone: Row, kept: Row) -> None:
    """One record and all that was ever merged into it now answer by another id."""
    gone.archived_at = world.stamp()
    kept.merged = (*kept.merged, gone.id, *(id for id in gone.merged if id not in kept.merged))
    kept.merges = (*kept.merges, (gone.id, gone.archived_at))
    world.forward(kind, (gone.id, *gone.merged), kept.id)
    world.links.move(kind, gone.id, kept.id)
    if kind == "contacts":
        world.audience.move(gone.id, kept.id)
