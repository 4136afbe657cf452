"""What the newest look at everybody says beside the logs: who is near, who won from outside, who logged anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime

from connector.agreement import Agreement
from connector.agreement.terms import Entry
from connector.decide.facts import Facts, Observer
from connector.decide.walk import Stages
from connector.ledger.history import Standing
from connector.model import Person
from connector.report.baseline import UNDECIDABLE
from connector.report.scorecard import Beside
from connector.sync.session import Session

#: Points that somebody may be short of a hand-off and still count as a near miss.
NEAR = 5.0


def beside(
    session: Session, people: Iterable[tuple[Person, Standing | None]], unsigned: tuple[str, ...] = ()
) -> Beside:
    """Go through everybody once."""
    agreement = session.agreement
    observer, stages = Observer(agreement), Stages(agreement.stages)
    first = next((one for one in stages.used if one.enter and one.enter.by_score), None)
    outside_bands = {band.name for band in agreement.bands if not band.needs}
    near: dict[str, float] = {}
    outside: set[str] = set()
    at_work: dict[tuple[str, date], datetime] = {}
    for person, standing in people:
        for one in person.activities:
            if one.owner_id and one.kind in agreement.attempts.kinds:
                at_work[one.owner_id, one.at.astimezone(agreement.zone).date()] = one.at
        try:
            facts = observer.observe(person, session.now())
        except UNDECIDABLE:
            continue
        if facts.band in outside_bands:
            outside.add(person.id)
        stage = placed(person, standing).stage
        if first is None or first.enter is None or stages.level(stage) >= stages.ranks[first.name]:
            continue
        short = shortfall(first.enter, facts, agreement)
        if short is not None and 0 < short <= NEAR:
            near[person.id] = short
    active = frozenset((owner, at) for (owner, _), at in at_work.items())
    held = tuple(one.person_id for one in session.ledger.holds.every())
    return Beside(near, frozenset(outside), held, active, unsigned)


def placed(person: Person, standing: Standing | None) -> Person:
    """A person in the stage that the connector has them in, where it follows them."""
    return person if standing is None else replace(person, stage=standing.stage)


def shortfall(entry: Entry, facts: Facts, agreement: Agreement) -> float | None:
    """How many points are missing; None where something else is missing or stands against it."""
    needs = agreement.minimum_information.get(entry.minimum_information or "", ())
    if facts.exclusions or any(all(facts.values.get(name) is None for name in need) for need in needs):
        return None
    wanted = (
        (entry.fit_at_least, facts.score.fit),
        (entry.engagement_at_least, facts.score.engagement),
        (entry.combined_at_least, facts.scored.combined),
    )
    return sum(max(0.0, least - has) for least, has in wanted if least is not None)
