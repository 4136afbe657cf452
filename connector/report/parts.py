"""What a document is made of: sections, parts and tables, as plain values that a page or a text only shows."""

from __future__ import annotations

from dataclasses import dataclass

from connector.agreement.sentences import Sentence


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head; `numbers` are the columns that stand to the right."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a section: a note, facts by name, a table, sentences; each may be missing."""

    title: str = ""
    note: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    table: Table | None = None
    says: tuple[Sentence, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter of the document."""

    key: str
    title: str
    parts: tuple[Part, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """The whole document."""

    title: str
    facts: tuple[tuple[str, str], ...]
    summary: tuple[str, ...]
    main: tuple[str, ...]  # the stages that are used, in order
    beside: tuple[str, ...]
    sections: tuple[Section, ...]
