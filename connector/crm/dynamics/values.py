"""
Dataverse's JSON values as the texts our records hold, column by column, and back.

Numbers and choices are told by their value, flags as true or false, several choices between semicolons, money digit by
digit. Labels and formatted values follow the caller's language and are never looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from connector.crm.dynamics.schema import LOOKUPS, Column

#: Which text a value is; None where the value is that text already.
Spelling = Callable[[Any], str] | None

#: A day that is stored as an instant is the author's midnight, and which zone that was is not told. Midnights from
#: UTC-10 to UTC+13 fall on the right day of UTC when so much is added: all but those of a few islands.
_TO_THE_DAY = timedelta(hours=13)

_AS_IT_IS = frozenset({"String", "Memo"})
_IDS = LOOKUPS | {"Uniqueidentifier"}


def spelling(column: Column) -> Spelling:
    """How the values of a column become texts."""
    if column.type in _AS_IT_IS:
        return None
    if column.type in _IDS:
        return _id
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


# -- and back --------------------------------------------------------------------------------------------

#: The hour of UTC at which a day is stored as an instant: in every zone from UTC-10 to UTC+13 it shows as that day, and
#: it is read as that day.
_AT = "T10:00:00Z"

_WHOLE = frozenset({"Integer", "BigInt", "Picklist", "State", "Status"})
_FRACTIONS = frozenset({"Money", "Decimal", "Double"})


def value_of(column: Column, text: str) -> Any:
    """What a column is set to by this text; None clears it. Raises ValueError for a text that is no value of its type;
    lookups are set otherwise (see bindings)."""
    if text == "":
        return None
    if column.type in _WHOLE:
        return _whole(text)
    if column.type in _FRACTIONS:
        return _number(text)
    if column.type == "Boolean":
        return _flag(text)
    if column.type == "MultiSelectPicklist":
        return ",".join(str(_whole(part)) for part in text.split(";"))
    return _moment(column, text) if column.type == "DateTime" else text


def same(column: Column, stored: Any, sent: Any) -> bool:
    """Whether what stands in a row is what was sent, in whatever form Dataverse keeps it."""
    if stored is None or sent is None:
        return stored in (None, "") and sent in (None, "")
    spell = spelling(column) or str
    one, other = spell(stored), spell(sent)
    if column.type == "MultiSelectPicklist":
        return set(one.split(";")) == set(other.split(";"))
    at = instant(stored)
    return one == other or (at is not None and at == instant(sent))


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError("no number") from None
    if not number.is_finite():
        raise ValueError("no number")
    return number


def _whole(text: str) -> int:
    number = _number(text)
    if number != number.to_integral_value():
        raise ValueError("no whole number")
    return int(number)


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("neither true nor false")
    return text.lower() == "true"


def _moment(column: Column, text: str) -> str:
    at = instant(text)
    if at is None:
        raise ValueError("no date")
    at = at.astimezone(UTC)
    if column.day == "DateOnly":
        return at.date().isoformat()
    if column.day == "UserLocal":
        return at.date().isoformat() + _AT
    if column.day:
        return at.date().isoformat() + "T00:00:00Z"
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _id(value: Any) -> str:
    """Ids are the same in capitals: whoever compares them meets them in small letters everywhere."""
    return str(value).lower()


def _choices(value: Any) -> str:
    """Numbers between commas, as far as is known; a list of them would mean the same."""
    parts = value if isinstance(value, list) else str(value).split(",")
    return ";".join(text for part in parts if (text := str(part).strip()))


def _written_day(value: Any) -> str:
    return str(value)[:10]


def _local_day(value: Any) -> str:
    at = instant(value)
    return str(value) if at is None else (at.astimezone(UTC) + _TO_THE_DAY).date().isoformat()
