"""Whether a stage may be entered, and in plain words why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from connector.agreement.terms import Agreement, Entry, Evidence, Stage
from connector.agreement.words import label_of
from connector.decide.conditions import Test, compile_condition
from connector.decide.facts import Facts, Observer
from connector.decide.walk import ABOVE, CALL_BACK, RULES, Walk


class Doors:
    """The entry rules of all stages, compiled."""

    def __init__(self, agreement: Agreement, observer: Observer) -> None:
        self._observer = observer
        self._statuses = agreement.statuses
        self._strength = {name: kind.strength for name, kind in agreement.signals.items()}
        self._evidence: Mapping[str, tuple[Evidence, Test | None]] = {
            each.name: (each, compile_condition(each.condition) if each.condition else None)
            for each in agreement.evidence
        }

    def holds(self, entry: Entry, walk: Walk) -> bool:
        """Whether everything the entry rule asks is so."""
        facts, score = walk.facts, walk.facts.score
        return (
            (entry.engagement_at_least is None or score.engagement >= entry.engagement_at_least)
            and (entry.fit_at_least is None or score.fit >= entry.fit_at_least)
            and (entry.combined_at_least is None or facts.scored.combined >= entry.combined_at_least)
            and (not entry.from_stages or walk.track.stage in entry.from_stages)
            and (not entry.known_any_of or any(facts.values.get(name) is not None for name in entry.known_any_of))
            and (not entry.any_positive_signal or bool(facts.scored.positive))
            and (not entry.minimum_information or not self.missing(entry, facts))
            and (not entry.accepted_by_sales or self._accepted(walk))
            and (not entry.evidence_at_least or len(self.evidence(entry, walk)) >= entry.evidence_at_least)
        )

    def missing(self, entry: Entry, facts: Facts) -> tuple[str, ...]:
        """The fields of the entry's minimum information that nobody knows."""
        return facts.traits.lacks.get(entry.minimum_information or "", ())

    def evidence(self, entry: Entry, walk: Walk) -> list[str]:
        """The proofs that are there, by label."""
        names = entry.evidence or tuple(self._evidence)
        return [self._evidence[name][0].label for name in names if self._proves(name, walk)]

    def _proves(self, name: str, walk: Walk) -> bool:
        proof, test = self._evidence[name]
        if test:
            return bool(test(walk.facts.values))
        signal = walk.facts.newest.get(proof.signal or "")
        return signal is not None and (proof.within_days is None or (walk.as_of - signal.at).days <= proof.within_days)

    def _accepted(self, walk: Walk) -> bool:
        status = self._statuses.get(walk.track.status or "")
        return walk.track.handed_over and status is not None and status.accepts

    def has_news(self, stage: Stage, walk: Walk) -> bool:
        """A12: whether something new speaks for an upward move; who left also needs a signal newer than that."""
        track, positive = walk.track, walk.facts.scored.positive
        ours = walk.answered is not None or (track.cause or "").startswith((*RULES, CALL_BACK))
        if stage.enter and stage.enter.accepted_by_sales and ours:
            return True  # acceptance answers a hand-off of ours, so it is newer than that
        if walk.everyone:
            return track.left_at is None or any(each.at > track.left_at for each in positive)
        needs = (stage.enter is not None and stage.enter.by_score) or track.adopted or track.edited_at or track.left_at
        if not needs:
            return True
        newer = track.left_at is None or any(each.at > track.left_at for each in positive)
        return newer and (walk.first or self._spoken(stage, walk))

    def _spoken(self, stage: Stage, walk: Walk) -> bool:
        """Whether a fact speaks that is new. An adopted person who was above the threshold before our time moves by
        a fact of high strength alone, and nobody adopted is carried over it by facts of low strength (G15)."""
        news = {self._strength.get(each.kind) for each in walk.facts.scored.positive if walk.is_news(each)}
        if walk.track.cause == "adopted" and not walk.track.cycle:
            if self._was_above(stage, walk):
                return "high" in news
            if stage.enter and stage.enter.by_score:
                news.discard("low")
        return bool(news) or walk.fields_changed or (walk.wait_over and walk.before.evaluated_at is not None)

    def _was_above(self, stage: Stage, walk: Walk) -> bool:
        """Whether the facts from before our time meet this rule already, or met it at the last look."""
        if walk.before.evaluated_at is not None:
            return walk.before.facts.endswith(ABOVE)
        if stage.enter is None or not stage.enter.by_score:
            return False
        lived = tuple(each for each in walk.person.signals if each.at <= walk.lived_until)
        facts = self._observer.observe(replace(walk.person, signals=lived), walk.lived_until)
        return self.holds(stage.enter, replace(walk, facts=facts))

    def points_short(self, stage: Stage, walk: Walk) -> list[Short]:
        """The points that are missing for a stage."""
        entry, score = stage.enter, walk.facts.score
        if entry is None:
            return []
        short: list[Short] = []
        if entry.fit_at_least is not None and score.fit < entry.fit_at_least:
            short.append(Short("fit", score.fit, entry.fit_at_least))
        if entry.engagement_at_least is not None and score.engagement < entry.engagement_at_least:
            short.append(Short("engagement", score.engagement, entry.engagement_at_least))
        if entry.combined_at_least is not None and walk.facts.scored.combined < entry.combined_at_least:
            short.append(Short("combined score", walk.facts.scored.combined, entry.combined_at_least))
        return short

    def why_not(self, stage: Stage, walk: Walk) -> list[str]:
        """What is missing for a stage besides points, one sentence each."""
        entry, facts = stage.enter, walk.facts
        if entry is None:
            return []
        said = [f"missing {name}" for name in self.missing(entry, facts)]
        if entry.known_any_of and all(facts.values.get(name) is None for name in entry.known_any_of):
            said.append(f"missing {' or '.join(entry.known_any_of)}")
        if entry.any_positive_signal and not facts.scored.positive:
            said.append("no positive signal yet")
        if entry.accepted_by_sales and not self._accepted(walk):
            said.append("not accepted by sales yet")
        if entry.evidence_at_least:
            said.append(self._proofs_short(entry, walk))
        return [each for each in said if each]

    def _proofs_short(self, entry: Entry, walk: Walk) -> str:
        there = self.evidence(entry, walk)
        if len(there) >= entry.evidence_at_least:
            return ""
        return f"{len(there)} of {entry.evidence_at_least} proofs" + (f" ({', '.join(there)})" if there else "")


