"""How `explain` tells of the follow-up: what sales did, and every clock of the hand-off with since, due and state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connector.agreement.words import label_of
from connector.cli import show

if TYPE_CHECKING:
    from connector.decide.sla import Clock
    from connector.model import Track

#: What people call a clock.
LABELS = {
    "owner": "until somebody owned the person",
    "first_attempt": "owner to first attempt",
    "lead_to_touch": "signal to first touch",
    "conversation": "first touch to conversation",
    "answer": "owner to sales' answer",
    "cadence": "owner to whole cadence",
}


def told(tracks: Sequence[Track], as_of: datetime) -> None:
    """A section for each hand-off under way; nothing for a person whom sales has not in hand."""
    for track in _in_hand(tracks):
        _one(track, as_of, f"Follow-up ({label_of(track.lead_type)})" if len(tracks) > 1 else "Follow-up")


def _one(track: Track, as_of: datetime, title: str) -> None:
    show.title(title)
    count = f"{track.attempts} connect attempt" + ("s" if track.attempts != 1 else "")
    since = f"handed over {_minute(track.handed_over_at)}, hand-off {track.cycle}"
    since += f", SLA class {track.sla_class}" if track.sla_class else ""
    show.say(f"{since}; {count}", indent=2)
    if track.paused_at:
        show.say(f"the clocks stand still since {_minute(track.paused_at)}: all open deals are on hold", indent=2)
    rows = [
        (LABELS[each.name], each.state, _minute(each.start_at), _minute(each.due_at), _minute(each.done_at))
        for each in _clocks(track, as_of)
    ]
    if rows:
        show.table(("clock", "state", "since", "due", "kept"), rows)


def plain(tracks: Sequence[Track], as_of: datetime) -> list[dict[str, Any]]:
    """The same as plain data."""
    return [_plain(track, as_of) for track in _in_hand(tracks)]


def _in_hand(tracks: Sequence[Track]) -> list[Track]:
    return [track for track in tracks if track.handed_over and track.handed_over_at is not None]


def _plain(track: Track, as_of: datetime) -> dict[str, Any]:
    return {
        "lead_type": track.lead_type,
        "cycle": track.cycle,
        "sla_class": track.sla_class,
        "triggered_at": track.triggered_at,
        "handed_over_at": track.handed_over_at,
        "assigned_at": track.assigned_at,
        "owners": list(track.owners),
        "attempts": track.attempts,
        "first_attempt_at": track.first_attempt_at,
        "contact_at": track.contact_at,
        "cadence_at": track.cadence_at,
        "paused_at": track.paused_at,
        "clocks": [
            {
                "clock": each.name,
                "state": each.state,
                "start_at": each.start_at,
                "due_at": each.due_at,
                "done_at": each.done_at,
            }
            for each in _clocks(track, as_of)
        ],
    }


def _clocks(track: Track, as_of: datetime) -> tuple[Clock, ...]:
    from connector.decide.sla import clocks  # noqa: PLC0415 - --help does without

    return clocks(track, as_of)


def _minute(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""
