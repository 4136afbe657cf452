"""
The framing of a `$batch`, read strictly: CRLF line ends, the headers that every part needs, an empty line after those
of its request.

Only texts here; what the parts want is `batch.py`'s matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import NamedTuple

import orjson

from connector.sandbox.dataverse.errors import malformed
from connector.sandbox.exchange import Answer

_BOUNDARY = re.compile(r'multipart/mixed\s*;.*boundary="?([^";]+)"?', re.IGNORECASE)
_LINE = re.compile(r"(GET|POST|PATCH|PUT|DELETE) (\S+) HTTP/1\.1")
_END = b"\r\n"


class Part(NamedTuple):
    """One request inside a multipart body."""

    method: str
    address: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    content_id: str | None


class ChangeSet(NamedTuple):
    """Requests that are done together or not at all."""

    parts: tuple[Part, ...]


def read(content_type: str, body: bytes) -> list[Part | ChangeSet]:
    """The parts of a batch in their order; Refusal 400 for any fault of its framing."""
    found: list[Part | ChangeSet] = []
    for headers, content in _split(content_type, body):
        kind = headers.get("content-type", "")
        if kind.startswith("multipart/mixed"):
            found.append(ChangeSet(tuple(_part(inner, text) for inner, text in _split(kind, content))))
        else:
            found.append(_part(headers, content))
    return found


def boundary_of(content_type: str) -> str:
    """The boundary that a content type names; Refusal 400 for another type."""
    found = _BOUNDARY.match(content_type)
    if found is None:
        raise malformed("A batch has the content type multipart/mixed with a boundary.")
    return found[1]


def _split(content_type: str, body: bytes) -> Iterable[tuple[dict[str, str], bytes]]:
    """Headers and content of each part between the boundaries."""
    mark = b"--" + boundary_of(content_type).encode()
    first, *parts = (b"\r\n" + body.lstrip(b"\r\n")).split(_END + mark)
    if first or not parts or not parts[-1].startswith(b"--"):
        raise malformed("The batch does not begin and end with its boundary, each on a line that ends in CRLF.")
    for part in parts[:-1]:
        if not part.startswith(_END):
            raise malformed("A boundary of the batch is not followed by CRLF.")
        head, between, content = part[2:].partition(_END + _END)
        if not between:
            raise malformed("A part of the batch has no empty line after its headers.")
        yield _headers(head), content


def _headers(text: bytes) -> dict[str, str]:
    found = {}
    for line in text.split(_END):
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or "\n" in value or "\n" in name:
            raise malformed("A header of the batch is no header; lines end in CRLF.")
        found[name.strip().lower()] = value.strip()
    return found


def _part(headers: Mapping[str, str], content: bytes) -> Part:
    """The request in one part."""
    if headers.get("content-type", "").partition(";")[0] != "application/http":
        raise malformed("A part of the batch has another content type than application/http.")
    if headers.get("content-transfer-encoding") != "binary":
        raise malformed("A part of the batch lacks Content-Transfer-Encoding: binary.")
    # The line end before a boundary belongs to it, and is the empty line of a request without a body.
    head, between, body = (content + _END).partition(_END + _END)
    if not between:
        raise malformed("The request of a part has no empty line after its headers.")
    line, _, rest = head.partition(_END)
    asked = _LINE.fullmatch(line.decode("latin-1"))
    if asked is None:
        raise malformed(f"{line.decode('latin-1', 'replace')!r} is no request line.")
    inner = _headers(rest) if rest else {}
    return Part(asked[1], asked[2], inner, body.strip(_END), headers.get("content-id") or inner.get("content-id"))


def written(boundary: str, parts: Iterable[bytes]) -> bytes:
    """A multipart body of whole parts."""
    mark = b"--" + boundary.encode()
    return b"".join([b"".join([mark, _END, part, _END]) for part in parts] + [mark, b"--", _END])


def as_part(answer: Answer, content_id: str | None = None) -> bytes:
    """An answer as one part."""
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    lines += [f"Content-ID: {content_id}"] if content_id else []
    lines += ["", f"HTTP/1.1 {answer.status} {_phrase(answer.status)}"]
    body = answer.body if isinstance(answer.body, bytes) else b"" if answer.body is None else orjson.dumps(answer.body)
    headers = dict(answer.headers)
    if body:
        headers.setdefault("Content-Type", "application/json; odata.metadata=minimal")
    lines += [f"{name}: {value}" for name, value in {**headers, "OData-Version": "4.0"}.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def as_change_set(boundary: str, parts: Iterable[bytes]) -> bytes:
    """The answers of a change set as one part of the batch."""
    head = f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n".encode()
    return head + written(boundary, parts)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
