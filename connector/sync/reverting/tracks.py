"""The tracks of somebody of whom a run is undone, back where they were before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.decide.walk import Stages
from connector.fields import STRICT
from connector.ledger.work import PlannedChange
from connector.model import Move
from connector.plan import Set
from connector.sync.reverting.standing import FORWARD, REVERT, Left, moves_of

#: Causes of moves that only follow what others set in the CRM: the values are theirs, and none of a run that is undone.
OF_OTHERS = ("person", "import", "crm")


@dataclass(frozen=True, slots=True)
class Back:
    """The tracks of a person once a run is undone: as they go on under this agreement, and as they were before, for an
    agreement that decides anew; with the moves that lead there."""

    tracks: tuple[Mapping[str, Any], ...]
    before: tuple[Mapping[str, Any], ...] | None
    moves: tuple[Move, ...]


def stepped_back(
    row: PlannedChange,
    now: Sequence[Mapping[str, Any]],
    back: Sequence[Set],
    left: Sequence[Left],
    stages: Stages,
    at: datetime,
    why: str,
) -> Back:
    """Every track that the run moved, back where it was, unless it has moved on since; what others had set stays. What
    happened before `at` is no news to it any more; hand-offs go on being counted."""
    moved: dict[str, list[Move]] = {}
    for move in moves_of(row):
        moved.setdefault(move.track_id or row.body["after"]["track_id"], []).append(move)
    goes = {field for field in STRICT if _goes_back(field, row, back, left)}
    shown = not any(one.why == FORWARD for one in left)
    remembered = {one["id"]: one for one in row.body.get("before", {}).get("tracks", ())}
    after = {one["id"]: one for one in row.body["after"]["tracks"]}
    tracks: list[Mapping[str, Any]] = []
    before: list[Mapping[str, Any]] = []
    moves: list[Move] = []
    for track in now:
        then, made = after.get(track["id"], {}), _of_ours(moved.get(track["id"], ()))
        whats = {one.what for one in made if one.what in goes and track.get(one.what) == then.get(one.what)}
        if not whats:
            tracks.append(track)
            before.append(track)
            continue
        began = {**(remembered.get(track["id"]) or _begun(then, made, stages)), **_of_theirs(moved[track["id"]])}
        old = dict(began if "stage" in whats else track)
        old["status"] = (began if "status" in whats else track).get("status")
        if "stage" in whats and not shown:
            old["furthest"] = stages.further(old.get("furthest"), track.get("furthest"))
        old["cycle"] = track.get("cycle", 0)
        looked = {name: track[name] for name in _OF_A_LOOK if name in track}
        undone = {"set_back_at": at.isoformat()} if "status" in whats else {}
        tracks.append({**old, **looked, **undone, "edited_at": at.isoformat()})
        before.append(old)
        moves += _moves_back(track, old, why)
    return Back(tuple(tracks), tuple(before) if moves else None, tuple(moves))


def _of_ours(moves: Sequence[Move]) -> list[Move]:
    """Those that no value of others followed upon."""
    last = {one.what: place for place, one in enumerate(moves) if one.cause in OF_OTHERS}
    return [one for place, one in enumerate(moves) if place > last.get(one.what, -1)]


def _of_theirs(moves: Sequence[Move]) -> dict[str, Any]:
    """Stage and status as others had set them, before rules of ours moved on from there."""
    found: dict[str, Any] = {}
    for one in moves:
        if one.cause in OF_OTHERS:
            found[one.what] = one.after
            found |= {"cause": one.cause} if one.what == "stage" else {}
    return found


def _goes_back(field: str, row: PlannedChange, back: Sequence[Set], left: Sequence[Left]) -> bool:
    """Whether a track may step back in this: where the CRM's property does, where the change did not touch it, and
    where the CRM shows the furthest stage for good."""
    name = next((name for one, name, _before, _after in row.body["sets"] if one == field), None)
    if name is None or any(one.property == name for one in back):
        return True
    return any(one.property == name and one.why == FORWARD for one in left)


_OF_A_LOOK = ("evaluated_at", "used", "facts", "fingerprint")


def _begun(then: Mapping[str, Any], moves: Sequence[Move], stages: Stages) -> dict[str, Any]:
    """The track of somebody whom the run saw for the first time, as it began."""
    stage = next((move.before for move in moves if move.what == "stage"), then.get("stage"))
    status = next((move.before for move in moves if move.what == "status"), then.get("status"))
    return {
        "id": then["id"],
        "lead_type": then["lead_type"],
        "stage": stage,
        "furthest": stage if stage in stages.ranks else None,
        "status": status,
        "adopted": then.get("adopted", False),
        "cause": "adopted" if then.get("adopted") else None,
    }


def _moves_back(track: Mapping[str, Any], old: Mapping[str, Any], why: str) -> list[Move]:
    return [
        Move(what, track.get(what), old.get(what), REVERT, why, (), track["id"])
        for what in ("stage", "status")
        if track.get(what) != old.get(what)
    ]
