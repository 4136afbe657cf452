"""How we call who set a value: by number and, of a machine, by name; never by the name or address of a person."""

from __future__ import annotations

import re

#: What a writer is called where the CRM gives only an id.
THINGS = {
    "automation": "automation",
    "integration": "app",
    "import": "import",
    "person": "user",
}

_PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,40}")


def writer(by: str, source: str, name: str = "") -> str:
    """Whoever this is, in words: `by` as in model.Edit, `source` in the CRM's own words."""
    thing, id = THINGS.get(by, ""), id_of(source)
    if not thing:
        kind = kind_of(source)
        called = "the CRM itself" if by == "crm" else "another system" if kind else "somebody"
        return f"{called} ({kind})" if kind else called
    known = f"{thing} {id}" if id else "a person" if by == "person" else f"an {thing}"
    return f'{known} "{name}"' if name else known


def kind_of(source: str) -> str:
    """What kind of writer it was, in the CRM's own words."""
    return source.partition(" ")[0].lower().replace("_", " ")


def id_of(source: str) -> str:
    """The number of a writer among its kind; "" where the CRM gives none that could not be a person's address."""
    id = source.partition(" ")[2]
    return id if _PLAIN.fullmatch(id) else ""
