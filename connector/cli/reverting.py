"""The verb revert: undo a run. It says first what cannot be undone, then asks."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connector.cli import bar, running, show
from connector.cli.app import CONFIG, ConfigOption, ConnectionOption, OutputOption, YesOption, app
from connector.cli.opening import choose, now
from connector.cli.sessions import session_for
from connector.wording import people

if TYPE_CHECKING:
    from connector.sync import Report, Session
    from connector.sync.reverting.standing import Left, Survey

#: How many ids are named one by one where people read.
NAMED = 5


@app.command()
def revert(
    number: Annotated[int, typer.Argument(metavar="RUN", help="The number of the run: connector runs.")],
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
    yes: YesOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it comes to, write nothing.")] = False,
    decide_anew: Annotated[
        bool,
        typer.Option(
            "--decide-anew", help="Leave nothing alone afterwards: the next run decides by the agreement as it is now."
        ),
    ] = False,
    most: Annotated[int, typer.Option("--show", min=0, help="How many ids to name for each reason.")] = NAMED,
) -> int:
    """Undo a run: put back what still holds its values, and nothing else."""
    from connector.sync import Order  # noqa: PLC0415 - --help does without
    from connector.sync.reverting.running import refuse, refuse_when_observing  # noqa: PLC0415 - the same

    surveys: list[Survey] = []

    def agree(survey: Survey) -> bool:
        surveys.append(survey)
        with bar.out_of_the_way():
            if output == "text":
                _tell_survey(survey, most)
            return not dry_run and bool(survey.undoes) and _agreed(survey, session.account, yes=yes)

    chosen = choose(config, connection)
    with session_for(chosen) as session:
        refuse(session, number)
        if not dry_run:
            refuse_when_observing(session)
        if not yes and not dry_run and not sys.stdin.isatty():
            show.ask(f"Undo run {number} of connection {session.ledger.connection}?", yes=False)
        order = Order("revert", now(), undoes=number, write=not dry_run, anew=decide_anew, agree=agree)
        report = running.ran(session, order)
        return _told(session, report, surveys[0] if surveys else None, output, dry_run=dry_run, anew=decide_anew)


def _agreed(survey: Survey, account: str, *, yes: bool) -> bool:
    """A no is an answer of its own here: the run has begun, and is to end as one."""
    noun = "person" if survey.undoes == 1 else "people"
    try:
        show.ask(f"Put back the values of {survey.undoes:,} {noun} in account {account}?", yes=yes)
    except typer.Abort:
        return False
    return True


def _told(session: Session, report: Report, survey: Survey | None, output: str, *, dry_run: bool, anew: bool) -> int:
    if output == "json":
        show.json(running.as_json(report, undo=None if survey is None else as_json(survey)))
    elif dry_run:
        show.say("Nothing was written.")
    elif survey is not None and survey.undoes:
        show.report(report)
        if report.counts["written"]:
            _tell_what_comes(session, survey, anew=anew)
    return running.EXIT[report.status]


def _tell_survey(survey: Survey, most: int) -> None:
    """What stays whatever is done, what somebody else has done since, and what is put back."""
    show.say(f"Run {survey.run} wrote to {people(survey.people)}.")
    if survey.people:
        show.title("What cannot be undone")
        for text in _for_good(survey, most):
            show.say(text, indent=2)
    whys = survey.whys()
    if whys:
        show.title("What is left as it is")
        for why, those in whys.items():
            _tell_left(why, those, most)
    if survey.undoes:
        show.title(f"What is put back, of {people(survey.undoes)}")
        rows = sorted(survey.values.items(), key=lambda item: (-item[1], item[0]))
        show.table(("property", "people"), rows)
    else:
        show.say(f"Nothing of run {survey.run} is left to undo.", "✓")
    show.out.print()


def _for_good(survey: Survey, most: int) -> list[str]:
    said = ["Workflows, sequences and e-mails that our values started have run."]
    if survey.stages_entered:
        said.append(f"The CRM's own dates of entering a stage keep what they say, for {people(survey.stages_entered)}.")
    if survey.tasks:
        noun = "task" if len(survey.tasks) == 1 else "tasks"
        named = ", ".join(f"{task} (contact {contact})" for task, contact in survey.tasks[:most])
        rest = f" and {len(survey.tasks) - most:,} more (--show, or --output json)" if len(survey.tasks) > most else ""
        said.append(
            f"{len(survey.tasks):,} hand-off {noun} stay: {named}{rest}. Nothing is deleted; close those that are"
            " open by hand. The count of hand-offs goes on."
        )
    if survey.merged:
        noun = "person is" if survey.merged == 1 else "people are"
        said.append(f"{survey.merged:,} {noun} part of another record by now: the survivor's values are compared.")
    return said


def _tell_left(why: str, those: list[Left], most: int) -> None:
    from connector.fields.places import place_of  # noqa: PLC0415 - --help does without
    from connector.sync.reverting.standing import REASONS  # noqa: PLC0415 - the same

    people = list(dict.fromkeys(one.person_id for one in those))
    names = ", ".join(sorted({place_of(one.property).property for one in those})) if why != "gone" else ""
    named = f" (contact {', '.join(people[:most])}{' ...' if len(people) > most else ''})" if most else ""
    of = f"{names}: " if names else ""
    noun = "person" if len(people) == 1 else "people"
    show.say(f"{of}{len(people):,} {noun}: {REASONS[why]}{named}", indent=2)


def _tell_what_comes(session: Session, survey: Survey, *, anew: bool) -> None:
    """What the next run does about it, and the ways on."""
    name = session.ledger.connection
    if anew:
        show.say("The next run decides on these people anew, by the agreement as it is now.", "note", indent=2)
        return
    show.say(
        "What was put back is left alone until something new is known of the person, until the agreement changes, or"
        " until you let go of it: connector holds release ID",
        "note",
        indent=2,
    )
    if survey.same_agreement:
        show.say(
            "The agreement that led to it still stands: whoever does something new is decided on by it. Correct it"
            f" (the next run then decides anew), or stop the writes: connector pause {name}",
            "note",
            indent=2,
        )
    else:
        show.say(
            "The agreement has changed since that run. To let the next run decide by it at once, let go of what is"
            " left alone: connector holds release ID; next time: connector revert RUN --decide-anew",
            "note",
            indent=2,
        )


def as_json(survey: Survey) -> dict[str, Any]:
    """The same for programs: every id."""
    return {
        "run": survey.run,
        "people": survey.people,
        "undoes": survey.undoes,
        "values": dict(sorted(survey.values.items())),
        "left": [{"id": one.person_id, "property": one.property, "why": one.why} for one in survey.left],
        "tasks": [{"task": task, "contact": contact} for task, contact in survey.tasks],
        "stages_entered": survey.stages_entered,
        "merged": survey.merged,
        "same_agreement": survey.same_agreement,
    }
