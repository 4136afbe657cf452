"""What became of a planned change, from the CRM's answer to what is remembered."""

from __future__ import annotations

from dataclasses import dataclass

from connector.ledger.work import PlannedChange
from connector.plan import Change, Set


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one planned change: a state of connector.crm.Outcome, with the reason. `change` is what was
    written in the end, without the properties that were refused."""

    planned: PlannedChange
    change: Change
    state: str
    code: str = ""
    message: str = ""
    stands: bool = False  # the properties are written, whatever became of the task
    refused: tuple[str, ...] = ()  # the properties the CRM named; of a written change: those left out of it
    stood: tuple[Set, ...] = ()  # of a refused change: what another record of theirs has taken all the same
