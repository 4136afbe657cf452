"""Which of our fields an agreement needs from the CRM: nothing else is asked for."""

from __future__ import annotations

from collections.abc import Iterable

from connector.agreement.vocabulary import ALWAYS, OF_TRACK, RESTORED
from connector.agreement.wiring import Wiring, WriteBack

#: What the hand-off task says about a person, where it is mapped.
_SHOWN_IN_TASK = ("first_name", "last_name", "job_title", "company_name", "email")


def fields_used(rules: Iterable[str], wiring: Wiring, write_back: WriteBack) -> dict[str, tuple[str, ...]]:
    """Per kind of record, the mapped fields that a rule asks about, an output compares with, or a task names."""
    people = {*rules, *write_back.rules, *RESTORED, *_SHOWN_IN_TASK, *ALWAYS["contact"]}
    wanted = {
        "contact": people,
        "company": people,
        **{kind: set(names) for kind, names in ALWAYS.items() if kind != "contact"},
        "lead": {*ALWAYS["lead"], *(name for name in write_back.rules if name in OF_TRACK)},
    }
    return {kind: tuple(name for name in specs if name in wanted[kind]) for kind, specs in wiring.fields.items()}
