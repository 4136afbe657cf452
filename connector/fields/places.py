"""
Places: on which record of a person a value stands, and in which property, as one text.

What is decided of a person stands on their own record; what is decided of a track stands on the leads of its type as
well, where the CRM keeps such. So that memory, holds and refusals know one name for each value, whatever it stands on,
a place on the person's own record is called by its property alone, one on a lead "lead:<id>:<property>".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

#: The kinds of records that places are on.
PERSON, LEAD = "contact", "lead"

_OPENING = f"{LEAD}:"


class Place(NamedTuple):
    """A place, taken apart. `id` is the lead's; "" on the person's own record."""

    kind: str
    id: str
    property: str


def on_lead(id: str, property: str) -> str:
    """What the place of a property of this lead is called."""
    return f"{_OPENING}{id}:{property}"


def is_on_lead(place: str) -> bool:
    """Whether this is a place on a lead."""
    return place.startswith(_OPENING)


def place_of(place: str) -> Place:
    """The place of this name."""
    if not is_on_lead(place):
        return Place(PERSON, "", place)
    id, _, property = place.removeprefix(_OPENING).partition(":")
    return Place(LEAD, id, property)


def by_lead(places: Iterable[str]) -> Mapping[str, list[str]]:
    """Lead -> the properties of those of these places that are on it."""
    found: dict[str, list[str]] = {}
    for name in places:
        if name.startswith(_OPENING):
            place = place_of(name)
            found.setdefault(place.id, []).append(place.property)
    return found
