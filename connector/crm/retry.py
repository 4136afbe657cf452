"""
Trying again: the one policy for every CRM.

Only `Transient` is tried again. `OutcomeUnknown` (the request went out, no usable answer came) is tried again only
where the caller says that doing it twice is doing it once: reads, never creations. A wait the CRM names is honoured
as long as it is not longer than the policy's patience; then the error goes to the caller. Waits carry jitter so
that eight threads do not come back at the same moment.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception

from connector.errors import OutcomeUnknown, Transient
from connector.log import get_logger

T = TypeVar("T")

#: Seconds from which on a wait is worth a warning: whoever sits before the terminal begins to wonder.
NOTICEABLE = 1.5

log = get_logger("connector.crm")


@dataclass(frozen=True, slots=True)
class Policy:
    """How often and how patiently to try again; `dice` gives numbers from 0 to 1 for the jitter."""

    sleep: Callable[[float], None]
    attempts: int = 6
    first_wait: float = 1.0
    ceiling: float = 30.0
    patience: float = 120.0  # a longer wait named by the CRM is the caller's affair
    dice: Callable[[], float] = random.random

    def run(
        self,
        call: Callable[[], T],
        *,
        repeatable: bool,
        on_retry: Callable[[], None],
        attempts: Callable[[], int] | None = None,
    ) -> T:
        """The call's answer, after as many tries as it takes and the policy (or `attempts`, asked each time) allows."""

        def worth_another_try(error: BaseException) -> bool:
            if not isinstance(error, Transient) or (isinstance(error, OutcomeUnknown) and not repeatable):
                return False
            return (error.retry_after or 0.0) <= self.patience

        def before_sleep(state: RetryCallState) -> None:
            on_retry()
            _tell(state)

        retrying = Retrying(
            retry=retry_if_exception(worth_another_try),
            stop=lambda state: state.attempt_number >= (attempts() if attempts else self.attempts),
            wait=lambda state: self.wait(state.attempt_number, _error(state)),
            sleep=self.sleep,
            before_sleep=before_sleep,
            reraise=True,
        )
        return retrying(call)

    def wait(self, attempt: int, error: BaseException | None = None) -> float:
        """Seconds before the next try: what the CRM asked for plus a little, else doubling under the ceiling."""
        named = error.retry_after if isinstance(error, Transient) else None
        if named is not None:
            return named + 0.1 * self.first_wait * self.dice()
        wait = min(self.ceiling, self.first_wait * 2.0 ** (attempt - 1))
        return float(wait * (0.5 + 0.5 * self.dice()))


def _tell(state: RetryCallState) -> None:
    """Nobody should sit before a silent terminal; short waits are everyday life."""
    wait = state.next_action.sleep if state.next_action else 0.0
    say = log.warning if wait >= NOTICEABLE else log.debug
    say("a call failed and is tried again", error=str(_error(state)), in_seconds=round(wait, 1))


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
