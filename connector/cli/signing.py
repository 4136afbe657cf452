"""The verb agreement approve: a side signs the agreement as it stands."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connector.agreement.approvals import (
    BOTH,
    Approval,
    Side,
    already,
    last_signed,
    last_wiring,
    may_sign,
    other_side,
)
from connector.cli import show
from connector.cli.app import CONFIG, ConfigOption, ConnectionOption, OutputOption, YesOption, agreements
from connector.cli.opening import Chosen, choose, now
from connector.cli.sessions import signatures_of
from connector.cli.signatures import as_json, signature, tell
from connector.cli.versions import last_signed_version, tell_changes
from connector.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.agreement.differing import Changed

#: Letters of a name; more is not a name.
_LONGEST = 200


@agreements.command("approve")
def agreement_approve(
    side: Annotated[Side, typer.Option("--as", help="Marketing and sales sign the rules, admin the wiring.")],
    name: Annotated[str, typer.Option("--name", help="Who signs.")],
    emergency: Annotated[
        bool, typer.Option("--emergency", help="This side alone, for five days; says so everywhere. Needs --why.")
    ] = False,
    why: Annotated[str, typer.Option("--why", help="The reason, kept with the signature.")] = "",
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
    yes: YesOption = False,
) -> None:
    """Sign the agreement as it stands, for one side; shows first what is signed. Writes approvals.toml."""
    from connector.agreement.approvals_file import add_approval, digest_of  # noqa: PLC0415 - --help does without

    chosen = choose(config, connection)
    folder, agreement = chosen.connection.mapping, chosen.agreement
    approvals = signatures_of(chosen).approvals
    meaning = agreement.wiring.fingerprint if side == "admin" else agreement.fingerprint
    wanted = Approval(
        side,
        _line(name, "--name"),
        now().replace(microsecond=0),
        meaning,
        agreement.version,
        chosen.connection.crm if side == "admin" else "",
        emergency,
        _line(why, "--why") if why else "",
    )
    before = already(approvals, side, meaning)
    if before is None:
        _may_sign(chosen, approvals, wanted)
        _keeps_promises(chosen, approvals, wanted)
        if output == "text":
            _show_what(chosen, approvals, wanted)
        show.ask(_question(wanted), yes=yes)
        kept = _keep(chosen, meaning, approvals)
        add_approval(folder, replace(wanted, files=digest_of(kept)))
    signatures = signatures_of(chosen)
    if output == "json":
        show.json(
            {"status": "done", "signed_now": before is None, "side": side, "fingerprint": meaning}
            | {"signatures": as_json(signatures, now())}
        )
        return
    if before is None:
        show.say(f"{folder.name}/approvals.toml: {side} has signed version {agreement.version} ({meaning})", "✓")
    else:
        show.say(f"{side} has signed this already ({signature(before)}); nothing was changed.", "✓")
    tell(signatures, now())


# -- who may sign what -------------------------------------------------------------------------------------------------


def _line(text: str, option: str) -> str:
    """One line of text that can stand in a file and be read aloud. Raises UsageError."""
    said = " ".join(text.split())
    if not any(letter.isalnum() for letter in said) or len(said) > _LONGEST or not said.isprintable():
        raise UsageError(f'{option} must be one line of text of up to {_LONGEST} letters, such as {option} "Ann Lee".')
    return said


def _may_sign(chosen: Chosen, approvals: Sequence[Approval], one: Approval) -> None:
    """Whether this signature may be given at all. Raises UsageError with what to do instead."""
    from connector.config import shipped_mappings  # noqa: PLC0415 - --help does without

    mine, side = chosen.connection, one.side
    if mine.mapping == shipped_mappings():
        raise UsageError(
            "The agreement that comes with the program belongs to nobody and cannot be signed. Make your own: connector"
            f' init FOLDER; then name its mappings in the connection {mine.name}: mapping = "mappings".'
        )
    if one.emergency and side not in BOTH:
        raise UsageError("--emergency is for marketing or sales; the administrator signs the wiring alone anyway.")
    if one.emergency and not one.why:
        raise UsageError('--emergency needs a reason that everybody will read: --why "..."')
    signers = chosen.agreement.paper.signers
    if not may_sign(one.name, side, signers):
        allowed = " or ".join(signers[side])
        raise UsageError(
            f"For {side} may sign: {allowed}. {one.name} is not among them; see [approvals] in"
            f" {mine.mapping.name}/agreement.toml."
        )
    if (other := other_side(approvals, side, one.fingerprint, one.name)) is not None:
        raise UsageError(
            f"{other.name} has signed for {other.side}, and one person cannot sign for both sides."
            f" Somebody else must sign for {side}."
        )
    counterpart = next((each for each in BOTH if each != side), side)
    if one.emergency and already(approvals, counterpart, one.fingerprint) is not None:
        raise UsageError(f"{counterpart.capitalize()} has signed already, so this is none: sign without --emergency.")


def _keeps_promises(chosen: Chosen, approvals: Sequence[Approval], one: Approval) -> None:
    """A goal of a running period that was signed is changed by a correction, or not at all. Raises ConfigError."""
    from connector.agreement.goals import goal_changes_without_correction  # noqa: PLC0415 - --help does without

    before = last_signed_version(chosen.connection, approvals, but=one.fingerprint) if one.side in BOTH else None
    if before is None:
        return
    agreement, paper = chosen.agreement, chosen.agreement.paper
    today = one.at.astimezone(agreement.zone).date()
    problems = goal_changes_without_correction(
        before.agreement.paper.goals, paper.goals, today, paper.fiscal_year_starts
    )
    if problems:
        raise ConfigError(problems)


def _keep(chosen: Chosen, fingerprint: str, approvals: Sequence[Approval]) -> Path:
    """Keep what is signed beside the signature, once it is certain that it is what was shown. Raises UsageError, and
    ConfigError where a copy of it is there and was edited."""
    from connector.agreement.approvals_file import (  # noqa: PLC0415 - --help does without
        FOLDER,
        keep_signed,
        signed_folder,
        unaltered,
    )

    mine = chosen.connection
    before = signed_folder(mine.mapping, fingerprint)
    if before is not None and not _says(chosen, before, fingerprint):
        raise UsageError(
            f"{mine.mapping.name}/{FOLDER}/{fingerprint} does not say what was signed: somebody touched it. Take it"
            " back from your version control, or remove it; nothing was signed."
        )
    if before is not None:
        unaltered(mine.mapping, before, approvals)
    kept = before or keep_signed(mine.mapping, fingerprint)
    if not _says(chosen, kept, fingerprint):
        shutil.rmtree(kept, ignore_errors=True)
        raise UsageError("The files changed while you were looking at them; nothing was signed. Run it again.")
    return kept


def _says(chosen: Chosen, kept: Path, fingerprint: str) -> bool:
    """Whether a kept copy means what its name says."""
    from connector.agreement import load_agreement  # noqa: PLC0415 - --help does without

    try:
        copy = load_agreement(kept, chosen.connection.crm, chosen.connection.language)
    except ConfigError:
        return False
    return fingerprint in (copy.fingerprint, copy.wiring.fingerprint)


# -- telling -----------------------------------------------------------------------------------------------------------


def _show_what(chosen: Chosen, approvals: Sequence[Approval], one: Approval) -> None:
    """What is signed: version, fingerprint, and what changed since this was signed last."""
    what = "the wiring to " + one.crm if one.side == "admin" else "the rules"
    show.say(f"To be signed for {one.side}: {what} of version {one.version} ({one.fingerprint})")
    changed = _changed(chosen, approvals, one)
    if changed is None:
        lost = any(each.side == one.side for each in approvals)
        why = "No copy is kept of what was signed last" if lost else "No version was signed before"
        show.say(
            f"{why}: it is the agreement as a whole. Read it in plain English: connector agreement lint --read-back"
        )
    elif not changed:
        show.say("Since the last signed version, no sentence of it has changed.")
    else:
        show.say("Changed since the last signed version:")
        tell_changes(changed)
        show.out.print()
    if one.emergency:
        show.say("An emergency: this side's word alone is enough for five days, and every report says so.", "●")


def _changed(chosen: Chosen, approvals: Sequence[Approval], one: Approval) -> list[Changed] | None:
    """What this side signs anew; None where nothing was signed before, or no copy of it can be read."""
    from connector.agreement.differing import of_wiring, versions  # noqa: PLC0415 - --help does without

    mine, agreement, admin = chosen.connection, chosen.agreement, one.side == "admin"
    but = one.fingerprint
    known = last_wiring(approvals, mine.crm, but=but) if admin else last_signed(approvals, but=but)
    before = last_signed_version(mine, approvals, but=but) if known else None
    if before is None:
        return None
    found = versions(before.agreement, agreement).changed
    return [each for each in found if of_wiring(each, mine.crm) == admin]


def _question(one: Approval) -> str:
    alone = " alone, as an emergency" if one.emergency else ""
    return f"Sign version {one.version} for {one.side}{alone} as {one.name}?"
