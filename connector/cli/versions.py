"""Versions of an agreement: the one that was signed last, and what changed since."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from connector.cli import show
from connector.errors import ConfigError

if TYPE_CHECKING:
    from connector.agreement import Agreement
    from connector.agreement.approvals import Approval
    from connector.agreement.differing import Changed


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an agreement, and what it is called on the screen."""

    name: str
    agreement: Agreement


class Place(Protocol):
    """Where an agreement stands and how it is read; a connection knows, and a folder that was named."""

    @property
    def mapping(self) -> Path: ...

    @property
    def crm(self) -> str: ...

    @property
    def language(self) -> str | None: ...


def last_signed_version(connection: Place, approvals: Sequence[Approval], *, but: str = "") -> Version | None:
    """What was signed last: the rules as marketing and sales did, the wiring as the administrator did; None where no
    copy of either can be read. `but` leaves out the fingerprint that is about to be signed. Raises ConfigError where a
    copy is no longer what was signed."""
    from connector.agreement.approvals import last_signed, last_wiring  # noqa: PLC0415 - --help does without

    prints = last_signed(approvals, but=but), last_wiring(approvals, connection.crm, but=but)
    rules, wires = (_kept(connection, one, approvals) for one in prints)
    found = rules or wires
    if found is None:
        return None
    if rules is not None and wires is not None:
        found = _joined(rules, wires)
    signed = max(one.at for one in approvals if one.fingerprint == (prints[0] if rules else prints[1]))
    lost = " by admin; no copy is kept of the rules that were signed last" if prints[0] and rules is None else ""
    return Version(f"version {found.version}, signed {signed:%Y-%m-%d}{lost}", found)


def _joined(rules: Agreement, wires: Agreement) -> Agreement:
    """The rules of one copy on the wiring of another, with the fields that either needs and that are mapped."""
    used = {
        kind: tuple(sorted({*rules.fields_used.get(kind, ()), *wires.fields_used.get(kind, ())} & set(specs)))
        for kind, specs in wires.wiring.fields.items()
    }
    return replace(rules, wiring=wires.wiring, write_back=wires.write_back, fields_used=used)


def _kept(connection: Place, fingerprint: str | None, approvals: Sequence[Approval]) -> Agreement | None:
    """A copy that was kept at a signature; one that this program cannot read any more is as good as none. Raises
    ConfigError where somebody changed it since: nobody signed what it says now."""
    from connector.agreement import load_agreement  # noqa: PLC0415 - --help does without
    from connector.agreement.approvals_file import signed_folder, unaltered  # noqa: PLC0415 - the same

    kept = signed_folder(connection.mapping, fingerprint) if fingerprint else None
    if kept is None:
        return None
    unaltered(connection.mapping, kept, approvals)
    with suppress(ConfigError):
        return load_agreement(kept, connection.crm, connection.language)
    return None


def since_signed(connection: Place, agreement: Agreement, approvals: Sequence[Approval]) -> tuple[str, ...]:
    """The rules that changed since the last signed version, by their keys; nothing where none is known."""
    from connector.agreement.differing import versions  # noqa: PLC0415 - --help does without

    before = None
    with suppress(ConfigError):  # the reason that is being given is another one; lint and diff tell this one
        before = last_signed_version(connection, approvals)
    return () if before is None else tuple(one.path for one in versions(before.agreement, agreement).changed)


def tell_changes(changed: Sequence[Changed]) -> None:
    """Chapter by chapter, what a rule said and what it says."""
    chapter = ""
    for one in changed:
        if one.chapter != chapter:
            chapter = one.chapter
            show.title(chapter)
        if one.kind == "order":
            show.say(f"another order: {', '.join(one.after)}", "~", indent=2)
            continue
        for text in one.before:
            show.say(text, "-", indent=2)
        for text in one.after:
            show.say(text, "+", indent=2)
