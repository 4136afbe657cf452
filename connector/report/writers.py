"""
Who else writes stage and status, out of the CRM's own history of a sample of people; and which options nobody uses.

A history says what kind of writer it was, and mostly which: a user, an import, an app, an automation. Where it says
no more than the kind, the row says no more either. Addresses in a history never leave it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connector.crm import Automation, Description, Owner, PropertyVersion
from connector.ledger.writers import THINGS, id_of, kind_of
from connector.report.numbers import YEAR, Named, Naming

RECENT = timedelta(days=90)

#: Person id -> property -> versions, newest first: what CRM.history gives.
Histories = Mapping[str, Mapping[str, Sequence[PropertyVersion]]]


@dataclass(frozen=True, slots=True)
class Sample:
    """Whose history was read: `asked` of the `changed` people who were changed since `since`."""

    asked: int = 0
    changed: int = 0
    since: datetime | None = None
    unknown: str = ""  # why nothing was read


@dataclass(frozen=True, slots=True)
class Writer:
    """One writer of one property."""

    property: str
    by: str  # person, automation, integration, import, crm, unknown
    who: str  # "owner 501", "user 12", "automation 77", "app 4711", "import 9", "form"
    name: str  # of an automation, where the CRM shows it
    recent: int  # changes within 90 days
    changes: int  # all that the history still has
    last_at: datetime


@dataclass(frozen=True, slots=True)
class FlipFlop:
    """A value that one writer set and another one took back, among so many people."""

    property: str
    value: str
    other: str
    one: str  # who set the other value
    two: str  # who took it back
    people: Named
    times: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Option:
    """One option of stage or status, and whether it is alive."""

    property: str
    value: str
    label: str
    people: int | None  # who hold it now; None: the CRM does not tell
    given: int  # times given within a year, in the sample
    last_given: datetime | None

    def unused(self) -> bool:
        """Nobody holds it, and nobody of the sample was given it within a year."""
        return self.people == 0 and self.given == 0


@dataclass(frozen=True, slots=True)
class Writers:
    """What the histories of the sample say."""

    sample: Sample
    writers: tuple[Writer, ...] = ()
    flip_flops: tuple[FlipFlop, ...] = ()
    options: tuple[Option, ...] = ()

    def most(self, number: int) -> list[Writer]:
        """The busiest writers of each property, stage before status."""
        names = dict.fromkeys(each.property for each in self.writers)
        return [one for name in names for one in [each for each in self.writers if each.property == name][:number]]


@dataclass(slots=True)
class _Tally:
    last_at: datetime
    changes: int = 0
    recent: int = 0


@dataclass(slots=True)
class _Fight:
    last_at: datetime
    people: Naming = field(default_factory=Naming)
    times: int = 0


def writers(
    histories: Histories,
    sample: Sample,
    account: Description,
    holders: Mapping[str, Mapping[str, int | None]],
    automations: Sequence[Automation],
    as_of: datetime,
) -> Writers:
    """Put it together. `holders` says per property how many people hold each option now."""
    names = _Names(account.owners, automations)
    tallies: dict[tuple[str, str, str], _Tally] = {}
    fights: dict[tuple[str, str, str, str, str], _Fight] = {}
    for id, properties in histories.items():
        for name, versions in properties.items():
            told = [one for one in versions if one.at <= as_of]
            for version in told:
                tally = tallies.setdefault((name, version.by, names.who(version)), _Tally(version.at))
                tally.changes += 1
                tally.recent += as_of - version.at <= RECENT
                tally.last_at = max(tally.last_at, version.at)
            for value, middle, back in _taken_back(told):
                key = (name, value, middle.value or "", names.said(middle), names.said(back))
                fight = fights.setdefault(key, _Fight(back.at))
                if not fight.people.ids or fight.people.ids[-1] != id:
                    fight.people.add(id)
                fight.times += 1
                fight.last_at = max(fight.last_at, back.at)
    found = [
        Writer(name, by, who, names.named(who), one.recent, one.changes, one.last_at)
        for (name, by, who), one in tallies.items()
    ]
    order = list(holders)
    found.sort(
        key=lambda one: (
            order.index(one.property) if one.property in order else 0,
            -one.recent,
            -one.changes,
            one.by,
            one.who,
        )
    )
    flips = [FlipFlop(*key, one.people.named(), one.times, one.last_at) for key, one in fights.items()]
    flips.sort(key=lambda one: (-one.times, one.property, one.value, one.other, one.one, one.two))
    return Writers(sample, tuple(found), tuple(flips), _options(histories, account, holders, as_of))


def _taken_back(versions: Sequence[PropertyVersion]) -> Iterable[tuple[str, PropertyVersion, PropertyVersion]]:
    """Each A -> B -> A in which B and the second A have different writers: (A, version of B, second A)."""
    steps: list[PropertyVersion] = []
    for version in reversed(versions):
        if not steps or steps[-1].value != version.value:
            steps.append(version)
    for before, middle, back in zip(steps, steps[1:], steps[2:], strict=False):
        two = (middle.by, middle.source) != (back.by, back.source)
        if before.value and middle.value and before.value == back.value and two:
            yield before.value, middle, back


def _options(
    histories: Histories, account: Description, holders: Mapping[str, Mapping[str, int | None]], as_of: datetime
) -> tuple[Option, ...]:
    given: dict[tuple[str, str], int] = {}
    last: dict[tuple[str, str], datetime] = {}
    for properties in histories.values():
        for name, versions in properties.items():
            for version in versions:
                if version.value and version.at <= as_of:
                    key = (name, version.value)
                    last[key] = max(last.get(key, version.at), version.at)
                    given[key] = given.get(key, 0) + (as_of - version.at <= YEAR)
    known = account.properties.get("contact", {})
    return tuple(
        Option(name, value, label, people.get(value), given.get((name, value), 0), last.get((name, value)))
        for name, people in holders.items()
        if name in known
        for value, label in known[name].options.items()
    )


class _Names:
    """What to call a writer: by the id of an owner, a user, an automation, an app; never by address."""

    def __init__(self, owners: Sequence[Owner], automations: Sequence[Automation]) -> None:
        self._by_user = {owner.user_id: owner.id for owner in owners if owner.user_id}
        self._by_email = {owner.email.casefold(): owner.id for owner in owners if owner.email}
        self._automations = {one.id: one.name for one in automations}

    def who(self, version: PropertyVersion) -> str:
        """The writer of this version."""
        thing, id = THINGS.get(version.by), id_of(version.source)
        if version.by == "person":
            return self._person(version.source.partition(" ")[2], id)
        if thing is None:
            return kind_of(version.source) or "unknown"
        return f"{thing} {id}" if id else f"{thing}, which one is not said"

    def said(self, version: PropertyVersion) -> str:
        """The writer in a sentence, with the name where there is one."""
        who = self.who(version)
        name = self.named(who)
        return f"{who} ({name})" if name else who

    def named(self, who: str) -> str:
        """The name of an automation, where the CRM shows it."""
        thing, _, id = who.partition(" ")
        return self._automations.get(id, "") if thing == "automation" else ""

    def _person(self, told: str, id: str) -> str:
        owner = self._by_user.get(id) or self._by_email.get(told.casefold())
        return f"owner {owner}" if owner else f"user {id}" if id else "a person, which one is not said"
