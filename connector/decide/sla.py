"""Where the follow-up of a hand-off stands: the rep's clock, from having an owner to the first touch."""

from __future__ import annotations

from datetime import datetime

from connector.decide.attempts import Tried
from connector.model import Track


def sla_state(track: Track, tried: Tried, as_of: datetime, *, on_hold: bool) -> str | None:
    """no_owner, running, met, late or paused; None outside a hand-off or where no follow-up time is agreed.

    A first attempt at the due instant is in time. The person's own contact meets it, too, and so does an answer of
    sales on the record: a status or stage set by hand.
    """
    if not track.handed_over or track.handed_over_at is None or track.sla_class is None:
        return None
    touched_at = min((at for at in (tried.touched_at, track.answered_at) if at), default=None)
    if track.assigned_at is None or track.sla_due_at is None:
        return "met" if touched_at else "no_owner"
    if touched_at:
        return "met" if touched_at <= track.sla_due_at else "late"
    if on_hold:
        return "paused"
    return "late" if as_of > track.sla_due_at else "running"
