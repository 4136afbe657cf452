"""The verb explain: why one person stands where they stand. It reads the ledger only and makes no call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connector.cli import following, holding, leads, show
from connector.cli.app import CONFIG, AsOfOption, ConfigOption, ConnectionOption, OutputOption, app, instant
from connector.cli.opening import choose, ledger_of, now
from connector.cli.sessions import offline_session
from connector.errors import UsageError

if TYPE_CHECKING:
    from connector.agreement import Agreement
    from connector.cli.planned import InWords
    from connector.decide.nearest import Way
    from connector.ledger.holds import Hold
    from connector.ledger.outbox import SentTask
    from connector.ledger.people import Transition
    from connector.ledger.undone import Undone
    from connector.ledger.work import PlannedChange
    from connector.model import Decision, Track
    from connector.sync import Session
    from connector.sync.look import Looked


#: What the agreement says of a person beside score and stage.
TALK = ("persona", "icp_band", "journey_stage", "nurture_track", "ask_next", "not_mql_reason", "buying_group_missing")

#: What explain shows of a persona's card, and how it is called.
CARD = {"bio": "Who that is", "pains": "What hurts", "needs": "What they need", "say": "What to say"}


@dataclass(frozen=True, slots=True)
class Past:
    """What the ledger remembers of one person."""

    moves: Sequence[Transition]
    changes: Sequence[PlannedChange]
    tasks: Sequence[SentTask]
    holds: Sequence[Hold]
    undone: Undone | None = None


@app.command()
def explain(
    id: Annotated[str, typer.Argument(help="The CRM's record id of a contact.")],
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
    as_of: AsOfOption = None,
    show_values: Annotated[
        bool, typer.Option("--show-values", help="The reason of a hold too, as somebody typed it.")
    ] = False,
) -> None:
    """Why this score and stage, why not the next, and what was written."""
    moment = instant(as_of, "--as-of") or now()
    chosen = choose(config, connection)
    with ledger_of(chosen) as ledger:
        session = offline_session(chosen, ledger)
        id = leads.person_behind(ledger, id)
        looked = _look(session, id, moment)
        if not show_values:
            looked = replace(looked, decision=_without_reasons(looked.decision))
        undone = ledger.undone.of([id]).get(id)
        past = Past(
            ledger.people.transitions(id),
            ledger.work.changes_of(id),
            ledger.outbox.of(id),
            ledger.holds.of([id]),
            undone,
        )
        ways = _ways(session, looked, moment)
    if output == "json":
        show.json(_explained(session, looked, past, moment) | {"ways": [asdict(way) for way in ways]})
        return
    _person(looked, session)
    leads.told(looked.person)
    _talk(looked.decision, session)
    _score(looked.decision)
    _stage(looked, past, session)
    _nearest(ways)
    following.told(looked.decision.tracks, moment)
    _next_run(session, looked)
    _history(past)
    _written(past, session.fields.in_words)
    _open_ends(past)
    _come_across(looked)


def _look(session: Session, id: str, as_of: datetime) -> Looked:
    """One person as the ledger knows them. Raises UsageError for an unknown id."""
    from connector.sync import Order, Report  # noqa: PLC0415 - --help does without
    from connector.sync.look import Look  # noqa: PLC0415 - --help does without

    order = Order("explain", as_of, only=(id,), write=False)
    report = Report(0, session.ledger.connection, session.mode, as_of, as_of, session.agreement.fingerprint)
    recent = session.ledger.runs.recent(1)
    report.run = recent[0].number if recent else 0
    found = Look(session, order, report).at([id])
    if not found:
        if survivor := session.ledger.folding.lives_on_in("contact", [id]).get(id):
            raise UsageError(f"Contact {id} became part of contact {survivor}. Run: connector explain {survivor}")
        known = session.ledger.mirror.count("contact")
        raise UsageError(
            f"Contact {id} is not known, or gone; {known:,} people are known. Take the record id from its address in"
            " the CRM, and run connector sync if the person is new."
        )
    return found[0]


def _without_reasons(decision: Decision) -> Decision:
    """The decision without what somebody typed about a person, which stands in their record (G14)."""
    from connector.decide import ON_HOLD  # noqa: PLC0415 - --help does without

    def told(text: str) -> str:
        until, typed, _ = text.partition(": ")
        return f"{until} (why: in the record, or --show-values)" if text.startswith(ON_HOLD) and typed else text

    return replace(decision, warnings=tuple(map(told, decision.warnings)))


def _spoken_of(looked: Looked, session: Session) -> Track:
    """The track that the record, the score and the reason are of."""
    from connector.decide.tracks import leading  # noqa: PLC0415 - --help does without
    from connector.decide.walk import Stages  # noqa: PLC0415 - --help does without

    return leading(looked.decision.tracks, Stages(session.agreement.stages).level)


def _ways(session: Session, looked: Looked, as_of: datetime) -> tuple[Way, ...]:
    """What would lead this person on."""
    from connector.decide.nearest import Nearest  # noqa: PLC0415 - --help does without

    nearest = Nearest(session.agreement, session.decider)
    return nearest.ways(looked.person, looked.decision, as_of=as_of, go_live=session.go_live(as_of))


def _nearest(ways: Sequence[Way]) -> None:
    if ways:
        show.title("The nearest way on")
    for way in ways:
        show.say(f"{way.what} → {way.stage}" + (f", {way.lead_type}" if way.lead_type else ""), indent=2)


def _person(looked: Looked, session: Session) -> None:
    """Where the CRM shows the person and where the agreement has them, on each track."""
    person, tracks = looked.person, looked.decision.tracks
    labels = {each.name: each.label for each in session.agreement.lead_types}
    show.out.print(f"[bold]contact {person.id}[/]")
    rows = [("in the CRM", person.stage or "(blank)", person.status or "(blank)")]
    for track in tracks:
        of = f", {labels.get(track.lead_type, track.lead_type)}" if len(tracks) > 1 else ""
        rows.append((f"by the agreement{of}", track.stage or "(blank)", track.status or "(blank)"))
    show.table(("", "stage", "status"), rows)


def _talk(decision: Decision, session: Session) -> None:
    """Whom we talk to and what we say: what is said of the person, then the persona's card."""
    from connector.agreement.vocabulary import OUTPUTS  # noqa: PLC0415 - --help does without

    said = [(OUTPUTS[name].label, _label(session.agreement, name, decision.outputs.get(name))) for name in TALK]
    persona = next((one for one in session.agreement.personas if one.name == decision.outputs.get("persona")), None)
    card = persona.describes if persona else {}
    said += [(label, card.get(part)) for part, label in CARD.items()]
    if any(value for _, value in said):
        show.title("Whom we talk to, and what we say")
    for label, value in said:
        if value:
            show.say(f"{label}: {value}", indent=2)


