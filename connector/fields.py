"""
FieldMap: the CRM's properties into our fields and back, and records into the people that rules are about.

The only room that knows both vocabularies. Going in, a record becomes *facts*: a JSON table of the few values the
agreement uses, which is what the ledger keeps and compares. Facts of a contact and of everything around it then
become a `Person`. Going out, a wanted value becomes the text the CRM stores. Pure: no I/O, no clock.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from functools import lru_cache
from typing import Any, NamedTuple

from connector.agreement.wiring import FieldSpec, SignalSource, Wiring
from connector.errors import MalformedRecord
from connector.model import Activity, Deal, Edit, Occurrence, Person, Record, Signal, Value
from connector.spelling import same_value

#: Fields whose value must be one the mapping names; any other live value is reported and never touched.
STRICT = ("stage", "status")

#: An epoch below this is in seconds, above in milliseconds: it is 1973 in milliseconds and 5138 in seconds.
_MILLISECONDS_FROM = 100_000_000_000

#: Whole numbers up to here are the same as float and as int.
_EXACT_BELOW = 2**53

#: Numbers and instants whose reading is remembered: scores and times of a run are the same for thousands of people.
_REMEMBERED = 4096

_MIDNIGHT = time(tzinfo=UTC)

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Linked:
    """A record around a contact: its facts, the labels of the link, and the run that first saw either."""

    id: str
    facts: Facts
    labels: tuple[str, ...] = ()
    seen: int = 0


class _Column(NamedTuple):
    """One property to read, a tuple because the hot loop takes it apart for every record."""

    field: str
    property: str
    parse: Callable[[str], Any]
    words: Mapping[str, str] | None


class FieldMap:
    """One CRM's mapping, compiled. `deal_states` tells open, won, lost per (pipeline, deal stage) of the account;
    `date_only` names the contact properties that hold a day instead of an instant, which is a day of `zone`, the
    account's own calendar."""

    def __init__(
        self,
        wiring: Wiring,
        needed: Mapping[str, Iterable[str]],
        deal_states: Mapping[tuple[str, str], str],
        date_only: Iterable[str] = (),
        zone: tzinfo = UTC,
    ) -> None:
        self.wiring = wiring
        self._columns = {kind: _columns(wiring, kind, set(fields)) for kind, fields in needed.items()}
        self._otherwise = {kind: _otherwise(wiring, kind, columns) for kind, columns in self._columns.items()}
        self._deal_states = deal_states
        self._only_pipeline = _only_pipeline(wiring)
        self._date_only = frozenset(date_only)
        self._zone = zone
        self._contact = wiring.fields.get("contact", {})
        self._stored = {column.field: column for column in _columns(wiring, "contact", set(self._contact))}
        self._verbatim = frozenset(field for field, spec in self._contact.items() if not spec.values)
        self._entered = tuple((stage, spec.property) for stage, spec in wiring.entered.items())
        self._instants = {
            kind: tuple(field for field, spec in specs.items() if spec.type == "datetime")
            for kind, specs in wiring.fields.items()
        }
        self._lists = {
            kind: tuple(field for field, spec in specs.items() if spec.type == "list")
            for kind, specs in wiring.fields.items()
        }
        self._by_source: dict[str, list[SignalSource]] = {}
        for source in wiring.signals:
            self._by_source.setdefault(source.source, []).append(source)
        self._counters = tuple(source for source in wiring.signals if source.how == "counter")
        self._dates = tuple(source for source in wiring.signals if source.how == "date")

    # -- what to ask for -----------------------------------------------------------------------------------

    def properties(self, kind: str) -> tuple[str, ...]:
        """The property names to request of a kind: those the agreement uses, and no other."""
        names = {column.property for column in self._columns.get(kind, ())}
        names.update(column.property for column in self._otherwise.get(kind, ()))
        if kind == "contact":
            names.update(name for _, name in self._entered)
            names.update(source.key for source in (*self._counters, *self._dates))
            names.update(source.date for source in self._counters if source.date)
        return tuple(sorted(names))

    def names(self, kind: str) -> frozenset[str]:
        """Our fields of a kind that are read."""
        return frozenset(column.field for column in self._columns.get(kind, ()))

    def sources(self) -> tuple[str, ...]:
        """The occurrence sources to read besides records: lists and forms."""
        return tuple(sorted({one.source for one in self.wiring.signals if one.how in ("list", "form")}))

    # -- their words into facts ------------------------------------------------------------------------------

    def facts(self, record: Record) -> dict[str, Any]:
        """What the agreement uses of one record, as JSON. Raises MalformedRecord naming the property."""
        fields: dict[str, Any] = {}
        unmapped: dict[str, str] = {}
        properties = record.properties
        for field, name, parse, words in self._columns.get(record.kind, ()):
            raw = properties.get(name)
            if not raw:
                continue
            try:
                value = parse(raw) if words is None else _worded(field, raw, parse, words, unmapped)
            except ValueError:
                raise _malformed(record, name, parse) from None
            if value is not None:
                fields[field] = value
        for column in self._otherwise.get(record.kind, ()):
            self._read_otherwise(record, column, fields, unmapped)
        facts: dict[str, Any] = {"f": fields}
        if unmapped:
            facts["u"] = unmapped
        if record.kind == "contact":
            if self._counters or self._dates:
                facts["c"] = self._marks(record)
            if entered := self._dates_of_entering(properties):
                facts["e"] = entered
        return facts

    def _read_otherwise(
        self, record: Record, column: _Column, fields: dict[str, Any], unmapped: dict[str, str]
    ) -> None:
        """Another property's value for a field that has none of its own."""
        field, name, parse, words = column
        raw = record.properties.get(name)
        if not raw or field in fields or field in unmapped:
            return
        try:
            value = parse(raw) if words is None else _worded(field, raw, parse, words, unmapped)
        except ValueError:
            raise _malformed(record, name, parse) from None
        if value is not None:
            fields[field] = value

    def _dates_of_entering(self, properties: Mapping[str, str | None]) -> dict[str, str]:
        """When the CRM says each stage was entered; a date nobody can read is as good as none."""
        told = [(stage, raw) for stage, name in self._entered if (raw := properties.get(name))]
        return {stage: moment for stage, raw in told if (moment := _read_as(_moment, raw)) is not None}

    def _marks(self, record: Record) -> dict[str, Any]:
        """Counters and "last ..." dates as they stand: the baseline that a rise is measured against."""
        marks: dict[str, Any] = {}
        for source in self._counters:
            raw = record.properties.get(source.key)
            if raw:
                marks[source.key] = self._mark(record, source.key, raw, _number)
            if source.date and record.properties.get(source.date):
                marks[source.date] = self._mark(record, source.date, record.properties[source.date] or "", _moment)
        for source in self._dates:
            raw = record.properties.get(source.key)
            if raw:
                marks[source.key] = self._mark(record, source.key, raw, _moment)
        return marks

    def _mark(self, record: Record, name: str, raw: str, parse: Callable[[str], Any]) -> Any:
        try:
            return parse(raw)
        except ValueError:
            raise _malformed(record, name, parse) from None

    def rises(self, id: str, before: Facts | None, after: Facts, read_at: datetime) -> list[Occurrence]:
        """Signals that property values give away: a counter that rose, a "last ..." date that moved.

        A rise is one signal, identified by the value it reached and dated by its companion date, else by the read.
        At first sight only a dated one counts; a fall sets a new baseline in silence.
        """
        old = (before or {}).get("c", {})
        new = after.get("c", {})
        found = []
        for source in self._counters:
            reached, was = new.get(source.key), old.get(source.key, 0)
            at = _instant(new.get(source.date)) if source.date else None
            if reached and reached > was and (before is not None or at is not None):
                found.append(Occurrence(f"{id}:{reached}", source.source, at or read_at, id))
        for source in self._dates:
            moved = new.get(source.key)
            if moved and moved != old.get(source.key):
                found.append(Occurrence(f"{id}:{moved}", source.source, _instant(moved) or read_at, id))
        return found

    def marked(self) -> tuple[str, ...]:
        """The properties whose history tells dated signals: counters and "last ..." dates."""
        return tuple(sorted({source.key for source in (*self._counters, *self._dates)}))

    def steps(self, id: str, history: Mapping[str, Sequence[tuple[str | None, datetime]]]) -> list[Occurrence]:
        """The signals of the past: every rise in a property's history, dated by it. `history` is newest first."""
        found: list[Occurrence] = []
        for source in self._counters:
            highest = 0.0
            for raw, at in reversed(history.get(source.key, ())):
                reached = _read_as(_number, raw)
                if reached is not None and reached > highest:
                    highest = reached
                    found.append(Occurrence(f"{id}:{reached}", source.source, at, id))
        for source in self._dates:
            moments = {_read_as(_moment, raw) for raw, _ in history.get(source.key, ())}
            found += [
                Occurrence(f"{id}:{moment}", source.source, when, id)
                for moment in sorted(filter(None, moments))
                if (when := _instant(moment)) is not None
            ]
        return found

    # -- facts into a person -----------------------------------------------------------------------------------

    def person(
        self,
        contact: Linked,
        *,
        created_at: datetime | None,
        company: Linked | None,
        deals: Sequence[Linked],
        activities: Sequence[tuple[str, Linked]],
        occurrences: Sequence[Occurrence],
        edits: Mapping[str, Edit],
    ) -> Person:
        """Put one person together from facts; `activities` come as (kind, linked)."""
        fields = self.fields_of(contact.facts, company.facts if company else None)
        done = [self._activity(kind, one) for kind, one in activities]
        owner = fields.get("owner_id")
        return Person(
            id=contact.id,
            fields=fields,
            stage=contact.facts["f"].get("stage"),
            status=contact.facts["f"].get("status"),
            owner_id=owner if isinstance(owner, str) else None,
            created_at=created_at,
            company_id=company.id if company else None,
            deals=tuple(self._deal(one) for one in deals),
            signals=self._signals(activities, done, occurrences),
            activities=tuple(activity for activity in done if activity is not None),
            unmapped=contact.facts.get("u", {}),
            edits=edits,
            entered={stage: at for stage, raw in contact.facts.get("e", {}).items() if (at := _instant(raw))},
        )

    def fields_of(self, contact: Facts, company: Facts | None) -> dict[str, Value]:
        """The fields of a contact and of its company, whose known values win."""
        fields = self._as_values("contact", contact["f"])
        if company is not None:
            fields.update(self._as_values("company", company["f"]))
        return fields

    def _as_values(self, kind: str, fields: Mapping[str, Any]) -> dict[str, Value]:
        """Facts are JSON, which knows neither instants nor tuples."""
        ready: dict[str, Value] = dict(fields)
        for field in self._instants.get(kind, ()):
            if field in ready:
                ready[field] = _instant(fields[field])
        for field in self._lists.get(kind, ()):
            if field in ready:
                ready[field] = tuple(fields[field])
        return ready

    def _deal(self, linked: Linked) -> Deal:
        fields = linked.facts["f"]
        pipeline, stage = fields.get("pipeline", self._only_pipeline), fields.get("deal_stage", "")
        ours = self.wiring.deal_stages.get((pipeline, stage))
        state = ours if ours in ("won", "lost", "on_hold") else _ending(fields)
        return Deal(
            id=linked.id,
            state=state or self._deal_states.get((pipeline, stage)) or "open",
            deal_stage=ours,
            pipeline=pipeline or None,
            counted=not self.wiring.pipelines or pipeline in self.wiring.pipelines,
            amount=fields.get("amount"),
            opened_at=_instant(fields.get("opened_at")),
            closed_at=_instant(fields.get("closed_at")),
            lost_reason=fields.get("lost_reason"),
            lead_type=fields.get("lead_type") or self.wiring.lead_types.get(pipeline),
            labels=linked.labels,
        )

    def _activity(self, kind: str, linked: Linked) -> Activity | None:
        """None for one without a time: it cannot be placed, so it cannot count."""
        fields = linked.facts["f"]
        at = _instant(fields.get("at"))
        if at is None:
            return None
        duration = fields.get("duration_ms")
        return Activity(
            id=linked.id,
            kind=kind,
            at=at,
            direction=fields.get("direction"),
            outcome=fields.get("outcome"),
            actor="automation" if fields.get("actor") == "automation" else "rep",
            owner_id=fields.get("owner_id"),
            duration_s=None if duration is None else duration / 1000,
            sequence=fields.get("sequence"),
        )

    def _signals(
        self,
        activities: Sequence[tuple[str, Linked]],
        done: Sequence[Activity | None],
        occurrences: Sequence[Occurrence],
    ) -> tuple[Signal, ...]:
        found = [
            Signal(f"{kind}:{linked.id}", source.signal, activity.at, linked.seen)
            for (kind, linked), activity in zip(activities, done, strict=True)
            if activity is not None
            for source in self._by_source.get(kind, ())
            if _recognised(source, activity)
        ]
        found += [
            Signal(f"{one.source}:{one.id}", source.signal, one.at, one.seen, _asset(one, source))
            for one in occurrences
            for source in self._by_source.get(one.source, ())
        ]
        return tuple(sorted(found, key=lambda signal: (signal.at, signal.id, signal.kind)))

    # -- our words into theirs -----------------------------------------------------------------------------------

    def spec(self, field: str) -> FieldSpec | None:
        """The contact property behind a field, if the mapping has one."""
        return self._contact.get(field)

    def encode(self, field: str, value: Value | list[str]) -> str:
        """A wanted value as the text the CRM stores; "" clears. Raises KeyError for an unmapped field."""
        if type(value) is str and field in self._verbatim:
            return value
        if value is None or value in ("", ()):
            return ""
        if isinstance(value, list):  # choices, as facts keep them
            value = tuple(value)
        spec = self._contact[field]
        if spec.values:
            words = value if isinstance(value, tuple) else (str(value),)
            return ";".join(spec.values[word][0] if word in spec.values else word for word in words)
        if isinstance(value, datetime):
            return _day(value, self._zone).isoformat() if spec.property in self._date_only else _iso(value)
        return _plain(value)

    def decode(self, field: str, raw: str | None) -> Any:
        """A stored text as the fact it would become, for comparing; None for blank."""
        _, _, parse, words = self._stored[field]
        if not raw:
            return None
        if words is not None:
            return _choices_worded(raw, words) if parse is _choices else _word(raw, words) or raw
        try:
            return parse(raw)
        except ValueError:
            return raw

    def alike(self, field: str, one: str, other: str) -> bool:
        """Whether two texts of the CRM mean one value: numbers, dates, flags and choices may come back in another
        spelling than they were written in, and so may line ends and telephone numbers."""
        return one == other or same_value(self.decode(field, one), self.decode(field, other))

    def holds(self, facts: Facts, field: str, value: Value) -> bool:
        """Whether these facts plainly hold this value, so that no text has to be made of either. False says nothing:
        the same value may be there in another spelling."""
        stored = self.live(facts, field)
        return type(stored) is type(value) and stored == value

    def same(self, field: str, name: str, one: str | None, other: str | None) -> bool:
        """Whether two texts stand for the same value of a property, which the mapping may have dropped since."""
        if (one or "") == (other or ""):
            return True
        if not one or not other:
            return False
        spec = self.spec(field)
        if spec is not None and spec.property == name:
            return self.alike(field, one, other)
        at = _read_as(_moment, one)
        return at is not None and at == _read_as(_moment, other)

    def live(self, facts: Facts, field: str) -> Any:
        """What the CRM holds in a field right now, as a fact; an unmapped value as the CRM's own text."""
        value = facts["f"].get(field)
        return facts["u"].get(field) if value is None and "u" in facts else value

    def with_written(self, facts: Facts, written: Mapping[str, str]) -> dict[str, Any]:
        """The facts as they read after these fields were written: field -> the CRM's text."""
        fields = dict(facts["f"])
        unmapped = dict(facts.get("u", {}))
        for field, raw in written.items():
            value = self.decode(field, raw)
            unmapped.pop(field, None)
            if value is None:
                fields.pop(field, None)
            else:
                fields[field] = value
        ready = {**facts, "f": fields}
        ready.pop("u", None)
        return {**ready, "u": unmapped} if unmapped else ready


