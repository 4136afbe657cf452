"""
What HubSpot calls a refusal, in the codes of ours that docs/errors.md explains.

HubSpot's own codes are many and not documented as a list; those seen are named here, others are sorted by their words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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


#: Records that must be refused for the same value, and none of them taken, before it is believed of all others.
WITNESSES = 2


@dataclass(slots=True)
class Refusal:
    """What HubSpot said of a value, or of a whole property, whatever record it is written to."""

    code: str
    sentence: str
    of_the_property: bool = False
    ids: set[str] = field(default_factory=set)  # who was refused for it
    taken: bool = False  # somebody's was taken: it was about the others' records after all

    @property
    def holds(self) -> bool:
        """Whether others need not even be tried."""
        return self.of_the_property or (not self.taken and len(self.ids) >= WITNESSES)


def ours(code: str, status: int | None) -> str:
    """The code of ours for one of HubSpot's, or for the bare status where HubSpot gave none."""
    known = _OURS.get(code.upper())
    if known is not None:
        return known
    if code.upper().startswith("INVALID_") and status not in (401, 403):
        return "value_invalid"
    return "collision" if status == 409 else "refused"
