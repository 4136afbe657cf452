"""
Keys that are fine alone and wrong together: credentials that do not suit the CRM, two schedules, no go_live.

Works on the plain tables, so that these mistakes are told together with those that pydantic finds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from connector.config.complaints import Complaint
from connector.config.overrides import Overlay, connection_tables
from connector.config.values import BadValueError, is_reference, moment, split_url
from connector.crms import CRMS, Product
from connector.crms.product import Wrong

_Connection = Mapping[str, Any]


def contradictions(overlay: Overlay) -> Iterator[Complaint]:
    """Everything in the file that contradicts itself or lacks its other half."""
    yield from _password_in_state_url(overlay)
    if overlay.table.get("connections") == {}:
        yield Complaint(("connections",), "is empty.", "Add a [connections.NAME] table.")
    for name, connection in connection_tables(overlay.table).items():
        yield from _name(name)
        for key, what, fix in _of_connection(connection):
            yield Complaint(("connections", name, *key.split(".")), what, fix)


def _of_connection(connection: _Connection) -> Iterator[Wrong]:
    """(key, what is wrong, what to do) for one connection."""
    crm = CRMS.get(str(connection.get("crm")))
    if crm is not None:
        yield from _foreign_keys(connection, crm)
        yield from crm.credentials(connection.keys())
    yield from _version(connection, [crm] if crm else list(CRMS.values()))
    if "name" in connection:
        yield "name", "is an unknown key.", "The name stands in the table's head: [connections.NAME]."
    if "every" in connection and "cron" in connection:
        yield "cron", "stands beside every.", "Keep one of the two."
    yield from _quiet(connection)
    yield from _freezes(connection)


def _foreign_keys(connection: _Connection, crm: Product) -> Iterator[Wrong]:
    """Keys that only another CRM knows."""
    others = (key for other in CRMS.values() for key in other.own if other is not crm)
    for key in dict.fromkeys(others):
        if key not in crm.own and _stands(connection, key):
            hint = f'Did you mean "{crm.called[key]}"? ' if key in crm.called else ""
            yield key, f"means nothing to {crm.name}.", f"{hint}Remove it, or correct crm."


def _version(connection: _Connection, crms: Sequence[Product]) -> Iterator[Wrong]:
    """A version that the CRM does not have, or none of those that may be meant."""
    version = connection.get("api_version")
    if isinstance(version, str) and not any(re.fullmatch(one.versions.form, version) for one in crms):
        yield (
            "api_version",
            f"is none of {' or '.join(one.name for one in crms)}'s.",
            " ".join(one.versions.fix for one in crms),
        )


def _stands(connection: _Connection, key: str) -> bool:
    """Whether a key is written down, be it in an inner table."""
    *outer, last = key.split(".")
    table: object = connection
    for name in outer:
        table = table.get(name) if isinstance(table, Mapping) else None
    return isinstance(table, Mapping) and last in table


def _quiet(connection: _Connection) -> Iterator[Wrong]:
    """Hours need both ends, and two different ones: from nine to nine is always, or never."""
    quiet = connection.get("quiet")
    if not isinstance(quiet, dict):
        return
    begins, ends = quiet.get("begins"), quiet.get("ends")
    if (begins is None) != (ends is None):
        yield "quiet", "has one end only.", 'Write both: quiet = { begins = "18:00", ends = "08:00" }.'
    elif begins is not None and begins == ends:
        yield "quiet", "begins when it ends.", 'Use `connector pause` to stop all writes, or days = ["sat", "sun"].'


def _freezes(connection: _Connection) -> Iterator[Wrong]:
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