def _read_as(parse: Callable[[str], Any], raw: str | None) -> Any:
    """A value of the past; one that cannot be read tells nothing."""
    try:
        return parse(raw) if raw else None
    except ValueError:
        return None


def email_hash(address: object) -> str | None:
    """A form submission names only an address; both sides keep its hash, never the address twice."""
    if not isinstance(address, str) or "@" not in address:
        return None
    return hashlib.sha256(address.strip().lower().encode()).hexdigest()


def _worded(
    field: str, raw: str, parse: Callable[[str], Any], words: Mapping[str, str], unmapped: dict[str, str]
) -> Any:
    """A value of a property whose values the mapping names; None where it must be named and is not."""
    if parse is _choices:
        return _choices_worded(raw, words)
    word = _word(raw, words)
    if word is not None:
        return word
    if field in STRICT:
        unmapped[field] = raw
        return None
    return f"unmapped:{raw}" if field == "outcome" else parse(raw)


def _word(raw: str, words: Mapping[str, str]) -> str | None:
    return words.get(raw) or words.get(raw.strip().casefold())


def _choices_worded(raw: str, words: Mapping[str, str]) -> list[str] | None:
    """Several choices in one text; those that the mapping does not name as the CRM has them."""
    return sorted({_word(one, words) or one for one in _choices(raw) or ()}) or None


