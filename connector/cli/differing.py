"""The verb agreement diff: what changed between two versions, who must sign it, and whom it would move."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from connector.agreement.approvals import SIDES
from connector.cli import bar, planned, show
from connector.cli.app import CONFIG, AsOfOption, ConfigOption, ConnectionOption, OutputOption, agreements, instant
from connector.cli.budgeting import costs_of
from connector.cli.opening import Chosen, choose, ledger_of, now
from connector.cli.sessions import offline_session, signatures_of
from connector.cli.subject import crm_of
from connector.cli.versions import Version, last_signed_version, tell_changes
from connector.errors import UsageError
from connector.wording import counted, people

if TYPE_CHECKING:
    from connector.agreement import Agreement
    from connector.agreement.differing import Versions
    from connector.sync.comparing import Effect, Moved

#: `diff` ends with this where it found differences and --exit-code asks for it.
DIFFERENCES = 2


@agreements.command("diff")
def agreement_diff(
    a: Annotated[
        Path | None, typer.Argument(metavar="A", help="The version before: a folder. Default: the last signed one.")
    ] = None,
    b: Annotated[
        Path | None, typer.Argument(metavar="B", help="The version after. Default: the connection's folder.")
    ] = None,
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
    as_of: AsOfOption = None,
    examples: Annotated[int, typer.Option("--show", min=0, help="How many record ids to name for each move.")] = 5,
    rules_only: Annotated[bool, typer.Option("--rules-only", help="Do not ask the ledger whom it would move.")] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 2 where the versions differ.")] = False,
) -> int:
    """Say in words what changed between two versions, and whom it would move. Writes nothing, makes no call."""
    from connector.agreement.differing import versions  # noqa: PLC0415 - --help does without

    moment = instant(as_of, "--as-of") or now()
    if a is not None and b is not None and not config.exists():
        chosen = None
        before, after = _folder(a, crm_of(a), None), _folder(b, crm_of(b), None)
    else:
        chosen = choose(config, connection)
        before, after = _before(chosen, a), _after(chosen, b)
    found = versions(before.agreement, after.agreement)
    effect, why_not = (None, "") if rules_only or not found.differ else _effect(chosen, found, moment)
    batch = 1 if chosen is None else chosen.connection.read.batch  # without a connection there is no effect, either
    if output == "json":
        show.json(_as_json(before, after, found, effect, why_not, examples, batch))
    else:
        _tell(before, after, found, _unsigned(chosen, moment) if b is None else SIDES)
        _tell_effect(found, effect, why_not, examples, batch)
    return DIFFERENCES if exit_code and found.differ else 0


# -- the two versions ---------------------------------------------------------------------------------------------


def _folder(path: Path, crm: str, language: str | None) -> Version:
    from connector.agreement import load_agreement  # noqa: PLC0415 - --help does without

    if not path.is_dir():
        raise UsageError(f"{path} is no folder. Name the folder of an agreement, such as mappings.")
    return Version(path.as_posix(), load_agreement(path, crm, language))


def _before(chosen: Chosen, path: Path | None) -> Version:
    """The folder that was named, else what was signed last. Raises UsageError where nothing was."""
    from connector.agreement.approvals_file import read_approvals  # noqa: PLC0415 - --help does without

    mine = chosen.connection
    if path is not None:
        return _folder(path, mine.crm, mine.language)
    signed = last_signed_version(mine, read_approvals(mine.mapping))
    if signed is None:
        raise UsageError(
            "No signed version is kept to compare with. Name a folder: connector agreement diff FOLDER; or sign:"
            ' connector agreement approve --as marketing --name "..."'
        )
    return signed


def _after(chosen: Chosen, path: Path | None) -> Version:
    mine = chosen.connection
    return Version(mine.mapping.name, chosen.agreement) if path is None else _folder(path, mine.crm, mine.language)


# -- whom it would move -------------------------------------------------------------------------------------------


def _effect(chosen: Chosen | None, found: Versions, moment: Any) -> tuple[Effect | None, str]:
    """Everybody in the ledger under both versions, or why nobody was asked."""
    from connector.sync.comparing import compare  # noqa: PLC0415 - --help does without

    if chosen is None:
        return None, "there is no configuration, so no ledger to ask"
    if not _has_ledger(chosen):
        return None, "nothing has been read yet; start with: connector plan"
    with ledger_of(chosen) as ledger:
        if ledger.runs.connection().described is None:
            return None, "nothing has been read yet; start with: connector plan"
        before, after = (offline_session(chosen.with_agreement(one), ledger) for one in (found.before, found.after))
        with bar.progress(lambda _phase: ledger.mirror.count("contact")) as told:
            before.progress = told
            return compare(before, after, moment, costs_of(chosen.connection)), ""


def _has_ledger(chosen: Chosen) -> bool:
    """Opening a ledger that is not there would make one."""
    url = chosen.config.state_url
    place = url.removeprefix("sqlite:///")
    return place == url or Path(place).exists()


# -- telling --------------------------------------------------------------------------------------------------------


def _unsigned(chosen: Chosen | None, moment: datetime) -> Sequence[str]:
    """The sides that have not signed the connection's folder as it stands."""
    return SIDES if chosen is None else signatures_of(chosen).standing(moment).missing


def _tell(before: Version, after: Version, found: Versions, unsigned: Sequence[str]) -> None:
    show.say(f"from: {before.name} ({_prints(before.agreement)})")
    show.say(f"to:   {after.name} ({_prints(after.agreement)})")
    if not found.differ:
        show.say("They say the same.", "✓")
        return
    tell_changes(found.changed)
    if not found.changed:
        show.say("No sentence differs, and the meaning does: compare the files.", "note")
    show.out.print()
    show.say(_signing(found, unsigned))


