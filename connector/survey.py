"""
What an account has, by asking it: which signals it delivers, who stands in which option, who else sets our
properties, and what reading everything once costs. For `check` and for reports; nothing here is written.

Whatever this token may not see is an answer of its own, with the reason: a report says it, nobody has to guess.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from connector import wording
from connector.agreement import Agreement
from connector.agreement.wiring import FieldSpec
from connector.crm import CRM, Automation, Description
from connector.errors import CrmError, Denied, NotFound, Problem
from connector.fields import STRICT

#: By how much our clock may differ from the CRM's before that is told.
NOTICED = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Unseen:
    """A signal of the agreement that this account does not deliver, and why."""

    signal: str
    where: str
    why: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """Which signals of the agreement can be seen here."""

    names: frozenset[str]
    unseen: tuple[Unseen, ...] = ()


@dataclass(frozen=True, slots=True)
class Automations:
    """The account's own automations on properties that we write; `unknown` says why they cannot be seen."""

    found: tuple[Automation, ...] = ()
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class FirstRead:
    """What reading everything once costs."""

    by_kind: Mapping[str, int | None]
    records: int
    calls: int
    minutes: float
    share_of_day: float | None = None
    reaches_back_to: datetime | None = None


def delivered(crm: CRM, agreement: Agreement, account: Description, now: datetime) -> Delivered:
    """Which signals this account delivers, by asking for each; and which it does not, with the reason."""
    names: set[str] = set()
    unseen: list[Unseen] = []
    known = account.properties.get("contact", {})
    asked: dict[str, str] = {}
    for one in agreement.wiring.signals:
        if one.how in ("list", "form") and one.source not in asked:
            asked[one.source] = _refusal(crm, one.source, now)
        reason = asked.get(one.source, "")
        own = one.key.startswith(agreement.wiring.own_prefix)
        if one.how in ("counter", "date") and one.key not in known and not own:  # ours, `setup` creates
            reason = f"contact has no property {one.key}."
        if reason:
            unseen.append(Unseen(one.signal, one.where, reason))
        else:
            names.add(one.signal)
    unseen += [
        Unseen(name, f"{agreement.wiring.crm}.toml, unseen.{name}", f"{why.rstrip('.')}.")
        for name, why in agreement.wiring.unseen.items()
    ]
    named = {one.signal for one in agreement.wiring.signals} | set(agreement.wiring.unseen)
    unseen += [
        Unseen(name, "signals.toml", f"{agreement.wiring.crm}.toml does not say how to see it.")
        for name in agreement.signals
        if name not in named
    ]
    return Delivered(frozenset(names), tuple(one for one in unseen if one.signal not in names))


def unfilled(crm: CRM, agreement: Agreement, account: Description) -> list[Problem]:
    """Signals that somebody else is to tell in a property of ours, where nobody has done so yet for anybody."""
    known, found = account.properties.get("contact", {}), []
    for one in agreement.wiring.signals:
        is_ours = one.how in ("counter", "date") and one.key.startswith(agreement.wiring.own_prefix)
        if is_ours and one.key in known and _nobody_has(crm, one.key):
            what = f"nobody has {one.key} yet, so {one.signal} was never seen."
            fix = "Let whoever knows of it fill the property (a web form, a flow), or name the signal under [unseen]."
            found.append(Problem(one.where, what, fix))
    return found


def _nobody_has(crm: CRM, property: str) -> bool:
    everybody, blank = crm.count("contact"), crm.count("contact", property, None)
    return everybody is not None and everybody == blank


def _refusal(crm: CRM, source: str, now: datetime) -> str:
    """Why a list or a form cannot be read; nothing where it can."""
    try:
        list(islice(crm.occurrences(source, None, now), 1))
    except Denied as error:
        if error.code != "scope":
            raise
        return str(error)
    except CrmError as error:
        return str(error)
    return ""


