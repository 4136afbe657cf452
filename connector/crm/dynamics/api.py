"""
A call to Dataverse as the rooms make it: paced, within the day, retried where that is safe, counted.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

import orjson

from connector.crm import Calls, unasked
from connector.crm.desk import Desk
from connector.crm.dynamics.batch import Missing, Part, content_type, framed, taken_apart
from connector.crm.dynamics.limits import A_DAY, Allowance, Places
from connector.crm.dynamics.refusals import error_of
from connector.crm.dynamics.transport import Request, Wire
from connector.crm.pacing import Budget
from connector.crm.resting import Rest
from connector.crm.retry import Policy
from connector.crm.tally import Tally
from connector.crm.threads import Threads
from connector.crm.timing import TheirClock
from connector.crm.wire import Answer
from connector.errors import CrmError, Deferred, OutcomeUnknown, Throttled

A = TypeVar("A")
B = TypeVar("B")

#: Beside the rows of a list: the link to those that follow.
NEXT = "@odata.nextLink"

#: A batch goes on after a request of it was refused.
GO_ON: Mapping[str, str] = {"Prefer": "odata.continue-on-error"}


@dataclass(frozen=True, slots=True)
class Call:
    """What to ask: a path below the API's root or a link out of an answer, and the class it is counted under.

    `repeatable` says that twice is as good as once, which only a GET is by itself. `rows` are those that are created,
    updated or deleted, where a request is about several: each counts against the day.
    """

    path: str
    counted_as: str
    method: str = "GET"
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    repeatable: bool | None = None
    rows: int = 1

    @property
    def may_repeat(self) -> bool:
        """Whether to send it again when its answer was lost."""
        return self.method == "GET" if self.repeatable is None else self.repeatable

    @property
    def request(self) -> Request:
        """As the transport wants it."""
        body = None if self.body is None else orjson.dumps(self.body, default=_exact)
        return Request(self.method, self.path, self.query, self.headers, body)


class Api:
    """Dataverse's JSON in and out. Safe to share between threads. `new_id` makes the ids of batches."""

    def __init__(
        self,
        wire: Wire,
        *,
        threads: int,
        budget: Budget,
        policy: Policy,
        clock: Callable[[], float],
        rest: Rest,
        desk: Desk,
        a_day: int = A_DAY,
        new_id: Callable[[], str] = secrets.token_hex,
    ) -> None:
        self._rest, self._wire, self._new_id = rest, wire, new_id
        self.policy, self.clock, self.tally = policy, clock, Tally()
        self.allowance = Allowance(
            desk, wire.host, lambda: wire.whose, budget, a_day=a_day, sleep=rest, dice=policy.dice
        )
        self.before_call: Callable[[], None] = unasked
        self.their_clock = TheirClock(clock)
        self._threads = Threads(threads, "dynamics")

    @property
    def calls(self) -> Calls:
        """What the run has made so far."""
        return self.tally.calls

    def ask(self, call: Call) -> dict[str, Any]:
        """The JSON object of the answer; empty where it has no body. Numbers with a fraction are Decimals. Raises as
        connector.errors says, refusals.Refused for what a 4xx is about."""

        def read(answer: Answer) -> dict[str, Any]:
            body = parsed(answer.body)
            if body is None or (call.method == "GET" and not answer.body.strip()):
                raise no_answer_of(call, f"answered {answer.status}, but not with a JSON object")
            return body

        return self._run(call.request, call.counted_as, call.rows, call.may_repeat, read)

    def send(self, call: Call) -> Answer:
        """As `ask`, the answer as it came: for who wants its headers."""
        return self._run(call.request, call.counted_as, call.rows, call.may_repeat, lambda answer: answer)

    def page(self, call: Call, *, bare: bool = False) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """The rows of a list or of one page of it, and what stands beside them. Raises as `ask`, also where there is no
        list, unless a `bare` object means "none", as it may of changes."""

        def read(answer: Answer) -> tuple[list[dict[str, Any]], dict[str, Any]]:
            body = parsed(answer.body) if answer.body.strip() else None
            if bare and body is not None and "value" not in body:
                return [], body
            return listed(call, body or {}), body or {}

        return self._run(call.request, call.counted_as, call.rows, call.may_repeat, read)

    def batch(self, calls: Sequence[Call], counted_as: str = "batch") -> list[Answer | Missing]:
        """For each of these calls, in their order, its answer or why there is none: all of them in one request, each
        independent of the others. Statuses are for the caller to judge (see refusals.error_of).

        Parts that were refused for the pace alone are sent again. Raises as `send` for the batch as a whole; then
        nothing of it was done, or with OutcomeUnknown nobody knows what.
        """
        answers = self._batch(calls, counted_as)
        for attempt in range(1, self.policy.attempts):
            again = [place for place, answer in enumerate(answers) if _throttled(answer)]
            if not again:
                break
            try:
                self._before_another_try(attempt, answers[again[0]])
                repeated = self._batch([calls[place] for place in again], counted_as)
            except OutcomeUnknown:
                repeated = [Missing.UNKNOWN] * len(again)
            except (CrmError, Deferred):
                break  # what was done must be told; the next call will be refused for the same
            for place, answer in zip(again, repeated, strict=True):
                answers[place] = answer
        return answers

    def each(self, work: Callable[[A], B], parts: Iterable[A], *, writing: bool = False) -> Iterator[B]:
        """See Threads."""
        return self._threads.each(work, parts, writing=writing)

    def ahead(self, work: Callable[[], B], *, writing: bool = False) -> Future[B]:
        """See Threads."""
        return self._threads.ahead(work, writing=writing)

    def prove(self, link: str) -> None:
        """Raises Denied for a link out of an answer that leads to another host, before it is stored."""
        self._wire.prove(link)

    def leads_home(self, link: str) -> bool:
        """Whether a stored link leads to this environment."""
        return self._wire.leads_home(link)

    def waits_for(self) -> str:
        """What calls under way are waiting for at this moment; "" for nothing known."""
        return self._rest.told()

    def close(self) -> None:
        """End the threads and drop the connections; whoever waits for a place or another try gives up."""
        self._rest.end()
        self._threads.close()
        self.allowance.close()
        self._wire.close()

    # -- a batch ------------------------------------------------------------------------------------------

    def _batch(self, calls: Sequence[Call], counted_as: str) -> list[Answer | Missing]:
        boundary = f"batch_{self._new_id()}"
        body = framed([self._part(call.request) for call in calls], boundary)
        request = Request("POST", "$batch", headers=GO_ON, body=body, content_type=content_type(boundary))
        rows, repeatable = sum(call.rows for call in calls), all(call.may_repeat for call in calls)

        def read(answer: Answer) -> list[Answer | Missing]:
            if not _is_a_batch(answer):
                raise _foreign(request, f"answered {answer.status}, but not with a batch")
            return taken_apart(answer.headers["Content-Type"], answer.body, len(calls))

        return self._run(request, counted_as, rows, repeatable, read)

    def _part(self, request: Request) -> Part:
        headers = {name: value for name, value in request.all_headers().items() if name not in _OF_THE_BATCH}
        if request.body is not None:
            headers["Content-Type"] = "application/json; type=entry"
        return Part(request.method, self._wire.target(request), headers, request.body)

    def _before_another_try(self, attempt: int, refusal: Answer | Missing) -> None:
        assert isinstance(refusal, Answer)  # only answers are throttled
        error = error_of("a part of POST $batch", refusal)
        assert isinstance(error, Throttled)  # as the status says
        self.tally.refused()
        self.allowance.refused(self.clock(), error, self.policy.patience)
        self.tally.retried()
        self._rest.before_another_try(self.policy.wait(attempt, error))

    # -- one try ------------------------------------------------------------------------------------------

    def _run(self, request: Request, counted_as: str, rows: int, repeatable: bool, read: Callable[[Answer], A]) -> A:
        """What is read in the answer, after as many tries as it takes: one that cannot be read is none."""

        def once() -> A:
            found = read(self._once(request, counted_as, rows))
            self.tally.answered()
            return found

        return self.policy.run(
            once,
            repeatable=repeatable,
            on_retry=self.tally.retried,
            attempts=lambda: self.tally.attempts(self.policy.attempts),
        )

    def _once(self, request: Request, counted_as: str, rows: int) -> Answer:
        with self._rest.waiting_for("a place in the quota"):
            places = self.allowance.take(counted_as, rows)
        with places, self._rest.waiting_for("the server's answer"):
            answer = self._wire.send(request, self.before_call)  # asked last of all: the places may have taken long
            self.tally.sent(counted_as)
            self.their_clock.learn(answer.headers.get("Date"))
            self.allowance.learn(answer)
            if answer.status >= 300 and not _is_a_batch(answer):
                raise self._failure(request, answer, places)
        return answer

    def _failure(self, request: Request, answer: Answer, places: Places) -> CrmError:
        error = error_of(str(request), answer, request.headers)
        if isinstance(error, Throttled):
            self.tally.answered()  # nobody but Dataverse counts our calls
            self.tally.refused()
            places.complained = True
            self.allowance.refused(places.since, error, self.policy.patience)
        return error


