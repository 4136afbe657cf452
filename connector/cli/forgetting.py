"""The verb forget: erase a person from the state, and keep them from coming back. It makes no call."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connector.cli import plan_file, show
from connector.cli.app import CONFIG, ConfigOption, ConnectionOption, Output, OutputOption, YesOption, app
from connector.cli.opening import ledger_alone, now
from connector.cli.working import alone
from connector.errors import UsageError

if TYPE_CHECKING:
    from connector.ledger import Ledger


@app.command()
def forget(
    id: Annotated[str, typer.Argument(metavar="ID", help="The CRM's record id of a contact.")],
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
    yes: YesOption = False,
    lift: Annotated[
        bool, typer.Option("--lift", help="Let this id (or address) be read again; what was erased stays erased.")
    ] = False,
) -> None:
    """Erase a person from the state for good, and never read them again."""
    if not id.strip():
        raise UsageError("Name the record id of a contact, as it stands in its address in the CRM.")
    with ledger_alone(config, connection) as (ledger, _):
        if lift:
            _lift(ledger, id.strip(), output)
        else:
            _forget(ledger, id.strip(), config, output, yes=yes)


def _forget(ledger: Ledger, id: str, config: Path, output: Output, *, yes: bool) -> None:
    if "@" in id:
        raise UsageError("Name the record id, not the address: it stands in the contact's address in the CRM.")
    everybody = ledger.forgetting.everybody_of(id)
    found, elsewhere = ledger.forgetting.rows(id), ledger.forgetting.elsewhere(id)
    plans = plan_files(ledger, config, everybody)
    known = bool(found)
    if output == "text":
        _tell_before(id, everybody, found)
    show.ask(f"Erase contact {everybody[0]} from the state of connection {ledger.connection}, for good?", yes=yes)
    with alone(ledger, now()):
        began = now()
        number = ledger.begin_run("forget", "", began, began, "")
        erased = ledger.forgetting.forget(id, began, secrets.token_hex(16))
        report = {"run": number, "connection": ledger.connection, "status": "done", "erased": erased}
        ledger.runs.finish(number, "done", now(), report)
        anew = ledger.database.scrub()
    told = {
        "id": id,
        "record": everybody[0],
        "merged": list(everybody[1:]),
        "known": known,
        "written_anew": anew,
        "plan_files": [str(one) for one in plans],
        "elsewhere": [{"connection": name, "id": other} for name, other in elsewhere],
    }
    if output == "json":
        show.json({**report, **told})
    else:
        _tell(erased, plans, elsewhere, known=known, anew=anew)


def plan_files(ledger: Ledger, config: Path, ids: tuple[str, ...]) -> list[Path]:
    """Plans beside the state and the configuration that name this person: files are nobody's but yours."""
    place = ledger.database.url.removeprefix("sqlite:///").partition("?")[0]
    folders = {config.resolve().parent, Path.cwd()}
    if place != ledger.database.url:
        folders.add(Path(place).resolve().parent)
    files = sorted({file for folder in folders for file in folder.glob("*.json") if file.is_file()})
    return [file for file in files if plan_file.names(file, ids)]


def _lift(ledger: Ledger, given: str, output: Output) -> None:
    from connector.fields import email_hash  # noqa: PLC0415 - --help does without

    address = email_hash(given)
    with alone(ledger, now()):
        lifted = ledger.forgotten.lift([("address", address)] if address else [("contact", given)])
    if output == "json":
        show.json({"connection": ledger.connection, "status": "done", "lifted": lifted})
    elif lifted:
        show.say("It may be read again. The next full read brings it back: connector backfill", "✓")
    else:
        show.say("It was not on the list; nothing had to change.", "✓")


def _tell_before(id: str, everybody: tuple[str, ...], found: Mapping[str, int]) -> None:
    record, *others = everybody
    if record != id:
        show.say(f"Contact {id} was merged into contact {record}: it is {record} that is forgotten.")
    elif others:
        show.say(f"Contact {record} also is what was contact {', '.join(others)}; all of it is forgotten.")
    if not found:
        show.say(f"Nothing is known of contact {id} here. It is kept from being read all the same.")
        return
    show.table(("of this person", "rows"), sorted(found.items()))


def _tell(
    erased: Mapping[str, Any], plans: list[Path], elsewhere: list[tuple[str, str]], *, known: bool, anew: bool
) -> None:
    rows = sum(erased.values())
    if known:
        and_anew = ", and the file written anew" if anew else ""
        show.say(f"Erased: {rows:,} row{'s' if rows != 1 else ''} in {len(erased)} tables{and_anew}.", "✓")
    if not anew:
        show.say(
            "The file was not written anew, because another program has the state open: traces of what was erased may"
            " lie between its pages. When it is closed, say the same again: connector forget ID",
            "●",
            indent=2,
        )
    show.say(
        "Record id and address stay on a list as salted digests: whoever has them is never read, scored or written"
        " again. To take the id or the address off it: connector forget ID --lift",
        indent=2,
    )
    show.say("The CRM still has the person, and so have backups of this state: erase them there.", "note", indent=2)
    show.say("Figures of past periods no longer count this person.", "note", indent=2)
    for file in plans:
        show.say(f"{file} is a plan that names this person; delete it.", "note", indent=2)
    for name, other in elsewhere:
        show.say(
            f"Connection {name} knows this address as contact {other}: connector forget {other} --connection {name}",
            "note",
            indent=2,
        )
