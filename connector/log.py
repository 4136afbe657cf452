"""
Logs for a search box: constant messages, keys for what varies, nothing that names a person or opens a door.

Everything goes to stderr through one chain, ours and the libraries' alike: as a coloured line on a terminal, as
key=value elsewhere, or as one JSON object a line. The last step before rendering is `redact`, which replaces
secrets and e-mail addresses wherever they stand, since no caller can know what a CRM put into an error message.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path
from typing import Any, Literal, ParamSpec, TextIO, TypeVar, cast

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from connector.crms import CRMS
from connector.errors import ConnectorError

P = ParamSpec("P")
R = TypeVar("R")

REDACTED = "[redacted]"

_THEIR_NAMES = "".join(f"|{name}" for crm in CRMS.values() for name in crm.secret_names)
_SECRET_KEY = re.compile(rf"(^|_)(tokens?|authorization|secrets?|passwords?|cookie|api_?key{_THEIR_NAMES})(_|$)")
_NAMES = rf"\w*(?:token|secret|password|authorization{_THEIR_NAMES})"
#: What an address is made of; an apostrophe inside is O'Neil's, one around it is a quote.
_LETTER, _LETTER_OF_HOST = r"[^\s@<>\"'(),:;=/\[\]]", r"[^\s@<>\"'(),:;=/\[\]%&?]"
_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), rf"\1 {REDACTED}"),
    (re.compile(r"(://)[^/\s@]*@"), rf"\1{REDACTED}@"),  # user and password in a URL
    *((re.compile(form), REDACTED) for crm in CRMS.values() for form in crm.secret_forms),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+(\.[\w-]*)?"), REDACTED),  # a JSON web token
    (re.compile(rf"(?i)\b({_NAMES})(['\"]?\s*=\s*['\"]?)[^\s'\"&,;}}]+"), rf"\1\2{REDACTED}"),
    # Behind a colon a sentence may go on ("env:CRM_TOKEN: add ..."); a secret has a digit in it, or quotes.
    (re.compile(rf"(?i)\b({_NAMES})(['\"]?\s*:\s*)(?=['\"]|\S*\d)['\"]?[^\s'\"&,;}}]+"), rf"\1\2{REDACTED}"),
    # An e-mail address, also where a URL quotes its @. Bounded, so that a long text costs its length only.
    (re.compile(rf"(?:{_LETTER}|(?<=\w)'(?=\w)){{1,64}}(?:@|%40){_LETTER_OF_HOST}{{1,250}}\.[^\W\d_]{{2,}}"), REDACTED),
)

#: Libraries that talk a lot at INFO.
_CHATTY = ("apscheduler", "alembic", "urllib3", "requests", "msal")


def configure(
    format: Literal["text", "json"] = "text",
    level: str = "info",
    stream: TextIO | None = None,
) -> None:
    """Send the logs of this process to stderr (or `stream`). Call once, at the start; again to change."""
    out = stream or sys.stderr
    number = logging.getLevelNamesMapping()[level.upper()]
    handler = _Lines(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *_STAMPS],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _exceptions_without_texts,
                redact,
                _renderer(format, out),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(number)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # the runs that it skips the daemon tells and counts
    logging.getLogger("msal").setLevel(logging.CRITICAL)  # what it is refused the adapter tells, without whole pages
    structlog.configure(
        processors=[*_STAMPS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


class _Lines(logging.StreamHandler[TextIO]):
    """One line per event; one that cannot be written is lost without showing what was in it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        # The inherited one prints the event as it came, before anything was redacted.
        error = sys.exc_info()[0]
        if error is None or issubclass(error, OSError) or self.stream.closed:
            return  # nobody reads stderr any more
        self.stream.write(f"a log line of {record.name} could not be rendered ({error.__name__})\n")


def get_logger(name: str = "connector") -> FilteringBoundLogger:
    """The logger of a room: `log.info("change applied", id=record_id)`."""
    return cast(FilteringBoundLogger, structlog.stdlib.get_logger(name))


@contextmanager
def bound(**keys: str) -> Iterator[None]:
    """Put `run`, `connection` and the like on every line that is logged inside the block."""
    with structlog.contextvars.bound_contextvars(**keys):
        yield


def carried(function: Callable[P, R]) -> Callable[P, R]:
    """The function with the keys bound here, for a pool: threads do not inherit them by themselves."""
    context = copy_context()

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        # A context can be entered by one thread at a time, hence a copy per call.
        return context.copy().run(function, *args, **kwargs)

    return call


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The processor that replaces secrets and e-mail addresses in every key and value, however deep."""
    return {redact_text(key): _redacted(key, value) for key, value in event.items()}


def redact_text(text: str) -> str:
    """The text without anything that looks like a token, a password or an e-mail address."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def _exceptions_without_texts(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Where an exception came from and of what kind it is, never its text, which may quote a person; our own errors
    keep to what may be said."""
    told = event.pop("exc_info", None)
    error = told[1] if isinstance(told, tuple) else told if isinstance(told, BaseException) else sys.exc_info()[1]
    if not told or error is None:
        return event
    told_apart = traceback.TracebackException.from_exception(error, capture_locals=False, compact=True)
    event["exception"] = "".join(_frames(told_apart, error)).rstrip()
    return event


def _frames(told: traceback.TracebackException, error: BaseException | None) -> Iterator[str]:
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__) if error else None
    under = told.__cause__ or told.__context__
    if cause is not None and under is not None:
        yield from _frames(under, cause)
        yield "and then:\n"
    yield "Traceback (most recent call last):\n"
    yield from told.stack.format()
    said = f": {error}" if isinstance(error, ConnectorError) else ""
    yield f"{type(error).__name__}{said}\n"


def unforeseen(error: BaseException) -> str:
    """A mistake of ours in words: its kind and place, never its text, which may quote a person."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


def _redacted(key: str, value: Any) -> Any:
    if _SECRET_KEY.search(key.lower().replace("-", "_")) and isinstance(value, str | bytes | Mapping | list | tuple):
        return REDACTED
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {redact_text(str(inner)): _redacted(str(inner), each) for inner, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted("", each) for each in value]
    return redact_text(str(value))  # whatever a renderer would print of it


def _renderer(format: Literal["text", "json"], out: TextIO) -> Processor:
    if format == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    if out.isatty():
        return structlog.dev.ConsoleRenderer(
            colors="NO_COLOR" not in os.environ, exception_formatter=structlog.dev.plain_traceback
        )
    return structlog.processors.LogfmtRenderer(key_order=["at", "level", "event"], bool_as_flag=False)


_STAMPS: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
]
