"""
The configuration as values: what every room of the connector gets, frozen, checked and complete.

The same classes are the schema that pydantic checks the file against: a field is a key of the file, its default is
the documented default, an unknown key is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from connector.config import apps, values
from connector.crms import CRMS
from connector.toml_file import KeyPath

Mode = Literal["observe", "scores", "live"]

if TYPE_CHECKING:
    Crm = str
else:
    Crm = Literal[tuple(CRMS)]  # which a type checker cannot read, and pydantic can

_Text = Annotated[str, BeforeValidator(values.text), Field(min_length=1)]
_Texts = Annotated[tuple[_Text, ...], BeforeValidator(values.texts)]
_Positive = Annotated[int, Field(strict=True, ge=1)]
_Whole = Annotated[int, Field(strict=True, ge=0)]
_Share = Annotated[float, Field(strict=True, gt=0, le=1)]
_Flag = Annotated[bool, Field(strict=True)]
_Duration = Annotated[timedelta, BeforeValidator(values.duration)]
_Interval = Annotated[_Duration, AfterValidator(values.some_time)]
_Often = Annotated[timedelta | None, BeforeValidator(values.often)]
_Secret = Annotated[str, AfterValidator(values.secret_reference)]
_Address = Annotated[str, AfterValidator(values.web_address)]
_Environment = Annotated[str, AfterValidator(apps.environment_address)]
_Authority = Annotated[str, AfterValidator(apps.authority_address)]
_Tenant = Annotated[str, BeforeValidator(values.text), AfterValidator(apps.tenant)]
_Zone = Annotated[str, AfterValidator(values.time_zone)]

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of the file: keys it does not know are errors."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Read(_Table):
    """How records are read. Sizes are records per call and shrink by themselves where the CRM says so."""

    settle: _Duration = timedelta(seconds=60)  # how far the cursor stays behind now
    look_back: _Duration = timedelta(minutes=5)
    page: _Positive = 100
    search_page: _Positive = 200
    batch: _Positive = 100
    threads: Annotated[int, Field(strict=True, ge=1, le=64)] = 8
    max_age: _Interval = timedelta(seconds=60)  # how old the base of a write may be
    reconcile: _Often = timedelta(hours=24)  # how often every record is compared, in pieces; None: never
    associations: _Often = timedelta(hours=24)  # how old links may be that no record tells of; None: as old as they get
    archived: _Often = timedelta(hours=6)  # how often the bin is looked at; None: never


@dataclass(frozen=True, slots=True, kw_only=True)
class Write(_Table):
    """How records are written, where the CRM leaves a choice.

    `states`: state and status of rows may be written, which closes and reopens them. `bulk`: of the columns whose names
    begin so, a backfill writes those that nobody else sets (scores, reasons, dates; never stage, status or answers)
    many rows at a time, without looking what others do meanwhile. `predictive_score`, `predictive_grade`: columns of
    people that their open leads and deals show as well, where the CRM's own pages show scores.
    """

    states: _Flag = False
    bulk: _Text | None = None
    predictive_score: _Text | None = None
    predictive_grade: _Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget(_Table):
    """What part of the CRM's quota is ours. `share` and `daily_floor` concern the daily pool."""

    share: _Share = 0.5
    daily_floor: _Whole = 50_000  # calls a day that are always left to others
    burst_share: _Share = 1.0
    daily_quota: _Positive | None = None  # calls a day there are, where the CRM never says so; None: its usual number


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard(_Table):
    """How much may change before a human must look (people per run, per 24 hours, share of those looked at)."""

    changes_per_run: _Whole = 200
    changes_per_day: _Whole = 500
    max_share: _Share = 0.3
    max_score_writes: _Whole = 50_000  # people per run whose scores only aged


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks(_Table):
    """How many hand-off tasks may be created, whose they are when a person has no owner, and who gets none.

    Owners are named by id, e-mail address or name. Days are rolling 24 hours.
    """

    per_owner_per_day: _Whole = 15
    per_day: _Whole = 150
    no_owner: _Text | None = None
    never_to: _Texts = ()  # owners who get no tasks: theirs go to no_owner
    only_signals_newer_than_days: _Positive | None = None  # nobody is handed over for something older
    time_zones: Mapping[str, _Zone] = field(default_factory=dict)  # owner -> zone of the due time in the text


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet(_Table):
    """Hours of the week in which tasks and stage writes wait, in the agreement's time zone."""

    begins: Annotated[time | None, BeforeValidator(values.clock_time)] = None
    ends: Annotated[time | None, BeforeValidator(values.clock_time)] = None
    days: tuple[Day, ...] = ()  # quiet from midnight to midnight
    except_fast_track: _Flag = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze(_Table):
    """A stretch of time in which tasks and stage writes wait: a quarter's end, a holiday, a migration.

    A day means all of it in the agreement's time zone, so `ends` is the last frozen day.
    """

    begins: Annotated[date | datetime, BeforeValidator(values.moment)]
    ends: Annotated[date | datetime, BeforeValidator(values.moment)]
    reason: _Text = "frozen"
    except_fast_track: _Flag = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth(_Table):
    """An OAuth app's credentials; the two secrets are references."""

    client_id: _Text
    client_secret: _Secret
    refresh_token: _Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate(_Table):
    """What proves an app registration in place of a secret: a PEM file with key and certificate."""

    file: Annotated[Path, BeforeValidator(values.file_beside)]
    thumbprint: Annotated[str, AfterValidator(apps.thumbprint)] | None = None  # where the file holds the key alone
    passphrase: _Secret | None = None  # of the key


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection(_Table):
    """One CRM account and how the agreement is applied to it.

    Secrets (`token`, `client_secret`, those in `oauth` and `certificate`) are references for `resolve_secret`.
    Without a `go_live` every mode only observes (G15). One of `every` and `cron` is set. `scope` and `never_touch` map
    a field (or condition) of ours to the accepted texts; what they mean is the agreement's affair.
    """

    name: str
    crm: Crm
    token: _Secret | None = None
    oauth: OAuth | None = None
    base_url: _Address | None = None
    api_version: _Text = ""  # filled in by what is usual with the CRM
    account: _Text | None = None
    environment_url: _Environment | None = None
    tenant_id: _Tenant | None = None
    client_id: _Text | None = None
    client_secret: _Secret | None = None
    certificate: Certificate | None = None
    authority: _Authority | None = None
    mapping: Annotated[Path, BeforeValidator(values.mapping_folder)] = field(default_factory=values.shipped_mappings)
    mode: Mode = "observe"
    go_live: Annotated[datetime | None, BeforeValidator(values.go_live)] = None
    every: _Interval | None = None
    cron: Annotated[str, AfterValidator(values.cron)] | None = None
    jitter: _Duration | None = None  # a run begins up to so much later than planned; None: a tenth of `every`
    read: Read = Read()
    write: Write = Write()
    budget: Budget = Budget()
    guard: Guard = Guard()
    tasks: Tasks = Tasks()
    quiet: Quiet = Quiet()
    freezes: tuple[Freeze, ...] = ()
    scope: Mapping[str, _Texts] = field(default_factory=dict)
    never_touch: Mapping[str, _Texts] = field(default_factory=dict)
    hold: _Duration = timedelta(days=30)
    require_approval: _Flag = True  # asked for in mode live only
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] | None = None  # of texts for sales; None: the agreement's
    proxy: Annotated[str, AfterValidator(values.proxy_address)] | None = None
    timeout: _Interval = timedelta(seconds=30)  # of one call, wall clock

    @property
    def address(self) -> str:
        """Where this CRM answers."""
        return str(getattr(self, CRMS[self.crm].address))