def _prints(agreement: Agreement) -> str:
    return f"{agreement.fingerprint}, wiring {agreement.wiring.fingerprint}"


def _signing(found: Versions, unsigned: Sequence[str]) -> str:
    """Whose signature the new version needs, and still lacks."""
    sides = [*(("marketing", "sales") if found.definitions else ()), *(("admin",) if found.wiring else ())]
    if not sides:
        return "Nothing of this needs a new signature: no decision depends on it."
    waits = [side for side in sides if side in unsigned]
    if not waits:
        return f"Signed already by {', '.join(sides)}."
    by = (
        f"; signed already by {', '.join(side for side in sides if side not in waits)}"
        if len(waits) < len(sides)
        else ""
    )
    return f"To be signed anew by {', '.join(waits)}: connector agreement approve{by}"


def _tell_effect(found: Versions, effect: Effect | None, why_not: str, examples: int, batch: int) -> None:
    if not found.differ:
        return
    if effect is None:
        if why_not:
            show.say(f"Whom it would move is not known: {why_not}", "note")
        return
    told: tuple[tuple[str, Moved], ...] = (
        ('by the next run (a changed rule is no new fact: apply_to = "new_facts")', effect.at_once),
        ('in all, as new facts come in, or at once with apply_to = "everyone"', effect.everyone),
    )
    if found.after.apply_to == "everyone":
        told = (('by the next run (apply_to = "everyone")', effect.everyone),)
    show.title(f"Whom it would move, of {people(effect.people)} in the ledger")
    for title, moved in told:
        _tell_moved(title, moved, examples, batch)
    if effect.grades:
        show.say(f"{counted(effect.grades, 'person gets', 'people get')} another grade", indent=2)
    if effect.undecided:
        show.say(f"{people(effect.undecided)} cannot be decided on under one of the versions", "note", indent=2)
    if effect.unread:
        show.say(f"not read yet, and taken as unknown: {', '.join(effect.unread)}", "note", indent=2)
    if effect.calls_to_read:
        show.say(f"the next run reads everything anew first, in about {effect.calls_to_read:,} calls", "note", indent=2)


def _tell_moved(title: str, moved: Moved, examples: int, batch: int) -> None:
    show.say(f"{title}: {_people(moved.people)}, {_tasks(len(moved.tasks))}; {_writes(moved, batch)}", indent=2)
    several = len({lead_type for lead_type, _, _ in moved.ways}) > 1
    for (lead_type, start, end), ids in sorted(moved.ways.items(), key=lambda item: -len(item[1])):
        where = f" ({lead_type})" if several else ""
        named = f" (contact {', '.join(ids[:examples])}{' ...' if len(ids) > examples else ''})" if examples else ""
        show.say(f"{start or 'no stage'} -> {end or 'no stage'}{where}: {len(ids):,}{named}", indent=4)


def _tasks(count: int) -> str:
    return "1 hand-off task" if count == 1 else f"{count:,} hand-off tasks"


def _writes(moved: Moved, batch: int) -> str:
    noun = counted(moved.written, "person is", "people are")
    calls = _calls(moved, batch)
    return f"{noun} written to, in about {calls:,} call{'s' if calls != 1 else ''}"


def _calls(moved: Moved, batch: int) -> int:
    return planned.calls_to_write(moved.written, len(set(moved.tasks)), len(moved.tasks), batch)


def _people(count: int) -> str:
    return counted(count, "person moves", "people move")


def _as_json(
    before: Version, after: Version, found: Versions, effect: Effect | None, why_not: str, examples: int, batch: int
) -> dict[str, Any]:
    return {
        "status": "done",
        "differ": found.differ,
        "before": _version(before),
        "after": _version(after),
        "signatures": {"definitions": found.definitions, "wiring": found.wiring},
        "changed": [
            {
                "path": one.path,
                "chapter": one.chapter,
                "kind": one.kind,
                "before": list(one.before),
                "after": list(one.after),
            }
            for one in found.changed
        ],
        "effect": None if effect is None else _effect_as_json(effect, found.after.apply_to, examples, batch),
        "effect_unknown": why_not or None,
    }


def _version(one: Version) -> dict[str, str]:
    said = one.agreement
    return {
        "name": one.name,
        "version": said.version,
        "definitions": said.fingerprint,
        "wiring": said.wiring.fingerprint,
    }


def _effect_as_json(
    effect: Effect, apply_to: Literal["new_facts", "everyone"], examples: int, batch: int
) -> dict[str, Any]:
    return {
        "people": effect.people,
        "apply_to": apply_to,
        "new_facts": _moved_as_json(effect.at_once, examples, batch),
        "everyone": _moved_as_json(effect.everyone, examples, batch),
        "grades": effect.grades,
        "undecided": effect.undecided,
        "unread": list(effect.unread),
        "calls_to_read": effect.calls_to_read,
    }


def _moved_as_json(moved: Moved, examples: int, batch: int) -> dict[str, Any]:
    return {
        "people": moved.people,
        "tasks": len(moved.tasks),
        "written": moved.written,
        "calls_to_write": _calls(moved, batch),
        "moves": [
            {"lead_type": lead_type, "from": start, "to": end, "people": len(ids), "examples": ids[:examples]}
            for (lead_type, start, end), ids in sorted(moved.ways.items(), key=lambda item: -len(item[1]))
        ],
    }
