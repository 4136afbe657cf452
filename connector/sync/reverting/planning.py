"""
`revert`: a run is undone, as far as what it wrote still stands (G8).

It is a run like any other: what it would write is planned in the ledger, agreed to, intended, written, verified and
recorded. A change whose write had begun when the program died is carried to its end by the next run, before any other
work: else that run would take what was just put back for an unconfirmed write of its own, and write it again.

Afterwards the agreement would say the same again. So what was put back is left alone, as a hold of its own, until
something new is known of the person, somebody releases it, or the agreement is another one: then the facts that the
undone decision had used count once more. Tracks step back with the cause `revert`, and what happened before it moves
nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from connector.decide.tracks import track_from_json
from connector.decide.walk import Stages
from connector.errors import CrmError, Denied
from connector.fields import STRICT
from connector.fields.places import place_of
from connector.ledger.handoffs import UNDONE, HandOff
from connector.ledger.holds import Hold
from connector.ledger.memories import NOTHING, Memory
from connector.ledger.people import Settled
from connector.ledger.undone import Undone
from connector.ledger.work import PLANNED, UNDOING, WRITTEN, PlannedChange
from connector.model import Person
from connector.plan import Change, Set, to_json
from connector.sync import parts
from connector.sync.assembling import Assembly, Ours
from connector.sync.backwards import Backwards
from connector.sync.half_written import STOOD
from connector.sync.reverting.standing import (
    GONE,
    ON_HOLD,
    REVERT,
    SCOPE,
    Left,
    PuttingBack,
    Standing,
    Survey,
    last_writers,
)
from connector.sync.reverting.tracks import stepped_back
from connector.sync.session import Order, Report, Session
from connector.sync.settling import settled_json
from connector.sync.who import Who

#: What a row may be called whose write may have arrived; of all but the first that must be known from elsewhere.
_MAY_STAND = (WRITTEN, "unknown", PLANNED, "rejected")

#: What became of a person's part: (state, code, message), as the ledger concludes changes.
Ends = dict[str, tuple[str, str, str]]

_MOVED_ON = ("superseded", "", "the record changed before the write")


class Reverting:
    """Undoing one run. `met` is the run that reads the people: what it sees is not new to what is left alone."""

    def __init__(self, session: Session, order: Order, report: Report, who: Who, met: int | None = None) -> None:
        self.met = report.run if met is None else met
        self._session = session
        self._order = order
        self._report = report
        self._ledger = session.ledger
        self._assembly = Assembly(session, order, report, who)
        self._stages = Stages(session.agreement.stages)
        self._run = order.undoes or 0
        self._putting_back = PuttingBack(
            self._run,
            mode=session.mode,
            own_prefix=session.agreement.wiring.own_prefix,
            backwards=session.agreement.backwards,
            stages=self._stages,
            same=lambda one, live, other: session.fields.same(one.field, one.property, live, other),
        )
        self.survey = Survey(self._run)
        self._aimed_at: set[str] = set()  # survivors of merges who have their row

    # -- planning -------------------------------------------------------------------------------------------------

    def plan(self) -> Survey:
        """Set everybody the run wrote to against what stands now, and plan what is to be put back."""
        survey = self.survey
        found = self._ledger.runs.find(self._run)
        survey.same_agreement = found is None or found.fingerprint == self._session.agreement.fingerprint
        survey.tasks = [(one.task_id or "", one.person_id) for one in self._ledger.outbox.by(self._run)]
        for rows in self._rows():
            self._session.go_on()
            planned = self._look(rows)
            with self._ledger.transaction():
                self._session.still_mine()
                self._ledger.work.plan(self._report.run, planned)
            survey.undoes += len(planned)
            if Backwards(self._session, self._report).leaves_blank():
                self._report.blank_for_a_moment += sum(bool(one.body["backwards"]) for one in planned)
            self._report.count("changed", len(planned))
            self._session.progress("looked at", survey.people, None)
        return survey

    def _rows(self) -> Iterator[list[PlannedChange]]:
        rows: list[PlannedChange] = []
        for row in self._ledger.work.every(self._run):
            if _may_stand(row):
                rows.append(row)
            if len(rows) >= self._session.settings.chunk:
                yield rows
                rows = []
        if rows:
            yield rows

    def _look(self, rows: Sequence[PlannedChange]) -> list[PlannedChange]:
        self._report.count("looked_at", len(rows))
        targets = self._targets(rows)
        self._report.count("unchanged", len(rows) - len(targets))
        found = list(self._standing(targets))
        arrived = {row.person_id for row, standing, *_ in found if self._putting_back.arrived(row, standing)}
        self._tell_touched([row for row in rows if row.state == WRITTEN or row.person_id in arrived])
        planned = []
        for row, standing, memory, writers in found:
            change = self._change(row, standing, memory, writers)
            if change is not None:
                planned.append(change)
            elif standing.shut == GONE:
                self._report.count("gone")
            else:
                self._report.count("unchanged")
        return planned

    def _tell_touched(self, rows: Sequence[PlannedChange]) -> None:
        """Of a run that died, those it had not come to yet are no people it wrote to."""
        self.survey.people += len(rows)
        self.survey.stages_entered += sum(any(field == "stage" for field, *_ in row.body["sets"]) for row in rows)

    def _targets(self, rows: Sequence[PlannedChange]) -> dict[str, PlannedChange]:
        """Whom each row is about by now: of merged people the survivor, whose own row goes first, and once only,
        however far apart their rows are."""
        merged = self._ledger.folding.lives_on_in("contact", [row.person_id for row in rows])
        targets = {row.person_id: row for row in rows if row.person_id not in merged}
        own = self._ledger.work.of_run(self._run, sorted(set(merged.values())))
        self._aimed_at |= {one.person_id for one in own if _may_stand(one)}
        for row in rows:
            survivor = merged.get(row.person_id)
            if survivor is not None and survivor not in self._aimed_at:
                self._aimed_at.add(survivor)
                targets[survivor] = row
        self.survey.merged += sum(row.person_id in merged or _was_merged(row) for row in rows)
        return targets

    def _standing(
        self, targets: Mapping[str, PlannedChange]
    ) -> Iterator[tuple[PlannedChange, Standing, Memory, Mapping[str, int]]]:
        """Everybody as they stand now; the CRM's history is asked of those with something to put back alone."""
        ids = list(targets)
        people, _, memories, holds = self._assembly.people(ids)
        open_leads = {person.id: frozenset(lead.id for lead in person.leads if lead.is_open) for person in people}
        shut = {person.id: self._shut(person, memories.get(person.id, NOTHING)) for person in people}
        live = self._live({id: [name for _, name, *_ in row.body["sets"]] for id, row in targets.items()})
        writers = self._writers(targets)
        standing = {}
        for id, row in targets.items():
            memory = memories.get(id, NOTHING)
            standing[id] = Standing(
                id,
                live.get(id, {}),
                frozenset(holds.get(id, ())) - self._undone_before(id, holds.get(id, {})),
                merged=id != row.person_id or _was_merged(row),
                shut=GONE if id not in live or id not in shut else shut[id],
                leads=open_leads.get(id, frozenset()),
                ours=None if row.state == WRITTEN else Ours(memory),
            )
        asked = [id for id, row in targets.items() if self._putting_back.of(row, standing[id], writers[id])[0]]
        newest = self._newest(asked, targets)
        for id, row in targets.items():
            told = replace(standing[id], newest=newest.get(id))
            yield row, told, memories.get(id, NOTHING), writers[id]

    def _undone_before(self, id: str, held: Mapping[str, object]) -> frozenset[str]:
        """Holds that an earlier revert made: what stands there is ours to put back further."""
        if not held:
            return frozenset()
        found = self._ledger.undone.of([id]).get(id)
        return frozenset(found.values) if found else frozenset()

    def _shut(self, person: Person, memory: Memory) -> str | None:
        """Why nothing at all of this person is written."""
        if not self._session.scope.admits(person):
            return SCOPE
        if person.fields.get("hold_until") is None:
            return None
        decision = self._session.decider.decide(
            person,
            tuple(map(track_from_json, memory.tracks)),
            as_of=self._order.as_of,
            run=self._report.run,
            go_live=self._session.go_live(self._order.as_of),
            route=False,
        )
        return ON_HOLD if decision.held_until is not None else None

    def _live(self, wanted: Mapping[str, Collection[str]]) -> dict[str, dict[str, str]]:
        """What the CRM holds at these places (person -> places) right now, in its own words: also of properties that
        nobody maps any more."""
        told = parts.read(self._session.crm, wanted)
        return {id: {name: value or "" for name, value in values.items()} for id, values in told.items()}

    def _writers(self, targets: Mapping[str, PlannedChange]) -> dict[str, dict[str, int]]:
        rows: dict[str, list[PlannedChange]] = {row.person_id: [] for row in targets.values()}
        wanted = sorted({*rows, *targets})
        for one in self._ledger.work.written_from(self._run, wanted):
            rows.setdefault(one.person_id, []).append(one)
        found = {}
        for id, row in targets.items():
            mine = [one for one in rows[row.person_id] if one.run != self._run]
            theirs = rows.get(id, []) if id != row.person_id else []
            found[id] = last_writers([row, *sorted((*mine, *theirs), key=lambda one: one.run)])
        return found

    def _newest(
        self, ids: Sequence[str], targets: Mapping[str, PlannedChange]
    ) -> dict[str, dict[str, tuple[str, str]]]:
        """Who set each property last, by the CRM's history; without an answer the values alone must do."""
        if not ids:
            return {}
        wanted = {id: [name for _, name, *_ in targets[id].body["sets"]] for id in ids}
        try:
            history = parts.history(self._session.crm, wanted)
        except Denied:
            raise
        except CrmError as error:
            self._report.warnings.append(f"who set these values last could not be read: {error}")
            return {}
        return {
            id: {name: (those[0].value or "", those[0].by) for name, those in versions.items() if those}
            for id, versions in history.items()
        }

    # -- one change -----------------------------------------------------------------------------------------------

    def _change(
        self, row: PlannedChange, standing: Standing, memory: Memory, writers: Mapping[str, int]
    ) -> PlannedChange | None:
        sets, left = self._putting_back.of(row, standing, writers)
        self.survey.left += left
        if not sets:
            return None
        for name in {place_of(one.property).property for one in sets}:  # a person, on however many records
            self.survey.values[name] = self.survey.values.get(name, 0) + 1
        return self._planned(row, standing.person_id, memory, sets, left)

    def _planned(
        self, row: PlannedChange, id: str, memory: Memory, sets: Sequence[Set], left: Sequence[Left]
    ) -> PlannedChange:
        now, anew = self._session.now(), self._order.anew
        why = f"run {self._run} was undone"
        back = stepped_back(row, memory.tracks, sets, left, self._stages, now, why)
        tracks = back.before if anew and back.before is not None else back.tracks
        loose = [one for one in sets if one.field not in STRICT]
        restored = {one.property: one.after for one in sets if anew or one.field in STRICT}
        ours = {one.property: one.before for one in loose if not anew}
        settled = Settled(
            person_id=id,
            tracks=tuple(tracks),
            base={**memory.base, **ours, **restored},
            route_next_at=now,
            score_next_at=now,
            moves=back.moves,
            track_id=row.body["after"]["track_id"],
            fingerprint=self._session.agreement.fingerprint,
            source=row.body["after"].get("source"),
            hand_offs=self._ended(row, id, now) if back.moves else (),
        )
        change = Change(id, tuple(sets), (), back.moves, REVERT)
        values = {one.property: [one.after, one.before] for one in loose}
        body = {
            **to_json(change),
            "backwards": any(one.field == "stage" for one in parts.own_sets(change))
            and self._putting_back.steps_back(row),
            "score": row.body["score"],
            "reason": why,
            "after": settled_json(settled),
            "undoes": {
                "run": self._run,
                "values": {} if anew else values,
                "tracks": None if anew or back.before is None else list(back.before),
            },
        }
        return PlannedChange(id, REVERT, change.counted, change.overwrites, change.urgency, body)

    def _ended(self, row: PlannedChange, id: str, now: datetime) -> tuple[HandOff, ...]:
        """The hand-offs that the run made and that nobody has ended since."""
        made = {(task["track_id"], task["cycle"]) for task in row.body["tasks"]}
        if not made:
            return ()
        known = self._ledger.hand_offs.of([id])
        return tuple(
            replace(one, ended_at=now, outcome=UNDONE)
            for key, one in known.items()
            if key in made and one.ended_at is None
        )

    # -- while writing --------------------------------------------------------------------------------------------

    def again(self, rows: Sequence[PlannedChange]) -> tuple[list[PlannedChange], Ends]:
        """Records changed under our hands: what is still to be put back of them, and what became of the others."""
        self.survey.left = [one for one in self.survey.left if one.person_id not in {row.person_id for row in rows}]
        asked = {row.person_id: self._original(row) for row in rows}
        known = {id: row for id, row in asked.items() if row is not None}
        again = []
        for row, standing, memory, writers in self._standing(known):
            if (change := self._change(row, standing, memory, writers)) is not None:
                again.append(change)
        kept = {one.person_id for one in again}
        ends = {id: _MOVED_ON for id in asked if id not in kept}
        return again, ends

    def _original(self, row: PlannedChange) -> PlannedChange | None:
        """The row of the run that is undone; of merged people the one that was chosen."""
        mine = [row.person_id, *self._ledger.folding.losers("contact", row.person_id)]
        known = [one for one in self._ledger.work.of_run(self._run, mine) if _may_stand(one)]
        return min(known, key=lambda one: (one.person_id != row.person_id, one.person_id), default=None)

    def standing_of(self, rows: Sequence[PlannedChange]) -> tuple[list[PlannedChange], Ends]:
        """Changes whose write had begun when a run died: what nobody touched since is carried to its end."""
        ids = [row.person_id for row in rows]
        wanted = {row.person_id: [name for _, name, *_ in row.body["sets"]] for row in rows}
        live, merged = self._live(wanted), self._ledger.folding.lives_on_in("contact", ids)
        again, ends = [], {}
        for row in rows:
            if row.person_id in merged or _was_merged(row):
                ends[row.person_id] = ("superseded", "", "the record became part of another one before the write")
                continue
            sets = [one for one in map(Set._make, row.body["sets"]) if self._untouched(one, live.get(row.person_id))]
            if sets:
                body = {**row.body, "sets": [list(one) for one in sets], STOOD: []}
                again.append(replace(row, state=UNDOING, body=body))
            else:
                ends[row.person_id] = _MOVED_ON
        return again, ends

    def _untouched(self, one: Set, live: Mapping[str, str] | None) -> bool:
        if live is None:
            return False
        same, value = self._session.fields.same, live.get(one.property, "")
        return any(same(one.field, one.property, value, text) for text in (one.before, one.after))


def _may_stand(row: PlannedChange) -> bool:
    """Whether something of this change may stand in the CRM."""
    return row.state in _MAY_STAND and bool(row.body["sets"])


def _was_merged(row: PlannedChange) -> bool:
    """Whether this was written to a record that has become part of another one since."""
    return bool(row.body["person_id"] != row.person_id)


def undone_of(row: PlannedChange, run: int, at: datetime, fingerprint: str) -> Undone:
    """What is to be left alone from now on, of a change that was put back."""
    told = row.body["undoes"]
    names = {name for _, name, *_ in row.body["sets"]}
    values = {name: (pair[0], pair[1]) for name, pair in told["values"].items() if name in names}
    tracks = told["tracks"]
    return Undone(row.person_id, told["run"], run, at, fingerprint, values, None if tracks is None else tuple(tracks))


def holds_of(found: Sequence[Undone]) -> list[Hold]:
    """The same as holds, so that they are listed, explained and let go of like any other."""
    return [
        Hold(one.person_id, name, restored, ours, one.at, None, UNDONE, by="us", set_at=one.at)
        for one in found
        for name, (restored, ours) in one.values.items()
    ]
