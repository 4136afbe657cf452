"""
A list of records cut into stretches that several cursors read at once: the bookkeeping, without a call.

HubSpot lists by record id, and its cursor `after` is one, so a list can be begun anywhere. Nothing need be known of how
ids are spread: whoever has nothing to do takes the upper half of the widest rest, and an empty half costs one page.
What makes this safe is checked on every page: ids are numbers and grow, the cursor goes with them, nothing stands
before the place where a stretch was begun, and the record met first above a border is the same from both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from itertools import pairwise
from typing import Any

import orjson

#: Pages that must be left in a stretch for it to be worth sharing: the half of fewer is read before the other starts.
WORTH_SHARING = 6

#: Below every id.
BOTTOM = -1


class Surprise(Exception):
    """The list is not what several cursors rely on; the text says in which way."""


@dataclass(slots=True, eq=False)
class Stretch:
    """Ids above `start`, up to and including `end` (None: to the end of the list), read by one cursor."""

    start: int
    end: int | None
    at: str | None  # the cursor to go on with; None: from the beginning
    last: int  # the largest id told, `start` before any
    expected: float = 0.0  # records in it, before the first page tells better
    first: int | None = None  # the smallest id told
    read: int = 0


@dataclass(slots=True)
class Border:
    """The record met first above the end of a stretch, by the cursor below it and by the one above it; 0 where the list
    ended before any."""

    below: int | None = None
    above: int | None = None

    @property
    def torn(self) -> bool:
        """One side saw a record that the other left out. That the one above is gone meanwhile is none of that."""
        if self.below is None or self.above is None:
            return False
        return (self.below == 0) != (self.above == 0) or self.below < self.above


@dataclass(slots=True)
class Partition:
    """How far each cursor has come. `open` is in the order of ids; `done` holds (start, end, records) of the others."""

    open: list[Stretch] = field(default_factory=list)
    done: list[tuple[int, int | None, int]] = field(default_factory=list)
    borders: dict[int, Border] = field(default_factory=dict)
    total: int | None = None  # what the search counted when the scan began
    highest: int | None = None
    proven: bool = False  # a cursor that was begun in the middle has told what it should
    alone: bool = False  # one cursor after all
    again: bool = False  # what is read now may have been told before

    # -- resuming ---------------------------------------------------------------------------------------

    @classmethod
    def resumed(cls, mark: str | None) -> Partition:
        """From a mark of an earlier life; a bare record id or cursor serves, too."""
        if mark is None:
            return cls([Stretch(BOTTOM, None, None, BOTTOM)])
        if not mark.startswith("{"):
            return cls([Stretch(BOTTOM, None, mark, BOTTOM)], alone=True)
        kept: dict[str, Any] = orjson.loads(mark)
        return cls(
            [Stretch(*one) for one in kept["open"]],
            [(start, end, read) for start, end, read in kept["done"]],
            {int(at): Border(*sides) for at, sides in kept["borders"].items()},
            kept["total"],
            kept["highest"],
            kept["proven"],
            kept["alone"],
            kept["again"],
        )

    def mark(self) -> str | None:
        """Everything from which `resumed` goes on; None where nothing is left to read."""
        if not self.open:
            return None
        kept = {
            "open": [astuple(one) for one in self.open],
            "done": self.done,
            "borders": {str(at): astuple(one) for at, one in self.borders.items()},
            "total": self.total,
            "highest": self.highest,
            "proven": self.proven,
            "alone": self.alone,
            "again": self.again,
        }
        return orjson.dumps(kept).decode()

    # -- a page was read --------------------------------------------------------------------------------

    @property
    def told(self) -> int:
        """Records told so far."""
        return sum(one.read for one in self.open) + sum(read for _, _, read in self.done)

    def take(self, stretch: Stretch, ids: Sequence[str], following: str | None) -> range:
        """Book a page; returns the places in it whose records belong to this stretch. Raises Surprise."""
        if self.alone:
            return self._take_all(stretch, ids, following)
        numbers = _numbers(stretch, ids, following)
        low = sum(number <= stretch.start for number in numbers[:1])
        high = next((place for place, one in enumerate(numbers) if stretch.end is not None and one > stretch.end), None)
        inside = range(low, len(numbers) if high is None else high)
        self._compare(stretch, numbers[low:], following, None if high is None else numbers[high])
        if inside:
            stretch.first = numbers[inside[0]] if stretch.first is None else stretch.first
            stretch.last = numbers[inside[-1]]
        self._book(stretch, len(inside), None if high is not None else following)
        return inside

    def _take_all(self, stretch: Stretch, ids: Sequence[str], following: str | None) -> range:
        self._book(stretch, len(ids), following)
        return range(len(ids))

    def _book(self, stretch: Stretch, records: int, following: str | None) -> None:
        stretch.read += records
        stretch.at = following
        if following is None:
            self.open.remove(stretch)
            self.done.append((stretch.start, stretch.end, stretch.read))

    def _compare(self, stretch: Stretch, above: Sequence[int], following: str | None, beyond: int | None) -> None:
        """Both sides of the borders of this stretch, as far as this page tells them."""
        ended = following is None
        lower = self.borders.get(stretch.start)
        if lower is not None and lower.above is None and (above or ended):
            lower.above = above[0] if above else 0
            self._check(stretch.start)
            self.proven = True
        upper = None if stretch.end is None else self.borders.get(stretch.end)
        if upper is not None and (beyond is not None or ended):
            upper.below = beyond or 0
            self._check(stretch.end or 0)

    def _check(self, at: int) -> None:
        border = self.borders[at]
        if border.torn:
            raise Surprise("a record at a border was told from one side only")
        if border.below is not None and border.above is not None:
            del self.borders[at]

    # -- sharing ----------------------------------------------------------------------------------------

    def share(self, cursors: int, page: int) -> None:
        """Every idle cursor takes the upper half of the widest rest; one alone does until it proved that this works."""
        while not self.alone and self.total is not None and self.open and len(self.open) < cursors:
            if len(self.open) > 1 and not self.proven:
                return
            widest = max(self.open, key=self.left)
            if self.left(widest) < WORTH_SHARING * page:
                return
            self._halve(widest)

    def left(self, stretch: Stretch) -> float:
        """About how many records a stretch still holds: as densely as so far, or as expected."""
        top = self.highest if stretch.end is None else stretch.end
        if top is None or top - stretch.last < 2:
            return 0.0
        if stretch.first is None or stretch.last <= stretch.first:
            return stretch.expected
        dense = stretch.read / (stretch.last - stretch.first)
        return min(dense * (top - stretch.last), float((self.total or 0) - self.told))

    def _halve(self, widest: Stretch) -> None:
        top = (self.highest or 0) if widest.end is None else widest.end
        middle = widest.last + (top - widest.last) // 2
        upper = Stretch(middle, widest.end, str(middle), middle, self.left(widest) / 2)
        widest.end, widest.expected = middle, upper.expected
        self.borders[middle] = Border()
        self.open.insert(self.open.index(widest) + 1, upper)

    # -- falling back -----------------------------------------------------------------------------------

    def fall_back(self) -> None:
        """One cursor from now on: the first goes on where nobody else has told anything, else it begins anew."""
        first = self.open[0] if self.open else None
        others = self.told - (first.read if first else 0)
        if first is not None and first.start == BOTTOM and not others:
            first.end = None
            self.open = [first]
        else:
            self.begin_anew()
        self.done, self.borders, self.alone = [], {}, True

    def begin_anew(self) -> None:
        """One cursor from the beginning, whatever has been told."""
        self.open, self.again = [Stretch(BOTTOM, None, None, BOTTOM)], True
        self.done, self.borders, self.alone = [], {}, True

    def reread(self, short: Sequence[tuple[int, int | None, int]]) -> None:
        """Read these stretches once more, one cursor each."""
        self.done = [one for one in self.done if one not in short]
        self.open = [Stretch(start, end, None if start == BOTTOM else str(start), start) for start, end, _ in short]
        self.borders, self.again = {}, True


def _numbers(stretch: Stretch, ids: Sequence[str], following: str | None) -> list[int]:
    """A page's ids as the numbers they must be, growing, from where it was begun, with the cursor at their end."""
    if not all(id.isdigit() for id in ids):
        raise Surprise("a record id is not a number")
    numbers = [int(id) for id in ids]
    if any(one >= other for one, other in pairwise(numbers)):
        raise Surprise("record ids do not grow from one to the next")
    if following is not None and not following.isdigit():
        raise Surprise("the cursor of the list is not a record id")
    begun = int(stretch.at or 0)
    if numbers and (numbers[0] < begun or (stretch.read and numbers[0] <= stretch.last)):
        raise Surprise("a page begins before the record id it was asked from")
    if following is not None and int(following) < (numbers[-1] if numbers else begun + 1):
        raise Surprise("the cursor of the list does not go with the record ids")
    return numbers
