"""
Whether the agreement that a session works by is signed, and how that is told.

Mode live writes only under a signed agreement, unless the connection says `require_approval = false`. Observing and
writing our own score properties ask for nobody's signature. What is asked is asked once, before a run begins: a run
that began under a signature ends under it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.agreement.approvals import Approval, Standing, standing

#: Changed rules that a refusal names; the verb diff says them all, in words.
QUOTED = 3


def _nothing() -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Signatures:
    """The signatures under one agreement; by default none are asked for."""

    version: str = ""
    definitions: str = ""  # fingerprints
    wiring: str = ""
    approvals: tuple[Approval, ...] = ()
    required: bool = False  # by this connection, in its mode
    connection: str = ""
    shipped: bool = False  # the agreement that comes with the program, which nobody can sign
    changes: Callable[[], Sequence[str]] = _nothing  # since the last signed version, by their keys

    def standing(self, at: datetime) -> Standing:
        """Who has signed, and whether that is enough at this instant."""
        return standing(self.approvals, self.definitions, self.wiring, at)

    def missing(self, at: datetime) -> str | None:
        """What must be signed before anything is written, with the commands; None where nothing is."""
        found = self.standing(at)
        if not self.required or found.signed:
            return None
        if self.shipped:
            return "an agreement of your own: connector init FOLDER copies the shipped one, which cannot be signed"
        return f"the signature of {listed(found.missing)} under agreement {self.named}: {self.commands(found)}"

    def refusal(self, at: datetime) -> str | None:
        """Why a run that writes may not begin, what changed, and what to do; None where it may."""
        if (missing := self.missing(at)) is None:
            return None
        return " ".join(filter(None, (f"Mode live waits for {missing}.", self._ended(at), self._changed(), _OR)))

    def notes(self, at: datetime) -> list[str]:
        """What whoever reads a report should know of the signatures."""
        found = self.standing(at)
        if (one := found.emergency) is not None:
            return [
                f"agreement {self.named} is followed by the word of {one.side} alone until {_moment(found)}"
                f" (emergency: {one.why}); still to sign: {listed(found.missing)}"
            ]
        missing = self.missing(at)
        return [] if missing is None else [f"sync would be refused: mode live waits for {missing}"]

    @property
    def named(self) -> str:
        """The version and the fingerprints that one compares with another's screen."""
        return f"{self.version} ({self.definitions}, wiring {self.wiring})"

    def commands(self, found: Standing) -> str:
        """What is typed to sign, once a side."""
        which = f" --connection {self.connection}" if self.connection else ""
        return "; ".join(f'connector agreement approve --as {side} --name "..."{which}' for side in found.missing)

    def _ended(self, at: datetime) -> str:
        found = self.standing(at)
        if found.emergency_until is None or at < found.emergency_until:
            return ""
        return f"The emergency ended at {_moment(found)}."

    def _changed(self) -> str:
        said = self.changes()
        if not said:
            return ""
        more = f" and {len(said) - QUOTED} more" if len(said) > QUOTED else ""
        return f"Changed since it was signed: {', '.join(said[:QUOTED])}{more} (in words: connector agreement diff)."


_OR = "Nothing was written. Without signatures: require_approval = false in the connection."


def listed(sides: Sequence[str]) -> str:
    """These in a sentence: "a, b and c"."""
    return " and ".join(filter(None, (", ".join(sides[:-1]), *sides[-1:])))


def _moment(found: Standing) -> str:
    return f"{found.emergency_until:%Y-%m-%d %H:%M:%S} UTC" if found.emergency_until else ""
