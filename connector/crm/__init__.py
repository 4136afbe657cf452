"""
What a CRM promises to the loop: read, list what changed, write, and describe itself.

Adapters speak records and property names, never fields, stages or rules; `connector.fields` translates. A kind
is one of `KINDS`; which CRM object it is stays the adapter's affair. A "lead" is a statement of interest that a CRM
keeps as a record of its own, linked to the contact whose it is; where no contact stands behind it, it is a person, and
told as a contact. All ids are strings. Errors are those of
connector.errors: `Transient` has already been retried and paced by the adapter when it gets here, `Denied` stops
a run, everything about a single record comes back as a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from connector.crm.priorities import Priority
from connector.model import Link, Occurrence, Record, page_at

KINDS = ("company", "deal", "call", "email", "meeting", "task", "lead", "contact")
ACTIVITIES = ("call", "email", "meeting", "task")

#: Code of the Transient that `changes` ends with when it named fewer records than the CRM says there are.
INCOMPLETE = "search_incomplete"

#: Code of the CrmError that `changes` ends with when the CRM tells no more what happened since the cursor: a full scan
#: finds it out, and brings a cursor that holds.
LOST = "cursor_lost"


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a full scan. `mark` resumes after this page and all before it, whichever way the scan goes through
    the records; None on the last one. `again`: some of these may have been told before, because the scan had to begin
    anew; `warning` says why, or what else whoever reads the report should know. `cursor`, on the last page: the cursor
    of `changes` that the scan itself came to, where the one that `begin` gave is not to be used."""

    records: tuple[Record, ...]
    mark: str | None
    total: int | None = None  # where the CRM says how many there are
    age: float = 0.0  # seconds since it was asked for
    again: bool = False
    warning: str = ""
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """A stretch of an incremental read. `mark` is the cursor that may be stored once everything up to and
    including this batch is committed; None where the window is not finished."""

    ids: tuple[str, ...]
    gone: tuple[str, ...]
    mark: str | None
    complete_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """The properties of one record to set; "" clears. One update per record and batch, never two. `ours_alone`: nobody
    else sets any of them, and nothing else follows from it, so that an edit made meanwhile need not stop it."""

    id: str
    properties: Mapping[str, str]
    ours_alone: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one update, for exactly one id.

    written    the CRM says so; `properties` holds what it reports as stored, where it reports it
    rejected   refused for this record, nothing of it stored: `code` is one of connector.codes, `message` the CRM's
               word without personal data, `refused` the properties it was refused for, where the CRM named them
    gone       the record is deleted or merged away
    moved      nothing of it stored: the record is another than the one that was read, or nobody remembers what was
               read of it; to be read again, decided again and only then written
    unknown    the request went out and nothing usable came back: read back, never resend blindly
    deferred   not sent: the quota's share was spent, or the run was stopping
    """

    id: str
    state: Literal["written", "rejected", "gone", "moved", "unknown", "deferred"]
    properties: Mapping[str, str | None] = field(default_factory=dict)
    code: str = ""
    message: str = ""
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """A task to create for a contact, in plain words; the adapter knows the property names."""

    contact_id: str
    subject: str
    body: str  # with the marker already in it
    due_at: datetime
    priority: str
    owner_id: str | None
    marker: str = ""  # what makes it this task and no other, whatever it says; "": its body does


@dataclass(frozen=True, slots=True)
class FoundTask:
    """A task that hangs on a contact, as far as we need it to recognise our own."""

    id: str
    contact_id: str
    body: str
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PropertyVersion:
    """One entry of a property's history, newest first in lists. `by` as in model.Edit."""

    value: str | None
    at: datetime
    by: str
    source: str  # in the CRM's own words what kind of writer it was, a word, and which where it says so ("USER 12")
    name: str = ""  # what an automation, an app or an import is called there; of people never


