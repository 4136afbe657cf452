"""
What each kind of value in the configuration may look like: durations, hosts, secrets, paths, instants.

Each function takes what stood in the file and returns our type, or raises `BadValueError` with a sentence for the
operator. Sentences name no value that could be a secret or carry one (tokens, URLs).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import available_timezones

from pydantic import ValidationInfo

from connector.model import ALWAYS

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_ENV_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*")
_SHIPPED = "shipped"
_A_LEAP_YEAR = datetime(2024, 1, 1, tzinfo=UTC)


class BadValueError(ValueError):
    """A value cannot be used: what is wrong with it, and what to write instead."""

    def __init__(self, what: str, fix: str) -> None:
        self.what = what
        self.fix = fix
        super().__init__(what)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a value may refer to: the folder of the config file and the environment."""

    folder: Path
    environ: Mapping[str, str]


def surroundings(info: ValidationInfo) -> Surroundings:
    """The surroundings of the file that is being checked."""
    assert isinstance(info.context, Surroundings)
    return info.context


def text(value: Any) -> Any:
    """Ids are text, also where somebody left out the quotes around a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def texts(value: Any) -> Any:
    """One value or a list of them, as a tuple of texts."""
    return tuple(text(one) for one in value) if isinstance(value, list | tuple) else (text(value),)


def duration(value: Any) -> timedelta:
    """ "60s", "5m", "10m", "24h", "30d" or "2w"."""
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"(\d{1,6})([smhdw])", value) if isinstance(value, str) else None
    if match is None:
        raise BadValueError("is not a duration.", 'Write a number and a unit, such as "60s", "5m", "24h" or "30d".')
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def some_time(value: timedelta | None) -> timedelta | None:
    """A duration that must not be zero."""
    if value == timedelta(0):
        raise BadValueError("must be longer than nothing.", 'Write for example "5m".')
    return value


def often(value: Any) -> timedelta | None:
    """A duration between two times of doing something, from ten minutes on, or "off"."""
    if value is None or value == "off":
        return None
    found = duration(value)
    if found < timedelta(minutes=10):
        raise BadValueError("is too often.", 'Write "24h", or "off" for never; ten minutes are the least.')
    return found


def go_live(value: Any) -> Any:
    """An aware instant, or "always" for a CRM that nobody used before."""
    if value == "always":
        return ALWAYS
    if isinstance(value, str):
        value = _instant(value)
    if not isinstance(value, date):
        raise BadValueError(
            "is no instant.", 'Write for example 2026-12-07T09:00:00+01:00, or "always" for an empty CRM.'
        )
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise BadValueError("has no time zone.", "Write date, time and offset, such as 2026-12-07T09:00:00+01:00.")
    return value.astimezone(UTC)


def _instant(value: str) -> Any:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return value


def clock_time(value: Any) -> Any:
    """A time of day: 18:00:00 as TOML has it, or "18:00"."""
    if isinstance(value, time) or value is None:
        return value
    try:
        return time.fromisoformat(value)
    except (TypeError, ValueError):
        raise BadValueError("is no time of day.", 'Write for example "18:00".') from None


def moment(value: Any) -> Any:
    """A day, or an instant with its offset: 2026-12-24, or 2026-12-24T18:00:00+01:00."""
    if isinstance(value, str):
        value = _day_or_instant(value)
    if isinstance(value, datetime) and value.tzinfo is None:
        raise BadValueError("has no time zone.", "Write a day, or date, time and offset: 2026-12-24T18:00:00+01:00.")
    if not isinstance(value, date):
        raise BadValueError("is neither a day nor an instant.", "Write for example 2026-12-24.")
    return value


def _day_or_instant(value: str) -> Any:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return _instant(value)


def time_zone(value: str) -> str:
    """The name of a time zone, such as "Europe/Warsaw"."""
    if value not in available_timezones():
        raise BadValueError("is no time zone.", 'Write for example "Europe/Warsaw".')
    return value


def cron(value: str) -> str:
    """Five cron fields, as the scheduler itself understands them."""
    from apscheduler.triggers.cron import CronTrigger  # noqa: PLC0415 - heavy, and only few schedules are cron

    example = 'Write for example "*/5 8-18 * * mon-fri".'
    try:
        trigger = CronTrigger.from_crontab(value, timezone=UTC)
    except ValueError as error:
        raise BadValueError(f"is not a cron expression: {error}.", example) from None
    # To cron 1-5 is Monday to Friday, to the scheduler it is Tuesday to Saturday.
    if re.search(r"\d", value.split()[4]):
        raise BadValueError("names days of the week by numbers, which not everybody counts alike.", example)
    if trigger.get_next_fire_time(None, _A_LEAP_YEAR) is None:
        raise BadValueError("names a day that never comes.", example)
    return value


def mapping_folder(value: Any, info: ValidationInfo) -> Any:
    """The agreement's folder, relative to the config file; "shipped" is the one that comes with the connector."""
    if not isinstance(value, str):
        return value
    folder = shipped_mappings() if value == _SHIPPED else surroundings(info).folder / Path(value).expanduser()
    if not folder.is_dir():
        raise BadValueError(
            f"names a folder that is not there ({folder}).",
            'Write the folder relative to this file, or mapping = "shipped".',
        )
    return folder


