"""
The decision: what the agreement says about one person at one instant. Pure; compiled once per agreement.

    sort by lead type  ->  observe (scores, persona, exclusions, deals)  ->  follow the path (stage, status, hand-off)
    of each track  ->  say it
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connector.agreement.terms import Agreement
from connector.agreement.vocabulary import ANSWERS
from connector.decide import days
from connector.decide.lanes import Share, Sorter
from connector.decide.leaving import is_below, rule_of
from connector.decide.office import Office
from connector.decide.outputs import OF_STAGE
from connector.decide.tracks import first_track, furthest, leading, looked_at
from connector.decide.walk import ABOVE, ADOPTED_FROM, AHEAD, BELOW, Walk
from connector.model import Decision, Person, Track, Value

#: How the warning begins that somebody holds a person; the reason they typed follows.
ON_HOLD = "on hold"


class Decider:
    """The agreement, compiled to decide; the office is what the task text needs to know of the account."""

    def __init__(self, agreement: Agreement, office: Office | None = None) -> None:
        self._agreement = agreement
        self._sorter = Sorter(agreement, office or Office())
        self._leave_alone = agreement.wiring.leave_alone
        going_on = {name for name, status in agreement.statuses.items() if status.working or status.accepts}
        self._at_work = frozenset({"new", "attempting", "connected", *going_on})

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

        `route=False` scores and leaves the tracks as they are; `hand_over=False` places people and hands nobody to
        sales, so that no clock runs for a task that is not made. Nor is anybody for a signal not `newer_than` this.
        `clean_up` names a stage that adopted people may leave by score, too.

        Whom somebody holds from inside the CRM is scored and otherwise left as they are, until the hold is over.
        """
        terms = _Terms(as_of, go_live, hand_over, clean_up, newer_than)
        shares = self._sorter.shares(person, tracks, as_of)
        walks = [self._ready(share, terms) for share in shares]
        if route and walks[0].held_until is None and not person.unmapped:
            for share, walk in zip(shares, walks, strict=True):
                share.lane.path.follow(walk)
            if any(walk.kept_back and walk.before.evaluated_at is not None for walk in walks):
                return self._leave_to_sync(shares, terms)
            for share, walk in zip(shares, walks, strict=True):
                share.lane.dispatch.follow_up.keep(walk)
            remembered = [_remember(share, walk, run) for share, walk in zip(shares, walks, strict=True)]
            return self._say(shares, walks, tuple(remembered))
        for share, walk in zip(shares, walks, strict=True):
            share.lane.dispatch.follow_up.look(walk)
        return self._say(shares, walks, tuple(walk.before for walk in walks))

    # -- where they stand --------------------------------------------------------------------------------------------

    def _ready(self, share: Share, terms: _Terms) -> Walk:
        before = self._where_they_stand(share, terms)
        fingerprint = self._agreement.fingerprint
        facts = share.lane.observer.observe(share.person, terms.as_of)
        walk = Walk(share.person, facts, before, before, terms.as_of, terms.go_live, fingerprint, share.lane.stages)
        walk.everyone = self._agreement.apply_to == "everyone" and walk.rules_changed
        walk.hands_over, walk.clean_up, walk.newer_than = terms.hand_over, terms.clean_up, terms.newer_than
        walk.is_spoken_to = share.is_spoken_to
        walk.answer_on_record = None if share.answer is None else str(share.answer)
        walk.held_until = self._held_until(walk)
        self._warn(walk)
        return walk

    def _where_they_stand(self, share: Share, terms: _Terms) -> Track:
        """The track as remembered; one that nobody has followed yet (scores only, held, unmapped) begins where the
        person stands today."""
        track, person = share.track, share.person
        if track is not None and (track.evaluated_at is not None or track.handed_over):
            return track
        edits = {each.field: each.at or terms.as_of for each in person.edits.values() if each.by in ADOPTED_FROM}
        begun = replace(self._first_track(share, terms), edited_at=max(edits.values(), default=None))
        if (set_at := edits.get("stage")) and begun.stage and person.edits["stage"].after == begun.stage:
            begun = replace(begun, entered={**begun.entered, begun.stage: set_at})
        if share.answered_until is not None:
            begun = replace(begun, left_at=max(share.answered_until, begun.left_at or share.answered_until))
        return begun

    def _first_track(self, share: Share, terms: _Terms) -> Track:
        """The track of a person seen for the first time; `as_of` is never taken for the day of entering a stage.

        A person whom sales has judged (unqualified, bad timing ...) begins where that judgement sends people.
        """
        person, stages = share.person, share.lane.stages
        track = first_track(person, share.lane.lead_type.name, stages.ranks, self._at_work, terms.go_live)
        if (track.cycle or track.returned_count) and not track.handed_over:
            # From an earlier life of the ledger: when they left is lost, so nothing of before brings them back.
            track = replace(track, left_at=terms.as_of)
        status = self._agreement.statuses.get(self._judged(person) or person.status or "")
        judged = status is not None and status.to is not None and "status" not in person.edits
        if status is None or not judged or track.cycle or track.stage in stages.by_deal_names:
            return track
        # A judgement that stands since before our time: only an interest newer than our first look ends it.
        return replace(track, stage=status.to, left_at=terms.as_of)

    def _judged(self, person: Person) -> str | None:
        """The lead status that sales' last word stands for, where they have closed the record with it."""
        answer = self._agreement.answers.get(str(person.fields.get("sales_answer"))) if person.closed else None
        return answer.status if answer else None

    def _held_until(self, walk: Walk) -> datetime | None:
        """Until when somebody holds this person, a day including its last moment; None where nobody does."""
        until, reason = walk.facts.values.get("hold_until"), str(walk.facts.values.get("hold_reason") or "")
        if until is None and not reason:
            return None
        zone = self._agreement.zone
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
        if facts.deals.says != "won" and (walk.track.cause or "").startswith("deal:"):
            won = walk.stages.by_deal.get("won")
            if won and walk.track.stage == won.name:
                walk.warnings.append("customer without a won deal any more; review, nobody is demoted")
        for lead in person.leads:
            if lead.is_open:
                self._warn_of_unmapped(walk, lead.unmapped, f" on lead {lead.id}")
        self._warn_of_unmapped(walk, person.unmapped, "")

    def _warn_of_unmapped(self, walk: Walk, unmapped: Mapping[str, str], where: str) -> None:
        walk.warnings += [
            f"{field} has a value without a name in the mapping{where}"
            for field, raw in unmapped.items()
            if raw not in self._leave_alone.get(field, ())
        ]

    def _leave_to_sync(self, shares: Sequence[Share], terms: _Terms) -> Decision:
        """A run that hands nobody over met somebody who is to be handed over: the fact stays unused, and the next run
        that may hand over looks at once."""
        walks = [self._ready(share, terms) for share in shares]
        for share, walk in zip(shares, walks, strict=True):
            share.lane.dispatch.follow_up.look(walk)
        walks[0].warnings.append("is to be handed over: left to a run that makes tasks")
        said = self._say(shares, walks, tuple(walk.before for walk in walks))
        return replace(said, route_next_at=terms.as_of)

    # -- saying it ---------------------------------------------------------------------------------------------------

    def _say(self, shares: Sequence[Share], walks: Sequence[Walk], tracks: tuple[Track, ...]) -> Decision:
        """One decision of all lanes: the record speaks of the track that sales deals with, and shows the furthest
        stage."""
        if len(walks) == 1:
            return self._say_of(shares[0], walks[0], tracks)
        level = shares[0].lane.stages.level
        spoken = [walk.track for walk in walks]
        first = spoken.index(leading(spoken, level))
        shown = spoken.index(furthest(spoken, level))
        said = [self._say_of(share, walk, tracks) for share, walk in zip(shares, walks, strict=True)]
        said = [said[first], *said[:first], *said[first + 1 :]]
        outputs = dict(said[0].outputs) | self._of_person(shares, walks, said)
        route = min((one.route_next_at for one in said if one.route_next_at), default=None)
        # When the route of any track turns, another track may lead, whose scores are shown from then on.
        score = min((at for at in (said[0].score_next_at, route) if at), default=None)
        if shown != first:
            of_stage = shares[shown].lane.recorder.stage_of(walks[shown])
            outputs = {name: value for name, value in outputs.items() if name not in OF_STAGE} | of_stage
        turned = walks[first].track.handed_over and not walks[first].is_spoken_to
        # An answer to another track's hand-off speaks neither for a new one nor for the one shown from now on.
        if turned or any(walk.tasks for walk in walks):
            given = {name for share in shares for name in ANSWERS if share.person.fields.get(name) is not None}
            outputs |= dict.fromkeys(sorted(given))
        return replace(
            said[0],
            outputs=outputs,
            moves=tuple(move for one in said for move in one.moves),
            tasks=tuple(task for one in said for task in one.tasks),
            cause=next((one.cause for one in said if one.cause), ""),
            reason=next((one.reason for one in said if one.reason), ""),
            also=tuple(rule for one in said for rule in one.also),
            warnings=tuple(dict.fromkeys(text for one in said for text in one.warnings)),
            route_next_at=route,
            score_next_at=score,
            leads={id: outputs for one in said for id, outputs in one.leads.items()},
        )

    def _of_person(self, shares: Sequence[Share], walks: Sequence[Walk], said: Sequence[Decision]) -> dict[str, Value]:
        """What is true of the person whichever track told it: a withdrawn consent, and who lacks on an open deal."""
        lacking = [text for one in said if (text := one.outputs["buying_group_missing"])]
        of_person: dict[str, Value] = {"buying_group_missing": lacking[0] if lacking else None}
        if any(share.lane.recorder.is_withdrawn(walk) for share, walk in zip(shares, walks, strict=True)):
            of_person["nurture_track"] = None
        return of_person

    def _say_of(self, share: Share, walk: Walk, tracks: tuple[Track, ...]) -> Decision:
        path, lane = share.lane.path, share.lane
        stage = path.next_stage(walk)
        says_why_not = not walk.reason and not walk.track.cycle and walk.track.cause != "adopted"
        short, said = path.blocked(walk, stage)
        for_record = (*[each.roughly() for each in short], *said) if says_why_not else ()
        ahead = lane.foresight.of(walk, blocked=bool(short or said))
        outputs = lane.recorder.outputs(walk, path.missing(walk, stage), for_record)
        return Decision(
            walk.person.id,
            tracks,
            outputs,
            walk.facts.score,
            tuple(walk.moves),
            tuple(walk.tasks),
            walk.cause,
            walk.reason,
            (*[each.exactly() for each in short], *said),
            tuple(walk.also),
            tuple(dict.fromkeys(walk.warnings)) if walk.warnings else (),
            ahead.route,
            ahead.score,
            walk.held_until,
            {each.id: lane.recorder.of_lead(walk, outputs, each) for each in share.leads} if share.leads else {},
        )


@dataclass(frozen=True, slots=True)
class _Terms:
    """The circumstances of one decision, the same for every lane."""

    as_of: datetime
    go_live: datetime
    hand_over: bool
    clean_up: str | None
    newer_than: timedelta | None


def _remember(share: Share, walk: Walk, run: int) -> Track:
    """The track as it will be once all of this is confirmed: it answers to everything seen up to `run`."""
    deals = walk.facts.deals
    facts = walk.facts.digest
    if deals.says != "open" and deals.at is not None and deals.at > walk.as_of:
        facts += AHEAD
    walk.above = walk.track.cause == "adopted" and share.lane.path.is_above(walk)
    if walk.above:
        facts += ABOVE
    elif (leave := rule_of(walk)) is not None and is_below(leave, walk.facts):
        facts += BELOW
    return looked_at(walk.track, walk.as_of, run, facts, walk.fingerprint)
