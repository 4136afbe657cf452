"""
People by why they are not handed over: what is missing, how many points, who is excluded or waits.

Asked of everybody below the first stage that a score decides (as shipped: MQL), by the facts of today. Nobody's score
changes by being listed here, nor by the company they work for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from connector.agreement import Agreement
from connector.agreement.terms import Entry, FastTrack, Stage
from connector.decide.facts import Facts, Observer
from connector.decide.walk import Stages
from connector.ledger.history import Standing
from connector.model import Person
from connector.report.around import NEAR, placed, shortfall
from connector.report.baseline import UNDECIDABLE
from connector.report.blocking import Holding
from connector.report.numbers import share
from connector.report.sheet import Cell, Figure, Part, Setting, Sheet, count, sheet

#: Several people of one company make a surge: so many, and so many times the interest that one of them would need.
SURGE_PEOPLE, SURGE_TIMES = 3, 2.0

_WHY = {
    "ready": ("meets the rule", "nothing is missing; the next new fact moves them"),
    "missing": ("missing information", "the score is reached, a field that must be known is not"),
    "near": ("below the threshold, near", f"no more than {NEAR:g} points short, and nothing else is missing"),
    "below": ("below the threshold", "the score is not reached"),
    "excluded": ("excluded", "an exclusion keeps them below the stage"),
    "waiting": ("waiting", "sales sent them back until a day that has not come"),
    "away": ("sent away for good", "in a stage that only a person or a deal leads out of"),
    "unknown": ("cannot be told", "their data cannot be evaluated; connector plan names them"),
}


@dataclass(slots=True)
class _Company:
    """The people of one company who showed interest, and whether one of them is there already."""

    people: list[str] = field(default_factory=list)
    engagement: float = 0.0
    known: bool = False


class Blocked:
    """Gathers everybody."""

    def __init__(self, agreement: Agreement, stage: Stage, entry: Entry, as_of: datetime) -> None:
        self._agreement, self._stage, self._entry, self._as_of = agreement, stage, entry, as_of
        self._observer = Observer(agreement)
        self._stages = Stages(agreement.stages)
        self._rank = self._stages.ranks[stage.name]
        self._holding = Holding(agreement, stage, entry)
        self._why: dict[str, list[str]] = {why: [] for why in _WHY}
        self._lacking: list[str] = []  # of those below the threshold, the ones that lack information, too
        self._exclusions: dict[str, list[str]] = {}
        self._asked: dict[tuple[str, str], list[str]] = {}
        self._companies: dict[str, _Company] = {}

    def add(self, person: Person, standing: Standing | None) -> None:
        """One more; who is there already only counts for the company. Where we follow somebody, our stage counts: the
        CRM's may show the furthest one."""
        person = placed(person, standing)
        wait_until = standing.wait_until if standing else None
        try:
            facts = self._observer.observe(person, self._as_of)
        except UNDECIDABLE:
            self._why["unknown"].append(person.id)
            return
        company = self._companies.setdefault(person.company_id or "", _Company())
        if self._stages.level(person.stage) >= self._rank or person.unmapped:
            company.known = company.known or not person.unmapped
            return
        if facts.score.engagement > 0 and facts.scored.positive:
            company.people.append(person.id)
            company.engagement += facts.score.engagement
        self._holding.add(person, facts)
        self._why[self._reason(person, facts, wait_until)].append(person.id)
        self._ask(person, facts)

    def _reason(self, person: Person, facts: Facts, wait_until: datetime | None) -> str:
        stage = self._stages.by_name.get(person.stage or "")
        if stage is not None and stage.side and not stage.may_return:
            return "away"
        blocking = [one for one in facts.exclusions if self._stages.level(one.blocks) <= self._rank]
        if blocking:
            self._exclusions.setdefault(blocking[0].reason, []).append(person.id)
            return "excluded"
        if wait_until is not None and wait_until > self._as_of:
            return "waiting"
        needs = self._agreement.minimum_information.get(self._entry.minimum_information or "", ())
        missing = any(all(facts.values.get(name) is None for name in need) for need in needs)
        if self._reached(facts):
            return "missing" if missing else "ready"
        if missing:
            self._lacking.append(person.id)
        short = shortfall(self._entry, facts, self._agreement)
        return "near" if short is not None and short <= NEAR else "below"

    def _reached(self, facts: Facts) -> bool:
        entry, score = self._entry, facts.score
        wanted = (
            (entry.fit_at_least, score.fit),
            (entry.engagement_at_least, score.engagement),
            (entry.combined_at_least, facts.scored.combined),
        )
        return all(least is None or has >= least for least, has in wanted)

    def _ask(self, person: Person, facts: Facts) -> None:
        """Excluded by something that beats a fast track, and asked for it all the same."""
        hard = [one.reason for one in facts.exclusions if one.beats_fast_track]
        for track in self._agreement.fast_tracks if hard else ():
            if self._asked_for(track, facts):
                self._asked.setdefault((hard[0], track.signal), []).append(person.id)

    def _asked_for(self, track: FastTrack, facts: Facts) -> bool:
        signal = facts.newest.get(track.signal)
        return signal is not None and (self._as_of - signal.at).days <= track.within_days

    # -- as tables -----------------------------------------------------------------------------------------------------

    def parts(self) -> list[Part]:
        """Why, which field, which exclusion, who asked all the same, which companies."""
        return [self._by_why(), self._by_field(), self._by_exclusion(), self._all_the_same(), self._surges()]

    def _by_why(self) -> Part:
        whole = sum(map(len, self._why.values()))
        rows: list[tuple[Cell, ...]] = [
            (label, count(f"blocked.{why}", self._why[why]), share(len(self._why[why]), whole), says)
            for why, (label, says) in _WHY.items()
            if self._why[why]
        ]
        if self._lacking:
            lacking = count("blocked.below_and_missing", self._lacking)
            rows.append(("… and lack information, too", lacking, share(len(self._lacking), whole), "of those below"))
        return Part("why", f"Why people are not {self._stage.label}", ("", "people", "share", "counts"), tuple(rows))

    def _by_field(self) -> Part:
        blocking = self._holding.blocking()
        rows = tuple(
            (
                one.label,
                Figure(f"field.{one.name}", one.holds_up.count, one.holds_up),
                one.frees,
                one.unknown,
                "must be known" if one.required else f"up to {one.points:g} points",
            )
            for one in blocking.fields
            if one.holds_up.count or one.unknown
        )
        says = (
            f"{blocking.held_up:,} of {blocking.interested:,} interested people could get there if these fields were"
            " known. Frees alone: who lacks nothing else."
        )
        columns = ("unknown field", "holds up", "frees alone", "unknown of all", "why it matters")
        return Part("fields", "Which field to ask for first", columns, rows, says)

    def _by_exclusion(self) -> Part:
        rows = tuple(
            (reason, count(f"excluded.{reason.replace(' ', '_')}", ids))
            for reason, ids in sorted(self._exclusions.items(), key=lambda item: (-len(item[1]), item[0]))
        )
        return Part("exclusions", "Excluded, by reason", ("reason", "people"), rows)

    def _all_the_same(self) -> Part:
        rows = tuple(
            (reason, self._signal(name), count(f"asked.{reason.replace(' ', '_')}.{name}", ids))
            for (reason, name), ids in sorted(self._asked.items())
        )
        says = "A hard exclusion beats the fast track; somebody should look whether it is right to."
        return Part("asked", "Excluded, but asked for it", ("excluded because", "asked for", "people"), rows, says)

    def _signal(self, name: str) -> str:
        kind = self._agreement.signals.get(name)
        return kind.label if kind else name

    def _surges(self) -> Part:
        least = self._entry.engagement_at_least or self._entry.combined_at_least or 0.0
        found = [
            (id, one)
            for id, one in self._companies.items()
            if id and not one.known and len(one.people) >= SURGE_PEOPLE and one.engagement >= SURGE_TIMES * least
        ]
        rows = tuple(
            (
                f"company {id}",
                count(f"company.{id}", one.people),
                Figure(f"company.{id}.points", one.engagement, unit="number"),
            )
            for id, one in sorted(found, key=lambda item: (-item[1].engagement, item[0]))
        )
        says = (
            f"Companies with at least {SURGE_PEOPLE} interested people of whom none is {self._stage.label}, together"
            f" {SURGE_TIMES:g} times as interested as one would have to be. Nobody's own score is changed by it."
        )
        columns = ("", "interested people", "their engagement together")
        return Part("companies", "Several people of one company", columns, rows, says)

    def headlines(self) -> Iterable[str]:
        """What stands out."""
        if self._why["missing"]:
            yield f"{len(self._why['missing']):,} people have the score and lack a field that must be known."
        if self._asked:
            number = sum(map(len, self._asked.values()))
            yield f"{number:,} excluded {'person' if number == 1 else 'people'} asked for it all the same."
        rows = self._surges().rows
        if rows:
            yield f"{len(rows):,} {'company has' if len(rows) == 1 else 'companies have'} several interested people."


def blocked(setting: Setting, people: Iterable[tuple[Person, Standing | None]]) -> Sheet:
    """Everybody, gone through once, with where those stand whom the connector follows."""
    agreement = setting.agreement
    stage = next(
        (one for one in agreement.stages if one.used and not one.side and one.enter and one.enter.by_score), None
    )
    if stage is None or stage.enter is None:
        unknown = ("no stage of this agreement is decided by a score, so nobody is kept from one",)
        return sheet(
            setting, "blocked", "Why people are not handed over", "today", headlines=(), parts=(), unknown=unknown
        )
    gathered = Blocked(agreement, stage, stage.enter, setting.as_of)
    for person, standing in people:
        gathered.add(person, standing)
    when = f"{setting.today:%Y-%m-%d}"
    title = f"Why people are not {stage.label}"
    return sheet(setting, "blocked", title, when, headlines=gathered.headlines(), parts=gathered.parts())
