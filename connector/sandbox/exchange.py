"""One request and one answer, as plain values; HTTP itself stays in `server.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson


@dataclass(frozen=True, slots=True)
class Call:
    """A request taken apart. `query` keeps repeated parameters."""

    method: str
    path: str
    query: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, str]  # names in lower case
    body: bytes = b""
    raw_query: str = ""  # as it was sent, for links that have to come back as they were

    @property
    def target(self) -> str:
        """The path with its query, as it was sent."""
        return f"{self.path}?{self.raw_query}" if self.raw_query else self.path

    def one(self, name: str) -> str | None:
        """A query parameter, the last of several."""
        values = self.query.get(name)
        return values[-1] if values else None

    def several(self, name: str) -> tuple[str, ...]:
        """A query parameter that may be repeated or hold commas."""
        return tuple(part for value in self.query.get(name, ()) for part in value.split(",") if part)

    def json(self) -> dict[str, Any]:
        """The body as an object; Refusal 400 when it is not one."""
        try:
            body = orjson.loads(self.body or b"{}")
        except orjson.JSONDecodeError:
            raise invalid("Invalid input JSON: the body cannot be parsed") from None
        if not isinstance(body, dict):
            raise invalid("Invalid input JSON: an object was expected")
        return body

    def number(self, name: str, default: int, most: int) -> int:
        """A whole number between 1 and `most` from the query; Refusal 400 beyond."""
        text = self.one(name)
        if text is None:
            return default
        if not text.isdigit() or not 1 <= int(text) <= most:
            raise invalid(f"{name} must be between 1 and {most}")
        return int(text)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back; a body of None is an empty one, bytes go as they are."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else orjson.dumps(self.body)


class Refusal(Exception):
    """An answer that ends the call early."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__(f"HTTP {answer.status}")


def refusal(
    status: int, message: str, category: str | None = None, *, sub_category: str | None = None, **more: Any
) -> Refusal:
    """HubSpot's common error body; every part but status and message may be missing."""
    body: dict[str, Any] = {"status": "error", "message": message, "correlationId": str(uuid4())}
    if category:
        body["category"] = category
    if sub_category:
        body["subCategory"] = sub_category
    return Refusal(Answer(status, body | more))


def invalid(message: str, **more: Any) -> Refusal:
    return refusal(400, message, "VALIDATION_ERROR", **more)


def not_found(message: str = "resource not found", category: str | None = None) -> Refusal:
    return refusal(404, message, category)
