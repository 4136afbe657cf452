"""What a run works with, what it is asked for, and what it reports."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from connector.agreement import Agreement
from connector.crm import CRM, KINDS
from connector.crm.priorities import Priority
from connector.decide import Decider, Office
from connector.errors import Deferred
from connector.fields import FieldMap
from connector.ledger import Ledger
from connector.ledger.people import People
from connector.ledger.runs import LEASE
from connector.model import ALWAYS
from connector.plan import Limits, TaskBudget, Terms
from connector.quiet import Quiet, Silence
from connector.scope import Scope
from connector.sync.compiling import compiled
from connector.sync.signing import Signatures

Verb = Literal["sync", "backfill", "plan", "apply", "revert", "explain", "report"]


@dataclass(frozen=True, slots=True)
class Settings:
    """The part of a connection's configuration that the loop obeys."""

    mode: str = "observe"
    go_live: datetime | None = None  # None: only observe
    hold: timedelta = timedelta(days=30)
    limits: Limits = field(default_factory=Limits)
    tasks: TaskBudget = field(default_factory=TaskBudget)
    quiet: Quiet | None = None  # when tasks and stage writes wait
    no_owner: str | None = None  # owner id of the queue for people without an active owner
    never_to: frozenset[str] = frozenset()  # ids of owners who get no task: theirs go to the queue
    only_signals_newer_than: timedelta | None = None  # nobody is handed over for something older
    max_age: timedelta = timedelta(seconds=60)  # of the base of a write
    reconcile: timedelta | None = timedelta(hours=24)  # how often each record is compared; None: never
    associations: timedelta | None = timedelta(hours=24)  # how old links may be that no record tells of
    archived: timedelta | None = timedelta(hours=6)  # how often the bin is looked at
    stages_go_back: bool = False  # the CRM is known to take an earlier stage; else its first one shows whether it does
    task_settle: timedelta = timedelta(seconds=60)  # before a task not found is made again
    records: int = 1000  # of a full scan that are stored, linked and committed together, by whole pages
    records_ahead: int = 2000  # whose links are being read meanwhile
    chunk: int = 1000  # people looked at in one go
    write_chunk: int = 800  # people whose writes are under way at once