@dataclass(frozen=True, slots=True)
class PropertyDefinition:
    """One property or column as the CRM defines it. `type`: string, number, bool, date, datetime, enumeration.

    `lacking` names the tables of its kind that do not have it, where a kind is several tables: created once more, it is
    created there. `secured` says that a further right on this property alone decides who sees it.
    """

    name: str
    type: str
    label: str = ""
    options: Mapping[str, str] = field(default_factory=dict)  # value -> label, in display order
    read_only: bool = False
    calculated: bool = False
    description: str = ""
    length: int | None = None  # characters that a text may have
    least: float | None = None
    most: float | None = None
    decimals: int | None = None
    secured: bool = False
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the account that whoever answers for it should know: a missing right, a table that cannot do what
    is asked of it. `stops` what cannot be done because of it; "" nothing, it is merely worth knowing."""

    what: str
    fix: str = ""
    kind: str = ""  # the kind it is about; "" the account
    stops: Literal["", "reading", "writing"] = ""


@dataclass(frozen=True, slots=True)
class DealStage:
    """One stage of a pipeline; `state` (open, won, lost) as the CRM's own probability tells."""

    pipeline: str
    id: str
    label: str
    state: str


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody records can belong to."""

    id: str
    email: str
    active: bool
    name: str = ""
    user_id: str | None = None
    teams: tuple[str, ...] = ()  # names and ids of the teams this owner belongs to


@dataclass(frozen=True, slots=True)
class Automation:
    """One automation of the account that sets a property of ours or of the CRM's by itself; or one that merely runs
    whenever the property changes (`sets` is False), and whose doings the CRM does not tell."""

    id: str
    name: str
    kind: str
    property: str
    enabled: bool = True
    sets: bool = True


@dataclass(frozen=True, slots=True)
class Description:
    """What the account looks like: everything `check`, `discover`, `setup` and the field map need to know."""

    account: str
    zone: str
    properties: Mapping[str, Mapping[str, PropertyDefinition]]  # kind -> name -> definition
    deal_stages: tuple[DealStage, ...] = ()
    owners: tuple[Owner, ...] = ()
    daily_limit: int | None = None
    daily_used: int | None = None
    #: part (a kind, "deal stages", "owners") -> why this token may not see it, with the scope to add; it is empty here
    shut: Mapping[str, str] = field(default_factory=dict)
    contact_page: str = ""  # the address of a contact's page, as model.page_at wants it, where the CRM tells enough
    name: str = ""  # what people call the account, where that is not its id
    findings: tuple[Finding, ...] = ()
    told: tuple[str, ...] = ()  # how it is read and what it keeps, as `check` says it
    changes_kept: timedelta | None = None  # whoever asks later than that for changes reads everything anew
    day: str = ""  # under which name the book of quotas keeps the account's day
    stages_go_back: bool = False  # a plain write is known to set an earlier stage; else that shows with the first one

    def page_of(self, contact_id: str, form: str = "") -> str:
        """Where a person opens this contact in a browser; "" where that is not known."""
        return page_at(self.contact_page, contact_id, form)


@dataclass(slots=True)
class Calls:
    """Tally of the requests a run made, by endpoint class ("list", "search", "batch_read", "write", ...)."""

    by_class: dict[str, int] = field(default_factory=dict)
    retries: int = 0
    throttled: int = 0


def unasked() -> None:
    """Every request may go out: nobody is asked first."""


class CRM(Protocol):
    """The contract every adapter keeps; tests/crm/contract.py proves it for each of them."""

    calls: Calls
    priority: Priority | None  # of the calls made now, where calls are scarce; None: nobody said
    before_call: Callable[[], None]  # right before every request goes out, on whichever thread: what it raises stops it

    def describe(self, kinds: Sequence[str]) -> Description:
        """Read account, properties of `kinds`, pipelines and owners; what the token may not see is told in `shut`."""

    def count(self, kind: str, property: str | None = None, value: str | None = None) -> int | None:
        """How many records of a kind there are, or have this value; None where the CRM does not tell cheaply."""

    def oldest(self, kind: str) -> datetime | None:
        """When the oldest record of a kind was created; None where there is none, or the CRM does not tell cheaply."""

    def automations(self, properties: Mapping[str, Sequence[str]]) -> list[Automation]:
        """The account's own automations that set one of these properties (kind -> names). Raises Denied where the
        token may not see them, which says what would show them, NotFound where the account has none of that kind."""

    def scan(
        self,
        kind: str,
        properties: Sequence[str],
        *,
        after: str | None = None,
        archived: bool = False,
        alone: bool = False,
    ) -> Iterator[Page]:
        """Every record of a kind with current values, each once unless a page says `again`. `after`: a page's mark.
        `alone`: by one cursor, for who stops after a few pages and has no use for what others have read ahead."""

    def begin(self, kind: str, now: datetime) -> str:
        """The cursor to store *before* a full scan's first page, so that edits during the scan are seen later."""

    def changes(self, kind: str, cursor: str, now: datetime) -> Iterator[Batch]:
        """Ids changed since `cursor` (inclusive). Always ends with a batch whose mark is set, or raises: Transient
        with code INCOMPLETE where the CRM itself counts more than it named, CrmError with code LOST where it tells no
        more what happened since."""

    def read(self, kind: str, ids: Sequence[str], properties: Sequence[str]) -> Iterator[Record]:
        """Current values of these records; ids that are gone are simply missing. A record that answers for a
        merged id carries its own id and lists the other in `merged_ids`."""

    def links(self, kind: str, ids: Sequence[str], to: str) -> Mapping[str, tuple[Link, ...]]:
        """Associations of these records to another kind; an id without any maps to ()."""

    def occurrences(
        self, source: str, cursor: str | None, now: datetime
    ) -> Iterator[tuple[tuple[Occurrence, ...], str | None]]:
        """Dated facts of a source that is not a property ("list:<name>", "form:<id>"), newest part since `cursor`
        (None: everything), with the cursor to store after each part. Raises NotFound for an unknown source."""

    def write(self, kind: str, updates: Sequence[Update]) -> list[Outcome]:
        """Set properties of records that were read by this adapter. One outcome for every update, in the same order;
        repeating it is harmless."""

    def history(
        self, kind: str, ids: Sequence[str], properties: Sequence[str]
    ) -> Mapping[str, Mapping[str, tuple[PropertyVersion, ...]]]:
        """Who changed these properties, newest first: id -> property -> versions."""

    def find_tasks(self, contact_ids: Sequence[str]) -> list[FoundTask]:
        """The tasks hanging on these contacts, by association, never by search (its index lags)."""

    def create_tasks(self, tasks: Sequence[Task], about_to_send: Callable[[int], None]) -> list[Outcome]:
        """Create each task once; not idempotent, so a lost answer is `unknown`. `about_to_send(i)` is called
        right before task i goes out. A created task's id is the outcome's id."""

    def create_property(self, kind: str, definition: PropertyDefinition, group: str) -> None:
        """Create a custom property; one that exists already is fine and stays as it is."""

    def add_options(self, kind: str, name: str, options: Mapping[str, str]) -> None:
        """Let a property of ours take further values (value -> label); those it takes already stay."""

    def publish(self) -> None:
        """After the last property and option: let them be used, and wait until they can be."""

    def clock_ahead(self, now: datetime) -> timedelta:
        """By how much our clock, which shows `now`, goes before the CRM's, as the latest answer told; below zero it
        goes after it. Nothing where no answer has told."""

    def waits_for(self) -> str:
        """What calls under way are waiting for at this moment, in words for whoever wonders; "" for nothing known."""

    def close(self) -> None:
        """Release connections; whoever waits for a place or another try gives up."""
