"""
Dataverse's JSON values as the texts our records hold, column by column.

Numbers and choices are told by their value, flags as true or false, several choices between semicolons, money digit by
digit. Labels and formatted values follow the caller's language and are never looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from connector.crm.dynamics.schema import Column

#: Which text a value is; None where the value is that text already.
Spelling = Callable[[Any], str] | None

#: A day that is stored as an instant is the author's midnight, and which zone that was is not told. Midnights from
#: UTC-10 to UTC+13 fall on the right day of UTC when so much is added: all but those of a few islands.
_TO_THE_DAY = timedelta(hours=13)

_AS_IT_IS = frozenset({"String", "Memo", "Lookup", "Customer", "Owner", "Uniqueidentifier"})


def spelling(column: Column) -> Spelling:
    """How the values of a column become texts."""
    if column.type in _AS_IT_IS:
        return None
    if column.type == "MultiSelectPicklist":
        return _choices
    if column.type == "DateTime":
        return {"UserLocal": _local_day, "TimeZoneIndependent": _written_day}.get(column.day)
    return plain


def plain(value: Any) -> str:
    """Any value in its shortest form: 5000000.0000 is "5000000"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(value)


def instant(value: object) -> datetime | None:
    """An aware instant; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _choices(value: Any) -> str:
    return ";".join(part.strip() for part in str(value).split(","))


def _written_day(value: Any) -> str:
    return str(value)[:10]


def _local_day(value: Any) -> str:
    at = instant(value)
    return str(value) if at is None else (at.astimezone(UTC) + _TO_THE_DAY).date().isoformat()
