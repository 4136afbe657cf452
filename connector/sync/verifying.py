"""
Never trust a 2xx: what the CRM says it stored is compared with what was sent (G5, G6).

Where it differs, either the CRM accepted the value and did not take it, or it took it and something of the account set
it back in the same moment. The history tells which: the second is a reversal and no failure of the write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from connector.crm import Outcome
from connector.fields import STRICT
from connector.fields.places import is_on_lead
from connector.ledger.work import PlannedChange
from connector.plan import Change, Set
from connector.sync import parts
from connector.sync.backwards import (
    ANY_WAY,
    BLANK,
    FORWARD_ONLY,
    GONE,
    MOVED,
    PUT_OFF,
    REFUSED,
    SET_BACK,
    STANDS,
    Backwards,
)
from connector.sync.backwards import Ending as End
from connector.sync.quarantine import only_tells
from connector.sync.reversals import Reversals
from connector.sync.session import Report, Session
from connector.sync.who import Versions, Who

#: How far the CRM's clock may be behind ours.
SKEW = timedelta(seconds=60)

#: A write that the CRM says it took: who, what, and its answer.
Taken = tuple[PlannedChange, Change, Outcome]


class Verdict(NamedTuple):
    """A state of connector.crm.Outcome, with the reason."""

    state: str
    code: str = ""
    message: str = ""
    refused: tuple[str, ...] = ()  # the properties that the CRM did not take


class Verifying:
    """Verification for one run."""

    def __init__(self, session: Session, report: Report, who: Who, reversals: Reversals) -> None:
        self._session = session
        self._report = report
        self._who = who
        self._reversals = reversals
        self._backwards = Backwards(session, report)

    def verdicts(self, taken: Sequence[Taken], sent_at: datetime) -> dict[str, Verdict]:
        """Of those whose record does not hold what was sent; all others stand as they were sent."""
        stored = self._stored(taken)
        differing = {
            id: those for one in taken if (those := self._differing(one, stored)) for id in (one[1].person_id,)
        }
        self._learn_manner(taken, differing)
        if not differing:
            return {}
        came = self._taken_and_set_back(differing, sent_at)
        refused = {
            id: left
            for id, those in differing.items()
            if (left := [one for one in those if (id, one.property) not in came])
        }
        self._report.accepted_unchanged += sum(map(len, refused.values()))
        plans = {planned.person_id: planned for planned, _, _ in taken}
        back = {id: stage for id, those in refused.items() if (stage := _going_back(plans[id], those)) is not None}
        verdicts = {id: _not_taken(those) for id, those in refused.items() if id not in back}
        return verdicts | self._cleared(back, refused)

    def _cleared(self, back: Mapping[str, Set], refused: Mapping[str, Sequence[Set]]) -> dict[str, Verdict]:
        endings = self._backwards.clear_then_set(back)
        self._reversals.set_back_at_once({id: back[id] for id, one in endings.items() if one.how == SET_BACK})
        verdicts = {id: _verdict(one, back[id].property) for id, one in endings.items() if one.how != STANDS}
        rest = {id: [one for one in refused[id] if one != back[id]] for id in endings if id not in verdicts}
        return verdicts | {id: _not_taken(those) for id, those in rest.items() if those}

    def _stored(self, taken: Sequence[Taken]) -> dict[str, dict[str, str | None]]:
        """What stands there now; a stage or status of which the answer says nothing is read."""
        stored = {change.person_id: dict(outcome.properties) for _, change, outcome in taken}
        silent: dict[str, list[str]] = {}  # person -> places
        for _, change, outcome in taken:
            missing = [one for one in change.sets if one.field in STRICT and one.property not in outcome.properties]
            if any(one.before for one in missing):
                silent[change.person_id] = [one.property for one in missing]
        for id, values in parts.read(self._session.crm, silent).items():
            stored[id].update(values)
        return stored

    def _differing(self, one: Taken, stored: Mapping[str, Mapping[str, str | None]]) -> list[Set]:
        _, change, _ = one
        there = stored[change.person_id]
        return [
            each
            for each in change.sets
            if each.property in there
            and not self._session.fields.same(each.field, each.property, there[each.property], each.after)
        ]

    def _learn_manner(self, taken: Sequence[Taken], differing: Mapping[str, Sequence[Set]]) -> None:
        for planned, change, _ in taken:
            stage = next(
                (one for one in parts.own_sets(change) if one.field == "stage" and one.before and one.after), None
            )
            if stage is not None and planned.body.get("backwards"):
                kept = any(one == stage for one in differing.get(change.person_id, ()))
                self._backwards.met(FORWARD_ONLY if kept else ANY_WAY)

    def _taken_and_set_back(self, differing: Mapping[str, Sequence[Set]], sent_at: datetime) -> set[tuple[str, str]]:
        """Values that came in and were replaced at once. They count as written; the next look meets the reversal."""
        asked = {id: [one.property for one in those] for id, those in differing.items()}
        histories = self._who.histories(asked)
        return {
            (id, one.property)
            for id, those in differing.items()
            for one in those
            if self._came_in(one, histories.get(id, {}).get(one.property, ()), sent_at)
        }

    def _came_in(self, one: Set, versions: Versions, sent_at: datetime) -> bool:
        return any(
            version.at >= sent_at - SKEW
            and self._session.fields.same(one.field, one.property, version.value, one.after)
            for version in versions
        )


def _going_back(planned: PlannedChange, sets: Sequence[Set]) -> Set | None:
    """The stage, where the agreement lets it go back and whatever else was not taken only tells."""
    decides = [one for one in sets if not only_tells([one])]
    stage = decides[0] if [one.field for one in decides] == ["stage"] and not is_on_lead(decides[0].property) else None
    return stage if planned.body.get("backwards") else None


def _verdict(one: End, name: str) -> Verdict:
    return {
        BLANK: Verdict(
            "unknown", "stage_still_blank", "the stage stands cleared; the next run sets it before all else"
        ),
        MOVED: Verdict("unknown", "stage_moved_meanwhile", "somebody set the stage meanwhile"),
        SET_BACK: Verdict("unknown", "stage_set_back", "another system set the old stage again at once"),
        GONE: Verdict("gone", "gone", "deleted or merged away"),
        REFUSED: Verdict("rejected", one.code, one.message, (name,)),
        PUT_OFF: Verdict("deferred", one.code, one.message),
    }[one.how]


def _not_taken(sets: Sequence[Set]) -> Verdict:
    names = tuple(one.property for one in sets)
    return Verdict("rejected", "not_taken", f"the CRM accepted {', '.join(names)} and kept another value", names)
