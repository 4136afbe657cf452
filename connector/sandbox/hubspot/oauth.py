"""The token endpoint: refreshing, looking at and revoking what an OAuth app holds; no token of its own opens it."""

from __future__ import annotations

from urllib.parse import parse_qsl

from connector.sandbox.exchange import Answer
from connector.sandbox.hubspot.routes import Request, Route, opened_by
from connector.sandbox.tokens import CLIENT_ID, CLIENT_SECRET, told_by_oauth


def grant(request: Request) -> Answer:
    """A refresh token becomes an access token; the body is a form, not JSON."""
    form = _form_of_our_app(request)
    if form.get("grant_type") != "refresh_token":
        raise told_by_oauth("BAD_GRANT_TYPE", "the sandbox knows the refresh_token grant", "unsupported_grant_type")
    access, refresh = request.tokens.refresh(form.get("refresh_token", ""))
    body = {
        "access_token": access,
        "refresh_token": refresh,
        "expires_in": int(request.world.switches.token_life_s),
        "token_type": "bearer",
        "hub_id": request.world.account.portal_id,
        "user_id": 7001,
        "scopes": list(request.scopes),
    }
    return Answer(200, body)


def introspect(request: Request) -> Answer:
    """Whether a token holds, and how long."""
    token = _form_of_our_app(request).get("token", "")
    if token in request.tokens.refresh_tokens:
        return Answer(200, {"active": True, "token_use": "refresh_token", "client_id": CLIENT_ID})
    left = (request.tokens.ends_at(token) or 0) - request.world.clock.now()
    if left <= 0:
        return Answer(200, {"active": False})
    body = {"active": True, "token_use": "access_token", "client_id": CLIENT_ID, "expires_in": left // 1000}
    return Answer(200, body | {"hub_id": request.world.account.portal_id, "scopes": list(request.scopes)})


def revoke(request: Request) -> Answer:
    request.tokens.revoke(_form_of_our_app(request).get("token", ""))
    return Answer(200, {})


def _form_of_our_app(request: Request) -> dict[str, str]:
    """The form that was sent; Refusal 400 when it is none, or not from the app that the account installed."""
    form = dict(parse_qsl(request.call.body.decode("utf-8", "replace"), keep_blank_values=True))
    if form.get("client_id") != CLIENT_ID:
        raise told_by_oauth("BAD_CLIENT_ID", "missing or unknown client id", "invalid_client")
    if form.get("client_secret") != CLIENT_SECRET:
        raise told_by_oauth("BAD_CLIENT_SECRET", "missing or invalid client secret", "invalid_client")
    return form


_OPEN = opened_by()

ROUTES = (
    Route("POST", "oauth", ("token",), grant, "token", _OPEN, "open"),
    Route("POST", "oauth", ("token", "introspect"), introspect, "token", _OPEN, "open"),
    Route("POST", "oauth", ("token", "revoke"), revoke, "token", _OPEN, "open"),
)
