"""
The login authority: tenant discovery and the token endpoint, as msal's client credentials flow uses them.

msal reads `/{tenant}/v2.0/.well-known/openid-configuration` first (with `instance_discovery=False` it asks nobody else)
and insists that authority and token endpoint are https. The addresses told here are therefore https ones, whether the
sandbox has a certificate or not: over plain http a caller's own `http_client` has to bring them to where it answers.
"""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import orjson

from connector.sandbox.dataverse.environment import Environment
from connector.sandbox.dataverse.known import CLIENT_ID, TENANT
from connector.sandbox.exchange import Answer, Call, Refusal

CLIENT_SECRET = "secret-sandbox"
_JWT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#: Dataverse's access tokens are long; whoever keeps them must not cut them.
_LENGTH = 1600


class Login:
    """Tokens of the one app that the tenant knows: handed out, and when they end."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._access: dict[str, int] = {}
        self.secret = CLIENT_SECRET
        self.thumbprint = ""  # of the app's certificate; "": any that is well-formed
        self.handed_out = 0

    def answer(self, call: Call) -> Answer:
        """What the authority says to a call below its root."""
        parts = call.path.strip("/").split("/")
        try:
            if call.method == "GET" and parts[-2:] == [".well-known", "openid-configuration"]:
                return self._configuration(call, _tenant(parts))
            if call.method == "POST" and parts[-2:] == ["v2.0", "token"]:
                return self._token(call, _tenant(parts))
        except Refusal as refused:
            return refused.answer
        return Answer(404, {"error": "not_found", "error_description": "The sandbox knows no such address."})

    def ends_at(self, token: str) -> int | None:
        """When an access token ends or ended; None for one that was never handed out."""
        return self._access.get(token)

    def end_all(self) -> None:
        """Every access token ends now."""
        now = self._environment.clock.now()
        self._access = {token: min(ends, now) for token, ends in self._access.items()}

    def _configuration(self, call: Call, tenant: str) -> Answer:
        root = f"https://{call.headers.get('host', '')}/{tenant}"
        return Answer(
            200,
            {
                "issuer": f"{root}/v2.0",
                "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
                "token_endpoint": f"{root}/oauth2/v2.0/token",
                "device_authorization_endpoint": f"{root}/oauth2/v2.0/devicecode",
                "jwks_uri": f"{root}/discovery/v2.0/keys",
                "response_types_supported": ["code", "id_token", "token"],
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            },
        )

    def _token(self, call: Call, tenant: str) -> Answer:
        form = dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
        if form.get("grant_type") != "client_credentials":
            raise _denied(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
        if form.get("client_id") != CLIENT_ID:
            raise _denied(400, "unauthorized_client", 700016, "Application was not found in the directory.")
        self._check_credential(form, tenant)
        self._check_scope(call, form.get("scope", ""))
        life = int(self._environment.switches.token_life_s)
        token = self._new_token(life)
        return Answer(200, {"token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": token})

    def _check_credential(self, form: dict[str, str], tenant: str) -> None:
        if form.get("client_assertion_type") == _JWT:
            self._check_assertion(form.get("client_assertion", ""), tenant)
        elif form.get("client_secret") != self.secret:
            raise _denied(401, "invalid_client", 7000215, "Invalid client secret provided.")

    def _check_assertion(self, assertion: str, tenant: str) -> None:
        """The claims of a certificate's assertion; its signature is not checked, the sandbox keeps no certificate."""
        try:
            header, claims = (orjson.loads(_unpacked(part)) for part in assertion.split(".")[:2])
        except (ValueError, orjson.JSONDecodeError):
            raise _denied(401, "invalid_client", 50027, "JWT token is invalid or malformed.") from None
        audience = urlsplit(str(claims.get("aud"))).path
        if (claims.get("iss"), claims.get("sub")) != (CLIENT_ID, CLIENT_ID) or not audience.startswith(f"/{tenant}/"):
            raise _denied(401, "invalid_client", 700023, "Client assertion audience or issuer is wrong.")
        told = header.get("x5t#S256") or header.get("x5t") or ""
        if not told or (self.thumbprint and told != self.thumbprint):
            raise _denied(401, "invalid_client", 700027, "The certificate of the assertion is not registered.")

    def _check_scope(self, call: Call, scope: str) -> None:
        """`<environment url>/.default`, and no second slash before it."""
        asked = urlsplit(scope)
        if asked.path != "/.default":
            raise _denied(400, "invalid_scope", 70011, f"The scope {scope} is not valid.")
        if asked.netloc != call.headers.get("host"):
            message = f"The resource principal named {asked.scheme}://{asked.netloc} was not found in the tenant."
            raise _denied(400, "invalid_resource", 500011, message)

    def _new_token(self, life: int) -> str:
        self.handed_out += 1
        token = f"eyJ-sandbox-{self.handed_out}.".ljust(_LENGTH, "0")
        self._access[token] = self._environment.clock.now() + life * 1000
        return token


def _tenant(parts: list[str]) -> str:
    if parts[0].lower() != TENANT:
        raise _denied(400, "invalid_tenant", 90002, f"Tenant '{parts[0]}' not found.")
    return parts[0]


def _denied(status: int, error: str, number: int, message: str) -> Refusal:
    trace = str(uuid4())
    told: dict[str, Any] = {
        "error": error,
        "error_description": f"AADSTS{number}: {message} Trace ID: {trace}",
        "error_codes": [number],
        "trace_id": trace,
        "correlation_id": str(uuid4()),
    }
    return Refusal(Answer(status, told))


def _unpacked(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
