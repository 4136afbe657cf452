"""
The path of a person: which stage and status follow from the facts, in the agreed order of precedence (domain 3.3).

A person's edit, or what sales answered on the record, is the ground everything stands on. Then the candidates are
tried: deals, a person's judgement, the fast track, a call back that sales promised, rules that lead up, sales giving
up, rules that lead down. The first that applies moves; then all are asked again, each cause at most once, until nothing
moves, so that a second look at the same facts moves nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from connector.agreement.terms import Agreement, FastTrack, Stage, Status
from connector.decide.answers import Answers
from connector.decide.entry import Doors, Short, reached, why_entered
from connector.decide.facts import Observer
from connector.decide.ground import Ground
from connector.decide.handoff import Dispatch
from connector.decide.leaving import Keeper, is_below, rule_of
from connector.decide.walk import ADOPTED_FROM, CALL_BACK, FADED, NEVER_WORKED, Judgement, Stages, Walk

Candidate = tuple[str, Callable[[], None]]


class Path:
    """The agreement's moves, compiled."""

    def __init__(self, agreement: Agreement, stages: Stages, observer: Observer, dispatch: Dispatch) -> None:
        self._stages = stages
        self._dispatch = dispatch
        self._deals = observer.deals
        self._statuses = agreement.statuses
        self._fast_tracks = agreement.fast_tracks
        self._reasons = {each.name: each.label for each in agreement.rejection_reasons}
        self._attempts = agreement.attempts
        self._ground = Ground(agreement, stages)
        self._answers = Answers(agreement)
        self._ways_up: dict[str | None, list[Stage]] = {}
        self._hands_over = next((stage for stage in stages.used if stage.hands_over), None)
        self.doors = Doors(agreement, observer)
        self._keeper = Keeper(observer)

    def follow(self, walk: Walk) -> None:
        """Move the walk's track as far as the facts lead."""
        walk.followed = True
        if walk.person.edits:
            self._ground.adopt(walk)
        self._answers.take_in(walk)
        self._dispatch.follow_up.look(walk)
        self._ground.status_from_facts(walk)
        self._keeper.keep(walk)
        done: set[str] = set()
        while found := [each for each in self._candidates(walk) if each and each[0] not in done]:
            cause, apply = found[0]
            if not done:
                walk.also += [other for other, _ in found[1:]]
            done.add(cause)
            apply()
            self._ground.status_from_facts(walk)
        self._answers.let_go(walk)

    # -- what moves a person -----------------------------------------------------------------------------------

    def _candidates(self, walk: Walk) -> tuple[Candidate | None, ...]:
        """In the order of precedence; None of what does not apply."""
        return (
            self._by_deal(walk),
            self._by_judgement(walk),
            self._by_fast_track(walk),
            self._by_call_back(walk),
            self._upward(walk),
            self._by_exhaustion(walk),
            self._downward(walk),
        )

    def _by_deal(self, walk: Walk) -> Candidate | None:
        view = walk.facts.deals
        if view.deal is None or not walk.is_new_at(view.at):
            return None
        cause = f"deal:{view.deal.id}"
        if view.says == "lost":
            return self._by_lost_deal(walk, cause)
        stage = self._stages.by_deal.get("won" if view.says == "won" else "open")
        if stage is None or self._stages.level(walk.track.stage) >= self._stages.level(stage.name):
            return None
        because = "a deal was won" if view.says == "won" else "there is an open deal"
        return cause, lambda: walk.move(stage.name, cause, because)

    def _by_lost_deal(self, walk: Walk, cause: str) -> Candidate | None:
        """The last open deal was lost: back to where its reason sends people. Customers stay."""
        stage, deal = self._stages.by_deal.get("open"), walk.facts.deals.deal
        if stage is None or deal is None or walk.track.stage != stage.name:
            return None
        reason = self._deals.lost_to(deal)
        if reason is None:
            return None

        def apply() -> None:
            walk.move(reason.to, cause, f"the last deal was lost: {deal.lost_reason or 'no reason given'}")
            walk.end_cycle()
            self._wait(walk, reason.wait_days)

        return cause, apply

    def _by_judgement(self, walk: Walk) -> Candidate | None:
        """A status that a person set and that sends the person away: returned, not interested, unqualified."""
        judged = self._judged(walk)
        status = self._statuses.get(judged.status) if judged else None
        if judged is None or status is None or status.to is None or walk.track.stage == status.to:
            return None
        if walk.track.status != status.name or self._by_deals_now(walk):
            return None
        given = str(walk.facts.values.get("rejection_reason") or "")
        reason = self._reasons.get(given, given) or "not given"
        if not given and status.reason_required != "no":
            walk.warnings.append(f"status {status.name} was set without a reason")
            if status.reason_required == "block":
                return None

        def apply() -> None:
            at = judged.at
            walk.move(status.to, judged.cause, f"{status.label}, reason: {reason}", at)
            walk.end_cycle(at)
            self._wait(walk, status.wait_days)
            if _waits(status):
                self._answers.promise(walk)
            if status.returned:
                walk.track = replace(walk.track, returned_count=walk.track.returned_count + 1)

        return judged.cause, apply

    def _by_deals_now(self, walk: Walk) -> bool:
        """Whether a deal says where the person is; a customer stays one even where nobody knows of the deal."""
        won = self._stages.by_deal.get("won")
        return walk.facts.deals.says in ("open", "won") or (won is not None and walk.track.stage == won.name)

    def _judged(self, walk: Walk) -> Judgement | None:
        """What sales said, as a status set by hand or as an answer; the status, which is the plainer word, first."""
        edit = walk.edit("status")
        if edit and edit.by in ADOPTED_FROM and isinstance(edit.after, str):
            return Judgement(edit.after, edit.at or walk.as_of)
        return walk.answered

    def _by_call_back(self, walk: Walk) -> Candidate | None:
        """The day that sales agreed on with the person has come: handed over again, whatever the score says."""
        track, stage = walk.track, self._hands_over
        if not self._answers.is_due(walk) or track.handed_over or not walk.hands_over:
            return None
        if track.stage in self._stages.by_deal_names or walk.facts.deals.says in ("open", "won"):
            return None
        level = max(self._stages.level(track.stage), self._stages.first_handed_over)
        shut = any(each.beats_fast_track and self._stages.level(each.blocks) <= level for each in walk.facts.exclusions)
        if shut or not self._may_return(walk) or self._dispatch.is_working(walk):
            return None

        def apply() -> None:
            because = f"call back agreed for {self._answers.agreed_day(walk)}"
            if stage and self._stages.level(walk.track.stage) < self._stages.ranks[stage.name]:
                walk.move(stage.name, CALL_BACK, because)
            walk.cause, walk.reason = CALL_BACK, because
            self._dispatch.hand_over(walk, stage.sla if stage else None)

        return CALL_BACK, apply

    def _by_fast_track(self, walk: Walk) -> Candidate | None:
        for track in self._fast_tracks:
            if self._may_fast_track(track, walk):
                return f"fast_track.{track.name}", lambda chosen=track: self._take_fast_track(chosen, walk)
        return None

    def _may_fast_track(self, track: FastTrack, walk: Walk) -> bool:
        signal = walk.facts.newest.get(track.signal)
        if signal is None or (walk.as_of - signal.at).days > track.within_days:
            return False
        if not (walk.is_news(signal) or (walk.everyone and walk.is_ours(signal))):
            return False
        level = self._stages.level(track.to)
        if self._stages.level(walk.track.stage) >= level:
            return False
        if not self._may_return(walk):
            label = self._stages.label(walk.track.stage)
            walk.warnings.append(f"{label}, but asked for it: {track.signal}; only a person or a deal brings them back")
            return False
        if any(each.beats_fast_track and self._stages.level(each.blocks) <= level for each in walk.facts.exclusions):
            walk.warnings.append(f"excluded, but asked for it: {track.signal}")
            return False
        return all(walk.facts.values.get(name) is not None for name in track.requires)

    def _take_fast_track(self, track: FastTrack, walk: Walk) -> None:
        walk.fast_track = track.name
        walk.move(track.to, f"fast_track.{track.name}", f"{track.signal.replace('_', ' ')}: fast track")
        walk.warnings += [f"{each.flag}: {each.reason}" for each in walk.facts.exclusions if each.flag]
        if not (walk.track.handed_over and self._dispatch.is_working(walk)):
            self._dispatch.hand_over(walk, track.sla or self._stages.by_name[track.to].sla)

    def _upward(self, walk: Walk) -> Candidate | None:
        """The furthest stage whose entry rule holds."""
        track = walk.track
        if not self._may_return(walk) or (track.wait_until and track.wait_until > walk.as_of):
            return None
        for stage in self._ways_up_from(track.stage):
            if self._may_enter(stage, walk):
                return f"stages.{stage.name}.enter_when", lambda chosen=stage: self._enter(chosen, walk)
        return None

    def _ways_up_from(self, name: str | None) -> list[Stage]:
        """The stages beyond this one that rules lead to from here, the furthest first."""
        found = self._ways_up.get(name)
        if found is None:
            stages, level = self._stages, self._stages.level(name)
            found = self._ways_up[name] = [
                each
                for each in reversed(stages.used)
                if stages.ranks[each.name] > level and each.enter and not each.enter.deal
                if not each.enter.from_stages or name in each.enter.from_stages
            ]
        return found

    def _may_enter(self, stage: Stage, walk: Walk) -> bool:
        if stage.enter is None or not self.doors.holds(stage.enter, walk):
            return False
        level = self._stages.ranks[stage.name]
        if any(self._stages.level(each.blocks) <= level for each in walk.facts.exclusions):
            return False
        return self.doors.has_news(stage, walk)

    def _enter(self, stage: Stage, walk: Walk) -> None:
        if stage.enter is None:
            return
        proofs = self.doors.evidence(stage.enter, walk) if stage.enter.evidence_at_least else []
        because = reached(stage.enter, walk.facts) or why_entered(stage, stage.enter, proofs)
        walk.move(stage.name, f"stages.{stage.name}.enter_when", because)
        walk.track = replace(walk.track, wait_until=None)
        if stage.hands_over and not walk.track.handed_over and not self._dispatch.is_working(walk):
            self._dispatch.hand_over(walk, stage.sla)

    def _by_exhaustion(self, walk: Walk) -> Candidate | None:
        status = self._statuses["attempts_exhausted"]
        track = walk.track
        if not track.handed_over or track.status != status.name or status.to is None or track.stage == status.to:
            return None
        if self._by_deals_now(walk):
            return None

        def apply() -> None:
            because = f"{walk.tried.count} attempts without a contact"
            if self._attempts.cadence and walk.tried.cadence_at is None:
                because += ", the agreed sequence not complete"
            walk.move(status.to, "attempts.exhausted_after", because)
            walk.end_cycle()
            self._wait(walk, status.wait_days)

        return "attempts.exhausted_after", apply

    def _downward(self, walk: Walk) -> Candidate | None:
        """The score fell below the stage's band, nobody is working the person, and it was a rule that led up: adopted
        stages fall in a clean-up only."""
        stage = self._stages.by_name.get(walk.track.stage or "")
        if stage is None or stage.leave is None:
            return None
        cleans = walk.track.cause == "adopted" and walk.clean_up == stage.name
        leave = stage.leave if cleans else rule_of(walk)
        if leave is None or not is_below(leave, walk.facts):
            return None
        worked = (walk.track.handed_over or cleans) and self._dispatch.is_working(walk)
        if worked or self.stays_until(walk):
            return None

        cause = f"clean_up.{stage.name}" if cleans else f"stages.{stage.name}.leave_when"

        def apply() -> None:
            because = NEVER_WORKED if _never_worked(walk) else FADED
            walk.move(leave.to, cause, "stale since long" if cleans else because)
            walk.end_cycle()

        return cause, apply

    def stays_until(self, walk: Walk) -> bool:
        """Whether the minimum stay is not over."""
        stage = self._stages.by_name.get(walk.track.stage or "")
        since = walk.track.stage_since
        return bool(stage and since and walk.as_of < since + timedelta(days=stage.stay_at_least_days))

    def _may_return(self, walk: Walk) -> bool:
        stage = self._stages.by_name.get(walk.track.stage or "")
        return stage is None or not stage.side or stage.may_return

    def _wait(self, walk: Walk, days: int | None) -> None:
        if days:
            since = walk.track.left_at or walk.as_of
            walk.track = replace(walk.track, wait_until=since + timedelta(days=days))

    def is_above(self, walk: Walk) -> bool:
        """Whether an adopted person already meets a rule further on, so that only high strength moves them (G15)."""
        level = self._stages.level(walk.track.stage)
        return any(
            stage.enter and stage.enter.by_score and self.doors.holds(stage.enter, walk)
            for stage in self._stages.used
            if self._stages.ranks[stage.name] > level
        )

    def blocked(self, walk: Walk, stage: Stage | None) -> tuple[list[Short], list[str]]:
        """Why the next stage is not reached: the points that are missing, and everything else in sentences."""
        if stage is None:
            return [], []
        level = self._stages.ranks[stage.name]
        short, said = self.doors.points_short(stage, walk), self.doors.why_not(stage, walk)
        if walk.facts.exclusions:
            said += [
                f"excluded: {each.reason}" for each in walk.facts.exclusions if self._stages.level(each.blocks) <= level
            ]
        if walk.track.wait_until and walk.track.wait_until > walk.as_of:
            said.append(f"waiting until {walk.track.wait_until:%Y-%m-%d}")
        if not short and not said and not self.doors.has_news(stage, walk):
            said.append("nothing new since the last look")
        return short, said

    def missing(self, walk: Walk, stage: Stage | None) -> tuple[str, ...]:
        """Unknown fields: first those the next stage requires, then those that rules would score."""
        required = self.doors.missing(stage.enter, walk.facts) if stage and stage.enter else ()
        return tuple(dict.fromkeys((*required, *walk.facts.unknown)))

    def next_stage(self, walk: Walk) -> Stage | None:
        """The nearest stage that rules lead to from here, if they do."""
        return self._stages.next_by_rule(walk.track.stage)


def _never_worked(walk: Walk) -> bool:
    """Whether sales let a hand-off fade without one counted attempt; unknown (a lost ledger) is no."""
    track = walk.track
    return track.handed_over and track.handed_over_at is not None and walk.tried.touched_at is None


def _waits(status: Status) -> bool:
    """Whether a status makes the person wait, so that sales may say until when."""
    return bool(status.wait_days) or status.returned