def shipped_mappings() -> Path:
    """The agreement that comes with the connector: inside the wheel, or beside the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    packed = package / "_mappings"
    return packed if packed.is_dir() else package.parent / "mappings"


def secret_reference(value: str, info: ValidationInfo) -> str:
    """ "env:NAME", or "file:/path" with the path made absolute. Anything else is refused unseen."""
    if _ENV_REFERENCE.fullmatch(value):
        return value
    if value.startswith("file:") and value != "file:":
        return f"file:{surroundings(info).folder / Path(value.removeprefix('file:')).expanduser()}"
    raise BadValueError(
        "must not hold the secret itself.",
        'Put it into an environment variable or a file and write "env:NAME" or "file:/path"; '
        "if the secret was ever saved or shared in this file, replace it.",
    )


def is_reference(value: object) -> bool:
    """Does this text point at a secret instead of being one?"""
    return isinstance(value, str) and value.startswith(("env:", "file:"))


def web_address(value: str) -> str:
    """An address to send requests to: https anywhere, plain http only to this machine. No trailing slash."""
    url = split_url(value)
    if url.username or url.password or url.query or url.fragment:
        raise BadValueError(
            "holds more than an address.", 'Write only scheme, host and port, such as "https://crm.example.com".'
        )
    if not (url.hostname and (url.scheme == "https" or (url.scheme == "http" and is_loopback(url.hostname)))):
        raise BadValueError(
            "is not an https address.",
            "Write https://...; plain http is accepted for 127.0.0.1 and localhost only.",
        )
    return value.rstrip("/")


def file_beside(value: Any, info: ValidationInfo) -> Any:
    """A file, relative to the config file; whether it is there is asked when it is needed."""
    return surroundings(info).folder / Path(value).expanduser() if isinstance(value, str) and value else value


def proxy_address(value: str, info: ValidationInfo) -> str:
    """A proxy's address, or a reference to one where the address holds a password."""
    if is_reference(value):
        return secret_reference(value, info)
    url = split_url(value)
    if url.password:
        raise BadValueError("must not hold a password.", 'Put the whole address into a variable and write "env:NAME".')
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise BadValueError("is not the address of a proxy.", 'Write for example "http://proxy.example.com:3128".')
    return value


def split_url(value: str) -> SplitResult:
    """The parts of a URL; BadValueError where it has none (a port that is no number, a broken bracket)."""
    try:
        url = urlsplit(value)
        _ = url.port  # reading it is what checks it
    except ValueError:
        raise BadValueError("is not a URL.", "Write scheme, host and, where needed, port.") from None
    return url


def is_loopback(host: str) -> bool:
    """Does this host name mean this very machine?"""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def listen_address(value: str) -> str:
    """HOST:PORT, an IPv6 host in brackets."""
    url = split_url(f"//{value}")
    if not url.hostname or url.port is None or url.path or url.username is not None:
        raise BadValueError("is not HOST:PORT.", 'Write for example "127.0.0.1:8787".')
    return value


def state_url(value: str, info: ValidationInfo) -> str:
    """SQLite or PostgreSQL, the file of SQLite relative to the config file, references looked up."""
    around = surroundings(info)
    url = look_up(secret_reference(value, info), around.environ) if is_reference(value) else value
    if url.startswith("sqlite://"):
        return _absolute_sqlite(url, around.folder)
    scheme, found, rest = url.partition("://")
    if found and scheme in {"postgresql", "postgresql+psycopg"}:
        return f"postgresql+psycopg://{rest}"
    raise BadValueError(
        "is neither SQLite nor PostgreSQL.",
        'Write "sqlite:///state/connector.db" or "postgresql+psycopg://user@host/database".',
    )


def _absolute_sqlite(url: str, folder: Path) -> str:
    file, question, options = url.removeprefix("sqlite://").removeprefix("/").partition("?")
    if file in {"", ":memory:"}:
        return url
    return f"sqlite:///{folder / file}{question}{options}"


def look_up(reference: str, environ: Mapping[str, str]) -> str:
    """The secret behind a reference, stripped. Raises BadValueError, which never holds the secret."""
    kind, _, name = reference.partition(":")
    if kind == "env":
        secret, source = environ.get(name, ""), f"the environment variable {name}"
    elif kind == "file":
        secret, source = _read_secret(Path(name)), f"the file {name}"
    else:
        raise BadValueError("is not a reference to a secret.", 'Write "env:NAME" or "file:/path".')
    if not secret.strip():
        raise BadValueError(f"refers to {source}, which is empty or not set.", "Put the secret there and start again.")
    return secret.strip()


def _read_secret(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise BadValueError(
            f"refers to the file {path}, which is not there.", "Create it, readable by us only."
        ) from None
    except OSError as error:
        raise BadValueError(f"refers to the file {path}: {error.strerror}.", "Make it readable for us.") from None
    except UnicodeDecodeError:
        raise BadValueError(
            f"refers to the file {path}, which is not text.", "Save the secret as UTF-8 text."
        ) from None