def _malformed(record: Record, name: str, parse: Callable[[str], Any]) -> MalformedRecord:
    return MalformedRecord(
        "malformed_value", f"{record.kind} {record.id}: property {name} does not hold {parse.__doc__}"
    )


def _asset(one: Occurrence, source: SignalSource) -> str:
    """What a signal was about: the page where the CRM tells it, else the list, form or property it was seen in."""
    page = one.details.get("asset")
    return page if isinstance(page, str) and page else source.key


def _recognised(source: SignalSource, activity: Activity) -> bool:
    if source.direction is not None and activity.direction != source.direction:
        return False
    return not source.outcomes or activity.outcome in source.outcomes


def _ending(fields: Mapping[str, Any]) -> str | None:
    """What a deal says itself of how it ended, whatever stage it was left in; None while it goes on."""
    if fields.get("is_won"):
        return "won"
    return "lost" if fields.get("is_closed") else None


def _only_pipeline(wiring: Wiring) -> str:
    """Where deals have no pipelines, the property that holds their stage is as good as one."""
    specs = wiring.fields.get("deal", {})
    return specs["deal_stage"].property if "deal_stage" in specs and "pipeline" not in specs else ""


def _columns(wiring: Wiring, kind: str, needed: set[str]) -> tuple[_Column, ...]:
    return tuple(
        _Column(field, spec.property, _PARSERS[spec.type], _words(spec) if spec.values else None)
        for field, spec in wiring.fields.get(kind, {}).items()
        if field in needed
    )


