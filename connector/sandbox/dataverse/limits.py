"""
The three service-protection limits (calls, execution time, calls under way; per user and web server), the entitlement.

All of it goes by the sandbox's clock, so a test may let five minutes pass at once.
"""

from __future__ import annotations

from collections import Counter, deque
from datetime import UTC, datetime
from email.utils import format_datetime

from connector.sandbox.clock import DAY_MS
from connector.sandbox.dataverse.environment import Environment
from connector.sandbox.dataverse.errors import REASONS, body
from connector.sandbox.exchange import Answer

WINDOW_MS = 300_000
#: What happened within the window: when, and how many seconds of work it was.
Window = deque[tuple[int, float]]
#: How long a call is to wait that met too many others under way, in seconds.
_CONCURRENCY_WAIT = 5
COOKIE = "ARRAffinity"

#: The limits by the names that faults and counters use: the reason of the 429, and its sentence.
POLICIES = {
    "requests": ("TooManyRequests", "Number of requests exceeded the limit of 6000 over time window of 300 seconds."),
    "time": (
        "TooMuchTime",
        "Combined execution time of incoming requests exceeded limit of 1200000 milliseconds over time window of 300 "
        "seconds. Decrease number of concurrent requests or reduce the duration of requests and try again later.",
    ),
    "concurrency": ("TooConcurrent", "Number of concurrent requests exceeded the limit of 52."),
    "entitlement": ("Throttled", "Too many requests."),
}


def throttled(policy: str, seconds: int, how: str, now: int) -> Answer:
    """The 429 of a limit, with its Retry-After in the form that is switched."""
    reason, message = POLICIES[policy]
    headers = {}
    if how == "seconds":
        headers = {"Retry-After": str(seconds)}
    elif how == "date":
        headers = {"Retry-After": format_datetime(datetime.fromtimestamp(now / 1000 + seconds, UTC), usegmt=True)}
    return Answer(429, body(REASONS[reason].code, message), headers)


class Limits:
    """Counts calls of the one user that calls, and says no."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._calls: dict[int, Window] = {}
        self._work: dict[int, Window] = {}
        self._turn = 0
        self._day = -1
        self.rows_today = 0
        self.refused: Counter[str] = Counter()
        self.by_server: Counter[int] = Counter()

    def server(self, cookie: str) -> int:
        """The web server that answers: the one of the affinity cookie, else each in turn."""
        servers = self._environment.switches.servers
        _, found, number = cookie.partition(f"{COOKIE}=")
        number = number.partition(";")[0]
        if found and number.isdigit() and int(number) < servers:
            return int(number)
        self._turn += 1
        return self._turn % servers

    def admit(self, server: int, under_way: int) -> Answer | None:
        """Count one call on a server; the 429 that refuses it, or None."""
        self.by_server[server] += 1
        if not self._environment.switches.rate_limits:
            return None
        refused = self._refusing(server, under_way)
        if refused is None:
            self._window(self._calls, server).append((self._environment.clock.now(), 0.0))
            return None
        policy, seconds = refused
        self.refused[policy] += 1
        return throttled(policy, seconds, self._environment.switches.retry_after, self._environment.clock.now())

    def spend(self, server: int, seconds: float, counted: int) -> None:
        """A call took so much execution time, and counts for so much of the day."""
        self._window(self._work, server).append((self._environment.clock.now(), seconds))
        self._settle()
        self.rows_today += counted

    def others(self, calls: int) -> None:
        """Somebody else who is the same user makes calls, on every server."""
        now = self._environment.clock.now()
        for server in range(self._environment.switches.servers):
            self._window(self._calls, server).extend([(now, 0.0)] * calls)

    def headers(self, server: int) -> dict[str, str]:
        """What an answer tells of the limits; for people who look, not for pacing."""
        switches = self._environment.switches
        left = switches.requests - len(self._window(self._calls, server))
        time_left = switches.execution_s - self._worked(server)
        told = {
            "x-ms-ratelimit-burst-remaining-xrm-requests": str(max(0, left)),
            "x-ms-ratelimit-time-remaining-xrm-requests": f"{max(0.0, time_left):.2f}",
            "Set-Cookie": f"{COOKIE}={server}; path=/; HttpOnly",
        }
        return told | ({"x-ms-dop-hint": str(switches.dop_hint)} if switches.dop_hint else {})

    def _refusing(self, server: int, under_way: int) -> tuple[str, int] | None:
        switches, now = self._environment.switches, self._environment.clock.now()
        self._settle()
        if switches.entitlement and self.rows_today >= switches.entitlement:
            return "entitlement", -(-(DAY_MS - now % DAY_MS) // 1000)
        if under_way > switches.concurrency:
            return "concurrency", _CONCURRENCY_WAIT
        calls = self._window(self._calls, server)
        if len(calls) >= switches.requests:
            return "requests", _until_room(calls[0][0], now)
        if self._worked(server) >= switches.execution_s:
            return "time", _until_room(self._window(self._work, server)[0][0], now)
        return None

    def _worked(self, server: int) -> float:
        return sum(seconds for _, seconds in self._window(self._work, server))

    def _window(self, windows: dict[int, Window], server: int) -> Window:
        window = windows.setdefault(server, deque())
        begins = self._environment.clock.now() - WINDOW_MS
        while window and window[0][0] <= begins:
            window.popleft()
        return window

    def _settle(self) -> None:
        """A new day begins with nothing spent."""
        day = self._environment.clock.now() // DAY_MS
        if day != self._day:
            self._day, self.rows_today = day, 0


def _until_room(oldest: int, now: int) -> int:
    return max(1, -(-(oldest + WINDOW_MS - now) // 1000))
