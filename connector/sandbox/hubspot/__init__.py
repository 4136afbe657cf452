"""
HubSpot's HTTP surface over a `World`: who may call, how often, and who answers.

Nothing here knows sockets: `answer` turns a `Call` into an `Answer`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from uuid import uuid4

from connector.sandbox.exchange import Answer, Call, Refusal, not_found, refusal
from connector.sandbox.hubspot import account, automation, batches, links, lists, objects
from connector.sandbox.hubspot.paths import understood
from connector.sandbox.hubspot.routes import Request, Route, Routes
from connector.sandbox.limits import Limits, throttled
from connector.sandbox.world import World

ROUTES = Routes(batches.ROUTES, links.ROUTES, objects.ROUTES, account.ROUTES, lists.ROUTES, automation.ROUTES)


class HubSpot:
    """The account's door: token, limits, scopes, then the route."""

    def __init__(self, world: World, *, token: str, app_id: str, scopes: Collection[str] | None = None) -> None:
        self.world = world
        self.limits = Limits(world)
        self.calls: Counter[str] = Counter()  # admitted calls by endpoint class
        self.throttled = 0
        self.token = token
        self.app_id = app_id
        self.scopes = None if scopes is None else frozenset(scopes)  # None: every scope is granted

    def answer(self, call: Call) -> Answer:
        """What HubSpot would say, with its headers."""
        found = ROUTES.find(call.method, understood(call.path))
        bucket = found[0].bucket if found else "burst"
        try:
            self._check_token(call)
            self._check_limits(bucket)
            said = self._routed(call, *found) if found else not_found().answer
        except Refusal as refused:
            said = refused.answer
        headers = {"X-HubSpot-Correlation-Id": str(uuid4())} | self.limits.headers(bucket, self.app_id)
        return Answer(said.status, said.body, headers | dict(said.headers))

    def _routed(self, call: Call, route: Route, named: Mapping[str, str]) -> Answer:
        self.calls[route.counts_as] += 1
        self._check_scopes(route.scopes(named))
        limits = self.limits
        request = Request(self.world, call, named, self.app_id, limits.used_today, limits.resets_at())
        return route.answers(request)

    def _check_limits(self, bucket: str) -> None:
        if policy := self.limits.admit(bucket, self.app_id):
            self.throttled += 1
            raise Refusal(throttled(policy))

    def _check_token(self, call: Call) -> None:
        if call.headers.get("authorization") != f"Bearer {self.token}":
            message = (
                "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can "
                "find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview"
            )
            raise refusal(401, message, "INVALID_AUTHENTICATION")

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
