"""Logs name records by id only: whatever a caller passes, tokens and e-mail addresses do not come out."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
import structlog

from connector import log
from connector.crm.threads import Threads
from connector.sync.ahead import ahead, in_turn, together

TOKEN = "pat-na1-0a1b2c3d-aaaa-bbbb-cccc-0123456789ab"
ADDRESS = "jane.doe+crm@example.co.uk"


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _put_logging_back() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def as_json(event: str, **keys: Any) -> dict[str, Any]:
    """Log one line as JSON and read it back."""
    out = io.StringIO()
    log.configure("json", "debug", out)
    log.get_logger().info(event, **keys)
    line: dict[str, Any] = json.loads(out.getvalue())
    return line


@pytest.mark.parametrize("key", ["token", "Authorization", "client_secret", "refresh-token", "password", "api_key"])
def test_a_key_that_names_a_secret_loses_its_value(key: str) -> None:
    """Whatever stands under token, authorization, secret or password is replaced, however harmless it looks."""
    assert as_json("calling", **{key: "harmless"})[key] == log.REDACTED


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {TOKEN}",
        f"the header was bearer {TOKEN}",
        TOKEN,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        f"https://api.hubapi.com/x?access_token={TOKEN}&limit=1",
        '{"client_secret": "0a1b2c3d"}',
        "postgresql+psycopg://me:0a1b2c3d@localhost/ledger",
    ],
)
def test_what_opens_a_door_never_reaches_the_log(text: str) -> None:
    """Bearer tokens, private app tokens, web tokens and passwords are replaced wherever they stand in a value."""
    line = json.dumps(as_json("failed", answer=text))

    assert log.REDACTED in line
    assert "0a1b2c3d" not in line
    assert "eyJ" not in line


@pytest.mark.parametrize(
    "value",
    [
        ADDRESS,
        f"Contact already exists: {ADDRESS}. Existing ID: 17",
        {"email": ADDRESS},
        {ADDRESS: "17"},
        [("17", {"to": [ADDRESS]})],
        ValueError(f"{ADDRESS} is no number"),
        f"/contacts/{ADDRESS.replace('@', '%40')}?idProperty=email",
        f"<{ADDRESS}>",
        "żółć@przykład.pl",
    ],
)
def test_an_e_mail_address_never_reaches_the_log(value: Any) -> None:
    """Addresses are replaced in values of any shape and depth, in keys, in exceptions and quoted in URLs."""
    line = json.dumps(as_json("rejected", value=value), ensure_ascii=False)

    assert log.REDACTED in line
    assert "example.co" not in line
    assert "jane" not in line
    assert "przykład" not in line


def test_an_address_with_an_apostrophe_leaves_nothing_of_itself() -> None:
    """It is inside of a name as often as around a text."""
    assert log.redact_text("mail o'jane@example.co now") == f"mail {log.REDACTED} now"
    assert log.redact_text("'jane@example.co'") == f"'{log.REDACTED}'"


def test_the_message_and_the_traceback_are_redacted_too() -> None:
    """An address inside an exception's text does not come out with the traceback."""
    out = io.StringIO()
    log.configure("text", "info", out)
    try:
        int(f"owner {ADDRESS}")
    except ValueError:
        log.get_logger().exception(f"lost {ADDRESS}")

    assert "ValueError" in out.getvalue()
    assert "invalid literal" not in out.getvalue()
    assert "example.co" not in out.getvalue()


def test_libraries_that_log_by_themselves_are_redacted_as_well() -> None:
    """A line of any library takes the same way out as ours."""
    out = io.StringIO()
    log.configure("json", "info", out)

    logging.getLogger("some.library").warning("sent %s to %s", f"Bearer {TOKEN}", ADDRESS)

    assert json.loads(out.getvalue())["event"] == "sent Bearer [redacted] to [redacted]"


