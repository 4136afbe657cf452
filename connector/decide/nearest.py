"""
The nearest way to the next stage: which single fact, or which two, would lead a person on.

Found by asking the agreement itself: the decision is made again with the fact added, and whoever moves up has found a
way. Asked for one person at a time, by who explains.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import combinations

from connector.agreement.terms import Agreement, Evidence
from connector.agreement.vocabulary import known_type
from connector.agreement.words import label_of
from connector.decide.decider import Decider
from connector.decide.tracks import leading
from connector.decide.walk import Stages
from connector.model import Decision, Person, Signal, Track, Value

_WAYS = 3
_STRENGTHS = ("low", "medium", "high")
_DAY = timedelta(days=1)

#: The operators of which the agreement itself says a value that would do.
_SAID = ("is", "is_any_of", "at_least", "at_most", "contains_any_of")


@dataclass(frozen=True, slots=True)
class Way:
    """What would have to happen, and the stage it leads to; the lead type, of somebody with several tracks."""

    what: str
    stage: str
    lead_type: str = ""


@dataclass(frozen=True, slots=True)
class _Step:
    """One thing that may become known of a person."""

    what: str
    fields: Mapping[str, Value]
    signals: tuple[Signal, ...] = ()
    parts: frozenset[str] = frozenset()  # the steps it is made of, where there are several


class Nearest:
    """Asks what would lead somebody on."""

    def __init__(self, agreement: Agreement, decider: Decider) -> None:
        self._agreement = agreement
        self._decider = decider
        self._stages = Stages(agreement.stages)
        self._lead_types = {each.name: each.label for each in agreement.lead_types}
        rules = [rule for group in agreement.scoring.groups for rule in group.rules if rule.signal and rule.points > 0]
        self._points = {track.signal: 0.0 for track in agreement.fast_tracks}
        self._points |= {rule.signal: rule.points for rule in rules if rule.signal}

    def ways(self, person: Person, decision: Decision, *, as_of: datetime, go_live: datetime) -> tuple[Way, ...]:
        """At most three ways on for each track from where `decision` leaves it, the nearest first. Where none of them
        leads on, the ways to another kind of interest."""
        after = decision.tracks
        run = max([*(track.used for track in after), *(signal.seen for signal in person.signals)]) + 1
        found: dict[str, list[Way]] = {track.lead_type: [] for track in after}
        known = len(found)
        for step in self._steps(person, decision, as_of, run):
            for track in self._reached(person, after, step, as_of, run, go_live):
                ways = found.setdefault(track.lead_type, [])
                of = "" if {*found} == {track.lead_type} else self._lead_types.get(track.lead_type, track.lead_type)
                if len(ways) < _WAYS and not step.parts & {way.what for way in ways}:
                    ways.append(Way(step.what, self._stages.label(track.stage), of))
            if all(len(ways) == _WAYS for ways in [*found.values()][:known]):
                break
        ways_on = [way for ways in [*found.values()][:known] for way in ways]
        return tuple(ways_on or [way for ways in found.values() for way in ways])

    def _reached(
        self, person: Person, tracks: tuple[Track, ...], step: _Step, as_of: datetime, run: int, go_live: datetime
    ) -> list[Track]:
        """The tracks that this step leads on, as they would be then."""
        who = replace(
            person, fields={**person.fields, **step.fields}, signals=(*person.signals, *step.signals), edits={}
        )
        then = self._decider.decide(who, tracks, as_of=as_of, run=run, go_live=go_live)
        level = self._stages.level
        before = {track.lead_type: level(track.stage) for track in tracks}
        return [track for track in then.tracks if level(track.stage) > before.get(track.lead_type, 0)]

    # -- what may become known, the cheapest first -------------------------------------------------------------------

    def _steps(self, person: Person, decision: Decision, as_of: datetime, run: int) -> Iterator[_Step]:
        missing = self._missing(person)
        known = _Step(_listed([f"the {label_of(name)}" for name in missing]), dict(missing)) if missing else None
        yield from self._answers(decision)
        if known:
            yield known
        yield from self._proved(as_of, run)
        often = {signal.kind for signal in person.signals}
        for times in (1, 2):
            for kind in self._kinds():
                happened = self._happened(kind, times, as_of, run, again=kind in often)
                yield happened
                if known:
                    parts = happened.parts | {happened.what, known.what}
                    yield _Step(f"{happened.what}, and {known.what}", known.fields, happened.signals, parts)

    def _answers(self, decision: Decision) -> Iterator[_Step]:
        """Sales accepts a hand-off that is theirs."""
        if not leading(decision.tracks, self._stages.level).handed_over:
            return
        for answer in self._agreement.answers.values():
            if self._agreement.statuses[answer.status].accepts:
                yield _Step(f"sales answers: {answer.label}", {"sales_answer": answer.name})

    def _proved(self, as_of: datetime, run: int) -> Iterator[_Step]:
        """One proof of a serious talk, or two."""
        proofs = [step for step in (self._proof(each, as_of, run) for each in self._agreement.evidence) if step]
        yield from proofs
        for one, other in combinations(proofs, 2):
            what = _listed([one.what, other.what])
            yield _Step(
                what, {**one.fields, **other.fields}, (*one.signals, *other.signals), frozenset({one.what, other.what})
            )

    def _proof(self, proof: Evidence, as_of: datetime, run: int) -> _Step | None:
        if proof.signal:
            return _Step(proof.label, {}, (Signal(f"?{proof.name}", proof.signal, as_of, run),))
        asked = proof.condition
        return _Step(proof.label, {asked.field: asked.values[0]}) if asked and asked.operator in _SAID else None

    def _missing(self, person: Person) -> dict[str, Value]:
        """Required fields that nobody knows, each with a value that no rule was written for."""
        needs: Sequence[tuple[str, ...]] = [
            need for block in self._agreement.minimum_information.values() for need in block
        ]
        unknown = [need[0] for need in needs if all(person.fields.get(name) is None for name in need)]
        return {name: 0.0 if known_type("contact", name) == "number" else "?" for name in unknown}

    def _kinds(self) -> list[str]:
        """The signals that could lead on, those that say little first."""
        signals = self._agreement.signals
        kinds = [name for name in signals if name in self._points and signals[name].positive]
        return sorted(kinds, key=lambda name: (_STRENGTHS.index(signals[name].strength), self._points[name]))

    def _happened(self, kind: str, times: int, as_of: datetime, run: int, *, again: bool) -> _Step:
        """The signal once, or on two days."""
        label, more = self._agreement.signals[kind].label, " more" if again else ""
        once = f"one{more} {label}"
        happened = tuple(Signal(f"?{kind}{day}", kind, as_of - day * _DAY, run) for day in range(times))
        if times == 1:
            return _Step(once, {}, happened)
        return _Step(f"{label} on two{more} days", {}, happened, frozenset({once}))


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
