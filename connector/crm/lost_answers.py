"""
Writing on when an answer is lost: look what arrived, send what did not, and find the record that breaks the server.

Nothing is sent again before a look has told that it is not there. The second time the same batch goes out; from the
second look on each half of it by itself, for one record at which the server fails keeps its whole batch from being
written, in this run and in every one after it. It ends when nothing is unknown, or when several looks in a row showed
nothing new: then it is the server, and not a record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from connector.crm import Outcome
from connector.errors import Deferred, NotFound, Transient

#: Looks in a row that show nothing new, before the rest is reported as it is known: by then quarters of the batch have
#: gone out, so that up to three records at fault are told from a server that fails at everything.
LOOKS = 4

#: Times that a record goes out alone before it is told as one at which the server fails, where others went through.
ALONE = 2

#: The code of an answer that says the server failed, and of what a look found untouched after it.
FAILED, NOT_APPLIED = "server_error", "not_applied"


class Sent(Protocol):
    """What is sent: an update, or whatever an adapter makes of one."""

    @property
    def id(self) -> str:
        """The record it is for."""


S = TypeVar("S", bound=Sent)

Outcomes = Mapping[str, Outcome]


def settle(
    batch: Sequence[S],
    send: Callable[[Sequence[S]], Outcomes],
    look: Callable[[Sequence[S], Outcomes], Outcomes],
    rest: Callable[[int], None],
) -> dict[str, Outcome]:
    """Write one batch and account for everything in it.

    `send` writes some of it, `look` reads after a lost answer what stands there now; both have an outcome for every id
    they are given, and what `look` finds untouched stays "unknown" with the code it had or NOT_APPLIED. `rest` waits
    before a look, longer the more looks there were in vain.
    """
    writing, vain = _Writing(batch, send, look), 0
    for number in range(LOOKS + 2 * len(batch).bit_length()):
        known = writing.known
        writing.send()
        if writing.over:
            break
        rest(vain + 1)
        try:
            writing.look()
        except (Transient, Deferred, NotFound):
            break  # still unknown: the ledger reads back later
        vain = 0 if writing.known > known else vain + 1
        if writing.over or vain == LOOKS:
            break
        writing.divide(smaller=number > 0)
    return writing.outcomes


class _Writing(Generic[S]):
    """One batch on its way: in how many parts it goes out, and what is known of each record."""

    def __init__(
        self,
        batch: Sequence[S],
        send: Callable[[Sequence[S]], Outcomes],
        look: Callable[[Sequence[S], Outcomes], Outcomes],
    ) -> None:
        self._parts: list[list[S]] = [list(batch)]
        self._send, self._look = send, look
        self._alone: dict[str, list[str]] = {}  # codes of the answers to a record that went out alone
        self.outcomes: dict[str, Outcome] = {}

    @property
    def known(self) -> int:
        """Of how many it is clear what became of them."""
        return sum(1 for one in self.outcomes.values() if one.state != "unknown")

    @property
    def over(self) -> bool:
        """Whether nothing is left to be sent."""
        return not self._parts

    def send(self) -> None:
        """Each part by itself."""
        for part in self._parts:
            self.outcomes |= self._send(part)
            if len(part) == 1:
                self._alone.setdefault(part[0].id, []).append(self.outcomes[part[0].id].code)
        self._leave_what_is_known()

    def look(self) -> None:
        """What stands there now of everything that is left."""
        self.outcomes |= self._look([one for part in self._parts for one in part], self.outcomes)
        self._leave_what_is_known()

    def divide(self, *, smaller: bool) -> None:
        """What goes out next; `smaller`: each part in halves, and no more what stands alone and breaks the server."""
        parts = [part for part in self._parts if not self._breaks_the_server(part)]
        self._parts = [piece for part in parts for piece in (_halves(part) if smaller else [part])]

    def _leave_what_is_known(self) -> None:
        left = [[one for one in part if self.outcomes[one.id].state == "unknown"] for part in self._parts]
        self._parts = [part for part in left if part]

    def _breaks_the_server(self, part: Sequence[S]) -> bool:
        """Whether it has had its chances alone while others went through. Where the server failed each time, and
        nothing of it arrived, that is a refusal."""
        id = part[0].id
        answers, seen = self._alone.get(id, []), self.outcomes[id]
        if len(part) > 1 or len(answers) < ALONE or not any(one.state == "written" for one in self.outcomes.values()):
            return False
        if set(answers) == {FAILED} and seen.code in (FAILED, NOT_APPLIED):
            message = "the server fails at this record, alone as well, and nothing of it was stored"
            self.outcomes[id] = Outcome(id, "rejected", code="server_fails", message=message)
        return True


def _halves(part: list[S]) -> list[list[S]]:
    middle = len(part) // 2
    return [part[:middle], part[middle:]] if middle else [part]
