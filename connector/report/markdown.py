"""The agreement's document as Markdown: for a repository, a wiki, or a mail."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from connector.report.parts import Document, Part, Section, Table

#: Characters that would mean something to a reader of Markdown, or of the HTML that may stand in it.
_SPECIAL = re.compile(r"[\\`*_\[\]<>|#~]|&(?=#|\w+;)")
_BEGINS = re.compile(r"^(\d+)([.)])(?=\s)|^([-+=])")


def as_markdown(one: Document) -> str:
    """The document as text that reads well as it is, and as any Markdown reader shows it."""
    return "\n".join(_lines(one)).rstrip() + "\n"


def escaped(text: str) -> str:
    """Text that is shown as it was written, on one line."""
    said = _SPECIAL.sub(lambda found: f"\\{found[0]}", " ".join(text.split()))
    return _BEGINS.sub(lambda found: f"{found[1]}\\{found[2]}" if found[1] else f"\\{found[3]}", said)


def _lines(one: Document) -> Iterator[str]:
    yield from (f"# {escaped(one.title)}", "")
    yield from _table(Table(("", ""), one.facts))
    for text in one.summary:
        yield from (escaped(text), "")
    if one.main:
        yield from (f"**The path:** {' → '.join(map(escaped, one.main))}", "")
    if one.beside:
        yield from (f"**Beside it:** {', '.join(map(escaped, one.beside))}", "")
    for section in one.sections:
        yield from _section(section)


def _section(one: Section) -> Iterator[str]:
    yield from (f"## {escaped(one.title)}", "")
    if one.note:
        yield from (f"*{escaped(one.note)}*", "")
    for part in one.parts:
        yield from _part(part)


def _part(one: Part) -> Iterator[str]:
    if one.title:
        yield from (f"### {escaped(one.title)}", "")
    if one.note:
        yield from (escaped(one.note), "")
    yield from _block(f"- **{escaped(name)}**: {escaped(text)}" for name, text in one.facts)
    if one.table:
        yield from _table(one.table)
    yield from _block(f"- {escaped(each.text)}" for each in one.says)


def _block(lines: Iterable[str]) -> Iterator[str]:
    """Lines that belong together, and a blank one after them."""
    lines = list(lines)
    yield from (*lines, "") if lines else ()


def _table(one: Table) -> Iterator[str]:
    yield _row(one.head)
    yield _row("--:" if column in one.numbers else "---" for column in range(len(one.head)))
    yield from _block(_row(map(escaped, row)) for row in one.rows)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
