"""$batch: what goes out is framed as Dataverse demands, and of what comes back only what is whole is believed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.crm.dynamics.batch import Missing, Part, content_type, framed, taken_apart
from connector.crm.wire import Answer

REPLIED = 'multipart/mixed; boundary="batchresponse_7"'
BOUNDARY = b"batchresponse_7"

headers = st.dictionaries(st.sampled_from(["ETag", "REQ_ID", "retry-after"]), st.sampled_from(['W/"1"', "a: b", "7"]))
bodies = st.sampled_from(
    [b"", b"{}", b'{"a":"--batchresponse_"}', b"--", b"{\r\n\r\n}", b"\xff\x00", b"HTTP/1.1 204 x"]
)
answers = st.lists(st.builds(Answer, st.sampled_from([200, 204, 412, 500]), headers, bodies), max_size=5)
few = settings(max_examples=50, deadline=None)


def replied(answers: Sequence[Answer], *, closed: bool = True, end: bytes = b"\r\n") -> bytes:
    """The body that a server sends for these answers, as the documentation shows it."""
    lines: list[bytes] = []
    for answer in answers:
        lines += [b"--" + BOUNDARY, b"Content-Type: application/http", b"Content-Transfer-Encoding: binary", b""]
        lines += [b"HTTP/1.1 %d Whatever" % answer.status]
        lines += [f"{name}: {value}".encode() for name, value in answer.headers.items()]
        lines += [b"", answer.body]
    return end.join([*lines, *([b"--" + BOUNDARY + b"--", b""] if closed else [])])


def told(found: Sequence[Answer | Missing]) -> list[object]:
    """Statuses and bodies, and why there is none."""
    return [(one.status, one.body) if isinstance(one, Answer) else one for one in found]


# -- what goes out ---------------------------------------------------------------------------------------


def test_a_batch_looks_as_the_documentation_shows_it() -> None:
    """Line for line: CRLF everywhere, an empty line after the headers of a part, the closing delimiter at the end."""
    parts = [
        Part("PATCH", "/api/data/v9.2/contacts(1)?tag=us", {"If-Match": 'W/"123"'}, b'{"jobtitle":"x"}'),
        Part("GET", "/api/data/v9.2/contacts(2)?$select=fullname"),
    ]

    assert framed(parts, "batch_1").decode().split("\r\n") == [
        "--batch_1",
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        "",
        "PATCH /api/data/v9.2/contacts(1)?tag=us HTTP/1.1",
        "Content-Type: application/json; type=entry",
        'If-Match: W/"123"',
        "",
        '{"jobtitle":"x"}',
        "--batch_1",
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        "",
        "GET /api/data/v9.2/contacts(2)?$select=fullname HTTP/1.1",
        "",
        "",
        "--batch_1--",
        "",
    ]
    assert content_type("batch_1") == 'multipart/mixed; boundary="batch_1"'


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [Part("GET", "/x")] * 1001,
        [Part("GET", "/x HTTP/1.1\r\nAuthorization: y")],
        [Part("PATCH", "/x", {"If-Match": 'W/"1"\r\n\r\n{}'}, b"{}")],
        [Part("PATCH", "/x", {}, b"{}\r\n--batch_1--")],
    ],
)
def test_what_would_break_the_frame_is_not_sent(parts: Sequence[Part]) -> None:
    """None, too many, a line end in a header, the boundary in a body."""
    with pytest.raises(ValueError, match="batch"):
        framed(parts, "batch_1")


# -- what comes back -------------------------------------------------------------------------------------


@few
@given(answers, st.sampled_from([b"\r\n", b"\n"]))
def test_every_answer_of_a_whole_batch_is_found_in_its_place(sent: list[Answer], end: bytes) -> None:
    """Status, headers and body come back as they were, whatever they hold."""
    found = taken_apart(REPLIED, replied(sent, end=end), len(sent))

    assert told(found) == told(sent)
    for one, other in zip(found, sent, strict=True):
        assert isinstance(one, Answer)
        assert {name: one.headers.get(name.upper()) for name in other.headers} == dict(other.headers)


@few
@given(answers, st.integers(0, 5))
def test_what_a_shorter_batch_leaves_out_was_not_attempted(sent: list[Answer], more: int) -> None:
    """It stopped at the last answer: what stands behind it can be sent again."""
    found = taken_apart(REPLIED, replied(sent), len(sent) + more)

    assert told(found) == [*told(sent), *[Missing.NOT_ATTEMPTED] * more]


@few
@given(answers, st.data())
def test_wherever_an_answer_breaks_off_no_part_is_made_up(sent: list[Answer], data: st.DataObject) -> None:
    """The parts before the break are as they were sent, all others are unknown: none counts as not attempted."""
    whole = replied(sent)
    closing = len(b"--\r\n")
    cut = data.draw(st.integers(0, max(0, len(whole) - closing - 1)))
    found = taken_apart(REPLIED, whole[:cut], len(sent))

    known = [one for one in found if isinstance(one, Answer)]
    assert told(known) == told(sent)[: len(known)]
    assert found[len(known) :] == [Missing.UNKNOWN] * (len(sent) - len(known))


@few
@given(answers.filter(lambda sent: len(sent) > 1), st.data())
def test_behind_a_part_that_cannot_be_read_all_is_unknown(sent: list[Answer], data: st.DataObject) -> None:
    """Whatever stands there might belong to one request as well as to another."""
    broken = data.draw(st.integers(0, len(sent) - 1))
    pieces = [replied([one], closed=False) for one in sent]
    pieces[broken] = data.draw(
        st.sampled_from(
            [
                b"--" + BOUNDARY + b"\r\n\r\nnothing",
                b"--" + BOUNDARY + b"\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 fine\r\n\r\n",
                b"--" + BOUNDARY + b"\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b--",
            ]
        )
    )
    body = b"\r\n".join([*pieces, b"--" + BOUNDARY + b"--\r\n"])
    found = taken_apart(REPLIED, body, len(sent))

    assert told(found) == [*told(sent)[:broken], *[Missing.UNKNOWN] * (len(sent) - broken)]


@few
@given(answers.filter(bool))
def test_more_answers_than_requests_say_nothing_of_any(sent: list[Answer]) -> None:
    """Which of them is ours cannot be told."""
    assert taken_apart(REPLIED, replied(sent), len(sent) - 1) == [Missing.UNKNOWN] * (len(sent) - 1)


@pytest.mark.parametrize("kind", ["text/html", "multipart/mixed", "multipart/mixed; boundary=", "", REPLIED])
@pytest.mark.parametrize("body", [b"", b"<html>--", b'{"value": []}', b"\r\n\r\n", b"--batchresponse_8--"])
def test_what_is_no_batch_says_nothing_of_any(kind: str, body: bytes) -> None:
    """A proxy's page, JSON, nothing; also where its head calls it a batch."""
    assert taken_apart(kind, body, 3) == [Missing.UNKNOWN] * 3


def test_a_batch_stopped_before_its_first_part_attempted_none() -> None:
    """A closing delimiter alone is a batch without answers."""
    assert taken_apart(REPLIED, b"--batchresponse_7--\r\n", 2) == [Missing.NOT_ATTEMPTED] * 2


def test_answers_without_a_body_may_lack_the_empty_line() -> None:
    """As some servers end a 204: the delimiter follows its last header."""
    body = (
        b"--batchresponse_7\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        b'HTTP/1.1 204 No Content\r\nOData-EntityId: https://x/api\r\nETag: W/"9"\r\n\r\n'
        b"--batchresponse_7--\r\n"
    )
    (answer,) = taken_apart(REPLIED, body, 1)

    assert isinstance(answer, Answer)
    assert (answer.status, answer.headers["etag"], answer.body) == (204, 'W/"9"', b"")
