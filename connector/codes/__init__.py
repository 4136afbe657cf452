"""
Every code by which the connector says how something ended, with what it means and what to do about it.

A code is stable: scripts may compare it, `docs/errors.md` explains it, and no other is ever put into a reject, an
outcome, a run or an alert. What the CRM itself called it stands in the message beside it.
"""

from __future__ import annotations

from collections.abc import Iterable

from connector.codes.chapter import Chapter
from connector.codes.records import RECORDS
from connector.codes.runs import RUNS
from connector.crms import Code
from connector.errors import ConnectorError, CrmError, Deferred, Denied, NotFound, OutcomeUnknown, Rejected, Transient

#: As docs/errors.md has them.
CHAPTERS: tuple[Chapter, ...] = (*RECORDS, RUNS)

CODES: dict[str, Code] = {code.name: code for chapter in CHAPTERS for code in chapter.codes}


def of(error: ConnectorError) -> str:
    """The documented code of an error; what the CRM calls it otherwise is told by the kind of the error."""
    if error.code in CODES:
        return error.code
    kinds: tuple[tuple[type[ConnectorError], str], ...] = (
        (OutcomeUnknown, "server_error" if error.code == "http_500" else "no_answer"),
        (Transient, "unavailable"),
        (Denied, "denied"),
        (NotFound, "not_found"),
        (Rejected, "refused"),
        (CrmError, "crm_error"),
        (Deferred, "quota"),
    )
    return next((name for kind, name in kinds if isinstance(error, kind)), "error")


def meaning_of(name: str) -> str:
    """What a code means, for people."""
    return CODES[name].meaning if name in CODES else "Written by an earlier version; see the message."


def fix_of(name: str) -> str:
    """What to do about a code."""
    return CODES[name].fix if name in CODES else "Try it again: connector rejects retry --all"


def page() -> str:
    """docs/errors.md: every code, what it means and what to do."""
    parts = [_INTRODUCTION]
    for chapter in CHAPTERS:
        rows = "\n".join(f"| `{code.name}` | {code.meaning} | {code.fix} |" for code in chapter.codes)
        head = "| code | what it means | what to do |\n| --- | --- | --- |"
        parts.append(f"## {chapter.title}\n\n{chapter.about}\n\n{head}\n{rows}\n")
    return "\n".join(parts)


_INTRODUCTION = """# Every code, and what to do

The connector says how something ended by one of the codes below: in `connector rejects`, in the `code` and
`set_aside` of a run, in what `connector status` and alerts tell. A code is stable, so scripts may compare it; what
the CRM itself called the trouble stands in the message beside it, without the values it was about. No other code
exists: a test compares this page with the program.

A run is `done` only when nothing is set aside, nothing waits, nothing is unknown and everything the agreement asks
for could be read; else it is `partial` (exit code 3), `deferred` (75), `refused` (5) or `failed` (1).

What is set aside is not sent again in every run. It is tried again as soon as the record changes in the CRM, as
another agreement or mapping holds, or as the account's definition of a mapped property changes (an option is added, a
property is created again); else an hour after the first attempt, then after 2, 4, 8 ... hours, at most a week. At
once: `connector rejects retry ID...`, `--code CODE` or `--all`. Where the CRM names the property it refuses and that
property only tells something (a persona, a score, a reason), the rest is written without it; where it is part of a
person's route (stage, status, lead type, cycle, the answers of sales), nothing of the decision counts as done.
"""


def unknown_among(names: Iterable[str]) -> list[str]:
    """Those of these that are no code."""
    return sorted({name for name in names if name and name not in CODES})
