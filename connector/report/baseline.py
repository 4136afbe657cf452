"""
Where an account stands before anything is changed: the first thing a new user sees, and needs no right to write.

One value, put together person by person, so that an account of any size passes through. What cannot be known is
said to be unknown, with the reason; no number is estimated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connector.agreement import Agreement
from connector.crm import Description
from connector.decide.facts import Observer
from connector.errors import ConnectorError
from connector.model import Person, page_at
from connector.report.blocking import Blocking, first_by_score
from connector.report.numbers import hours, share, times
from connector.report.requests import Asking, Requests
from connector.report.standing import Gap, StageRow, Standing
from connector.report.writers import Histories, Sample, Writers, writers
from connector.survey import Automations, Delivered
from connector.wording import counted, people


@dataclass(frozen=True, slots=True)
class Ground:
    """What a baseline stands on besides the people: what the account was asked, and what it answered."""

    agreement: Agreement
    account: Description
    as_of: datetime
    connection: str = ""
    delivered: Delivered = field(default_factory=lambda: Delivered(frozenset()))
    automations: Automations = field(default_factory=Automations)
    histories: Histories = field(default_factory=dict)
    sample: Sample = field(default_factory=Sample)
    holders: Mapping[str, Mapping[str, int | None]] = field(default_factory=dict)
    activities: int = 0  # of sales, that were read
    own_writes: bool = False  # whether this connector has written to this account
    warnings: tuple[str, ...] = ()  # what could not be read


@dataclass(frozen=True, slots=True)
class Unknown:
    """A number that nobody can know here, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """Where an account stands at `as_of`."""

    connection: str
    account: str
    as_of: datetime
    agreement: str  # its version
    fingerprint: str
    contact_page: str
    people: int
    undecidable: int
    stages: tuple[StageRow, ...]
    gaps: tuple[Gap, ...]
    requests: Requests
    measurable: bool  # whether sales logs anything that could be an answer
    blocking: Blocking | None
    writers: Writers
    automations: Automations
    signals: tuple[str, ...]
    delivered: Delivered
    unknown: tuple[Unknown, ...]
    #: Whose records are of another form than the usual one (model.page_at); for addresses only.
    forms: Mapping[str, str] = field(default_factory=dict, metadata={"untold": True})

    @property
    def without_owner(self) -> int:
        """People whom nobody owns."""
        return sum(row.without_owner for row in self.stages)

    @property
    def owner_left(self) -> int:
        """People whose owner is no active user any more."""
        return sum(row.owner_left for row in self.stages)

    def page_of(self, id: str) -> str:
        """Where a person opens this contact; "" where that is not known."""
        return page_at(self.contact_page, id, self.forms.get(id, ""))


#: What a person whose data the agreement cannot digest raises.
UNDECIDABLE = (ConnectorError, ValueError, KeyError, TypeError, ArithmeticError)


def baseline(ground: Ground, people: Iterable[Person]) -> Baseline:
    """Compute it; `people` is gone through once."""
    agreement, account, as_of = ground.agreement, ground.account, ground.as_of
    owners = frozenset(owner.id for owner in account.owners if owner.active)
    stage_property = _property(agreement, "stage")
    known = account.properties.get("contact", {})
    labels = known[stage_property].options if stage_property in known else {}
    observer = Observer(agreement)
    standing = Standing(agreement, labels, owners, as_of)
    asking = Asking(agreement, owners, as_of)
    holding = first_by_score(agreement)
    count = undecidable = 0
    forms: dict[str, str] = {}
    for person in people:
        count += 1
        if person.form:
            forms[person.id] = person.form
        try:
            facts = observer.observe(person, as_of)
        except UNDECIDABLE:
            undecidable += 1
            continue
        standing.add(person, facts, ground.histories.get(person.id, {}).get(stage_property, ()))
        asking.add(person, facts)
        if holding is not None:
            holding.add(person, facts)
    rows = standing.rows()
    return Baseline(
        connection=ground.connection,
        account=account.account,
        as_of=as_of,
        agreement=agreement.version,
        fingerprint=agreement.fingerprint,
        contact_page=account.contact_page,
        forms=forms,
        people=count,
        undecidable=undecidable,
        stages=rows,
        gaps=standing.gaps(),
        requests=asking.requests(),
        measurable=ground.activities > 0,
        blocking=holding.blocking() if holding else None,
        writers=writers(
            ground.histories, ground.sample, account, ground.holders, ground.automations.found, as_of
        ),
        automations=ground.automations,
        signals=tuple(agreement.signals),
        delivered=ground.delivered,
        unknown=tuple(_unknown(ground, rows, standing.dated_by_history, undecidable)),
    )  # fmt: skip


