"""
The fingerprint of a meaning: equal for files that say the same, whatever their comments, spacing or line endings.

Names in a table may stand in any order, except where the order is itself agreed: there the terms hold tuples.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, time
from functools import cache
from typing import Any

import orjson

from connector.agreement.terms import Agreement, Correction, Group, Scoring
from connector.agreement.wiring import FieldSpec, OwnProperty, SignalSource, Wiring, WriteBack

_UNSIGNED = {"version", "paper", "texts", "language", "wiring", "write_back", "fingerprint", "fields_used"}
_NOT_MEANT = {
    FieldSpec: {"where", "places"},
    SignalSource: {"where"},
    Wiring: {"fingerprint", "own", "places", "kinds"},
    OwnProperty: set(),
    Correction: {"why"},
}
#: What is meant only where a file says it: a file that does not say it keeps the fingerprint that it had before there
#: was such a key.
_WHERE_SAID: Mapping[type, Mapping[str, object]] = {
    FieldSpec: {"otherwise": (), "untold": ()},
    Wiring: {"own_options": "texts", "unseen": {}},
}
_UNORDERED = {Group: ("rules", "inactivity"), Scoring: ("groups",), Wiring: ("signals",)}


def of_definitions(agreement: Agreement) -> str:
    """What marketing and sales sign: rules, stages, SLA and goals; not dates, texts, signatures or wiring."""
    said = {
        each.name: _plain(getattr(agreement, each.name)) for each in fields(agreement) if each.name not in _UNSIGNED
    }
    said["goals"] = _sorted([_plain(goal) for goal in agreement.paper.goals])
    return _hash(said)


def of_wiring(wiring: Wiring, write_back: WriteBack) -> str:
    """What the administrator signs: fields, values, signals and what is written."""
    return _hash([_plain(wiring), _plain(write_back)])


def _hash(said: Any) -> str:
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def _plain(value: Any) -> Any:
    """Terms as JSON: numbers as floats, so that 5 and 5.0 are one; mappings by name; sets sorted."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        unsaid = _WHERE_SAID.get(type(value), {})
        told = {name: getattr(value, name) for name in _meant(type(value))}
        said = {name: _plain(each) for name, each in told.items() if name not in unsaid or each != unsaid[name]}
        for part in _UNORDERED.get(type(value), ()):
            said[part] = _sorted(said[part])
        return said
    if isinstance(value, Mapping):
        return (
            [[_plain(key), _plain(value[key])] for key in sorted(value, key=str)]
            if _odd(value)
            else {key: _plain(each) for key, each in value.items()}
        )
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    if isinstance(value, (set, frozenset)):
        if all(isinstance(each, str) for each in value):
            return sorted(value)
        return _sorted([_plain(each) for each in value])
    if isinstance(value, (int, float)):
        return float(value)
    return value.isoformat() if isinstance(value, (date, time)) else str(value)


@cache
def _meant(term: type) -> tuple[str, ...]:
    """What of a term is meant."""
    return tuple(each.name for each in fields(term) if each.name not in _NOT_MEANT.get(term, set()))


def _odd(value: Mapping[Any, Any]) -> bool:
    """Mappings by (pipeline, deal stage) have no text keys."""
    return any(not isinstance(key, str) for key in value)


def _sorted(values: list[Any]) -> list[Any]:
    return sorted(values, key=orjson.dumps)
