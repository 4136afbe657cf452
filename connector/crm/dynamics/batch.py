"""
$batch: many requests in one, and its answer taken apart. Pure: bytes in, bytes out.

Parts are independent of each other (no change sets), in the order of the requests, and matched by their place. A
batch that stops at its first failure answers with fewer parts than were asked: the rest was not attempted. An answer
that breaks off or cannot be read leaves unknown whatever stands behind the last part that is whole.
Source: "Execute batch operations using the Web API" of Microsoft's documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from enum import Enum

from requests.structures import CaseInsensitiveDict

from connector.crm.wire import Answer

#: More operations than this in one batch are refused.
MOST = 1000


class Missing(Enum):
    """What became of a request of a batch that has no answer of its own."""

    NOT_ATTEMPTED = "not attempted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Part:
    """One request of a batch. `target` is the address below the host, with its query, quoted."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


def content_type(boundary: str) -> str:
    """The Content-Type of a batch with this boundary."""
    return f'multipart/mixed; boundary="{boundary}"'


def framed(parts: Sequence[Part], boundary: str) -> bytes:
    """The body of a batch. Raises ValueError for parts that cannot stand in one: none, too many, or such that hold
    a line end or the boundary where the frame would break."""
    if not 0 < len(parts) <= MOST:
        raise ValueError(f"a batch holds 1 to {MOST} requests, not {len(parts)}")
    frame = b"".join(_framed(part, boundary) for part in parts)
    return frame + f"--{boundary}--\r\n".encode()


def _framed(part: Part, boundary: str) -> bytes:
    headers = dict(part.headers)
    if part.body is not None:
        headers = {"Content-Type": "application/json; type=entry", **headers}
    lines = [f"{part.method} {part.target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header of a request in a batch holds a line end")
    if boundary.encode() in (part.body or b""):
        raise ValueError("the body of a request in a batch holds the boundary")
    head = [f"--{boundary}", "Content-Type: application/http", "Content-Transfer-Encoding: binary", "", *lines, "", ""]
    return "\r\n".join(head).encode() + (part.body or b"") + b"\r\n"


def taken_apart(content_type: str, body: bytes, asked: int) -> list[Answer | Missing]:
    """For each of the requests of a batch its answer, or why there is none.

    More answers than requests, or an answer that is no batch at all, leave everything unknown: nothing in it can be
    said to belong to one request and not to another.
    """
    boundary = _boundary(content_type)
    if boundary is None:
        return [Missing.UNKNOWN] * asked
    found, whole = _answers(body, boundary)
    if len(found) > asked:
        return [Missing.UNKNOWN] * asked
    rest = Missing.NOT_ATTEMPTED if whole else Missing.UNKNOWN
    return [*found, *[rest] * (asked - len(found))]


def _answers(body: bytes, boundary: bytes) -> tuple[list[Answer], bool]:
    """The parts that are whole, up to the first that is not; and whether the answer ends as it should."""
    found: list[Answer] = []
    end_was_seen = False
    for piece, closed in _pieces(body, boundary):
        answer = _answer(piece)
        if answer is None:
            return found, False
        found.append(answer)
        end_was_seen = closed
    return found, end_was_seen or _is_empty_batch(body, boundary)


def _pieces(body: bytes, boundary: bytes) -> Iterator[tuple[bytes, bool]]:
    """What stands between two delimiters, and whether the second is the closing one. What follows the last delimiter
    is no piece: it broke off."""
    delimiter = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    begins: int | None = None
    for match in delimiter.finditer(body):
        if begins is not None:
            yield body[begins : match.start()], match[1] is not None
        if match[1] is not None:
            return
        begins = match.end()


def _is_empty_batch(body: bytes, boundary: bytes) -> bool:
    """A closing delimiter and nothing before it: the first request already was not attempted."""
    return body.strip() == b"--" + boundary + b"--"


_STATUS = re.compile(rb"HTTP/\d(?:\.\d)? (\d{3})(?: [^\r\n]*)?")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")


def _answer(piece: bytes) -> Answer | None:
    """One part: its own headers, and in its body an HTTP answer; None where it is none."""
    outer, http = _parted(piece)
    if _headers(outer.splitlines()).get("Content-Type", "").partition(";")[0].strip() != "application/http":
        return None
    head, body = _parted(http)
    first, *lines = head.splitlines() or [b""]
    status = _STATUS.fullmatch(first)
    return Answer(int(status[1]), _headers(lines), body) if status else None


def _parted(message: bytes) -> tuple[bytes, bytes]:
    """Head and body; an answer without a body may lack the empty line between them."""
    blank = _BLANK_LINE.search(message)
    return (message[: blank.start()], message[blank.end() :]) if blank else (message, b"")


def _headers(lines: Sequence[bytes]) -> Mapping[str, str]:
    pairs = (line.decode("latin-1").partition(":") for line in lines if b":" in line)
    return CaseInsensitiveDict({name.strip(): value.strip() for name, _, value in pairs})


def _boundary(content_type: str) -> bytes | None:
    message = Message()
    message["Content-Type"] = content_type
    named = message.get_param("boundary") if message.get_content_maintype() == "multipart" else None
    return named.encode("latin-1", "replace") if isinstance(named, str) and named else None
