"""
How complete the picture is: up to when everything has been seen, and how old what no incremental read tells is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connector.ledger.cursors import Cursors

#: The sweeps, by what they look for.
RECONCILE, ASSOCIATIONS, ARCHIVED = "reconcile", "associations", "archived"


@dataclass(frozen=True, slots=True)
class Completeness:
    """Nothing before `until` is missing; `drift` records differed without having been told of. The other instants say
    since when every record was compared, every link was read, and the bin was looked at; None: not yet, or never."""

    until: datetime | None
    drift: int
    reconciled_at: datetime | None
    associations_at: datetime | None
    archived_at: datetime | None

    def sentence(self, now: datetime) -> str:
        """ "complete up to 12:04:30 UTC; 0 drift; associations at most 3 h old; archived looked at 2 h ago"."""
        return "; ".join(
            (
                f"complete up to {_moment(self.until, now)}" if self.until else "not complete yet",
                f"{self.drift:,} drift",
                f"associations at most {_age(self.associations_at, now)} old"
                if self.associations_at
                else "associations as old as their records",
                f"archived looked at {_age(self.archived_at, now)} ago"
                if self.archived_at
                else "archived not looked at",
            )
        )

    def to_json(self, now: datetime) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "complete_until": _text(self.until),
            "drift": self.drift,
            "reconciled_as_of": _text(self.reconciled_at),
            "associations_as_of": _text(self.associations_at),
            "archived_as_of": _text(self.archived_at),
            "completeness": self.sentence(now),
        }


def completeness(cursors: Cursors, drift: int | None = None) -> Completeness:
    """As the ledger has it; `drift` is that of a run, else what the latest sweep found."""
    swept = [at for _, at in cursors.sweeps((RECONCILE, ASSOCIATIONS, ARCHIVED)).values()]
    return Completeness(cursors.complete_until(), cursors.swept_drift() if drift is None else drift, *swept)


def _moment(at: datetime, now: datetime) -> str:
    return f"{at:%H:%M:%S} UTC" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _age(since: datetime, now: datetime) -> str:
    """Rounded up: nothing is older than said."""
    minutes = max(0, -int((since - now) / timedelta(minutes=1) // 1))
    if minutes < 120:
        return f"{minutes} min"
    hours = -(-minutes // 60)
    return f"{hours} h" if hours <= 48 else f"{-(-hours // 24)} days"


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
