"""Records that refuse to be written: single rows of a batch, or the whole batch because of one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connector.sandbox.exchange import Refusal, refusal
from connector.sandbox.validation import Fault, refused, told

if TYPE_CHECKING:
    from connector.sandbox.world import World


@dataclass(slots=True)
class Poison:
    """
    Why a record is refused.

    With a `property` only writes of that property are. `whole` decides whether the batch falls with it (None: as the
    switch `batch_errors` says); `times` lets it pass again after so many refusals, 0 never; `creates` refuses new
    records that are to be linked to it, too.
    """

    property: str = ""
    code: str = ""
    status: int = 400
    whole: bool | None = None
    times: int = 0
    creates: bool = False
    refused: int = 0

    def is_whole(self, world: World) -> bool:
        return world.switches.batch_errors == "refuse" if self.whole is None else self.whole

    def refusal(self, world: World) -> Refusal:
        """The answer to a call that falls as a whole; no id is named."""
        if self.status == 409:
            return refusal(409, "The request conflicts with another one. No record was changed.", "CONFLICT")
        return Refusal(refused([self._fault()], world.account.portal_id))

    def as_row(self, world: World) -> tuple[str, str]:
        """Category and message of the row's own error in a 207."""
        if self.status == 409:
            return "CONFLICT", "This record conflicts with another one."
        return "VALIDATION_ERROR", told([self._fault()], world.account.portal_id)

    def _fault(self) -> Fault:
        code = self.code or ("INVALID_OPTION" if self.property else "INVALID_STRING")
        return Fault(self.property, code, f"{self.property or 'this record'} was refused by the account")


def poison_in(world: World, kind: str, id: str, properties: Mapping[str, Any] | None = None) -> Poison | None:
    """What refuses this write, counted; without properties it is the creation of something linked to the record."""
    found = world.poisons.get((kind, id))
    if found is None or (found.property and properties is not None and found.property not in properties):
        return None
    if properties is None and not found.creates:
        return None
    found.refused += 1
    if found.times and found.refused >= found.times:
        del world.poisons[kind, id]
    return found
