"""What changed between two versions of an agreement, in the sentences that people read and sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from connector.agreement.sentences import Sentence, read_back
from connector.agreement.terms import Agreement

#: Where the paths of the wiring begin, besides the name of the CRM.
_WRITE_BACK = "write_back."


@dataclass(frozen=True, slots=True)
class Changed:
    """One rule that is new, gone or another one. `before` and `after` are its sentences, none where there is none."""

    path: str
    chapter: str
    kind: Literal["new", "gone", "changed", "order"]
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Versions:
    """Two versions set side by side."""

    before: Agreement
    after: Agreement
    changed: tuple[Changed, ...]

    @property
    def definitions(self) -> bool:
        """Whether what marketing and sales sign is another meaning."""
        return self.before.fingerprint != self.after.fingerprint

    @property
    def wiring(self) -> bool:
        """Whether what the administrator signs is another meaning."""
        return self.before.wiring.fingerprint != self.after.wiring.fingerprint

    @property
    def differ(self) -> bool:
        """Whether anything at all is another."""
        return self.definitions or self.wiring or bool(self.changed)


def versions(before: Agreement, after: Agreement) -> Versions:
    """What changed from one version to the other, in the order in which the agreement is read."""
    old, new = read_back(before), read_back(after)
    changed = differences(old, new)
    told = {one.chapter for one in changed}
    other = before.fingerprint != after.fingerprint or before.wiring.fingerprint != after.wiring.fingerprint
    moved = _reordered(old, new) if other else ()
    return Versions(before, after, (*changed, *(one for one in moved if one.chapter not in told)))


def differences(before: Sequence[Sentence], after: Sequence[Sentence]) -> tuple[Changed, ...]:
    """By path: what is new, what is gone, what says something else."""
    old, new = _by_path(before), _by_path(after)
    chapters = {one.path: one.chapter for one in (*before, *after)}
    found = []
    for path in _merged(list(old), list(new)):
        said, says = old.get(path, ()), new.get(path, ())
        if said != says:
            gone = tuple(text for text in said if text not in says)
            come = tuple(text for text in says if text not in said)
            kind: Literal["new", "gone", "changed"] = "new" if not said else "gone" if not says else "changed"
            found.append(Changed(path, chapters[path], kind, gone or said, come or says))
    return tuple(found)


def of_wiring(one: Changed, crm: str) -> bool:
    """Whether a difference is the administrator's affair."""
    return one.path.startswith((f"{crm}.", _WRITE_BACK))


def _by_path(sentences: Sequence[Sentence]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for one in sentences:
        found[one.path] = (*found.get(one.path, ()), one.text)
    return found


def _merged(old: list[str], new: list[str]) -> list[str]:
    """Every path once: those of the new version in its order, what is gone after the neighbour it stood behind."""
    merged = list(new)
    known = set(new)
    for place, path in enumerate(old):
        if path not in known:
            behind = next((each for each in reversed(old[:place]) if each in known), None)
            merged.insert(0 if behind is None else merged.index(behind) + 1, path)
            known.add(path)
    return merged


def _reordered(old: Sequence[Sentence], new: Sequence[Sentence]) -> tuple[Changed, ...]:
    """Chapters whose rules are the same and stand in another order: the first that matches counts."""
    found = []
    for chapter in dict.fromkeys(one.chapter for one in new):
        before = [one.path for one in old if one.chapter == chapter]
        after = [one.path for one in new if one.chapter == chapter]
        if before != after and sorted(before) == sorted(after):
            found.append(Changed(chapter, chapter, "order", tuple(before), tuple(after)))
    return tuple(found)