def _otherwise(wiring: Wiring, kind: str, columns: Sequence[_Column]) -> tuple[_Column, ...]:
    """The properties that are read where a field's own is blank, in their order."""
    specs = wiring.fields.get(kind, {})
    return tuple(one._replace(property=name) for one in columns for name in specs[one.field].otherwise)


def _words(spec: FieldSpec) -> dict[str, str]:
    """Their value -> ours; where two of ours share one of theirs, the one listed first is read."""
    words: dict[str, str] = {}
    for ours, theirs in spec.values.items():
        for value in theirs:
            words.setdefault(value, ours)
            words.setdefault(value.casefold(), ours)
    return words


def _text(raw: str) -> str | None:
    """text"""
    return raw.strip() or None


@lru_cache(maxsize=_REMEMBERED)
def _number(raw: str) -> int | float:
    """a number"""
    value = float(raw.strip())
    if not math.isfinite(value) or "_" in raw:  # Python would read 1_000
        raise ValueError(raw)
    # Beyond this a float holds no whole number exactly, and JSON no integer for long.
    return int(value) if value.is_integer() and abs(value) < _EXACT_BELOW else value


def _flag(raw: str) -> bool:
    """true or false"""
    word = raw.strip().lower()
    if word in ("true", "yes", "1"):
        return True
    if word in ("false", "no", "0"):
        return False
    raise ValueError(raw)


