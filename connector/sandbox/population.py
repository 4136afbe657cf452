"""
Where records come from that nobody wrote: the shape every generator of people has.

`World` asks it for record number n whenever somebody looks, instead of keeping a hundred thousand of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from connector.sandbox.records import Version


class Population(Protocol):
    """A fixed set of records, each computed from its number; numbers and ids grow together."""

    def count(self, kind: str) -> int:
        """How many records of this kind there are."""

    def id_of(self, kind: str, number: int) -> str:
        """The record id of a number."""

    def number_of(self, kind: str, id: str) -> int | None:
        """The number of a record id, None when no such record is generated."""

    def first_from(self, kind: str, id: int) -> int:
        """The number of the first record whose id is `id` or larger."""

    def properties(self, kind: str, number: int) -> dict[str, str]:
        """Everything the record was born with, a new dict each time."""

    def created_at(self, kind: str, number: int) -> int: ...

    def modified_at(self, kind: str, number: int) -> int: ...

    def history(self, kind: str, number: int, name: str) -> Sequence[Version]:
        """Who set a property to what over the years, newest first; none where it stands as it was born."""

    def links(self, kind: str, number: int, to: str) -> Iterable[tuple[str, bool]]:
        """Ids of linked records of another kind, each with whether it is the primary one."""

    def members(self) -> Mapping[str, Mapping[str, int]]:
        """List name -> contact id -> when added."""

    def submissions(self) -> Mapping[str, Iterable[tuple[int, Mapping[str, str]]]]:
        """Form id -> when submitted and the values given."""


class Nobody:
    """The population of a hand-made world."""

    def count(self, kind: str) -> int:
        return 0

    def id_of(self, kind: str, number: int) -> str:
        raise LookupError(f"no generated {kind}")

    def number_of(self, kind: str, id: str) -> int | None:
        return None

    def first_from(self, kind: str, id: int) -> int:
        return 0

    def properties(self, kind: str, number: int) -> dict[str, str]:
        raise LookupError(f"no generated {kind}")

    def created_at(self, kind: str, number: int) -> int:
        raise LookupError(f"no generated {kind}")

    def modified_at(self, kind: str, number: int) -> int:
        raise LookupError(f"no generated {kind}")

    def history(self, kind: str, number: int, name: str) -> Sequence[Version]:
        return ()

    def links(self, kind: str, number: int, to: str) -> Iterable[tuple[str, bool]]:
        return ()

    def members(self) -> Mapping[str, Mapping[str, int]]:
        return {}

    def submissions(self) -> Mapping[str, Iterable[tuple[int, Mapping[str, str]]]]:
        return {}
