"""
Settings from the environment: CONNECTOR_CONNECTIONS__ACME__MODE=live overrides mode of [connections.acme].

A double underscore parts the keys. Only connections that the file has can be overridden; a variable that looks like
a setting and is none is a problem, since a typing error would otherwise be silent. Variables without a double
underscore are not ours to judge (a container platform invents CONNECTOR_PORT_...), unless they spell a setting with
single underscores.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from connector.config.complaints import Complaint, did_you_mean
from connector.config.shape import INNER_TABLES, known_keys
from connector.config.values import is_reference
from connector.toml_file import KeyPath

_PREFIX = "CONNECTOR_"
_SECRETS = {"token", "client_secret", "refresh_token", "passphrase"}
_OPEN_TABLES = {"scope", "never_touch"}


@dataclass(frozen=True, slots=True)
class Overlay:
    """The file's table with the overrides laid over it, and which variable stands where."""

    table: dict[str, Any]
    sources: dict[KeyPath, str] = field(default_factory=dict)  # key path -> environment variable
    complaints: list[Complaint] = field(default_factory=list)


def lay_over(table: Mapping[str, Any], environ: Mapping[str, str]) -> Overlay:
    """Apply every override in the environment to a copy of the file's table."""
    overlay = Overlay(deepcopy(dict(table)))
    settings = {_variable(path): path for path in _settings(table)}
    for variable in sorted(name for name in environ if name.startswith(_PREFIX)):
        path = settings.get(variable) or _in_open_table(variable, settings)
        if path:
            _set(overlay, path, variable, environ[variable])
        elif not _is_secret_source(variable, table):
            overlay.complaints.extend(_complain(variable, settings))
    return overlay


def connection_tables(table: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The connections of a file that are tables at all, by name."""
    connections = table.get("connections")
    if not isinstance(connections, dict):
        return {}
    return {name: each for name, each in connections.items() if isinstance(each, dict)}


def _settings(table: Mapping[str, Any]) -> Iterator[KeyPath]:
    """Every key that could stand in this file, given its connections."""
    heads: list[KeyPath] = [("state",), ("web",)]
    for name in connection_tables(table):
        heads.append(("connections", name))
        heads.extend(("connections", name, inner) for inner in INNER_TABLES)
    for head in heads:
        yield from ((*head, key) for key in known_keys(head))


def _variable(path: KeyPath) -> str:
    return _PREFIX + "__".join(key.upper().replace("-", "_") for key in path)


def _in_open_table(variable: str, settings: Mapping[str, KeyPath]) -> KeyPath | None:
    """CONNECTOR_CONNECTIONS__ACME__SCOPE__COUNTRY: any key may stand in scope and never_touch."""
    outer, _, key = variable.rpartition("__")
    path = settings.get(outer)
    return (*path, key.lower()) if path and path[-1] in _OPEN_TABLES else None


def _set(overlay: Overlay, path: KeyPath, variable: str, raw: str) -> None:
    inner = overlay.table
    for key in path[:-1]:
        below = inner.setdefault(key, {})
        if not isinstance(below, dict):
            return  # the file has a value where a table belongs, and is told so
        inner = below
    # A secret given this way stays where it is: we keep only the name of its variable.
    keep_out = path[-1] in _SECRETS and not is_reference(raw)
    inner[path[-1]] = f"env:{variable}" if keep_out else _value(raw)
    overlay.sources[path] = variable


def _value(raw: str) -> Any:
    """The override as TOML would read it (8, true, ["DE"], an instant), or simply as text."""
    if "\n" in raw:
        return raw
    try:
        value = tomllib.loads(f"value = {raw}")["value"]
    except tomllib.TOMLDecodeError:
        return raw
    return value if not isinstance(value, int | float) or str(value) in {raw, raw.capitalize()} else raw


def _is_secret_source(variable: str, table: Mapping[str, Any]) -> bool:
    """Does some secret of the file refer to this variable?"""
    return any(
        each == f"env:{variable}"
        for connection in connection_tables(table).values()
        for each in (*connection.values(), *_values(connection.get("oauth")), *_values(connection.get("certificate")))
    )


def _values(inner: object) -> tuple[object, ...]:
    return tuple(inner.values()) if isinstance(inner, dict) else ()


def _complain(variable: str, settings: Mapping[str, KeyPath]) -> Iterator[Complaint]:
    flat = {name.replace("__", "_"): name for name in settings}
    if variable in flat:
        yield Complaint((), "sets nothing.", f"Keys are parted by two underscores: {flat[variable]}.", variable)
    elif "__" in variable.removeprefix(_PREFIX):
        fix = did_you_mean(variable, settings) or "Unset it, or see config.example.toml for what can be set."
        yield Complaint((), "is no setting of this file.", fix, variable)
