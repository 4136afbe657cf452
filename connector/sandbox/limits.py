"""
HubSpot's rate limits: a rolling window per app, one per second for search, a daily pool per account.

All of it goes by the sandbox's clock, so a test may let ten seconds pass at once.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

from connector.sandbox.clock import to_ms
from connector.sandbox.exchange import Answer
from connector.sandbox.world import World

WINDOW_MS = 10_000
MESSAGES = {
    "DAILY": "You have reached your daily limit.",
    "TEN_SECONDLY_ROLLING": "You have reached your ten_secondly_rolling limit.",
    "SECONDLY": "You have reached your secondly limit.",
}
#: The limit that is hit most.
COMMONEST = "TEN_SECONDLY_ROLLING"

#: How the body of a 429 tells its kind: by name as documented, by a category as some APIs do, by its message alone.
VARIANTS = {
    "policy": {"errorType": "RATE_LIMIT", "policyName": "{policy}"},
    "category": {"category": "RATE_LIMITS"},
    "bare": {},
}


def throttled(policy: str, variant: str = "policy") -> Answer:
    """The 429 of a policy, as HubSpot words it."""
    named = {name: value.format(policy=policy) for name, value in VARIANTS[variant].items()}
    ids = {"correlationId": str(uuid4()), "requestId": str(uuid4())}
    return Answer(429, {"status": "error", "message": MESSAGES[policy]} | named | ids)


class Limits:
    """Counts calls and says no."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._windows: dict[str, deque[int]] = {}
        self._day_begins = self._day_ends = 0
        self._settled_at = world.clock.now()
        self.spent = 0.0
        self.refused: dict[str, int] = dict.fromkeys(MESSAGES, 0)

    def admit(self, bucket: str, app: str) -> str | None:
        """Count one call; the policy that refuses it, or None. Buckets: burst, associations, search."""
        self.settle()
        self.spent += 1 + self._world.switches.foreign_calls_per_call
        if not self._world.switches.rate_limits:
            return None
        policy = self._refusing_policy(bucket, app)
        if policy:
            self.refused[policy] += 1
        return policy

    def headers(self, bucket: str, app: str, *, daily: bool = True) -> dict[str, str]:
        """What an answer tells about the limits; search and associations tell nothing, OAuth apps nothing `daily`."""
        if bucket != "burst" or not self._world.switches.rate_limits:
            return {}
        switches = self._world.switches
        used = len(self._window(bucket, app, WINDOW_MS))
        told = {
            "X-HubSpot-RateLimit-Max": str(switches.burst),
            "X-HubSpot-RateLimit-Remaining": str(max(0, switches.burst - used)),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(WINDOW_MS),
        }
        if not daily:
            return told
        return told | {
            "X-HubSpot-RateLimit-Daily": str(switches.daily),
            "X-HubSpot-RateLimit-Daily-Remaining": str(max(0, switches.daily - int(self.spent))),
        }

    def resets_at(self) -> int:
        """The next midnight in the account's time zone."""
        self.settle()
        return self._day_ends

    @property
    def used_today(self) -> int:
        """Calls of the daily pool that are gone, ours and those of other apps."""
        self.settle()
        return int(self.spent)

    def spend_daily(self, calls: int) -> None:
        """Another app of the account uses the daily pool."""
        self.settle()
        self.spent += calls

    def wait(self, policy: str, bucket: str, app: str) -> int:
        """Seconds until there is room again under a policy."""
        now = self._world.clock.now()
        if policy == "DAILY":
            return -(-(self.resets_at() - now) // 1000)
        if policy == "SECONDLY":
            return 1
        window = self._window(bucket, app, WINDOW_MS)
        return max(1, -(-(window[0] + WINDOW_MS - now) // 1000)) if window else 1

    def _refusing_policy(self, bucket: str, app: str) -> str | None:
        switches = self._world.switches
        if int(self.spent) > switches.daily:
            return "DAILY"
        most, span, policy, key = {
            "burst": (switches.burst, WINDOW_MS, "TEN_SECONDLY_ROLLING", app),
            "associations": (switches.associations_burst, WINDOW_MS, "TEN_SECONDLY_ROLLING", app),
            "search": (switches.search_per_second - switches.foreign_search_per_s, 1000, "SECONDLY", "account"),
        }[bucket]
        window = self._window(bucket, key, span)
        if len(window) >= most:
            return policy
        window.append(self._world.clock.now())
        return None

    def _window(self, bucket: str, key: str, span: int) -> deque[int]:
        window = self._windows.setdefault(f"{bucket} {key}", deque())
        now = self._world.clock.now()
        while window and window[0] <= now - span:
            window.popleft()
        return window

    def settle(self) -> None:
        """A new day begins with nothing spent; another app may have spent since somebody last asked."""
        now = self._world.clock.now()
        if not self._day_begins <= now < self._day_ends:
            midnight = self._local_now().replace(hour=0, minute=0, second=0, microsecond=0)
            self._day_begins, self._day_ends = to_ms(midnight), to_ms(midnight + timedelta(days=1))
            self.spent = 0.0
        since = max(self._settled_at, self._day_begins)
        self.spent += self._world.switches.foreign_calls_per_s * max(0, now - since) / 1000
        self._settled_at = now

    def _local_now(self) -> datetime:
        zone = ZoneInfo(self._world.account.time_zone)
        return datetime.fromtimestamp(self._world.clock.now() / 1000, zone)
