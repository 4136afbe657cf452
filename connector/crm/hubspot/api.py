"""
A call to HubSpot as the rooms make it: paced, within the daily budget, retried where that is safe, counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson

from connector.crm import Calls, unasked
from connector.crm.desk import Desk
from connector.crm.hubspot.allowance import Allowance
from connector.crm.hubspot.names import TYPES, Reading, Sizes, path_of
from connector.crm.hubspot.refusals import Refusal
from connector.crm.hubspot.silence import Silence
from connector.crm.hubspot.transport import Request, Wire
from connector.crm.hubspot.verdict import Refused, body_of, error_of, retry_after
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

#: Until headers say better: the smallest burst quota, the smallest associations quota, search with one to spare.
BURST, ASSOCIATIONS, SEARCH = (100, 10.0), (100, 10.0), (4, 1.0)


@dataclass(frozen=True, slots=True)
class Call:
    """What to ask: an endpoint of names.PATHS, the class it is counted under, whether twice is as good as once, and
    whether the answer is a list: one that has none is no answer, for nobody there is not the same as nothing said."""

    what: str
    counted_as: str
    method: str = "POST"
    params: Mapping[str, str] | None = None
    query: tuple[tuple[str, str], ...] = ()
    body: Any = None
    repeatable: bool = True
    lists: bool = False


class Api:
    """HubSpot's JSON in and out. Safe to share between threads."""

    def __init__(
        self,
        wire: Wire,
        *,
        version: str,
        reading: Reading,
        budget: Budget,
        policy: Policy,
        clock: Callable[[], float],
        rest: Rest,
        desk: Desk,
    ) -> None:
        self._rest = rest
        self._wire, self._version, self.policy, self.clock = wire, version, policy, clock
        self.reading, self.sizes, self.tally = reading, Sizes(reading), Tally()
        limits = {"burst": BURST, "search": SEARCH, "links": ASSOCIATIONS}
        self.allowance = Allowance(desk, wire.host, lambda: wire.whose, budget, limits, rest)
        self.their_clock = TheirClock(clock)
        self.before_call: Callable[[], None] = unasked
        self.unlinked, self.missing = Silence(), Silence()  # of who has no associations, and of who is not there
        self.refusals: dict[tuple[str, str, str | None], Refusal] = {}  # (kind, property, value or None for any)
        self._threads = Threads(reading.threads, "hubspot")

    def ask(self, call: Call) -> dict[str, Any]:
        """The answer's JSON object. Raises as connector.errors says, Refused for what a 4xx is about."""
        request = Request(
            call.method,
            path_of(call.what, self._version),
            call.params or {},
            call.query,
            None if call.body is None else orjson.dumps(call.body),
        )
        return self.policy.run(
            lambda: self._once(call, request),
            repeatable=call.repeatable,
            on_retry=self.tally.retried,
            attempts=lambda: self.tally.attempts(self.policy.attempts),
        )

    @property
    def calls(self) -> Calls:
        """What the run has made so far."""
        return self.tally.calls

    def each(self, work: Callable[[A], B], parts: Iterable[A], *, writing: bool = False) -> Iterator[B]:
        """See Threads."""
        return self._threads.each(work, parts, writing=writing)

    def ahead(self, work: Callable[[], B], *, writing: bool = False) -> Future[B]:
        """See Threads."""
        return self._threads.ahead(work, writing=writing)

    def close(self) -> None:
        """End the threads and drop the connections."""
        self._threads.close()
        self.allowance.close()
        self._wire.close()

    # -- one try -----------------------------------------------------------------------------------------

    def _once(self, call: Call, request: Request) -> dict[str, Any]:
        with self._rest.waiting_for("a place in the quota"):
            places = self.allowance.take(call.counted_as)
        with places, self._rest.waiting_for("the server's answer"):
            self.before_call()  # last of all: to wait for a place may have taken long
            answer = self._wire.send(request)
        self.tally.sent(call.counted_as)
        self.their_clock.learn(answer.headers.get("Date"))
        self.allowance.learn(call.counted_as, answer)
        if answer.status == 429:
            self.tally.answered()  # nobody but HubSpot counts our calls
        if answer.status >= 300:
            raise self._failure(call, request, answer)
        body = body_of(answer)
        if not body and answer.body.strip() not in (b"", b"{}"):
            raise OutcomeUnknown(
                f"{request} answered {answer.status}, but not with a JSON object. Is a proxy in between?",
                code="not_json",
            )
        if call.lists and not isinstance(body.get("results"), list):
            raise OutcomeUnknown(
                f"{request} answered {answer.status} without the list that was asked for. Is a proxy in between?",
                code="not_json",
            )
        self.tally.answered()
        return body

    def _failure(self, call: Call, request: Request, answer: Answer) -> Exception:
        error = error_of(request, answer)
        if isinstance(error, Deferred):
            return self.allowance.spent(str(error), retry_after(answer))
        if isinstance(error, Throttled):
            self.tally.refused()
            self.allowance.refused(call.counted_as, error, self.policy.patience)
        return error


def type_of(kind: str) -> dict[str, str]:
    """The path parameter that names a kind."""
    return {"type": TYPES[kind]}


def listed(answer: Mapping[str, Any], key: str = "results") -> list[dict[str, Any]]:
    """The objects of a list in an answer; whatever else stands there is passed over."""
    found = answer.get(key)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def next_page(answer: Mapping[str, Any]) -> str | None:
    """`paging.next.after`, where there is another page."""
    paging = answer.get("paging")
    after = (paging.get("next") or {}).get("after") if isinstance(paging, dict) else None
    return None if after in (None, "") else str(after)


def page_after(answer: Mapping[str, Any], after: str | None, what: str) -> str | None:
    """The same, of an answer to the page at `after`. Raises CrmError where another page is that one again."""
    following = next_page(answer)
    if following is not None and following == after:
        raise CrmError(f"{what} does not advance", code="list_stuck")
    return following


def in_parts(ids: Sequence[A], size: Callable[[], int]) -> Iterator[Sequence[A]]:
    """Cut into parts of the size that holds when the part is cut: sizes shrink while a run goes on."""
    start = 0
    while start < len(ids):
        end = start + size()
        yield ids[start:end]
        start = end


def shrinking(api: Api, size: str, part: Sequence[A], ask: Callable[[Sequence[A]], B]) -> list[B]:
    """Ask for a part; when HubSpot says that it is too many, ask for smaller parts from now on."""
    try:
        return [ask(part)]
    except Refused as error:
        if error.allowed is None or not api.sizes.shrink(size, len(part), error.allowed):
            raise
    smaller = in_parts(part, lambda: min(api.sizes[size], max(1, len(part) - 1)))
    return [answer for piece in smaller for answer in shrinking(api, size, piece, ask)]
