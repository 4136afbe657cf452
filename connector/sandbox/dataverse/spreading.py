"""Numbers and ids of invented rows: which of every so many people have one, and an id that tells its number."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property

#: Ids of invented rows: the table's number, a mark, the number of the record.
_PLACES = {
    name: place
    for place, name in enumerate(
        ("contact", "lead", "account", "opportunity", "phonecall", "email", "appointment", "task", "activityparty"), 1
    )
}
_BORN = re.compile(r"([0-9a-f]{8})-5eed-4000-8000-([0-9a-f]{12})")


def born_id(table: str, record: int) -> str:
    """The id of an invented row."""
    return f"{_PLACES[table]:08x}-5eed-4000-8000-{record:012x}"


def number_in(table: str, id: str) -> int | None:
    """The number that an id tells; None for the id of another table, or of a row that was not invented."""
    found = _BORN.fullmatch(id)
    if found is None or int(found[1], 16) != _PLACES.get(table):
        return None
    return int(found[2], 16)


class Members:
    """Some of every `block` people, by their places in it: person 0 is the first of the first block."""

    def __init__(self, people: int, block: int, places: tuple[int, ...]) -> None:
        self._people, self._block, self._places = people, block, places

    def count(self) -> int:
        """How many of all people are among them."""
        whole, rest = divmod(self._people, self._block)
        return whole * len(self._places) + sum(place < rest for place in self._places)

    def record_of(self, number: int) -> int:
        """The person of a number among them."""
        block, place = divmod(number, len(self._places))
        return block * self._block + self._places[place]

    def number_of(self, person: int) -> int | None:
        """The number of a person among them; None for somebody who is not."""
        block, place = divmod(person, self._block)
        inside = self._inside.get(place)
        if inside is None or person >= self._people:
            return None
        return block * len(self._places) + inside

    def first_after(self, person: int) -> int:
        """The number of the first of them who comes after this person."""
        block, place = divmod(person, self._block)
        return min(self.count(), block * len(self._places) + bisect_right(self._places, place))

    @cached_property
    def _inside(self) -> dict[int, int]:
        return {place: number for number, place in enumerate(self._places)}
