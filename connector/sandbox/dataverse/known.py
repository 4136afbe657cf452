"""Ids that are always the same: the tenant, the app, the organisation, who works there."""

from __future__ import annotations

from connector.sandbox.stock import OWNERS

TENANT = "7e57ab1e-0000-4000-8000-000000000001"
CLIENT_ID = "7e57ab1e-0000-4000-8000-00000000c11e"
ORGANIZATION = "7e57ab1e-0000-4000-8000-0000000000a6"
BUSINESS_UNIT = "7e57ab1e-0000-4000-8000-0000000000b0"
APP_USER = "7e57ab1e-0000-4000-8000-0000000000aa"
CURRENCY = "7e57ab1e-0000-4000-8000-0000000000c0"
TEAM = "7e57ab1e-0000-4000-8000-0000000000e0"
PUBLISHER = "7e57ab1e-0000-4000-8000-0000000000d0"


def owner_id(number: str) -> str:
    """The system user that is this owner of the HubSpot sandbox."""
    return f"7e57ab1e-0000-4000-8000-{int(number):012}"


#: People who work in the environment: the owners of the HubSpot sandbox.
STAFF = {owner_id(one.id): one for one in OWNERS}
#: Somebody who edits rows by hand, where a test does not say who.
SOMEBODY = next(iter(STAFF))
