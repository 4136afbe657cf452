"""Query options over metadata: few, and whatever is not understood is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from connector.sandbox.dataverse.errors import malformed

_FILTER = re.compile(
    r"(\w+(?:/Value)?) eq (?:'([^']*)'|Microsoft\.Dynamics\.CRM\.AttributeTypeCode'(\w+)'|(true|false))"
)
_EXPAND = re.compile(r"(\w+)(?:\(\$select=([\w,]+)\))?(?:,|$)")


def chosen(facts: Mapping[str, Any], select: str | None) -> dict[str, Any]:
    """The facts that a `$select` names, all where there is none; Refusal 400 for a name that is none."""
    if not select:
        return dict(facts)
    names = [name.strip() for name in select.split(",")]
    if unknown := [name for name in names if name not in facts and name != "MetadataId"]:
        raise malformed(f"Could not find a property named '{unknown[0]}' on this type of metadata.")
    return {name: facts[name] for name in names if name in facts}


def filtered(text: str | None, things: Iterable[Any], facts: Callable[[Any], Mapping[str, Any]]) -> list[Any]:
    """Things that a filter keeps: comparisons by `eq` joined by `or`s or by `and`s."""
    if text is None:
        return list(things)
    joined = " or " if " or " in text else " and "
    wanted = [_wanted(part.strip().strip("()")) for part in text.split(joined)]
    gather = any if joined == " or " else all
    return [one for one in things if gather(_fact(facts(one), name) == value for name, value in wanted)]


def _wanted(text: str) -> tuple[str, object]:
    found = _FILTER.fullmatch(text)
    if found is None:
        raise malformed(f"The filter {text!r} is not supported over metadata.")
    name, plain, enum, flag = found.groups()
    return name, (flag == "true") if flag else (plain if enum is None else enum)


def _fact(facts: Mapping[str, Any], name: str) -> object:
    plain, _, inner = name.partition("/")
    if plain not in facts:
        raise malformed(f"Could not find a property named '{plain}' on this type of metadata.")
    return facts[plain][inner] if inner else facts[plain]


def expansions(text: str | None) -> list[tuple[str, str]]:
    """What a `$expand` names, each with its own `$select`."""
    if not text:
        return []
    found = _EXPAND.findall(text)
    if not found or "".join(match[0] for match in _EXPAND.finditer(text)) != text:
        raise malformed(f"The $expand {text!r} is not supported over metadata.")
    return found
