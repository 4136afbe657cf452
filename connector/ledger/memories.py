"""
What is remembered of one person, and what it comes to where several turn out to be one. Pure: what a merge keeps of the
values and tracks of its records is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from connector.fields.places import is_on_lead


@dataclass(frozen=True, slots=True)
class Memory:
    """One person as we remember them. `tracks` are JSON tables (connector.decide reads them)."""

    tracks: tuple[Mapping[str, Any], ...] = ()
    base: Mapping[str, str] = field(default_factory=dict)
    #: property -> (before, after), and what calls before that last one were about, while nobody knows their end
    intended: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


NOTHING = Memory()


V = TypeVar("V")

#: How far a stage is.
Level = Callable[[str | None], int]

#: What a track counts on through a merge.
_COUNTED_ON = ("cycle", "returned_count")


def with_earlier(
    values: Mapping[str, tuple[str, str]], earlier: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """Intentions on top of earlier ones that were never confirmed: what stood before the first of them is what the
    agreement is asked about, as long as nobody else has set another value since."""
    merged = {name: tuple(texts) for name, texts in earlier.items()}
    for name, (before, after) in values.items():
        first = merged.get(name, ())
        if before in first:
            merged[name] = (first[0], *dict.fromkeys((after, *first[1:])))
        else:
            merged[name] = (before, after)
    return merged


def cycle_of(track: Mapping[str, Any]) -> int:
    """How often a track was handed over."""
    return int(track.get("cycle", 0))


def base_of(mine: Memory, others: Sequence[Memory], live: Mapping[str, str | None]) -> dict[str, str]:
    """What counts as ours on a record that several became: the survivor's own base, and where it holds another value
    that one of the others held by our hand, that. Their leads are the survivor's now, as they are."""
    everybody = (mine, *others)
    base = {**on_leads(others, lambda one: one.base), **mine.base}
    for name, value in live.items():
        texts = {one.base[name] for one in everybody if name in one.base}
        texts |= {one.intended[name][1] for one in everybody if name in one.intended}
        if (value or "") in texts:
            base[name] = value or ""
    return base


def on_leads(others: Sequence[Memory], of: Callable[[Memory], Mapping[str, V]]) -> dict[str, V]:
    """What is remembered of places on leads."""
    return {place: said for one in others for place, said in of(one).items() if is_on_lead(place)}


def folded_tracks(mine: Memory, others: Sequence[Memory], level: Level | None) -> list[dict[str, Any]]:
    """The tracks of several records as those of one person: one per lead type."""
    theirs = sorted((track for one in others for track in one.tracks), key=lambda track: -cycle_of(track))
    alike: dict[str, list[Mapping[str, Any]]] = {}
    for track in (*mine.tracks, *theirs):
        alike.setdefault(str(track.get("lead_type")), []).append(track)
    if level is None:
        return [_as_one(tracks) for tracks in alike.values()]
    return [_gone_on(tracks, level) for tracks in alike.values()]


def _gone_on(tracks: Sequence[Mapping[str, Any]], level: Level) -> dict[str, Any]:
    """Of records that go on as leads of the survivor: where one of theirs was handed over more often, and the
    survivor's own is not further on, it goes on as it was, with its name, its hand-off and its task."""
    first = max(tracks, key=lambda track: (level(track.get("stage")) >= level(tracks[0].get("stage")), cycle_of(track)))
    folded = _as_one([first, *(track for track in tracks if track is not first)])
    return {**folded, "furthest": max((track.get("furthest") for track in tracks), key=level)}


def _as_one(tracks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The first of these tracks, counting on from the highest, with each stage entered when it first was. What led to
    a hand-off of one of them is no news to it."""
    entered: dict[str, str] = {}
    for track in tracks:
        for stage, at in track.get("entered", {}).items():
            entered[stage] = min(at, entered.get(stage, at), key=datetime.fromisoformat)
    most = {name: max(int(track.get(name, 0)) for track in tracks) for name in _COUNTED_ON}
    handed_over = [tracks[0], *(track for track in tracks[1:] if cycle_of(track))]
    looks = [(datetime.fromisoformat(at), at) for track in handed_over if (at := track.get("evaluated_at"))]
    looked = {"evaluated_at": max(looks)[1], "used": max(int(track.get("used", 0)) for track in handed_over)}
    return {**tracks[0], **most, **(looked if looks else {}), "entered": entered}
