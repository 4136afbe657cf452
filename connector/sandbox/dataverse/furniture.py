"""The rows that every environment has: the organisation, its users and team, its publisher, the messages it knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.sandbox.dataverse.known import (
    APP_USER,
    BUSINESS_UNIT,
    CLIENT_ID,
    CURRENCY,
    ORGANIZATION,
    PUBLISHER,
    STAFF,
    TEAM,
    owner_id,
)
from connector.sandbox.dataverse.schema import Ref

if TYPE_CHECKING:
    from connector.sandbox.dataverse.environment import Environment
    from connector.sandbox.dataverse.rows import Value
    from connector.sandbox.schema import Owner, Team

_UNIT = Ref("businessunit", BUSINESS_UNIT)


def put_in(environment: Environment) -> None:
    """Furnish an empty environment."""
    _add(environment, "businessunit", BUSINESS_UNIT, name="sandbox")
    currency = {"currencyname": "Euro", "isocurrencycode": "EUR"}
    _add(environment, "transactioncurrency", CURRENCY, **currency, exchangerate=1, currencyprecision=2)
    base = Ref("transactioncurrency", CURRENCY)
    _add(environment, "organization", ORGANIZATION, name="sandbox", languagecode=1033, basecurrencyid=base)
    _publisher(environment)
    _add(environment, "team", TEAM, name="SDR queue", teamtype=0, businessunitid=_UNIT)
    app: dict[str, Value] = {"fullname": "# Connector", "applicationid": CLIENT_ID, "isdisabled": False}
    _add(environment, "systemuser", APP_USER, **app, businessunitid=_UNIT)
    for id, owner in STAFF.items():
        _person(environment, id, owner)
        for team in owner.teams:
            _member(environment, id, team)
    for message in ("CreateMultiple", "UpdateMultiple"):
        _add(environment, "sdkmessage", None, name=message)
    register_messages(environment)


def register_messages(environment: Environment) -> None:
    """Tell by `sdkmessagefilters` which tables support which bulk message."""
    for row in list(environment.shelf("sdkmessagefilter").rows()):
        environment.delete("sdkmessagefilter", row.id)
    for message in list(environment.shelf("sdkmessage").rows()):
        for table in environment.tables.values():
            if message.values["name"] in table.multiple:
                ref = Ref("sdkmessage", message.id)
                _add(environment, "sdkmessagefilter", None, sdkmessageid=ref, primaryobjecttypecode=table.name)


def _publisher(environment: Environment) -> None:
    """Whoever publishes the columns of the agreement, and the solution that they go into."""
    names: dict[str, Value] = {"uniquename": "agreement", "friendlyname": "Agreement"}
    prefix: dict[str, Value] = {"customizationprefix": "cx", "customizationoptionvalueprefix": 71_000}
    _add(environment, "publisher", PUBLISHER, **names, **prefix)
    _add(environment, "solution", None, **names, publisherid=Ref("publisher", PUBLISHER), ismanaged=False)


def _person(environment: Environment, id: str, owner: Owner) -> None:
    """Somebody who works here, or did."""
    name: dict[str, Value] = {"firstname": owner.first_name, "lastname": owner.last_name}
    who: dict[str, Value] = {"fullname": f"{owner.first_name} {owner.last_name}", "isdisabled": owner.archived}
    where: dict[str, Value] = {"internalemailaddress": owner.email, "domainname": owner.email}
    _add(environment, "systemuser", id, **name, **who, **where, businessunitid=_UNIT)


def _member(environment: Environment, user: str, team: Team) -> None:
    """Somebody is in a team."""
    id = owner_id(team.id)
    if environment.row("team", id) is None:
        _add(environment, "team", id, name=team.name, teamtype=0, businessunitid=_UNIT)
    _add(environment, "teammembership", None, systemuserid=user, teamid=id)


def _add(environment: Environment, table: str, id: str | None, **values: Value) -> None:
    environment.add(table, values, id=id, by=APP_USER)
