"""
The decision: what the agreement says about one person at one instant. Pure; compiled once per agreement.

    observe (scores, persona, exclusions, deals)  ->  follow the path (stage, status, hand-off)  ->  say it
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from connector.agreement.terms import Agreement, Stage
from connector.decide.entry import Short
from connector.decide.facts import Observer
from connector.decide.handoff import Desk
from connector.decide.next_change import Foresight
from connector.decide.outputs import Recorder
from connector.decide.path import Path
from connector.decide.tracks import first_track
from connector.decide.walk import ABOVE, Stages, Walk
from connector.model import Decision, Person, Track


class Decider:
    """The agreement, compiled to decide."""

    def __init__(self, agreement: Agreement) -> None:
        self._agreement = agreement
        self._stages = Stages(agreement.stages)
        self._observer = Observer(agreement)
        self._desk = Desk(agreement)
        self._path = Path(agreement, self._stages, self._observer, self._desk)
        self._recorder = Recorder(agreement)
        self._foresight = Foresight(agreement)
        self._leave_alone = agreement.wiring.leave_alone

    def first_track(self, person: Person, as_of: datetime, go_live: datetime) -> Track:
        """The track of a person seen for the first time; `as_of` is never taken for the day of entering a stage.

        A person whom sales has judged (unqualified, bad timing ...) begins where that judgement sends people.
        """
        track = first_track(person, self._agreement.lead_type, self._stages.ranks, go_live)
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
    ) -> Decision:
        """What the agreement says of `person` at `as_of`.

        `route=False` scores and leaves the track as it is; `hand_over=False` places people and hands nobody to
        sales, so that no clock runs for a task that is not made; `clean_up` names a stage that adopted people may
        leave by score, too.
        """
        before = tracks[0] if tracks else self.first_track(person, as_of, go_live)
        walk = self._begin(person, before, as_of, go_live)
        walk.hands_over = hand_over
        walk.clean_up = clean_up
        self._warn(walk)
        if route and not person.unmapped:
            self._path.follow(walk)
            self._desk.assign(walk)
            remembered = self._remember(walk, run)
        else:
            self._path.look_at_attempts(walk)
            remembered = before
        return self._say(walk, (remembered, *tracks[1:]))

    def _begin(self, person: Person, before: Track, as_of: datetime, go_live: datetime) -> Walk:
        agreement = self._agreement
        everyone = agreement.apply_to == "everyone" and before.fingerprint != agreement.fingerprint
        facts = self._observer.observe(person, as_of)
        return Walk(person, facts, before, before, as_of, go_live, agreement.fingerprint, self._stages, everyone)

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
        next_score = self._foresight.score_next_at(walk)
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
            self._foresight.route_next_at(walk, next_score),
            next_score,
        )