class Short(NamedTuple):
    """A score that does not reach what a stage asks for."""

    what: str
    score: float
    wanted: float

    def exactly(self) -> str:
        """With the points, which change every day."""
        return f"{self.what} {self.score:.2f} is {self.wanted - self.score:.2f} short of {self.wanted:g}"

    def roughly(self) -> str:
        """In words that stay the same until the threshold is met."""
        return _below(self.what, self.wanted)


@lru_cache(maxsize=1024)
def _below(what: str, wanted: float) -> str:
    return f"{what} below {wanted:g}"


def reached(entry: Entry, facts: Facts) -> str:
    """Which thresholds were met, in whole points: the reason of a move by score."""
    said = [
        (f"fit {int(facts.score.fit + 0.5)}", entry.fit_at_least),
        (f"engagement {int(facts.score.engagement + 0.5)}", entry.engagement_at_least),
        (f"combined score {int(facts.scored.combined + 0.5)}", entry.combined_at_least),
    ]
    return " and ".join(f"{text} reaches {wanted:g}" for text, wanted in said if wanted is not None)


def why_entered(stage: Stage, entry: Entry, proofs: list[str]) -> str:
    """The reason of a move that no threshold decided."""
    if entry.accepted_by_sales:
        return "accepted by sales"
    if entry.evidence_at_least:
        return f"proved by {', '.join(proofs)}"
    return f"{label_of(stage.name)}: known and interested" if entry.any_positive_signal else "known"
