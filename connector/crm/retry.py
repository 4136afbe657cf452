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

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from connector.errors import OutcomeUnknown, Transient

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Policy:
    """How often and how patiently to try again; `dice` gives numbers from 0 to 1 for the jitter."""

    sleep: Callable[[float], None]
    attempts: int = 6
    first_wait: float = 1.0
    ceiling: float = 30.0
    patience: float = 120.0  # a longer wait named by the CRM is the caller's affair
    dice: Callable[[], float] = random.random

    def run(self, call: Callable[[], T], *, repeatable: bool, on_retry: Callable[[], None]) -> T:
        """The call's answer, after as many tries as it takes and the policy allows."""

        def worth_another_try(error: BaseException) -> bool:
            if not isinstance(error, Transient) or (isinstance(error, OutcomeUnknown) and not repeatable):
                return False
            return (error.retry_after or 0.0) <= self.patience

        retrying = Retrying(
            retry=retry_if_exception(worth_another_try),
            stop=stop_after_attempt(self.attempts),
            wait=lambda state: self.wait(state.attempt_number, _error(state)),
            sleep=self.sleep,
            before_sleep=lambda _state: on_retry(),
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


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
