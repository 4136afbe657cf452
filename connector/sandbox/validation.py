"""Whether a value may be written to a property, and how it is stored: HubSpot's rules and its error codes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

import orjson

from connector.sandbox.clock import DAY_MS, iso, iso_date, parse_ms
from connector.sandbox.exchange import Answer, invalid
from connector.sandbox.schema import Definition

_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
LONGEST_TEXT = 65_536


class Fault(NamedTuple):
    """One property that cannot be written."""

    name: str
    code: str
    message: str

    def as_json(self) -> dict[str, Any]:
        return {"message": self.message, "code": self.code, "context": {"propertyName": [self.name]}}


class Unfit(ValueError):
    """A value that does not fit its property."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class Ways(NamedTuple):
    """How an account takes values: whether it brings them into a form of its own, and whether it says so."""

    normalises: bool = False
    lenient_dates: bool = False
    tells: bool = False


class Altered(NamedTuple):
    """A value that was stored in another form than it was sent in."""

    name: str
    raw: str
    kept: str

    def as_json(self) -> dict[str, Any]:
        context = {"propertyName": [self.name], "rawValue": [self.raw], "normalizedValue": [self.kept]}
        return {
            "category": "PROPERTY_VALUE_NORMALIZED",
            "message": f"{self.name} was stored as {self.kept}",
            "context": context,
        }


def checked(
    definitions: Mapping[str, Definition], wanted: Mapping[str, Any], ways: Ways
) -> tuple[dict[str, str], list[Fault], list[Altered]]:
    """The values as they will be stored, every reason why some cannot be, and what is told of those that changed."""
    stored: dict[str, str] = {}
    faults: list[Fault] = []
    altered: list[Altered] = []
    for name, value in wanted.items():
        definition = definitions.get(name)
        if definition is None:
            faults.append(Fault(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist'))
        elif not definition.writable:
            faults.append(Fault(name, "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.'))
        else:
            text = _as_text(value)
            meant = _meant(definition, text, ways)
            try:
                stored[name] = fitted(definition, meant)
            except Unfit as unfit:
                faults.append(Fault(name, unfit.code, str(unfit)))
            else:
                if meant != text and ways.tells:
                    altered.append(Altered(name, text, stored[name]))
    return stored, faults, altered


def refused(faults: list[Fault], portal_id: int) -> Answer:
    """The 400 that lists what cannot be written, first in the message and again as `errors`."""
    return invalid(told(faults, portal_id), errors=[fault.as_json() for fault in faults]).answer


def told(faults: list[Fault], portal_id: int) -> str:
    """The message of a validation error: a sentence with a JSON list in it."""
    details = [
        {
            "isValid": False,
            "message": fault.message,
            "error": fault.code,
            "name": fault.name,
            "localizedErrorMessage": fault.message,
            "portalId": portal_id,
        }
        for fault in faults
    ]
    return f"Property values were not valid: {orjson.dumps(details).decode()}"


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _meant(definition: Definition, value: str, ways: Ways) -> str:
    """The value in the account's own form, where it has one; what cannot be understood is left as it is."""
    if ways.lenient_dates and definition.type == "date" and value:
        try:
            return iso_date(parse_ms(value))
        except ValueError:
            return value
    if not ways.normalises or not value:
        return value
    if definition.type == "number" and "." in value and _NUMBER.fullmatch(value):
        return value.rstrip("0").rstrip(".")
    if definition.name.endswith("phone"):
        return re.sub(r"[^\d+]", "", value)
    return value.strip().lower() if definition.name in ("email", "domain") else value


def fitted(definition: Definition, value: str) -> str:
    """The value as HubSpot keeps it; "" clears whatever the type."""
    if value == "":
        return ""
    match definition.type:
        case "number":
            return _number(definition, value)
        case "date" | "datetime":
            return _instant(definition, value)
        case "enumeration" | "bool":
            return _choice(definition, value)
    if len(value) > LONGEST_TEXT:
        raise Unfit("INVALID_STRING", f"{definition.name} is longer than {LONGEST_TEXT} characters")
    if definition.name == "email" and not _EMAIL.fullmatch(value):
        raise Unfit("INVALID_EMAIL", "Email address is invalid")
    return value


def _number(definition: Definition, value: str) -> str:
    if not _NUMBER.fullmatch(value):
        raise Unfit("INVALID_INTEGER", f"{definition.name} was not a valid number.")
    return value


def _instant(definition: Definition, value: str) -> str:
    try:
        ms = parse_ms(value)
    except ValueError:
        raise Unfit("INVALID_DATE", f"{definition.name} was not a valid date.") from None
    if definition.type == "datetime":
        return iso(ms)
    if ms % DAY_MS or ("T" in value and not _is_date(value)):
        raise Unfit("INVALID_DATE", f"{definition.name} is a date and must be at midnight UTC.")
    return iso_date(ms)


def _is_date(value: str) -> bool:
    try:
        date.fromisoformat(value[:10])
    except ValueError:
        return False
    return True


def _choice(definition: Definition, value: str) -> str:
    if definition.type == "bool":
        value = value.lower()
    several = definition.field_type == "checkbox"
    for part in filter(None, value.split(";")) if several else (value,):
        if not definition.allows(part):
            allowed = ", ".join(option.value for option in definition.options)
            raise Unfit("INVALID_OPTION", f"{part} was not one of the allowed options: [{allowed}]")
    return value
