"""
JSON that is not quite JSON: half a character in one record must not cost the page it stands on.

Somebody pastes half an emoji into a field, an import brings bytes of another encoding along: HubSpot hands both out
again. The fast parser refuses the whole answer; here everything readable of it is read, with a mark in place of the
rest. What was cut off in the middle is no answer at all.
"""

from __future__ import annotations

import json
from typing import Any

#: Digits of a whole number that is read as such; nobody has a use for a longer one.
_DIGITS = 30


def leniently(body: bytes) -> Any:
    """The value behind these bytes; None where they are no JSON even so."""
    try:
        return _mended(json.loads(body.decode("utf-8", "replace"), parse_int=_whole))
    except (ValueError, RecursionError):
        return None


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= _DIGITS else float(digits)


def _mended(value: Any) -> Any:
    """Without halves of characters, which neither a database nor another parser would take."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_mended(one) for one in value]
    if isinstance(value, dict):
        return {_mended(name): _mended(one) for name, one in value.items()}
    return value
