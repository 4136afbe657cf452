"""
When a decision would next change by itself, if nothing happened.

`route`: the first instant at which stage, status, flags, warnings, grade, follow-up state or the reason on the record
would differ; `score`: the first at which a whole number shown would. None for never. Both are exact, save that now
and then somebody is looked at and has not changed: never too late, rarely for nothing.

What time alone changes, and where it is found:
- signals fade, fall out of their window, silence begins, and a minimum stay ends under a score that is too low:
  `Forecast`, between the thresholds that matter to this person;
- waits, promises, holds, deadlines, attempts dated ahead, proofs that grow old: here, from the track and the facts;
- anything else: whoever compares with `as_of` says when the answer turns, by `walk.turns_at(instant)` or, while
  facts are observed, in `facts.turns`.

tests/decide/test_time.py finds whoever forgets.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple

from connector.agreement.terms import Agreement, Entry, Leaving, Stage
from connector.decide.asking import Asking
from connector.decide.forecast import Band, Engagement, Forecast
from connector.decide.leaving import rule_of
from connector.decide.scoring import Scored, combined_of, shown
from connector.decide.sla import paused_for, runs_out_at
from connector.decide.walk import Stages, Walk

_TICK = timedelta(microseconds=1)
_DAY = timedelta(days=1)
_OUT_OF_REACH = 10_001
_HALF_A_STEP = 0.00005  # combined scores have four decimals
_REMEMBERED = 16_384


class Ahead(NamedTuple):
    """When to look again: because the route may turn, because a shown score changes."""

    route: datetime | None
    score: datetime | None


class Case(NamedTuple):
    """What matters to everybody who stands alike: the stage of which the record says why it is not reached yet, the
    entry rules that may be seen to open or shut, those that an adopted person may be above (G15), and the scores at
    which something changes, of engagement in hundredths."""

    asked: Stage | None
    in_the_way: bool  # whether the record says what is in the way of the first stage that a score decides
    entries: tuple[Entry, ...]
    above: tuple[Entry, ...]
    engagement: tuple[int, ...]
    combined: tuple[float, ...]


class Foresight:
    """Finds the next instants worth a look."""

    def __init__(self, agreement: Agreement) -> None:
        self._engagement = Engagement(agreement.scoring)
        self._grades = [threshold for _, threshold in agreement.scoring.engagement_grades]
        self._fit_share = agreement.scoring.fit_share
        self._attempts, self._kinds = agreement.attempts, agreement.attempts.kinds
        self._asking, self._expires = Asking(agreement), bool(agreement.audience.questions.expires)
        self._evidence = {each.name: each for each in agreement.evidence}
        self._working = frozenset(name for name, status in agreement.statuses.items() if status.working)
        self._cases: dict[tuple[str | None, bool, bool, bool, bool], Case] = {}
        self._least: dict[tuple[float, float], int] = {}
        self._shown: dict[tuple[float, int, int], Band] = {}

    def of(self, walk: Walk, *, blocked: bool) -> Ahead:
        """Both instants, for a person whose path was followed or who stays as they are; `blocked` where something is
        missing for the next stage."""
        forecast = Forecast(self._engagement, walk.facts.scored, walk.as_of)
        come_to_pass = walk.facts.heard.future_at
        score = forecast.first_outside(self._shown_band(walk.facts.scored), walk.as_of, come_to_pass)
        return Ahead(self._route(walk, forecast, blocked=blocked), score or come_to_pass)

    # -- the route ---------------------------------------------------------------------------------------------

    def _route(self, walk: Walk, forecast: Forecast, *, blocked: bool) -> datetime | None:
        """The soonest of the known instants, or the engagement that matters before it."""
        as_of = walk.as_of
        case = self._case(walk)
        instants = self._instants(walk, case)
        if not walk.followed and (case.in_the_way or not blocked):
            instants += _last_days(walk.facts.scored)  # when there is no news left that could move this person
        until = _soonest(as_of, instants)
        as_it_is = self._band(case, walk)
        rule = rule_of(walk) if walk.followed else None
        if rule is not None:
            as_it_is = self._remembered(rule, as_it_is, walk)
        leave, stays_until = self._leaving(rule, walk)
        if leave is None:
            return forecast.first_outside(as_it_is, as_of, until) or until
        falls = self._above(leave, as_it_is, walk.facts.scored)
        if stays_until is None or stays_until <= as_of:
            return forecast.first_outside(falls, as_of, until) or until
        stay = stays_until if until is None else min(stays_until, until)
        found = forecast.first_outside(as_it_is, as_of, stay)
        if found is None and stay != until:
            found = forecast.first_outside(falls, stay, until)
        return found or until

    def _instants(self, walk: Walk, case: Case) -> list[datetime | None]:
        """When something turns that no score decides."""
        facts, track = walk.facts, walk.track
        found = [*walk.turns, *facts.turns, facts.heard.future_at]
        if self._expires:
            found.append(self._asking.next_at(walk))
        if walk.held_until is not None:
            return [*found, walk.held_until]
        if track.wait_until and self._waits_for_something(walk, case):
            found.append(track.wait_until)
        if walk.followed and track.call_back_at:
            # A promise that is due is kept by the next run that may hand people over.
            due = track.call_back_at <= walk.as_of and not walk.hands_over
            found.append(walk.as_of + _TICK if due else track.call_back_at)
        if track.handed_over and track.handed_over_at:
            found += self._follow_up(walk)
        for entry in (*case.entries, *case.above) if walk.above else case.entries:
            if entry.evidence_at_least or entry.any_positive_signal:
                found += self._proofs(entry, walk)
        return found

    def _waits_for_something(self, walk: Walk, case: Case) -> bool:
        """Whether the end of the wait may be seen: in the reason on the record, or because somebody moves."""
        if case.asked is not None or case.in_the_way:
            return True
        left_at = walk.track.left_at
        speaks = left_at is None or any(each.at > left_at for each in walk.facts.scored.positive)
        return walk.followed and speaks and walk.stages.next_by_rule(walk.track.stage) is not None

    def _follow_up(self, walk: Walk) -> list[datetime | None]:
        """When a promise is broken, enough was tried, or an activity that is dated ahead may count."""
        track, tried, agreed = walk.track, walk.tried, self._attempts
        found: list[datetime | None] = [
            each.at for each in walk.person.activities if each.at > walk.as_of and each.kind in self._kinds
        ]
        found.append(runs_out_at(track, walk.as_of))
        if track.owner_due_at and track.assigned_at is None:
            found.append(track.owner_due_at + _TICK)  # of which people are warned even while all deals are on hold
        trying = walk.followed and track.status in (None, "new", "attempting") and not tried.contact_at
        enough = agreed.exhausted_attempts is not None and tried.count >= agreed.exhausted_attempts
        complete = tried.cadence_at is not None or not agreed.exhausted_by_whole_cadence
        if trying and enough and complete and track.handed_over_at and not walk.facts.deals.on_hold:
            days = timedelta(days=agreed.exhausted_days)
            found.append(track.handed_over_at + days + paused_for(track, walk.as_of))
        return found

    def _proofs(self, entry: Entry, walk: Walk) -> list[datetime | None]:
        """When a signal that this entry rule asks for does not speak any more."""
        facts = walk.facts
        found: list[datetime | None] = []
        for name in (entry.evidence or self._evidence) if entry.evidence_at_least else ():
            proof = self._evidence[name]
            signal = facts.newest.get(proof.signal or "")
            if signal is not None and proof.within_days is not None and proof.condition is None:
                found.append(signal.at + timedelta(days=proof.within_days + 1))
        if facts.scored.positive and entry.any_positive_signal:
            ends = _last_days(facts.scored)
            found.append(None if None in ends else max(each for each in ends if each))
        return found

    # -- scores that matter ------------------------------------------------------------------------------------

    def _band(self, case: Case, walk: Walk) -> Band:
        """Between which engagements nothing changes but the wish to leave the stage."""
        score = walk.facts.scored.score
        now = round(score.engagement * 100)
        marks = case.engagement
        if case.combined:
            marks = (*marks, *[self._needed(each, score.fit) for each in case.combined])
        low, high = 0, _OUT_OF_REACH
        for mark in marks:
            if low < mark <= now:
                low = mark
            elif now < mark < high:
                high = mark
        for entry in case.above:
            mark = self._opens(entry, score.fit)
            if walk.above and low < mark <= now:
                low = mark
            elif not walk.above and now < mark < high:
                high = mark
        return Band(low, high - 1)

    def _opens(self, entry: Entry, fit: float) -> int:
        """The least engagement that an entry rule asks for, in hundredths."""
        if entry.fit_at_least is not None and fit < entry.fit_at_least:
            return _OUT_OF_REACH
        least = 0 if entry.engagement_at_least is None else _hundredths(entry.engagement_at_least)
        return least if entry.combined_at_least is None else max(least, self._needed(entry.combined_at_least, fit))

    def _case(self, walk: Walk) -> Case:
        track, adopted = walk.track, walk.track.cause == "adopted"
        unspoken = walk.held_until is not None or "stage" in walk.person.unmapped
        asked = not (unspoken or adopted or track.cycle)
        key = (track.stage, not unspoken, asked, adopted and walk.followed, walk.followed and track.handed_over)
        case = self._cases.get(key)
        if case is None:
            case = self._cases[key] = self._case_of(walk.stages, *key)
        return case

    def _case_of(
        self, stages: Stages, name: str | None, spoken: bool, asked: bool, adopted: bool, handed_over: bool
    ) -> Case:
        """Grades; what the reason on the record speaks of; what acceptance by sales opens at once; and what is
        remembered of the adopted."""
        further = [stage.enter for stage in stages.used if stages.ranks[stage.name] > stages.level(name)]
        by_score = [
            entry
            for entry in further
            if entry
            and entry.by_score
            and (not entry.from_stages or name in entry.from_stages)
            and (handed_over or not entry.accepted_by_sales)
        ]
        entries = [each for each in by_score if each.accepted_by_sales]
        stage = stages.next_by_rule(name) if asked else None
        first = next((each for each in stages.used if each.enter and each.enter.by_score), None) if spoken else None
        in_the_way = first is not None and stages.level(name) < stages.ranks[first.name]
        entries += [each.enter for each in (stage, first if in_the_way else None) if each and each.enter]
        engagement = [*self._grades, *[each.engagement_at_least for each in entries]]
        combined = {each.combined_at_least for each in entries if each.combined_at_least is not None}
        marks = {_hundredths(each) for each in engagement if each is not None}
        above = tuple(by_score) if adopted else ()
        return Case(stage, in_the_way, tuple(entries), above, tuple(sorted(marks)), tuple(sorted(combined)))

    def _remembered(self, rule: Leaving, band: Band, walk: Walk) -> Band:
        """The part of the band in which the track remembers the same: whether the score is below the value of leaving,
        and how far that value was lowered."""
        scored, lowered = walk.facts.scored, walk.track.lowered
        (low, high), fit, now = band, scored.score.fit, round(scored.score.engagement * 100)
        marks = []
        if (value := rule.engagement_below) is not None:
            marks.append((_hundredths(value), _hundredths(value) if "engagement_below" in lowered else _OUT_OF_REACH))
        if (value := rule.combined_below) is not None:
            least = self._needed(value, fit)
            higher = self._needed(value + _HALF_A_STEP, fit) - 1
            marks.append((least, higher if "combined_below" in lowered else _OUT_OF_REACH))
        for reached, most in marks:
            if now < reached:
                high = min(high, reached - 1)
            else:
                low, high = max(low, reached), min(high, most)
        return Band(low, high)

    def _leaving(self, rule: Leaving | None, walk: Walk) -> tuple[Leaving | None, datetime | None]:
        """The rule by which the person would leave the stage, and until when they stay all the same."""
        track = walk.track
        stage = walk.stages.by_name.get(track.stage or "")
        if stage is None or rule is None:
            return None, None
        if track.handed_over and track.status in self._working:
            return None, None
        since = track.stage_since
        return rule, since + timedelta(days=stage.stay_at_least_days) if since else None

    def _above(self, leave: Leaving, band: Band, scored: Scored) -> Band:
        """The part of the band in which nobody leaves."""
        low, fit = band.low, scored.score.fit
        if leave.fit_below is not None and fit < leave.fit_below:
            return Band(_OUT_OF_REACH, _OUT_OF_REACH)
        if leave.engagement_below is not None:
            low = max(low, _hundredths(leave.engagement_below))
        if leave.combined_below is not None:
            low = max(low, self._needed(leave.combined_below, fit))
        return Band(low, band.high)

    def _shown_band(self, scored: Scored) -> Band:
        """Between which engagements the whole numbers stay the same."""
        fit, engagement, combined = scored.score.fit, shown(scored.score.engagement), shown(scored.combined)
        band = self._shown.get((fit, engagement, combined))
        if band is None:
            if len(self._shown) >= _REMEMBERED:
                self._shown.clear()
            low = max(engagement * 100 - 50, self._needed(combined - 0.5, fit))
            high = min(engagement * 100 + 50, self._needed(combined + 0.5, fit)) - 1
            band = self._shown[fit, engagement, combined] = Band(low, high)
        return band

    def _needed(self, combined: float, fit: float) -> int:
        """The least engagement with which the combined score reaches this, in hundredths."""
        found = self._least.get((combined, fit))
        if found is None:
            if len(self._least) >= _REMEMBERED:
                self._least.clear()
            found = self._least[combined, fit] = self._search(combined, fit)
        return found

    def _search(self, combined: float, fit: float) -> int:
        low, high = 0, _OUT_OF_REACH
        while low < high:
            middle = (low + high) // 2
            if combined_of(fit, middle / 100, self._fit_share) >= combined:
                high = middle
            else:
                low = middle + 1
        return low


def _hundredths(threshold: float) -> int:
    """The least score that reaches a threshold, in hundredths."""
    least = ceil(threshold * 100) - 1
    while least / 100 < threshold:
        least += 1
    return least


def _last_days(scored: Scored) -> list[datetime | None]:
    """Per signal that speaks for the person, when nothing is left of its points; None for never."""
    found: dict[str, datetime | None] = {each.id: None for each in scored.positive if scored.is_unscored(each)}
    for rule, signal, age in scored.counted:
        if not rule.positive or found.get(signal.id, signal.at) is None:
            continue
        if not rule.ages:
            found[signal.id] = None
        elif age.days < (lasts := len(rule.cents or rule.in_cents())):
            ends = signal.at + lasts * _DAY
            found[signal.id] = max(ends, found.get(signal.id) or ends)
    return list(found.values())


def _soonest(as_of: datetime, instants: Iterable[datetime | None]) -> datetime | None:
    return min([each for each in instants if each is not None and each > as_of], default=None)
