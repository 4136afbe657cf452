"""How we call who set a value: by number and, of a machine, by name; never by the name or address of a person."""

from __future__ import annotations

#: What a writer is called where the CRM gives only an id.
_THINGS = {
    "automation": "automation",
    "integration": "app",
    "import": "import",
    "crm": "the CRM itself",
    "person": "user",
}


def writer(by: str, source: str, name: str = "") -> str:
    """Whoever this is, in words: `by` as in model.Edit, `source` in the CRM's own words."""
    id = id_of(source).removeprefix("userId:")
    thing = _THINGS.get(by, "")
    if not thing or by == "crm":
        kind = source.partition(" ")[0].lower().replace("_", " ")
        return f"{thing or 'another system'} ({kind})" if kind else thing or "somebody"
    known = f"{thing} {id}" if id.isalnum() else {"user": "a person"}.get(thing, f"an {thing}")
    return f'{known} "{name}"' if name else known


def id_of(source: str) -> str:
    """The number of a writer among its kind."""
    return source.partition(" ")[2]
