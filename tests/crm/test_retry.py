"""The one retry policy: what is tried again, how long it waits, when it gives up."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connector.crm.retry import Policy
from connector.errors import ConnectorError, Denied, OutcomeUnknown, Rejected, Transient


class Failing:
    """Raises the given errors in turn, then answers."""

    def __init__(self, *errors: ConnectorError) -> None:
        self.errors = list(errors)
        self.tries = 0

    def __call__(self) -> str:
        self.tries += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def run(call: Callable[[], str], *, repeatable: bool = True, dice: float = 0.0) -> tuple[str, list[float], int]:
    waits: list[float] = []
    retries: list[None] = []
    policy = Policy(waits.append, attempts=4, first_wait=1.0, ceiling=3.0, dice=lambda: dice)
    answer = policy.run(call, repeatable=repeatable, on_retry=lambda: retries.append(None))
    return answer, waits, len(retries)


def test_what_passes_by_itself_is_tried_again() -> None:
    """Two hiccups, then the answer; both retries are counted."""
    answer, waits, retries = run(Failing(Transient("busy"), Transient("busy")))

    assert (answer, len(waits), retries) == ("answer", 2, 2)


@pytest.mark.parametrize("error", [Denied("no"), Rejected("no")])
def test_a_refusal_is_final(error: ConnectorError) -> None:
    """Wrong token, wrong data: asking again is pointless and is not done."""
    call = Failing(error)

    with pytest.raises(type(error)):
        run(call)
    assert call.tries == 1


def test_a_lost_answer_is_asked_for_again_only_where_twice_is_as_once() -> None:
    """A read is repeated; a creation is not, because it may have happened."""
    creation = Failing(OutcomeUnknown("lost"))

    assert run(Failing(OutcomeUnknown("lost")))[0] == "answer"
    with pytest.raises(OutcomeUnknown):
        run(creation, repeatable=False)
    assert creation.tries == 1


def test_a_creation_refused_by_the_rate_limit_is_tried_again() -> None:
    """429 created nothing, so even what must not happen twice is safe to send again."""
    assert run(Failing(Transient("429", retry_after=1.0)), repeatable=False)[0] == "answer"


def test_the_wait_the_crm_names_is_honoured() -> None:
    """Never less than retry_after, whatever the backoff would say."""
    _, waits, _ = run(Failing(Transient("429", retry_after=10.0)))

    assert waits == [10.0]


def test_waits_double_under_a_ceiling_and_carry_jitter() -> None:
    """1, 2, 3 seconds at most, half of it at least, so that eight threads spread out."""
    errors = [Transient("busy") for _ in range(3)]

    assert run(Failing(*errors), dice=1.0)[1] == [1.0, 2.0, 3.0]
    assert run(Failing(*[Transient("busy") for _ in range(3)]), dice=0.0)[1] == [0.5, 1.0, 1.5]


def test_after_the_last_attempt_the_error_itself_comes_out() -> None:
    """No wrapper: the caller sees the CRM's own error with its correlation id."""
    call = Failing(*[Transient("busy", correlation_id="c-1") for _ in range(9)])

    with pytest.raises(Transient, match="c-1"):
        run(call)
    assert call.tries == 4


def test_a_wait_of_hours_is_the_callers_affair() -> None:
    """477 may ask for a day; nobody sleeps that long inside a call."""
    call = Failing(Transient("moving", retry_after=86_400.0))

    with pytest.raises(Transient):
        run(call)
    assert call.tries == 1
