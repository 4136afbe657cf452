"""Whose CRM it is, only the rooms of that CRM know: no other module names a vendor, a product or a word of theirs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from connector.crms import CRMS

ROOT = Path(__file__).parents[1] / "connector"

#: Where a CRM may be named: its adapter, its sandbox, its declaration, and the two registries.
ROOMS = ("crm/hubspot", "crm/dynamics", "sandbox", "crms", "cli/adapters")

#: Names of vendors, products and what is theirs alone: hosts, secrets, words of their APIs.
THEIRS = re.compile(
    r"hubspot|hubapi|hapikey|\bpat-|dynamics|dataverse|microsoft|\bentra\b|power platform|odata|msdyn"
    r"|crm_ui|userid:|_secondly|\bhs_\w|systemuser",
    re.IGNORECASE,
)

#: Module -> the words that may stand there, and why.
MAY: dict[str, tuple[set[str], str]] = {
    "config/apps.py": (
        {"entra", "microsoft"},
        "says to whoever wrote a tenant down wrongly on which page its id stands, and what its domain looks like",
    ),
}


def elsewhere() -> list[Path]:
    """Every source, template and migration outside the rooms."""
    files = (path for path in sorted(ROOT.rglob("*")) if path.is_file() and path.suffix not in (".pyc", ".db"))
    return [path for path in files if not any(path.is_relative_to(ROOT / room) for room in ROOMS)]


def named(text: str) -> set[str]:
    """The words of theirs in a text."""
    return {found.lower() for found in THEIRS.findall(text)}


def test_no_module_outside_the_rooms_names_a_vendor() -> None:
    """Neither in code nor in a comment, and not as a file: whoever reads it need not know which CRM it is. Where a text
    must, it is one of the few that say why."""
    found = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in elsewhere()}
    told = {name: words for name, text in found.items() if (words := named(name) | named(text))}

    assert len(found) > 200
    assert told == {name: words for name, (words, _) in MAY.items()}


def test_the_words_are_those_of_the_rooms() -> None:
    """A word that no room uses would be forbidden for nothing; each CRM's own names are among them."""
    sources = [path.read_text(encoding="utf-8") for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    used = " ".join(set().union(*map(named, sources)))

    assert [word for word in THEIRS.pattern.split("|") if not re.search(word, used)] == []
    assert all(named(crm.name) and named(crm.label) for crm in CRMS.values())


def test_nobody_asks_which_crm_it_is() -> None:
    """No comparison with the name of one stands outside the rooms, be it an if, a match or a membership."""
    asked = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in elsewhere()
        if path.suffix == ".py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in CRMS
    ]

    assert asked == []
