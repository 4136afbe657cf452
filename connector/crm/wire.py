"""
What every wire to a CRM has: a token that opens, and an answer that is read whole.

A token that lives for an hour is kept by `CurrentAccess`: renewed ahead of its end, so that a long run never meets it,
and once more when it is refused; one renewal at a time, and whoever needs the token meanwhile waits and takes the same
one.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from connector.errors import Transient
from connector.log import get_logger

#: Seconds for a connection, and bytes of an answer that are read at once.
CONNECT_SECONDS, CHUNK = 10.0, 1 << 18

#: The part of a token's life after which it is renewed.
AHEAD = 0.8

#: Seconds before renewal is tried again, while the token still holds and the network does not.
AGAIN = 30.0

log = get_logger("connector.crm")


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Token(Protocol):
    """What opens the account, at every moment."""

    @property
    def whose(self) -> str:
        """Whose burst quota it draws from: the token itself, or the app and its account. Only a hash of it is kept."""

    def now(self) -> str:
        """The token of the moment."""

    def after(self, refused: str) -> str:
        """Another token after this one was refused with a 401; the same where there is none."""


@dataclass(frozen=True, slots=True)
class FixedToken:
    """A token that somebody wrote down: a service key, a private app's, one for a trial."""

    token: str = field(repr=False)

    @property
    def whose(self) -> str:
        """See Token."""
        return self.token

    def now(self) -> str:
        """See Token."""
        return self.token

    def after(self, refused: str) -> str:
        """See Token."""
        return self.token


@dataclass(frozen=True, slots=True)
class AskedToken:
    """The token of the moment, from whoever knows it; `whose` quota it draws from must be said."""

    now: Callable[[], str]
    whose: str

    def after(self, refused: str) -> str:
        """See Token."""
        return self.now()


def token_from(given: str | Callable[[], str] | Token) -> Token:
    """A token, whatever stands for it; of one that is asked for, nobody knows whose else it is."""
    if isinstance(given, str):
        return FixedToken(given)
    return AskedToken(given, whose=secrets.token_hex()) if callable(given) else given


def read_whole(read: Callable[[int], bytes], *, clock: Callable[[], float], deadline: float) -> bytes | None:
    """A body chunk by chunk, because a socket's own timeout starts anew with every byte that drips in; None when it
    took too long."""
    parts: list[bytes] = []
    while part := read(CHUNK):
        parts.append(part)
        if clock() > deadline:
            return None
    return b"".join(parts)


@dataclass(frozen=True, slots=True)
class Access:
    """An access token, with the instants (since 1970) from which it is to be renewed and at which it ends."""

    token: str = field(repr=False)
    renew_at: float
    ends_at: float
    hub: str = ""  # the account it opens, where whoever grants it says so

    @classmethod
    def granted(cls, token: str, now: float, seconds: float, hub: str = "") -> Access:
        """A token that holds for so many seconds from now on."""
        return cls(token, now + AHEAD * seconds, now + seconds, hub)


class CurrentAccess:
    """The access token of the moment. Safe to share between threads.

    `renew` fetches another one; it is given the token that was refused, or None when ours merely comes to its end.
    """

    def __init__(self, renew: Callable[[str | None], Access], wall: Callable[[], float]) -> None:
        self._renew, self._wall = renew, wall
        self._lock = threading.Lock()
        self._access: Access | None = None

    def now(self) -> Access:
        """What opens the account now. Raises as `renew` does; Transient only when no token holds any more."""
        with self._lock:
            held, now = self._access, self._wall()
            if held is None or now >= held.renew_at:
                held = self._access = self._renewed(held, now)
            return held

    def after(self, refused: str) -> Access:
        """What opens it after this token was refused: another thread may have fetched it already."""
        with self._lock:
            if self._access is None or self._access.token == refused:
                self._access = None
                self._access = self._renew(refused)
            return self._access

    def _renewed(self, held: Access | None, now: float) -> Access:
        try:
            return self._renew(None)
        except Transient as error:
            if held is None or now >= held.ends_at:
                raise
            log.warning("the access token could not be renewed ahead of its end", error=str(error))
            return replace(held, renew_at=min(now + AGAIN, held.ends_at))
