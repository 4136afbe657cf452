"""
The decision: what the agreement says about one person at one instant. Pure; compiled once per agreement.

    observe (scores, persona, exclusions, deals)  ->  follow the path (stage, status, hand-off)  ->  say it
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from connector.agreement.terms import Agreement, Stage
from connector.decide import days
from connector.decide.entry import Short
from connector.decide.facts import Observer
from connector.decide.handoff import Desk
from connector.decide.next_change import Foresight
from connector.decide.office import Office
from connector.decide.outputs import Recorder
from connector.decide.path import Path
from connector.decide.tracks import first_track
from connector.decide.walk import ABOVE, ADOPTED_FROM, Stages, Walk
from connector.model import Decision, Person, Track

#: How the warning begins that somebody holds a person; the reason they typed follows.
ON_HOLD = "on hold"


class Decider:
    """The agreement, compiled to decide; the office is what the task text needs to know of the account."""

    def __init__(self, agreement: Agreement, office: Office | None = None) -> None:
        self._agreement = agreement
        self._stages = Stages(agreement.stages)
        self._observer = Observer(agreement)
        self._desk = Desk(agreement, office or Office())
        self._path = Path(agreement, self._stages, self._observer, self._desk)
        self._recorder = Recorder(agreement)
        self._foresight = Foresight(agreement)
        self._leave_alone = agreement.wiring.leave_alone
        going_on = {name for name, status in agreement.statuses.items() if status.working or status.accepts}
        self._at_work = frozenset({"new", "attempting", "connected", *going_on})

    def first_track(self, person: Person, as_of: datetime, go_live: datetime) -> Track:
        """The track of a person seen for the first time; `as_of` is never taken for the day of entering a stage.

        A person whom sales has judged (unqualified, bad timing ...) begins where that judgement sends people.
        """
        track = first_track(person, self._agreement.lead_type, self._stages.ranks, self._at_work, go_live)
        if (track.cycle or track.returned_count) and not track.handed_over:
            # From an earlier life of the ledger: when they left is lost, so nothing of before brings them back.
            track = replace(track, left_at=as_of)
        status = self._agreement.statuses.get(person.status or "")
        judged = status is not None and status.to is not None and "status" not in person.edits
        if status is None or not judged or track.cycle or track.stage in self._stages.by_deal_names:
            return track
        # A judgement that stands since before our time: only an interest newer than our first look ends it.
        return replace(track, stage=status.to, left_at=as_of)

    def decide(
        self,
        person: Person,
        tracks: tuple[Track, ...],
        *,
        as_of: datetime,
        run: int,
        go_live: datetime,
        route: bool = True,
        hand_over: bool = True,
        clean_up: str | None = None,
        newer_than: timedelta | None = None,
    ) -> Decision:
        """What the agreement says of `person` at `as_of`.

        `route=False` scores and leaves the track as it is; `hand_over=False` places people and hands nobody to
        sales, so that no clock runs for a task that is not made. Nor is anybody for a signal not `newer_than` this.
        `clean_up` names a stage that adopted people may leave by score, too.

        Whom somebody holds from inside the CRM is scored and otherwise left as they are, until the hold is over.
        """
        before = self._where_they_stand(person, tracks, as_of, go_live)
        walk = self._ready(person, before, as_of, go_live, newer_than)
        walk.hands_over, walk.clean_up = hand_over, clean_up
        if route and walk.held_until is None and not person.unmapped:
            self._path.follow(walk)
            if walk.kept_back and before.evaluated_at is not None:
                return self._leave_to_sync(person, before, tracks, as_of, go_live)
            self._desk.assign(walk)
            remembered = self._remember(walk, run)
        else:
            self._path.look_at_attempts(walk)
            remembered = before
        return self._say(walk, (remembered, *tracks[1:]))

    def _where_they_stand(self, person: Person, tracks: tuple[Track, ...], as_of: datetime, go_live: datetime) -> Track:
        """The track as remembered; one that nobody has followed yet (scores only, held, unmapped) begins where the
        person stands today."""
        followed = tracks and (tracks[0].evaluated_at is not None or tracks[0].handed_over)
        if followed:
            return tracks[0]
        edits = [each.at or as_of for each in person.edits.values() if each.by in ADOPTED_FROM]
        return replace(self.first_track(person, as_of, go_live), edited_at=max(edits, default=None))

    def _ready(
        self, person: Person, before: Track, as_of: datetime, go_live: datetime, newer_than: timedelta | None = None
    ) -> Walk:
        walk = self._begin(person, before, as_of, go_live)
        walk.newer_than = newer_than
        walk.held_until = self._held_until(walk)
        self._warn(walk)
        return walk

    def _leave_to_sync(
        self, person: Person, before: Track, tracks: tuple[Track, ...], as_of: datetime, go_live: datetime
    ) -> Decision:
        """A run that hands nobody over met somebody who is to be handed over: the fact stays unused, and the next run
        that may hand over looks at once."""
        walk = self._ready(person, before, as_of, go_live)
        self._path.look_at_attempts(walk)
        walk.warnings.append("is to be handed over: left to a run that makes tasks")
        return replace(self._say(walk, (before, *tracks[1:])), route_next_at=as_of)

    def _begin(self, person: Person, before: Track, as_of: datetime, go_live: datetime) -> Walk:
        agreement = self._agreement
        # Whoever was never evaluated has no rules that changed: a first look is no new fact for the adopted.
        changed = before.fingerprint not in ("", agreement.fingerprint)
        everyone = agreement.apply_to == "everyone" and changed
        facts = self._observer.observe(person, as_of)
        return Walk(person, facts, before, before, as_of, go_live, agreement.fingerprint, self._stages, everyone)

    def _held_until(self, walk: Walk) -> datetime | None:
        """Until when somebody holds this person, a day including its last moment; None where nobody does."""
        zone, until = self._agreement.zone, walk.facts.values.get("hold_until")
        reason = str(walk.facts.values.get("hold_reason") or "")
        end = days.ends(until, zone)
        if end is None:
            if reason:
                walk.warnings.append("there is a hold reason and no hold until: nothing is held")
            return None
        if walk.as_of >= end:
            return None
        walk.warnings.append(f"{ON_HOLD} until {days.said(until, zone)}" + (f": {reason}" if reason else ""))
        return end

    def _warn(self, walk: Walk) -> None:
        """What a human should look at, besides what the path finds."""
        facts, person = walk.facts, walk.person
        if facts.heard.future_at:
            walk.warnings.append(
                f"a signal is dated in the future ({facts.heard.future_at:%Y-%m-%d}); ignored until then"
            )
        if facts.deals.colleague:
            walk.warnings.append("colleague_in_deal: on a deal in no role that counts")
        if (walk.track.cause or "").startswith("deal:") and facts.deals.says != "won":
            won = self._stages.by_deal.get("won")
            if won and walk.track.stage == won.name:
                walk.warnings.append("customer without a won deal any more; review, nobody is demoted")
        walk.warnings += [
            f"{field} has a value without a name in the mapping"
            for field, raw in person.unmapped.items()
            if raw not in self._leave_alone.get(field, ())
        ]

    def _blocked(self, walk: Walk, stage: Stage | None) -> tuple[list[Short], list[str]]:
        """Why the next stage is not reached: the points that are missing, and everything else in sentences."""
        if stage is None:
            return [], []
        level = self._stages.ranks[stage.name]
        doors = self._path.doors
        short, said = doors.points_short(stage, walk), doors.why_not(stage, walk)
        said += [
            f"excluded: {each.reason}" for each in walk.facts.exclusions if self._stages.level(each.blocks) <= level
        ]
        if walk.track.wait_until and walk.track.wait_until > walk.as_of:
            said.append(f"waiting until {walk.track.wait_until:%Y-%m-%d}")
        if not short and not said and not doors.has_news(stage, walk):
            said.append("nothing new since the last look")
        return short, said

    def _remember(self, walk: Walk, run: int) -> Track:
        """The track as it will be once all of this is confirmed: it answers to everything seen up to `run`."""
        facts = walk.facts.digest
        if walk.track.cause == "adopted" and self._is_above(walk):
            facts += ABOVE
        return replace(walk.track, evaluated_at=walk.as_of, used=run, facts=facts, fingerprint=walk.fingerprint)

    def _is_above(self, walk: Walk) -> bool:
        """Whether an adopted person already meets a rule further on, so that only high strength moves them (G15)."""
        level = self._stages.level(walk.track.stage)
        return any(
            stage.enter and stage.enter.by_score and self._path.doors.holds(stage.enter, walk)
            for stage in self._stages.used
            if self._stages.ranks[stage.name] > level
        )

    def _missing(self, walk: Walk, stage: Stage | None) -> tuple[str, ...]:
        """Unknown fields: first those the next stage requires, then those that rules would score."""
        required = self._path.doors.missing(stage.enter, walk.facts) if stage and stage.enter else ()
        return tuple(dict.fromkeys((*required, *walk.facts.unknown)))

    def _say(self, walk: Walk, tracks: tuple[Track, ...]) -> Decision:
        stage = self._path.next_stage(walk)
        says_why_not = not walk.reason and not walk.track.cycle and walk.track.cause != "adopted"
        short, said = self._blocked(walk, stage)
        for_record = (*[each.roughly() for each in short], *said) if says_why_not else ()
        ahead = self._foresight.of(walk, blocked=bool(short or said))
        return Decision(
            walk.person.id,
            tracks,
            self._recorder.outputs(walk, self._missing(walk, stage), for_record),
            walk.facts.score,
            tuple(walk.moves),
            tuple(walk.tasks),
            walk.cause,
            walk.reason,
            (*[each.exactly() for each in short], *said),
            tuple(walk.also),
            tuple(dict.fromkeys(walk.warnings)),
            ahead.route,
            ahead.score,
            walk.held_until,
        )