def _label(agreement: Agreement, output: str, value: object) -> object:
    """A value as people in the CRM see it."""
    spec = agreement.wiring.fields.get("contact", {}).get(output)
    options = next((own.options for own in agreement.wiring.own if spec and own.property == spec.property), ())
    return dict(options).get(value, value) if isinstance(value, str) else value


def _score(decision: Decision) -> None:
    """Every line that spoke; the lines of a side add up to its score."""
    for side, total in (("fit", decision.score.fit), ("engagement", decision.score.engagement)):
        lines = [line for line in decision.score.lines if line.rule.startswith(f"{side}.")]
        show.title(f"{side} {total:.2f}, grade {decision.score.grade}")
        width = max([len(f"{total:.2f}"), *(len(f"{line.points:+.2f}") for line in lines)])
        rows = [
            (f"{line.points:+.2f}".rjust(width), line.because, line.rule.removeprefix(f"{side}.")) for line in lines
        ]
        show.table(("points".rjust(width), "because", "rule"), [*rows, (f"{total:.2f}".rjust(width), "in all", "")])


def _stage(looked: Looked, past: Past, session: Session) -> None:
    decision, track = looked.decision, _spoken_of(looked, session)
    notes = session.signatures.notes(session.now())
    show.title(f"Why {track.stage or 'no stage'}")
    show.say(decision.reason or _reason(past, track.stage) or track.cause or "as it stood", indent=2)
    for text in decision.also:
        show.say(f"would also have matched: {text}", indent=2)
    if decision.blocked:
        show.title("Why not the next one")
        for text in decision.blocked:
            show.say(text, indent=2)
    show.notes([*decision.warnings, *notes])
    if decision.route_next_at is not None:
        moment = f"{decision.route_next_at:%Y-%m-%d %H:%M} UTC"
        show.say(f"is looked at again at {moment}, even if nothing happens before", indent=2)


def _reason(past: Past, stage: str | None) -> str:
    """Why the latest move into this stage was made, in the words of that day."""
    moves = [one.move for one in past.moves if one.move.what == "stage" and one.move.after == stage]
    return moves[-1].because if moves else ""


