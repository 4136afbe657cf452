"""
Which signals may count at all (A3, A4): not those of the future, not doubles, not the clicks of machines, nothing
from pages and forms that the agreement leaves out.

What is left is newest first, with ties broken by id, so that the order of reading never shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter, lt

from connector.agreement.terms import Bots, SignalKind
from connector.agreement.words import asset_of
from connector.model import Signal

_NEWEST_FIRST = attrgetter("at", "id", "seen")


@dataclass(frozen=True, slots=True)
class Heard:
    """Signals that may count, newest first; when the next future-dated one comes; what was left out as machine-made."""

    signals: Sequence[Signal]
    future_at: datetime | None = None
    bots: int = 0


NOTHING_HEARD = Heard(())


class Listener:
    """Sorts a person's signals by what signals.toml says of their kinds and of mail scanners."""

    def __init__(self, kinds: Mapping[str, SignalKind], bots: Bots) -> None:
        self._human_only = frozenset(name for name, kind in kinds.items() if kind.human_only)
        self._double = {
            name: timedelta(minutes=kind.duplicates_within_minutes)
            for name, kind in kinds.items()
            if kind.duplicates_within_minutes
        }
        self._not_scored = {name: kind.not_scored for name, kind in kinds.items() if kind.not_scored}
        self._bots = bots
        self._clicks = frozenset(bots.clicks)
        self._plain = frozenset(kinds) - self._double.keys() - self._clicks

    def hear(self, signals: Sequence[Signal], as_of: datetime) -> Heard:
        """The signals that may count at `as_of`."""
        if not signals:
            return NOTHING_HEARD
        ordered, future_at = _newest_first(signals), None
        if ordered[0].at > as_of:
            future_at = min(signal.at for signal in ordered if signal.at > as_of)
            ordered = [signal for signal in ordered if signal.at <= as_of]
        kept = [signal for signal in ordered if signal.actor == "person" or self._counts(signal)]
        if self._not_scored:
            kept = [each for each in kept if each.kind not in self._not_scored or not self._is_left_out(each)]
        if len({signal.id for signal in kept}) < len(kept):
            kept = _each_once(kept)
        kinds = [signal.kind for signal in kept]
        if self._plain.issuperset(kinds):
            return Heard(kept, future_at)
        return self._listen_closely(kept, kinds, future_at)

    def _listen_closely(self, kept: list[Signal], kinds: list[str], future_at: datetime | None) -> Heard:
        """What is left where a kind is among them of which not everything counts."""
        if self._double and sum(map(self._double.__contains__, kinds)) > 1:
            kept = self._without_doubles(kept)
        clicks = sum(map(self._clicks.__contains__, kinds))
        if clicks >= self._bots.clicks_at_least or (clicks and self._bots.delivered):
            machine = self._machine_made(kept)
            return Heard([each for each in kept if each.id not in machine], future_at, len(machine))
        return Heard(kept, future_at)

    def _counts(self, signal: Signal) -> bool:
        """Nothing of a bot counts, and of an automation not what only a human can do."""
        return signal.actor != "bot" and (signal.actor != "automation" or signal.kind not in self._human_only)

    def _is_left_out(self, signal: Signal) -> bool:
        """Whether the agreement says that nothing is to be concluded from this page or form."""
        return signal.asset is not None and asset_of(signal.asset) in self._not_scored[signal.kind]

    def _without_doubles(self, signals: list[Signal]) -> list[Signal]:
        """The same thing sent again within minutes is the first one only."""
        kept: list[Signal] = []
        last: dict[str, datetime] = {}
        for signal in reversed(signals):
            within = self._double.get(signal.kind)
            if within and signal.kind in last and signal.at - last[signal.kind] <= within:
                continue
            last[signal.kind] = signal.at
            kept.append(signal)
        return kept[::-1]

    def _machine_made(self, signals: list[Signal]) -> set[str]:
        """The ids of clicks that came in a burst or right after delivery, and of the pages they opened."""
        clicks = [each for each in reversed(signals) if each.kind in self._clicks]
        burst, span = self._bots.clicks_at_least, timedelta(seconds=self._bots.within_seconds)
        found: dict[str, datetime] = {}
        for first in range(len(clicks) - burst + 1):
            together = clicks[first : first + burst]
            if together[-1].at - together[0].at <= span:
                found.update((each.id, each.at) for each in together)
        found.update(self._after_delivery(signals, clicks))
        opened = timedelta(seconds=self._bots.opened_within_seconds)
        pages = {
            each.id
            for each in signals
            if each.kind in self._bots.opened_by_click
            and any(timedelta(0) <= each.at - at <= opened for at in found.values())
        }
        return pages | set(found)

    def _after_delivery(self, signals: list[Signal], clicks: list[Signal]) -> dict[str, datetime]:
        within = timedelta(seconds=self._bots.seconds_after_delivery)
        delivered = [each.at for each in signals if each.kind == self._bots.delivered]
        return {each.id: each.at for each in clicks if any(timedelta(0) <= each.at - at <= within for at in delivered)}


def _newest_first(signals: Sequence[Signal]) -> list[Signal]:
    """In order. They come from the facts oldest first, and mostly no two are of one instant: that is asked first."""
    times = [signal.at for signal in signals]
    if all(map(lt, times, times[1:])):
        return [*signals[::-1]]
    return sorted(signals, key=_NEWEST_FIRST, reverse=True)


def _each_once(signals: list[Signal]) -> list[Signal]:
    """The newest of those with one id."""
    found: dict[str, Signal] = {}
    for signal in signals:
        found.setdefault(signal.id, signal)
    return list(found.values())
