"""Custom code of the environment that refuses to let chosen rows be written: plug-ins, in Dataverse's words."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connector.sandbox.dataverse.errors import REASONS, refused
from connector.sandbox.exchange import Refusal

if TYPE_CHECKING:
    from connector.sandbox.dataverse.environment import Environment


@dataclass(slots=True)
class Plugin:
    """
    One plug-in that fails.

    It stands before writes of the rows `ids` of a `table` (none: every row), of `columns` only where given; creates
    meet it, too. `times` lets it pass again after so many failures, 0 never.
    """

    table: str
    ids: frozenset[str] = frozenset()
    columns: frozenset[str] = frozenset()
    reason: str = "PluginRefused"
    message: str = "A plug-in of this environment refused the change."
    status: int = 0
    times: int = 0
    failed: int = field(default=0)

    def __post_init__(self) -> None:
        if self.reason not in REASONS:
            raise ValueError(f"reason is one of {', '.join(REASONS)}")

    def meets(self, table: str, id: str, columns: Collection[str]) -> bool:
        """Whether this write runs it."""
        if self.table != table or (self.ids and id not in self.ids):
            return False
        return not self.columns or not self.columns.isdisjoint(columns)

    def refusal(self) -> Refusal:
        """What the caller hears, counted."""
        self.failed += 1
        return refused(self.reason, self.message, status=self.status)


def run(environment: Environment, table: str, id: str, columns: Collection[str]) -> None:
    """Let every plug-in see a write; Refusal of the first that does not like it."""
    for one in list(environment.plugins):
        if one.meets(table, id, columns):
            refusal = one.refusal()
            if one.times and one.failed >= one.times:
                environment.plugins.remove(one)
            raise refusal
