"""The arithmetic of invented records: who belongs to whom, and how a byte of chance becomes a number."""

from __future__ import annotations

from dataclasses import dataclass

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Spread:
    """Things hung on people evenly: `each` of them on every `every`-th person, starting with person `first`."""

    each: int
    every: int
    first: int = 0

    def person_of(self, thing: int) -> int:
        return thing // self.each * self.every + self.first

    def of_person(self, person: int) -> range:
        turn, rest = divmod(person - self.first, self.every)
        return range(0) if rest or turn < 0 else range(turn * self.each, (turn + 1) * self.each)

    def count(self, people: int) -> int:
        return max(0, -(-(people - self.first) // self.every)) * self.each


DEALS = Spread(each=1, every=4, first=1)


def share(chance: bytes, place: int) -> float:
    """Two bytes of chance as a number from 0 up to 1."""
    return (chance[place] * 256 + chance[place + 1]) / 65536
