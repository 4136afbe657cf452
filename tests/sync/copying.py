"""A copier as vendors sell them: it keeps some fields of two CRMs alike, by e-mail address, whoever set them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from connector.fields import FieldMap

#: Everything of ours that somebody could think of copying.
COPIED = (
    *("stage", "status", "current_stage", "furthest_stage", "persona", "grade", "fit_score", "engagement_score"),
    *("stage_reason", "score_reasons", "missing_information", "cycle", "attempts", "sla_state", "scored_at"),
)


class Side(Protocol):
    """One of the two CRMs, as the copier sees it."""

    fields: FieldMap

    def known(self) -> Mapping[str, tuple[str, Mapping[str, str]]]:
        """Address -> (id, the CRM's own texts by property)."""

    def put(self, id: str, properties: Mapping[str, str]) -> None:
        """Set properties under the copier's name."""


@dataclass
class Copier:
    """Copies what changed on one side since its last pass; where both did, one of them wins."""

    one: Side
    other: Side
    wins: Literal["one", "other"] = "one"
    copied: Sequence[str] = COPIED
    _last: dict[tuple[str, str], Any] = field(default_factory=dict)

    def copy(self) -> int:
        """One pass; returns how many values were copied."""
        here, there = self.one.known(), self.other.known()
        sets: list[tuple[Side, str, str, str]] = []
        for address in sorted(here.keys() & there.keys()):
            for name in self.copied:
                a, b = _told(self.one, here[address][1], name), _told(self.other, there[address][1], name)
                last = self._last.get((address, name))
                if a == b:
                    self._last[address, name] = a
                elif (self.wins == "one" and a != last) or b == last:
                    self._last[address, name] = a
                    sets.append((self.other, there[address][0], name, a))
                else:
                    self._last[address, name] = b
                    sets.append((self.one, here[address][0], name, b))
        for side, id, name, value in sets:
            spec = side.fields.spec(name)
            assert spec is not None
            side.put(id, {spec.property: side.fields.encode(name, value)})
        return len(sets)


def _told(side: Side, properties: Mapping[str, str], name: str) -> Any:
    spec = side.fields.spec(name)
    assert spec is not None
    value = side.fields.decode(name, properties.get(spec.property, ""))
    return "mql" if (name, value) == ("stage", "sal") else value  # one option in both