def test_ids_numbers_and_plain_words_come_through_unchanged() -> None:
    """Redaction does not eat what a log is searched for."""
    keys = {"id": "17", "tokens_left": 4, "seconds": 0.5, "ok": True, "none": None, "path": "/crm/objects/2026-03"}

    assert keys.items() <= as_json("change applied", **keys).items()


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
def test_text_is_pretty_on_a_terminal_and_redacted_on_both(stream: type[io.StringIO]) -> None:
    """Colours are for people; elsewhere a line is key=value. Neither shows an address."""
    out = stream()
    log.configure("text", "info", out)
    log.get_logger().info("person rejected", id="17", answer=f"bad {ADDRESS}")

    assert ("\x1b[" in out.getvalue()) is out.isatty()
    assert ('event="person rejected"' in out.getvalue()) is not out.isatty()
    assert "example.co" not in out.getvalue()


def test_the_run_and_the_connection_stand_on_every_line_of_a_block() -> None:
    """They are bound once, reach the threads of a pool, and are gone afterwards."""
    out = io.StringIO()
    log.configure("json", "info", out)
    logger = log.get_logger()
    with log.bound(run="r1", connection="acme"), ThreadPoolExecutor(2) as pool:
        logger.info("here")
        list(pool.map(log.carried(logger.info), ["there", "there too"]))
    logger.info("after")
    *inside, after = [json.loads(line) for line in out.getvalue().splitlines()]

    assert [(line["run"], line["connection"]) for line in inside] == [("r1", "acme")] * 3
    assert "run" not in after


def test_the_connection_stands_on_what_the_threads_of_an_adapter_and_of_a_run_say() -> None:
    """In a daemon several connections write one log: a server that is waited for must be told apart."""
    out = io.StringIO()
    log.configure("json", "info", out)
    logger, threads = log.get_logger(), Threads(2, "crm")
    with log.bound(connection="acme"), closing(threads), ThreadPoolExecutor(1) as pool:
        list(threads.each(logger.info, ["read", "read too"]))
        list(threads.each(logger.info, ["written"], writing=True))
        threads.ahead(lambda: logger.info("later")).result()
        list(in_turn(pool, logger.info, iter(["in turn"]), 1))
        list(ahead(logger.info(one) for one in ["ahead"]))
        list(together({"1": lambda: iter([logger.info("together")])}, threads=1))
    lines = [json.loads(line) for line in out.getvalue().splitlines()]

    assert [line.get("connection") for line in lines] == ["acme"] * 7


def test_lines_below_the_level_are_not_written() -> None:
    """At level warning an info line costs nothing and says nothing."""
    out = io.StringIO()
    log.configure("text", "warning", out)
    log.get_logger().info("chatter")

    assert out.getvalue() == ""


def test_a_line_that_cannot_be_rendered_is_lost_without_showing_its_values() -> None:
    """Where rendering fails, the reader learns that, and nothing of what the line held."""
    out = io.StringIO()
    log.configure("text", "info", out)
    log.get_logger().info("odd", **{"a key": ADDRESS})

    assert out.getvalue() == "a log line of connector could not be rendered (ValueError)\n"


def test_a_closed_pipe_does_not_spill_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    """When nobody reads stderr any more, nothing raw is printed in its place."""

    class Gone(io.StringIO):
        def write(self, _text: str, /) -> int:
            raise BrokenPipeError

    log.configure("json", "info", Gone())
    log.get_logger().info("written", token=TOKEN)

    assert capsys.readouterr().err == ""


def test_stderr_is_where_logs_go_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    """Results belong to stdout; a log line never stands between them."""
    log.configure("text", "info")
    log.get_logger().info("started")
    seen = capsys.readouterr()

    assert seen.out == ""
    assert "started" in seen.err


def test_a_very_long_text_is_redacted_in_time_that_grows_with_its_length() -> None:
    """Half a megabyte without a blank passes through; a quadratic pattern would not come back from it."""
    assert log.redact_text("x" * 500_000) == "x" * 500_000