def _next_run(session: Session, looked: Looked) -> None:
    from connector.fields import STRICT  # noqa: PLC0415 - --help does without

    change = looked.difference.change
    if change is None:
        return
    show.title(f"What the next run would write (mode {session.mode})")
    for one in change.sets:
        label = " (counts toward the change budget)" if one.field in STRICT else ""
        before, after = (session.fields.in_words(one.field, value) for value in (one.before, one.after))
        show.say(f"{one.property}: {show.shown(before)} → {show.shown(after)}{label}", indent=2)


def _history(past: Past) -> None:
    if not past.moves:
        return
    show.title("How it came to this")
    rows = [
        (one.at, str(one.run), one.move.what, one.move.before, one.move.after, one.move.because or one.move.cause)
        for one in past.moves
    ]
    show.table(("when", "run", "what", "from", "to", "because"), rows)


def _written(past: Past, in_words: InWords) -> None:
    done = [one for one in past.changes if one.state not in ("planned", "superseded")]
    if not done:
        return
    show.title("What was written when")
    for one in done:
        when = f"{one.at:%Y-%m-%d %H:%M:%S}" if one.at else ""
        reason = f" ({one.message})" if one.message else ""
        undoes = one.body.get("undoes")
        what = f", run {undoes['run']} undone" if undoes else ""
        show.say(f"{when} run {one.run}: {one.state}{what}{reason}", indent=2)
        sets = [
            f"{name} = {show.shown(in_words(field, after), 40)}" for field, name, _before, after in one.body["sets"]
        ]
        show.say(", ".join(sets), indent=4)


def _open_ends(past: Past) -> None:
    for task in past.tasks:
        name = f"task {task.task_id}" if task.task_id else "a task not yet confirmed"
        show.say(f"{name} for cycle {task.cycle}, run {task.run}: {task.state}", indent=2)
    undone = past.undone
    if undone is not None:
        show.say(
            f"run {undone.by} undid run {undone.run}: left alone until something new is known, or let go of:"
            " connector holds release ID",
            "held",
            indent=2,
        )
    for one in past.holds:
        if undone is not None and one.property in undone.values:
            continue
        show.say(holding.told(one), "held", indent=2)


def _come_across(looked: Looked) -> None:
    for name in looked.difference.echoed:
        said = "came across from another account of this agreement, and stays until something new is decided here"
        show.say(f"{name}: {said}", "held", indent=2)


def _explained(session: Session, looked: Looked, past: Past, as_of: datetime) -> dict[str, Any]:
    decision, track = looked.decision, _spoken_of(looked, session)
    change = looked.difference.change
    return {
        "id": looked.person.id,
        "mode": session.mode,
        "fingerprint": session.agreement.fingerprint,
        "stage": track.stage,
        "status": track.status,
        "tracks": [
            {"lead_type": one.lead_type, "stage": one.stage, "status": one.status, "cycle": one.cycle}
            for one in decision.tracks
        ],
        "crm": {"stage": looked.person.stage, "status": looked.person.status},
        "leads": leads.plain(looked.person),
        "fit": decision.score.fit,
        "engagement": decision.score.engagement,
        "grade": decision.score.grade,
        "talk": {name: decision.outputs.get(name) for name in TALK},
        "lines": [{"rule": one.rule, "points": one.points, "because": one.because} for one in decision.score.lines],
        "reason": decision.reason,
        "blocked": list(decision.blocked),
        "also": list(decision.also),
        "warnings": [*decision.warnings, *session.signatures.notes(session.now())],
        "came_across": list(looked.difference.echoed),
        "would_write": {one.property: one.after for one in change.sets} if change else {},
        "follow_up": following.plain(decision.tracks, as_of),
        "route_next_at": decision.route_next_at,
        **_remembered(past),
    }


def _remembered(past: Past) -> dict[str, Any]:
    return {
        "history": [
            {
                "at": one.at,
                "run": one.run,
                "what": one.move.what,
                "from": one.move.before,
                "to": one.move.after,
                "cause": one.move.cause,
                "because": one.move.because,
            }
            for one in past.moves
        ],
        "changes": [
            {
                "run": one.run,
                "at": one.at,
                "state": one.state,
                "undoes": one.body.get("undoes", {}).get("run"),
                "sets": {name: after for _field, name, _before, after in one.body["sets"]},
            }
            for one in past.changes
        ],
        "tasks": [{"cycle": one.cycle, "run": one.run, "state": one.state, "task": one.task_id} for one in past.tasks],
        "holds": [holding.as_json(one) for one in past.holds],
        "undone": None
        if past.undone is None
        else {"run": past.undone.run, "by": past.undone.by, "properties": sorted(past.undone.values)},
    }