@dataclass(slots=True)
class Session:
    """Everything a run needs, wired by the command line, the daemon or a test."""

    crm: CRM
    ledger: Ledger
    agreement: Agreement
    fields: FieldMap
    settings: Settings
    account: str
    owners: frozenset[str]  # ids of active owners
    now: Callable[[], datetime]
    scope: Scope = field(default_factory=Scope)
    office: Office = field(default_factory=Office)
    signatures: Signatures = field(default_factory=Signatures)
    definitions: str = ""  # the account's definitions of what is mapped, as one digest
    worker: str = "connector"
    progress: Callable[[str, int, int | None], None] = lambda phase, done, total: None
    stopping: Callable[[], bool] = lambda: False
    #: the other connections of this state, with their mappings, in whose words their values are kept; asked when needed
    neighbours: Callable[[], Mapping[str, FieldMap]] = dict
    decider: Decider = field(init=False)
    fence: int = field(default=0, init=False)  # of the lease this session's run holds
    leased_until: datetime = field(default=ALWAYS, init=False)  # that far it holds for certain

    def __post_init__(self) -> None:
        self.decider = compiled(self.agreement, self.office)

    @property
    def mode(self) -> str:
        """Without a go-live instant the connector only observes (G15)."""
        return "observe" if self.settings.go_live is None else self.settings.mode

    @property
    def rejected_under(self) -> str:
        """What a refusal depends on beside the record: another agreement, mapping, mode or definition in the account
        is reason enough to try again."""
        parts = (self.agreement.fingerprint, self.agreement.wiring.fingerprint, self.definitions, self.mode)
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]

    @property
    def memory(self) -> People:
        """What is remembered of people. Observing keeps a memory of its own: what would have been, had it been done."""
        return self.ledger.shadows if self.mode == "observe" else self.ledger.people

    def kinds(self) -> tuple[str, ...]:
        """The kinds the agreement uses something of, people last."""
        return tuple(kind for kind in KINDS if kind == "contact" or self.fields.properties(kind))

    def go_live(self, as_of: datetime) -> datetime:
        """Since when facts count: the configured instant, or the first look of a connection that only observes."""
        return self.settings.go_live or self.ledger.runs.connection().observed_since or as_of

    def task_owner(self, owner_id: str | None) -> str | None:
        """Tasks go to an active owner who wants some, else to the queue for people without one."""
        takes = owner_id and owner_id not in self.settings.never_to and self.is_active(owner_id)
        return owner_id if takes else self.settings.no_owner

    def is_active(self, owner_id: str | None) -> bool:
        """Somebody who left owns nobody: no clock runs against them. Where owners cannot be read, all are taken."""
        return owner_id is None or not self.owners or owner_id in self.owners

    def silence(self, at: datetime) -> Silence | None:
        """What delays tasks and stage writes at this instant: quiet hours, or a freeze."""
        return self.settings.quiet.at(at) if self.settings.quiet is not None else None

    def go_on(self, *, writing: bool = False) -> None:
        """Between batches: may this run go on? Raises Deferred when the program is to stop, or, before a write, when
        somebody paused the connection."""
        if self.stopping():
            why = "Stopped on request. What was committed stays; the next run goes on from there."
            raise Deferred(why, code="stopped")
        pause = self.ledger.runs.paused(self.now()) if writing else None
        if pause is not None:
            me = self.ledger.connection
            why = f"Connection {me} is {pause}. What is left is decided anew: connector resume {me}"
            raise Deferred(why, code="paused")

    @contextmanager
    def calling_as(self, priority: Priority) -> Iterator[None]:
        """Calls inside the block go before or after others where calls are scarce."""
        before, self.crm.priority = self.crm.priority, priority
        try:
            yield
        finally:
            self.crm.priority = before

    def unsigned(self) -> str | None:
        """Which signatures must be there before anything is written, with the commands; None where nothing is amiss."""
        return None if self.mode == "observe" else self.signatures.missing(self.now())

    def still_mine(self) -> None:
        """Prolong the lease, or stop before writing over a successor's work. Raises Busy."""
        now = self.now()
        self.ledger.runs.renew_lease(self.fence, now)
        self.leased_until = now + LEASE

    def terms(self) -> Terms:
        """How this connection writes back."""
        return Terms(self.agreement.write_back, self.mode, self.settings.hold, self.agreement.wiring.own_prefix)


@dataclass(frozen=True, slots=True)
class Order:
    """What one run is asked to do.

    `only` narrows the people looked at to these ids, `within` to those whose facts and creation time it accepts;
    otherwise everybody who is due is looked at. `expected` is a reviewed plan (person id -> change as JSON):
    anything else is refused. `release` lifts the guard: what it parked has been reviewed. `clean_up` names a stage
    whose adopted people may fall by score, which nothing else lets them; then nothing but that is planned.
    """

    verb: Verb
    as_of: datetime
    everything: bool = False  # a full scan instead of what changed
    due_only: bool = False  # read nothing new: only those whose time has come
    only: tuple[str, ...] | None = None
    within: Callable[[Mapping[str, Any], datetime | None], bool] | None = None
    write: bool = True
    tasks: bool = True
    with_history: bool = False  # date the steps of counters by the CRM's history, fifty records a call
    canary: int | None = None
    expected: Mapping[str, Any] | None = None
    release: bool = False
    clean_up: str | None = None
    per_day: int | None = None  # people of a clean-up written in 24 hours
    rehearses: bool = False  # also ask what the facts of the last 30 days would have done
    resume: bool = True  # take up an interrupted full scan
    undoes: int | None = None  # the run that this one undoes
    anew: bool = False  # of an undone run: the next run decides again, nothing is left alone
    agree: Callable[[Any], bool] = lambda survey: True  # asked once it is known what undoing comes to

    @property
    def reviewed(self) -> bool:
        """Somebody looks or has looked at exactly this: the guard's budgets do not hold it back."""
        return self.release or self.expected is not None or self.clean_up is not None or self.undoes is not None