def _property(agreement: Agreement, field: str) -> str:
    spec = agreement.wiring.fields.get("contact", {}).get(field)
    return spec.property if spec else ""


def _unknown(ground: Ground, rows: tuple[StageRow, ...], dated_by_history: int, undecidable: int) -> Iterable[Unknown]:
    standing = sum(row.people for row in rows if row.mapped != "blank")
    undated = standing - sum(row.spans.known for row in rows if row.mapped != "blank")
    if undated:
        why = "the CRM does not say when they came there; the day we first looked is not taken for it"
        yield Unknown(f"since when {undated:,} of {standing:,} people stand in their stage", why)
    if dated_by_history:
        why = f"{dated_by_history:,} of them come from people who were changed lately, and lean to the short side"
        yield Unknown("how typical the times in stage are", why)
    if not ground.activities:
        why = "no call, e-mail or meeting could be read: sales logs none, or the token may not see them"
        yield Unknown("whether requests were answered", why)
    yield from _unknown_writers(ground)
    for one in ground.delivered.unseen:
        yield Unknown(f"the signal {ground.agreement.signals[one.signal].label}", one.why)
    if undecidable:
        yield Unknown(f"{undecidable:,} people", "their data could not be evaluated; connector plan names them")
    for text in ground.warnings:
        alone = "is followed by the word of" in text  # an emergency, which every report says
        yield Unknown("whether both sides agree to these rules" if alone else "part of the reading", text)


def _unknown_writers(ground: Ground) -> Iterable[Unknown]:
    sample = ground.sample
    if sample.unknown:
        yield Unknown("who else writes stage and status", sample.unknown)
    elif sample.asked:
        why = f"the history of {sample.asked:,} recently changed people was read; --history reads more, 50 a call"
        yield Unknown("who else wrote stage and status before, and of everybody else", why)
    if ground.automations.unknown:
        yield Unknown("the account's own automations", ground.automations.unknown)
    if ground.own_writes:
        why = "this connector has written to the account; its own writes are among those of apps"
        yield Unknown("which app was somebody else", why)
    if any(number is None for people in ground.holders.values() for number in people.values()):
        yield Unknown("how many people hold some of the options", "the CRM does not tell it cheaply")


def headlines(one: Baseline) -> list[str]:
    """What stands out, in sentences a leader would repeat; the order is that of what it costs."""
    return [text for text in (_asked(one), _gap(one), _owners(one), _held_up(one), _fought(one)) if text]


def _asked(one: Baseline) -> str:
    ever = one.requests.ever
    names = " or ".join(one.requests.signals)
    if not ever.requests:
        return ""
    if not one.measurable:
        what = f"1 request ({names}) is" if ever.requests == 1 else f"{ever.requests:,} requests ({names}) are"
        return f"{what} on record; whether anybody answered is not."
    month = one.requests.windows[0]
    text = (
        f"{ever.unanswered:,} of {ever.requests:,} requests ({names}) show no answer by sales;"
        f" {month.unanswered:,} of them from the last {month.days} days."
    )
    if one.requests.median_hours is not None:
        text += f" Where somebody answered, half of the people had waited {hours(one.requests.median_hours)} or less."
    return text


def _gap(one: Baseline) -> str:
    """The emptiest stage, by the number of people."""
    worst = max((gap for gap in one.gaps if gap.of >= 1), key=lambda gap: gap.people.count, default=None)
    return "" if worst is None else f"{worst.people.count:,} of {worst.of:,} in stage {worst.label} {worst.says}."


def _owners(one: Baseline) -> str:
    if not one.people or not (one.without_owner or one.owner_left):
        return ""
    left = f"; {one.owner_left:,} belong to somebody who has left" if one.owner_left else ""
    return (
        f"{one.without_owner:,} of {people(one.people)} ({share(one.without_owner, one.people)}) have no owner{left}."
    )


def _held_up(one: Baseline) -> str:
    blocking = one.blocking
    if blocking is None or not (blocking.held_up or blocking.ready.count):
        return ""
    said = []
    if blocking.ready.count:
        meet = counted(blocking.ready.count, "person meets", "people meet")
        said.append(f"{meet} the rule of {blocking.label} today, from a lower place in the CRM.")
    if blocking.held_up:
        first = blocking.fields[0]
        said.append(
            f"{blocking.held_up:,} more are interested enough and could meet it if we knew more of them;"
            f" {first.label} is missing for {first.holds_up.count:,}."
        )
    return " ".join(said)


def _fought(one: Baseline) -> str:
    if not one.writers.flip_flops:
        return ""
    number = sum(each.times for each in one.writers.flip_flops)
    return f"Two writers took back each other's stage or status {times(number)} in the sample."