def listed(call: Call, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows in an answer. Raises OutcomeUnknown where it holds no list: that would be taken for "no rows"."""
    rows = body.get("value")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise no_answer_of(call, "answered without a list")
    return rows


def no_answer_of(call: Call, what: str) -> OutcomeUnknown:
    """Something came back, and not from Dataverse."""
    return _foreign(call.request, what)


def _foreign(request: Request, what: str) -> OutcomeUnknown:
    return OutcomeUnknown(f"{request} {what}. Is a proxy in between?", code="not_json")


#: Headers that a batch has for all of its parts.
_OF_THE_BATCH = frozenset({"OData-MaxVersion", "OData-Version", "Content-Type"})


def parsed(body: bytes) -> dict[str, Any] | None:
    """A JSON object with its fractions as they stand there (money is no float); empty for no body at all, None for
    anything else."""
    if not body.strip():
        return {}
    try:
        found = json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _exact(value: object) -> orjson.Fragment:
    """What JSON has no type for and we have: an amount of money, digit by digit."""
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(format(value, "f"))
    raise TypeError(f"{type(value).__name__} does not go into a request")


def _is_a_batch(answer: Answer) -> bool:
    return (answer.headers.get("Content-Type") or "").lower().startswith("multipart/")


def _throttled(answer: Answer | Missing) -> bool:
    return isinstance(answer, Answer) and answer.status == 429