COUNTS = (
    "looked_at",
    "read",
    "adopted",
    "decided",
    "changed",
    "written",
    "unchanged",
    "held",
    "parked",
    "rejected",
    "gone",
    "unknown",
)


#: Keys of a report that say how old what no incremental read tells is, and all of it as one sentence.
COMPLETENESS = ("reconciled_as_of", "associations_as_of", "archived_as_of", "completeness")


@dataclass(slots=True)
class Report:
    """What a run did: the object `--output json` prints."""

    run: int
    connection: str
    mode: str
    started_at: datetime
    as_of: datetime
    fingerprint: str
    status: str = "running"
    finished_at: datetime | None = None
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    tasks_created: int = 0
    calls: dict[str, int] = field(default_factory=dict)
    retries: int = 0
    throttled: int = 0
    complete_until: datetime | None = None
    drift: int = 0
    incomplete: list[str] = field(default_factory=list)  # kinds of which the CRM counted more than it named
    completeness: dict[str, Any] = field(default_factory=dict)  # see connector.ledger.completeness
    seconds: float = 0.0
    blank_for_a_moment: int = 0  # people whose stage is cleared before an earlier one is set
    parked: list[dict[str, str]] = field(default_factory=list)  # one line per cause that waits, with the reason
    alerts: list[str] = field(default_factory=list)  # what a person must look at and has not been told yet
    conflicts: list[str] = field(default_factory=list)  # other systems that set our values back, told once
    accepted_unchanged: int = 0  # values that the CRM accepted and did not take
    would_hand_over_a_day: float | None = None  # a dry run's estimate, by the facts of the last 30 days
    warnings: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)  # what could not be read although the agreement asks for it
    set_aside: dict[str, int] = field(default_factory=dict)  # records under `connector rejects`, by code
    code: str = ""  # why it did not end well, as docs/errors.md explains it
    message: str = ""
    taken_up_at: datetime | None = None  # of a run that went on: whatever became of people before is of another report
    counted: set[str] = field(default_factory=set, repr=False)  # people whose end is told already, or elsewhere

    def end(self, ids: Iterable[str], name: str) -> None:
        """These were looked at and ended so, each counted once however often a run meets them."""
        fresh = set(ids) - self.counted
        self.counted |= fresh
        self.count("looked_at", len(fresh))
        self.count(name, len(fresh))

    def count(self, name: str, by: int = 1) -> None:
        """Add to one of the counts."""
        self.counts[name] += by

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, in the order a person would ask."""
        return {
            "run": self.run,
            "connection": self.connection,
            "status": self.status,
            "mode": self.mode,
            "started_at": _text(self.started_at),
            "finished_at": _text(self.finished_at),
            "as_of": _text(self.as_of),
            "fingerprint": self.fingerprint,
            "counts": dict(self.counts),
            "tasks_created": self.tasks_created,
            "calls": dict(sorted(self.calls.items())),
            "retries": self.retries,
            "throttled": self.throttled,
            "complete_until": _text(self.complete_until),
            "drift": self.drift,
            "incomplete": list(self.incomplete),
            **{name: self.completeness.get(name) for name in COMPLETENESS},  # as of the end of the run
            "seconds": round(self.seconds, 3),
            "blank_for_a_moment": self.blank_for_a_moment,
            "parked": list(self.parked),
            "alerts": list(self.alerts),
            "conflicts": list(self.conflicts),
            "accepted_unchanged": self.accepted_unchanged,
            "would_hand_over_a_day": self.would_hand_over_a_day,
            "warnings": list(self.warnings),
            "unseen": list(self.unseen),
            "set_aside": dict(self.set_aside),
            "code": self.code,
            "message": self.message,
        }


def no_report() -> dict[str, Any]:
    """The object of a run that never began: the same keys, so that whoever reads it need not ask which are there."""
    blank = Report(0, "", "", ALWAYS, ALWAYS, "", status="failed").to_json()
    return {**blank, **dict.fromkeys(("run", "connection", "mode", "started_at", "as_of", "fingerprint"))}


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