def unmapped_in_use(crm: CRM, unmapped: Sequence[tuple[FieldSpec, str]]) -> list[Problem]:
    """Each option of stage and status that somebody has must be mapped or named under leave_alone (G11)."""
    problems = []
    for spec, value in unmapped:
        people = crm.count("contact", spec.property, value)
        if people:
            problems.append(
                Problem(
                    spec.where,
                    f"{wording.counted(people, 'person has', 'people have')} {spec.property} = {value!r}, which the"
                    " mapping does not name.",
                    f'Map it under contact.values.{spec.field}, or list it: leave_alone.{spec.field} = ["{value}"].',
                )
            )
    return problems


def people_per_option(crm: CRM, account: Description, property: str) -> dict[str, int | None]:
    """How many people hold each option of a contact property; None where the CRM does not tell."""
    definition = account.properties.get("contact", {}).get(property)
    return {value: crm.count("contact", property, value) for value in (definition.options if definition else ())}


def counted(crm: CRM, kinds: Sequence[str]) -> tuple[dict[str, int | None], dict[str, str]]:
    """How many records of each kind there are; and which kinds this token may not read, all of them at once."""
    counts: dict[str, int | None] = {}
    shut: dict[str, str] = {}
    for kind in kinds:
        try:
            counts[kind] = crm.count(kind)
        except Denied as error:
            if error.code != "scope":
                raise
            shut[kind] = str(error)
    return counts, shut


def first_read(
    crm: CRM, account: Description, counts: Mapping[str, int | None], page: int, calls_a_second: float
) -> FirstRead:
    """What reading everything once costs, with so many records a page, and how far back it goes."""
    calls = sum(-(-(count or 0) // page) for count in counts.values())
    limit = account.daily_limit
    oldest = [crm.oldest(kind) for kind, count in counts.items() if count]
    return FirstRead(
        by_kind=dict(counts),
        records=sum(count or 0 for count in counts.values()),
        calls=calls,
        minutes=calls / calls_a_second / 60,
        share_of_day=calls / limit if limit else None,
        reaches_back_to=min((at for at in oldest if at is not None), default=None),
    )


def written_properties(agreement: Agreement) -> tuple[str, ...]:
    """The contact properties that the agreement writes: stage, status, and what write_back.toml names."""
    specs = agreement.wiring.fields.get("contact", {})
    written = {specs[field].property for field in (*STRICT, *agreement.write_back.rules) if field in specs}
    return tuple(sorted(written))


def automations(crm: CRM, agreement: Agreement) -> Automations:
    """The account's own automations that set a property we write, as far as this token may see them."""
    try:
        found = crm.automations({"contact": written_properties(agreement)})
    except NotFound:
        return Automations(unknown="The CRM has no way of telling them to this token.")
    except Denied as error:
        if error.code != "scope":
            raise
        return Automations(unknown=f"This token may not see them; {error}")
    except CrmError as error:  # advice from an API in beta: no reason to stop
        return Automations(unknown=f"The CRM did not say: {error}")
    return Automations(tuple(sorted(found, key=lambda one: (one.property, one.name, one.id))))


def contested(found: Automations) -> list[Problem]:
    """A remark for each automation that is on and sets what we set."""
    return [
        Problem(
            f"automation {one.id}, {one.name!r}",
            f"is on and sets {one.property}, which the agreement writes too."
            if one.sets
            else f"runs whenever {one.property} changes, which the agreement writes.",
            "Decide which of the two is to set it, and switch the other off."
            if one.sets
            else "Find out what it does; the CRM does not tell.",
        )
        for one in found.found
        if one.enabled
    ]


def differing_clocks(crm: CRM, now: datetime) -> list[Problem]:
    """Where our clock, which shows `now`, is not the CRM's, as far as its answers have told."""
    ahead = crm.clock_ahead(now)
    if abs(ahead) < NOTICED:
        return []
    way = "ahead of" if ahead > timedelta(0) else "behind"
    what = (
        f"its clock is {abs(ahead) / timedelta(minutes=1):.0f} min {way} the CRM's. Nothing is missed by it, but what"
        " counts as today, as late or as new goes by this machine."
    )
    return [Problem("this machine", what, "Set its clock.")]
