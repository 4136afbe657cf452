"""The verb agreement lint: what is wrong with an agreement, what is odd about it, and what it says in plain English."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from connector.cli import show
from connector.cli.app import CONFIG, AsOfOption, ConfigOption, ConnectionOption, OutputOption, agreements, instant
from connector.cli.opening import now
from connector.cli.subject import FolderOption, Subject, subject
from connector.cli.versions import last_signed_version
from connector.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.agreement.lint import Finding
    from connector.agreement.sentences import Sentence

_MARKS = {"error": "✗", "warning": "●", "remark": "note"}


@agreements.command("lint")
def agreement_lint(
    folder: FolderOption = None,
    read_back: Annotated[bool, typer.Option("--read-back", help="Say every rule as one English sentence.")] = False,
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
    output: OutputOption = "text",
    as_of: AsOfOption = None,
) -> int:
    """Look for what is wrong or odd about the agreement. Ends with 4 where there is an error, with 0 otherwise."""
    from connector.agreement import sentences  # noqa: PLC0415 - --help does without
    from connector.agreement.lint import lint  # noqa: PLC0415 - the same
    from connector.agreement.places import read_places  # noqa: PLC0415 - the same

    moment = instant(as_of, "--as-of") or now()
    one = subject(folder, config, connection)
    places = read_places(one.mapping, one.crm)
    approvals = one.approvals()
    signed = last_signed_version(one, approvals)
    promised = signed.agreement.paper.goals if signed else ()
    found = lint(one.agreement, places, as_of=moment, approvals=approvals, promised=promised)
    said = sentences.read_back(one.agreement) if read_back else ()
    if output == "json":
        show.json(_as_json(one, found, said))
    else:
        _read_aloud(said)
        _tell(found)
    return ConfigError.exit_code if _count(found, "error") else 0


def _read_aloud(said: Sequence[Sentence]) -> None:
    chapter = ""
    for each in said:
        if each.chapter != chapter:
            chapter = each.chapter
            show.title(chapter)
        show.say(each.text, "-")
    if said:
        show.out.print()


def _tell(found: Sequence[Finding]) -> None:
    for each in found:
        show.say(str(each), _MARKS[each.severity])
    parts = [
        f"{_count(found, 'error')} errors",
        f"{_count(found, 'warning')} warnings",
        f"{_count(found, 'remark')} remarks",
    ]
    parts = [part.removesuffix("s") if part.startswith("1 ") else part for part in parts]
    worst = found[0].severity if found else ""
    show.say(f"{', '.join(parts)}." if found else "There is nothing to say against it.", _MARKS.get(worst, "✓"))


def _count(found: Sequence[Finding], severity: str) -> int:
    return sum(each.severity == severity for each in found)


def _as_json(one: Subject, found: Sequence[Finding], said: Sequence[Sentence]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "agreement": one.agreement.version,
        "fingerprint": one.agreement.fingerprint,
        "wiring": one.agreement.wiring.fingerprint,
        "status": "failed" if _count(found, "error") else "done",
        "counts": {severity: _count(found, severity) for severity in _MARKS},
        "findings": [
            {"severity": each.severity, "where": each.where, "what": each.what, "fix": each.fix} for each in found
        ],
    }
    if said:
        told["sentences"] = [{"path": each.path, "chapter": each.chapter, "text": each.text} for each in said]
    return told
