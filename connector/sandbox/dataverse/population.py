"""Where rows come from that nobody wrote: the shape of a generator, and the one that has none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from connector.sandbox.dataverse.rows import Row


class Rows(Protocol):
    """A fixed set of rows by table, each computed from its number; numbers and ids grow together."""

    def count(self, table: str) -> int:
        """How many rows of this table there are."""

    def id_of(self, table: str, number: int) -> str:
        """The id of a number."""

    def number_of(self, table: str, id: str) -> int | None:
        """The number of an id, None when no such row is generated."""

    def first_after(self, table: str, id: str) -> int:
        """The number of the first row whose id is larger."""

    def row(self, table: str, number: int) -> Row:
        """The row as it was born, a new one each time."""

    def numbers(self, table: str, column: str, id: str) -> Iterable[int] | None:
        """The numbers of the rows whose lookup `column` points at `id`, where that can be told without looking at
        every row; None where it cannot."""


class Nobody:
    """The population of a hand-made environment."""

    def count(self, table: str) -> int:
        return 0

    def id_of(self, table: str, number: int) -> str:
        raise LookupError(f"no generated {table}")

    def number_of(self, table: str, id: str) -> int | None:
        return None

    def first_after(self, table: str, id: str) -> int:
        return 0

    def row(self, table: str, number: int) -> Row:
        raise LookupError(f"no generated {table}")

    def numbers(self, table: str, column: str, id: str) -> Iterable[int] | None:
        return ()
