"""
What HubSpot calls a refusal, in the codes of ours that docs/errors.md explains.

HubSpot's own codes are many and not documented as a list; those seen are named here, others are sorted by their words.
"""

from __future__ import annotations

from collections.abc import Mapping

_OURS: Mapping[str, str] = {
    "INVALID_OPTION": "value_not_allowed",
    "PROPERTY_DOESNT_EXIST": "property_missing",
    "PROPERTY_NOT_FOUND": "property_missing",
    "READ_ONLY_VALUE": "property_read_only",
    "MISSING_REQUIRED_PROPERTY": "required_missing",
    "MISSING_CONDITIONAL_REQUIRED_PROPERTY": "required_missing",
    "REQUIRED_FIELD": "required_missing",
    "VALUE_TOO_LARGE": "value_invalid",
    "CONFLICT": "collision",
    "OBJECT_ALREADY_EXISTS": "collision",
    "DUPLICATE_VALUE": "collision",
    "CONFLICTING_UNIQUE_VALUE": "collision",
}

#: About the property whatever record it is written to: no use in trying the records one by one.
OF_THE_PROPERTY = frozenset({"property_missing", "property_read_only"})


def ours(code: str, status: int | None) -> str:
    """The code of ours for one of HubSpot's, or for the bare status where HubSpot gave none."""
    known = _OURS.get(code.upper())
    if known is not None:
        return known
    if code.upper().startswith("INVALID_") and status not in (401, 403):
        return "value_invalid"
    return "collision" if status == 409 else "refused"
