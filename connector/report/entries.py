"""
Entries, visits and cohorts out of the transition log; nothing here knows what stands on a record today.

An entry is a move up into a stage, or into a stage beside the order; who falls back from further on enters nothing.
A jump enters the stages it passes as well: they count for the funnel, and not for anybody's workload. The adopted
stand where they stood and enter nothing, until something moves them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from connector.agreement import Agreement
from connector.agreement.terms import Stage
from connector.decide.walk import Stages
from connector.ledger.history import Moved
from connector.report.reckoning import Span


@dataclass(frozen=True, slots=True)
class Entry:
    """One track entered one stage."""

    person_id: str
    track_id: str
    stage: str
    at: datetime
    again: bool  # had entered it before
    passed: bool  # only on the way of a jump
    by_hand: bool
    by_deal: bool
    lead_type: str
    source: str | None


@dataclass(frozen=True, slots=True)
class Visit:
    """The time one track spent in one stage, from a logged entry to a logged exit."""

    person_id: str
    stage: str
    entered_at: datetime
    left_at: datetime
    onward: bool  # left for a further stage

    @property
    def days(self) -> float:
        """How long it lasted."""
        return (self.left_at - self.entered_at).total_seconds() / 86400


class Log:
    """The transition log, read once."""

    def __init__(self, moves: Iterable[Moved], agreement: Agreement) -> None:
        self._stages = Stages(agreement.stages)
        self._default = agreement.lead_type
        self._side_of = {stage.name: stage.owner for stage in agreement.stages}
        self.entries: list[Entry] = []
        self.visits: list[Visit] = []
        self.versions: list[tuple[datetime, str]] = []  # since when each fingerprint moved people
        self._read(moves)
        self._of_track: dict[str, list[Entry]] = {}
        for one in self.entries:
            self._of_track.setdefault(one.track_id, []).append(one)

    def _read(self, moves: Iterable[Moved]) -> None:
        seen: set[tuple[str, str]] = set()
        since: dict[str, tuple[str, datetime]] = {}
        for move in moves:
            if move.fingerprint and (not self.versions or self.versions[-1][1] != move.fingerprint):
                self.versions.append((move.at, move.fingerprint))
            for stage in (*move.passed_through, move.after):
                if stage is None or (stage == move.after and not self._enters(move.before, stage)):
                    continue
                again = (move.track_id, stage) in seen
                seen.add((move.track_id, stage))
                passed = stage != move.after
                self.entries.append(
                    Entry(
                        move.person_id, move.track_id, stage, move.at, again, passed, move.by_hand,
                        move.cause.startswith("deal:"), move.lead_type or self._default, move.source,
                    )
                )  # fmt: skip
            self._visit(move, since)

    def _visit(self, move: Moved, since: dict[str, tuple[str, datetime]]) -> None:
        stage, entered_at = since.pop(move.track_id, (None, move.at))
        if stage is not None and stage == move.before:
            onward = self.level(move.after) > self.level(stage) and not self._stages.is_side(move.after)
            self.visits.append(Visit(move.person_id, stage, entered_at, move.at, onward))
        if move.after is not None:
            since[move.track_id] = (move.after, move.at)

    def _enters(self, before: str | None, after: str) -> bool:
        if self._stages.is_side(after):
            return before != after
        return self.level(after) > (-1 if self._stages.is_side(before) else self.level(before))

    def level(self, stage: str | None) -> int:
        """How far a stage is."""
        return self._stages.level(stage)

    def side_of(self, stage: str) -> str:
        """Whose stage it is: marketing, sales or nobody's."""
        return self._side_of.get(stage, "")

    def counted(self, metric: str, span: Span, lead_type: str | None = None, source: str | None = None) -> list[Entry]:
        """The entries that the metric of a stage counts (connector.agreement.metrics.entries)."""
        kind, _, rest = metric.partition("_")
        stage = rest if kind in ("new", "re") and rest in self._side_of else metric
        by_rule_only = self.side_of(stage) == "marketing"
        return [
            one
            for one in self.entries
            if one.stage == stage
            and span.has(one.at)
            and (stage == metric or one.again == (kind == "re"))
            and not (by_rule_only and one.by_hand)
            and not (one.passed and (one.by_deal or one.by_hand))
            and lead_type in (None, one.lead_type)
            and source in (None, one.source)
        ]

    def reached(self, entry: Entry, stage: str, within: timedelta) -> datetime | None:
        """When the track of an entry got as far as another stage, within so long; None where it did not."""
        level = self.level(stage)
        times = (
            one.at
            for one in self._of_track[entry.track_id]
            if not self._stages.is_side(one.stage)
            and self.level(one.stage) >= level
            and entry.at <= one.at <= entry.at + within
        )
        return min(times, default=None)


def steps(stages: Sequence[Stage]) -> list[tuple[Stage, Stage]]:
    """Each used stage of the order with the next one."""
    used = [stage for stage in stages if stage.used and not stage.side]
    return list(pairwise(used))
