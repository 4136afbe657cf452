"""
Every way the connector can fail, sorted by who must act.

    ConnectorError            exit code
    ├── ConfigError           4   the operator: a file is wrong; carries every problem found
    ├── GuardRefused          5   a human: too much would change, or the world moved; look, then decide
    ├── Busy                  6   nobody: another run holds the connection
    ├── UsageError           64   the caller: the command line asks for something that cannot be
    ├── Deferred             75   nobody: the quota's share is spent; the next run goes on
    ├── LedgerError           1   the operator: the state cannot be read or written (full disk, rights)
    ├── Unaccounted           1   us: an answer or a run does not add up; nothing of it was recorded
    ├── MalformedRecord       -   someone, for this record: reject it and go on
    └── CrmError              1
        ├── Transient         1   us, later: network, 429, 5xx; knows retry_after
        │   ├── Throttled         more was asked than the CRM takes: everybody who calls as we do slows down
        │   └── OutcomeUnknown    the call may have been applied: read back, never resend blindly
        ├── Denied            1   the administrator: token, account or scope; the run stops
        ├── NotFound          -   the thing asked for is not there (a list, a property, an object type)
        └── Rejected          -   someone, for this record or this batch: isolate it and go on

A message says what is wrong, where, and what to do. Personal data and tokens never stand in one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a file or an account, told so that it can be mended without asking."""

    where: str  # "mappings/scoring.toml:12, engagement.high_intent.pricing_page" or "property cx_stage"
    what: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f" {self.fix}" if self.fix else "")


class ConnectorError(Exception):
    """The base of everything the connector raises on purpose. `code` is stable; docs/errors.md explains each."""

    exit_code = 1
    code: str = "error"
    report: Mapping[str, Any] | None = None  # of the run that ended by it, as `--output json` prints it


class ConfigError(ConnectorError):
    """Files or account do not fit; nothing was written. Carries all problems at once."""

    exit_code = 4
    code = "config"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class GuardRefused(ConnectorError):
    """Too much would change at once, or the world is no longer the one that was reviewed."""

    exit_code = 5
    code = "guard"


class Busy(ConnectorError):
    """Another run holds this connection."""

    exit_code = 6
    code = "busy"


class UsageError(ConnectorError):
    """The command asks for something that cannot be done as it stands."""

    exit_code = 64
    code = "usage"


class Deferred(ConnectorError):
    """The connection's share of the CRM's quota is spent, or the run was asked to end; the work goes on in the next
    run, or in the first one after `until` where that is known."""

    exit_code = 75

    def __init__(self, message: str, *, code: str = "quota", until: datetime | None = None) -> None:
        self.code = code
        self.until = until
        super().__init__(message)


class LedgerError(ConnectorError):
    """The state cannot be read or written."""

    code = "state"


class Unaccounted(ConnectorError):
    """An answer of an adapter, or a run, does not add up (G6). A mistake of ours: nothing of it is recorded."""

    code = "unaccounted"


class MalformedRecord(ConnectorError):
    """One record's data cannot be understood. `code` is stable and documented; values are never quoted."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class CrmError(ConnectorError):
    """The CRM did not do what was asked. `correlation_id` is the CRM's own name for the call."""

    def __init__(self, message: str, *, code: str = "crm_error", correlation_id: str | None = None) -> None:
        self.code = code
        self.correlation_id = correlation_id
        super().__init__(message + (f" (correlation id {correlation_id})" if correlation_id else ""))


class Transient(CrmError):
    """Will pass by itself. `retry_after` in seconds where the CRM named one."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "transient",
        correlation_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.retry_after = retry_after
        super().__init__(message, code=code, correlation_id=correlation_id)


class Throttled(Transient):
    """The CRM asks for patience; nothing was done. `limit` is what the CRM calls the limit that was reached, "" where
    it does not say."""

    def __init__(
        self,
        message: str,
        *,
        limit: str = "",
        correlation_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.limit = limit
        super().__init__(message, code="throttled", correlation_id=correlation_id, retry_after=retry_after)


class OutcomeUnknown(Transient):
    """The request went out and no usable answer came: the CRM may or may not have applied it."""


class Denied(CrmError):
    """The credentials do not open this door: wrong token, wrong account, missing scope."""


class NotFound(CrmError):
    """The thing asked for does not exist or is not available in this account."""


class Rejected(CrmError):
    """The CRM refused this request for what it says. Sending it again unchanged is pointless."""
