"""
HubSpot's HTTP surface over a `World`: who may call, how often, and who answers.

Nothing here knows sockets: `answer` turns a `Call` into an `Answer`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from email.utils import formatdate
from uuid import uuid4

from connector.sandbox.clock import iso
from connector.sandbox.exchange import Answer, Call, Refusal, not_found, refusal
from connector.sandbox.hubspot import account, automation, batches, links, lists, oauth, objects
from connector.sandbox.hubspot.paths import Path, understood
from connector.sandbox.hubspot.routes import Request, Route, Routes
from connector.sandbox.limits import Limits, throttled
from connector.sandbox.tokens import Tokens
from connector.sandbox.traffic import Traffic
from connector.sandbox.world import World

ROUTES = Routes(
    batches.ROUTES,
    links.ROUTES,
    objects.ROUTES,
    account.ROUTES,
    lists.ROUTES,
    automation.ROUTES,
    oauth.ROUTES,
)


class HubSpot:
    """The account's door: token, limits, scopes, then the route."""

    def __init__(self, world: World, *, token: str, app_id: str, scopes: Collection[str] | None = None) -> None:
        self.world = world
        self.limits = Limits(world)
        self.traffic = Traffic()
        self.calls: Counter[str] = Counter()  # admitted calls by endpoint class
        self.throttled = 0
        self.tokens = Tokens(world)
        self.token = token  # the static one; "" when only OAuth opens the account
        self.app_id = app_id
        self.scopes = None if scopes is None else frozenset(scopes)  # None: every scope is granted

    def answer(self, call: Call) -> Answer:
        """What HubSpot would say, with its headers."""
        path = understood(call.path)
        found = ROUTES.find(call.method, path)
        bucket = found[0].bucket if found else "burst"
        by_app = False
        try:
            if bucket != "open":
                by_app = self._opened_by_app(call)
                self._check_limits(bucket)
            said = self._routed(call, path, *found) if path and found else not_found().answer
        except Refusal as refused:
            said = refused.answer
        told = self.limits.headers(bucket, self.app_id, daily=not by_app)
        if self.world.switches.tells_time:
            told = told | {"Date": formatdate(self.world.clock.now() / 1000, usegmt=True)}
        return Answer(said.status, said.body, {"X-HubSpot-Correlation-Id": str(uuid4())} | told | dict(said.headers))

    def _routed(self, call: Call, path: Path, route: Route, named: Mapping[str, str]) -> Answer:
        self.calls[route.counts_as] += 1
        self._check_scopes(route.scopes(named))
        asking = (self.app_id, self.limits, self.tokens, self._granted())
        return route.answers(Request(self.world, call, path.version, named, *asking))

    def _check_limits(self, bucket: str) -> None:
        policy = self.limits.admit(bucket, self.app_id)
        self.traffic.count(bucket, self.world.clock.now(), refused=policy is not None)
        if policy is None:
            return
        self.throttled += 1
        switches = self.world.switches
        wait = {"Retry-After": str(self.limits.wait(policy, bucket, self.app_id))} if switches.retry_after else {}
        raise Refusal(Answer(429, throttled(policy, switches.throttle_body).body, wait))

    def _opened_by_app(self, call: Call) -> bool:
        """Whether the token of the call is one of the OAuth app; Refusal 401 when it opens nothing."""
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer" and token and token == self.token:
            return False
        ends_at = self.tokens.ends_at(token) if scheme == "Bearer" else None
        if ends_at is None:
            message = (
                "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can "
                "find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview"
            )
            raise refusal(401, message, "INVALID_AUTHENTICATION")
        if (ago := self.world.clock.now() - ends_at) >= 0:
            message = f"The OAuth token used to make this call expired {ago // 1000} second(s) ago."
            raise refusal(401, message, "EXPIRED_AUTHENTICATION", context={"expire time": [iso(ends_at)]})
        return True

    def _granted(self) -> tuple[str, ...]:
        return ("oauth",) if self.scopes is None else ("oauth", *sorted(self.scopes))

    def _check_scopes(self, needed: tuple[str, ...]) -> None:
        if not needed or self.scopes is None or self.scopes & set(needed):
            return
        context = {"requiredGranularScopes": list(needed)}
        raise refusal(
            403,
            "This app hasn't been granted all required scopes to make this call.",
            "MISSING_SCOPES",
            errors=[{"message": "One or more of the following scopes are required.", "context": context}],
            links={"scopes": "https://developers.hubspot.com/scopes"},
        )