@dataclass(frozen=True, slots=True, kw_only=True)
class Web(_Table):
    """Where the status pages listen."""

    listen: Annotated[str, AfterValidator(values.listen_address)] = "127.0.0.1:8787"

    @property
    def host(self) -> str:
        return values.split_url(f"//{self.listen}").hostname or ""

    @property
    def port(self) -> int:
        return values.split_url(f"//{self.listen}").port or 0


@dataclass(frozen=True, slots=True, kw_only=True)
class State(_Table):
    """Where the ledger is."""

    url: Annotated[str, AfterValidator(values.state_url)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(_Table):
    """The whole file."""

    connections: Mapping[str, Connection]
    state: State
    web: Web = Web()


@dataclass(frozen=True, slots=True)
class Config:
    """The configuration of one installation. `state_url` is ready for use and may hold a password."""

    state_url: str = field(repr=False)
    connections: Mapping[str, Connection]
    web: Web
    path: Path


#: The tables inside a connection whose keys are fixed; `scope` and `never_touch` take any key.
INNER_TABLES: Mapping[str, type[_Table]] = {
    "read": Read,
    "write": Write,
    "budget": Budget,
    "guard": Guard,
    "tasks": Tasks,
    "oauth": OAuth,
    "certificate": Certificate,
    "quiet": Quiet,
}


def known_keys(path: KeyPath) -> tuple[str, ...]:
    """The keys that may stand in the table at this path; none for a value or a table that takes any key."""
    match path:
        case ():
            return _keys(Document)
        case ("state",):
            return _keys(State)
        case ("web",):
            return _keys(Web)
        case ("connections", _):
            return tuple(key for key in _keys(Connection) if key != "name")  # the name is the table's own
        case ("connections", _, inner) if inner in INNER_TABLES:
            return _keys(INNER_TABLES[inner])
        case ("connections", _, "freezes", _):
            return _keys(Freeze)
        case _:
            return ()


def _keys(table: type[_Table]) -> tuple[str, ...]:
    return tuple(each.name for each in fields(table))