@lru_cache(maxsize=_REMEMBERED)
def _moment(raw: str) -> str:
    """a date"""
    text = raw.strip()
    try:
        return _iso(_of_epoch(int(text)) if text.lstrip("-").isdecimal() else _of_text(text))
    except (OverflowError, OSError) as error:  # a year that no calendar has
        raise ValueError(raw) from error


def _of_epoch(number: int) -> datetime:
    """Seconds or milliseconds, told apart by their size."""
    return datetime.fromtimestamp(number / 1000 if abs(number) >= _MILLISECONDS_FROM else number, UTC)


def _of_text(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _choices(raw: str) -> list[str] | None:
    """choices"""
    return sorted(part.strip() for part in raw.split(";") if part.strip()) or None


_PARSERS: dict[str, Callable[[str], Any]] = {
    "text": _text,
    "number": _number,
    "bool": _flag,
    "datetime": _moment,
    "list": _choices,
}


@lru_cache(maxsize=_REMEMBERED)
def _iso(moment: datetime) -> str:
    """An instant in the one spelling we keep, to the millisecond and no further."""
    moment = moment.astimezone(UTC)
    precision = "milliseconds" if moment.microsecond >= 1000 else "seconds"
    return moment.replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def _day(moment: datetime, zone: tzinfo) -> date:
    """The calendar day of an instant where the account is; midnight UTC is how a CRM spells a bare day."""
    in_utc = moment.astimezone(UTC)
    return in_utc.date() if in_utc.timetz() == _MIDNIGHT else moment.astimezone(zone).date()


def _instant(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def _plain(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, tuple):
        return ";".join(value)
    return str(value)
