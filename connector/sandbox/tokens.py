"""
What opens the account: one static token, and the access tokens of an OAuth app with the dates on which they end.

Everything goes by the sandbox's clock, so a token can be made to end in the middle of a run.
"""

from __future__ import annotations

from connector.sandbox.exchange import Answer, Refusal, refusal
from connector.sandbox.world import World

CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN = "app-sandbox", "secret-sandbox", "refresh-sandbox"
#: HubSpot's access tokens are long; whoever keeps them must not cut them.
_LENGTH = 250


class Tokens:
    """The OAuth app of the account: which refresh tokens hold, which access tokens were handed out."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._access: dict[str, int] = {}  # access token -> when it ends
        self._handed_out = 0
        self.refresh_tokens = {REFRESH_TOKEN}
        self.refreshes = 0

    def refresh(self, token: str) -> tuple[str, str]:
        """A new access token, and the refresh token that holds from now on; Refusal when this one does not."""
        if token not in self.refresh_tokens:
            raise told_by_oauth("BAD_REFRESH_TOKEN", "missing or invalid refresh token", "invalid_grant")
        self.refreshes += 1
        if self._world.switches.rotate_refresh_token:
            self.refresh_tokens.remove(token)
            token = f"{REFRESH_TOKEN}-{self.refreshes}"
            self.refresh_tokens.add(token)
        return self._new_access(), token

    def ends_at(self, access: str) -> int | None:
        """When an access token ends or ended; None for one that was never handed out, or revoked."""
        return self._access.get(access)

    def end_all(self) -> None:
        """Every access token ends now, refresh tokens hold."""
        now = self._world.clock.now()
        self._access = {access: min(ends, now) for access, ends in self._access.items()}

    def revoke(self, token: str) -> None:
        """A token of either kind opens nothing any more; one that never did is no error."""
        self.refresh_tokens.discard(token)
        self._access.pop(token, None)

    def _new_access(self) -> str:
        self._handed_out += 1
        access = f"access-sandbox-{self._handed_out}-".ljust(_LENGTH, "0")
        self._access[access] = self._world.clock.now() + round(self._world.switches.token_life_s * 1000)
        return access


def told_by_oauth(status: str, message: str, error: str) -> Refusal:
    """A 400 of the token endpoint, whose `status` is the reason, HubSpot's word beside the standard's."""
    body = refusal(400, message).answer.body | {"status": status, "error": error, "error_description": message}
    return Refusal(Answer(400, body))
