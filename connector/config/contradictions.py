"""
Keys that are fine alone and wrong together: credentials that do not suit the CRM, two schedules, no go_live.

Works on the plain tables, so that these mistakes are told together with those that pydantic finds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from datetime import date, datetime
from typing import Any

from connector.config.complaints import Complaint
from connector.config.overrides import Overlay, connection_tables
from connector.config.values import BadValueError, is_reference, moment, split_url

_Connection = Mapping[str, Any]

#: What only one of the CRMs knows -> what the other calls it; "" where it has nothing of the kind. A dot leads into an
#: inner table.
_FOREIGN: Mapping[str, Mapping[str, str]] = {
    "dynamics": {
        "oauth": "client_id and client_secret",
        "base_url": "environment_url",
        "read.search_page": "read.page",
    },
    "hubspot": {
        "environment_url": "base_url",
        "tenant_id": "",
        "client_id": "oauth.client_id",
        "client_secret": "oauth.client_secret",
        "certificate": "",
        "authority": "",
        "budget.daily_quota": "",
        "write": "",
    },
}

#: The versions of its API that each CRM has.
_VERSIONS: Mapping[str, tuple[str, str]] = {
    "hubspot": (r"v3|20\d\d-\d\d", 'Write a dated version such as "2026-03", or "v3".'),
    "dynamics": (r"v9\.\d", 'Write "v9.2".'),
}


def contradictions(overlay: Overlay) -> Iterator[Complaint]:
    """Everything in the file that contradicts itself or lacks its other half."""
    yield from _password_in_state_url(overlay)
    if overlay.table.get("connections") == {}:
        yield Complaint(("connections",), "is empty.", "Add a [connections.NAME] table.")
    for name, connection in connection_tables(overlay.table).items():
        yield from _name(name)
        for key, what, fix in _of_connection(connection):
            yield Complaint(("connections", name, *key.split(".")), what, fix)


def _of_connection(connection: _Connection) -> Iterator[tuple[str, str, str]]:
    """(key, what is wrong, what to do) for one connection."""
    yield from _foreign_keys(connection)
    yield from _credentials(connection)
    if "name" in connection:
        yield "name", "is an unknown key.", "The name stands in the table's head: [connections.NAME]."
    if "every" in connection and "cron" in connection:
        yield "cron", "stands beside every.", "Keep one of the two."
    yield from _quiet(connection)
    yield from _freezes(connection)


def _foreign_keys(connection: _Connection) -> Iterator[tuple[str, str, str]]:
    crm = str(connection.get("crm"))
    for key, instead in _FOREIGN.get(crm, {}).items():
        if _stands(connection, key):
            hint = f'Did you mean "{instead}"? ' if instead else ""
            yield key, f"means nothing to {crm}.", f"{hint}Remove it, or correct crm."
    yield from _foreign_version(connection, crm)


def _foreign_version(connection: _Connection, crm: str) -> Iterator[tuple[str, str, str]]:
    """A version that the other CRM has; what is none at all is told where the value is checked."""
    version = connection.get("api_version")
    mine = _VERSIONS.get(crm)
    known = isinstance(version, str) and any(re.fullmatch(one, version) for one, _ in _VERSIONS.values())
    if mine and known and not re.fullmatch(mine[0], str(version)):
        yield "api_version", f"is none of {crm}'s.", mine[1]


def _stands(connection: _Connection, key: str) -> bool:
    """Whether a key is written down, be it in an inner table."""
    *outer, last = key.split(".")
    table: object = connection
    for name in outer:
        table = table.get(name) if isinstance(table, Mapping) else None
    return isinstance(table, Mapping) and last in table


def _credentials(connection: _Connection) -> Iterator[tuple[str, str, str]]:
    if connection.get("crm") == "hubspot":
        yield from _hubspot_credentials(connection.keys())
    if connection.get("crm") == "dynamics":
        yield from _dynamics_credentials(connection.keys())


def _hubspot_credentials(has: Set[str]) -> Iterator[tuple[str, str, str]]:
    if "token" in has and "oauth" in has:
        yield "oauth", "stands beside token.", "Keep one of the two."
    if not {"token", "oauth"} & has:
        yield "token", "is missing.", 'Write token = "env:HUBSPOT_TOKEN", or oauth = { ... }.'


def _dynamics_credentials(has: Set[str]) -> Iterator[tuple[str, str, str]]:
    """An app registration with one proof, or a token for a trial."""
    if "environment_url" not in has:
        yield "environment_url", "is missing.", 'Write for example "https://contoso.crm4.dynamics.com".'
    proofs = [key for key in ("client_secret", "certificate") if key in has]
    if "token" in has:
        for key in proofs:
            yield key, "stands beside token.", "Keep one of the two."
        return
    for key in ("tenant_id", "client_id"):
        if key not in has:
            yield key, "is missing.", "Take it from the app registration in Entra; or write a token."
    if not proofs:
        fix = "Take one from the app registration in Entra; or write certificate = { ... }, or a token."
        yield "client_secret", "is missing.", fix
    if len(proofs) > 1:
        yield "certificate", "stands beside client_secret.", "Keep one of the two."


def _quiet(connection: _Connection) -> Iterator[tuple[str, str, str]]:
    """Hours need both ends, and two different ones: from nine to nine is always, or never."""
    quiet = connection.get("quiet")
    if not isinstance(quiet, dict):
        return
    begins, ends = quiet.get("begins"), quiet.get("ends")
    if (begins is None) != (ends is None):
        yield "quiet", "has one end only.", 'Write both: quiet = { begins = "18:00", ends = "08:00" }.'
    elif begins is not None and begins == ends:
        yield "quiet", "begins when it ends.", 'Use `connector pause` to stop all writes, or days = ["sat", "sun"].'


def _freezes(connection: _Connection) -> Iterator[tuple[str, str, str]]:
    """A freeze ends after it begins; a single day begins and ends on itself."""
    freezes = connection.get("freezes")
    for number, freeze in enumerate(freezes if isinstance(freezes, list) else (), 1):
        if isinstance(freeze, dict) and _ends_too_early(freeze.get("begins"), freeze.get("ends")):
            what = f"number {number} ends ({freeze['ends']}) before it begins ({freeze['begins']})."
            yield "freezes", what, "Swap the two, or correct the year."


def _ends_too_early(begins: object, ends: object) -> bool:
    try:
        first, last = moment(begins), moment(ends)
    except BadValueError:
        return False  # told where the value is checked
    if isinstance(first, datetime) and isinstance(last, datetime):
        return bool(last <= first)
    return _day(last) < _day(first)


def _day(value: date | datetime) -> date:
    return value.date() if isinstance(value, datetime) else value


def _name(name: str) -> Iterator[Complaint]:
    if not re.fullmatch(r"[a-z0-9]+([_-][a-z0-9]+)*", name):
        fix = "Use small letters, digits and single hyphens, so that CONNECTOR_... variables can name it."
        yield Complaint(("connections", name), "is no good name for a connection.", fix)


def _password_in_state_url(overlay: Overlay) -> Iterator[Complaint]:
    """A password may come with the URL from the environment, but must not stand in the file."""
    state = overlay.table.get("state")
    url = state.get("url") if isinstance(state, dict) else None
    if not isinstance(url, str) or is_reference(url) or ("state", "url") in overlay.sources:
        return
    if _has_password(url):
        fix = 'Put the whole URL into a variable and write url = "env:NAME", or set CONNECTOR_STATE__URL.'
        yield Complaint(("state", "url"), "must not hold a password.", fix)


def _has_password(url: str) -> bool:
    try:
        return bool(split_url(url).password) or "password=" in url
    except BadValueError:
        return False
