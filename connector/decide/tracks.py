"""A person's path for one lead type: how it begins, and how it is kept as JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from connector.model import ALWAYS, Person, Track, Value

_NAMES = tuple(each.name for each in fields(Track))
_INSTANTS = tuple(each.name for each in fields(Track) if "datetime" in str(each.type) and each.name != "entered")
#: What only a hand-off fills: of people who never had one it is left out of the ledger.
_OF_HAND_OFFS = _NAMES.index("triggered_at")
_values, _values_before = attrgetter(*_NAMES), attrgetter(*_NAMES[:_OF_HAND_OFFS])
_OF_A_LOOK = tuple(map(_NAMES.index, ("evaluated_at", "used", "facts", "fingerprint")))


def first_track(
    person: Person, lead_type: str, ranks: Mapping[str, int], at_work: Container[str | None], go_live: datetime
) -> Track:
    """The track of a person seen for the first time: where the CRM says they stand, adopted unless created since,
    with the dates of entering that the CRM remembers.

    A record that carries a cycle from an earlier life (a lost ledger) goes on with it: same cycle, wait and
    returns, so that neither a task is made twice nor a wait forgotten. `at_work` are the statuses of a hand-off that
    goes on.
    """
    cycle = _whole(person.fields.get("cycle"))
    returned = _whole(person.fields.get("returned_count"))
    wait_until = person.fields.get("wait_until")
    current = person.fields.get("current_stage")
    restored = bool(cycle or returned or wait_until)
    adopted = restored or (go_live != ALWAYS and (person.created_at is None or person.created_at < go_live))
    stage = current if restored and isinstance(current, str) and current else person.stage
    entered = {name: at for name, at in person.entered.items() if name in ranks} if adopted else {}
    known = [name for name in (person.stage, stage) if name is not None and name in ranks]
    return Track(
        id=track_id(person.id, lead_type),
        lead_type=lead_type,
        stage=stage,
        furthest=max(known, key=lambda name: ranks[name], default=None),
        status=person.status,
        cycle=cycle,
        handed_over=cycle > 0 and person.status in at_work and stage in ranks,
        entered=entered,
        stage_since=entered.get(stage or ""),
        cause="adopted" if adopted else None,
        wait_until=wait_until if isinstance(wait_until, datetime) else None,
        returned_count=returned,
        adopted=adopted,
    )


def leading(tracks: Sequence[Track], level: Callable[[str | None], int]) -> Track:
    """The track the record speaks of: the one in the hands of sales, else that which last was, else the furthest."""
    return max(tracks, key=lambda track: (track.handed_over, track.handed_over_at or ALWAYS, level(track.stage)))


def furthest(tracks: Sequence[Track], level: Callable[[str | None], int]) -> Track:
    """The track that is furthest on, the first of several: its stage is the person's."""
    return max(tracks, key=lambda track: level(track.stage))


def looked_at(track: Track, as_of: datetime, run: int, facts: str, fingerprint: str) -> Track:
    """The track after a look at everything seen up to `run`. Everybody gets one, so it is put together at once."""
    values = list(_values(track))
    for place, value in zip(_OF_A_LOOK, (as_of, run, facts, fingerprint), strict=True):
        values[place] = value
    return Track(*values)


def track_id(person_id: str, lead_type: str) -> str:
    """The track's own name, the same in every process: tasks, cycles and holds hang on it."""
    return hashlib.sha256(f"{person_id}\n{lead_type}".encode()).hexdigest()[:12]


def track_to_json(track: Track) -> dict[str, Any]:
    """The track as JSON-able values; `track_from_json` gives it back exactly."""
    said: dict[str, Any] = (
        dict(zip(_NAMES, _values(track), strict=True))
        if track.cycle
        else dict(zip(_NAMES[:_OF_HAND_OFFS], _values_before(track), strict=True))
    )
    for name in _INSTANTS:
        if (at := said.get(name)) is not None:
            said[name] = at.isoformat()
    said["entered"] = {stage: at.isoformat() for stage, at in track.entered.items()}
    said["passed_through"] = list(track.passed_through)
    if track.lowered:
        said["lowered"] = dict(track.lowered)
    else:
        del said["lowered"]
    if track.owners:
        said["owners"] = list(track.owners)
    return said


def track_from_json(said: Mapping[str, Any]) -> Track:
    """The track that `track_to_json` wrote; keys it does not know are ignored, missing ones take their default."""
    values = {name: said[name] for name in _NAMES if name in said}
    for name in _INSTANTS:
        if text := values.get(name):
            values[name] = datetime.fromisoformat(text)
    if "entered" in values:
        values["entered"] = {stage: datetime.fromisoformat(at) for stage, at in values["entered"].items()}
    for name in ("passed_through", "owners"):
        if name in values:
            values[name] = tuple(values[name])
    return Track(**values)


def _whole(value: Value) -> int:
    return int(value) if isinstance(value, (int, float)) else 0
