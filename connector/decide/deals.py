"""What a person's deals say, taken together (domain 3.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from connector.agreement.terms import DealRules, LostReason
from connector.agreement.words import fold
from connector.model import Deal

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class DealView:
    """The one deal that decides, and the deal stage shown. `says` is won, open, lost, or None without counted deals."""

    says: str | None = None
    deal: Deal | None = None
    latest_deal_stage: str | None = None
    on_hold: bool = False
    colleague: bool = False  # on a deal, but in no role that counts
    going: Deal | None = None  # the furthest deal that is not closed, whatever decides

    @property
    def at(self) -> datetime | None:
        """When the deciding fact happened, where the CRM says so."""
        if self.deal is None:
            return None
        return self.deal.opened_at if self.says == "open" else self.deal.closed_at


NO_DEALS = DealView()


class DealReader:
    """Reads deals by the agreement's deal stages, roles and lost reasons."""

    def __init__(self, rules: DealRules) -> None:
        self._progress = {stage.name: number for number, stage in enumerate(rules.stages)}
        closed = [stage for stage in rules.stages if stage.state in ("won", "lost")]
        # for a closed deal in a deal stage nobody named
        self._closed: dict[str, str] = {stage.state: stage.name for stage in reversed(closed)}
        self._roles = frozenset(rules.counted_roles)
        self._reasons = rules.lost_reasons

    def view(self, deals: Sequence[Deal]) -> DealView:
        """Won before open before lost; among open ones the furthest, among closed ones the newest."""
        if not deals:
            return NO_DEALS
        counted = [deal for deal in deals if deal.counted and self._has_role(deal)]
        colleague = len(counted) < sum(deal.counted for deal in deals) and not counted
        won = [deal for deal in counted if deal.state == "won"]
        going = [deal for deal in counted if deal.state in ("open", "on_hold")]
        lost = [deal for deal in counted if deal.state == "lost"]
        furthest = max(going, key=self._how_far, default=None)
        newest = max([*won, *lost], key=_how_new, default=None)
        shown = furthest or newest
        stage = (shown.deal_stage or self._closed.get(shown.state)) if shown else None
        on_hold = bool(going) and all(deal.state == "on_hold" for deal in going)
        if won:
            return DealView("won", max(won, key=_how_new), stage, on_hold, going=furthest)
        if furthest:
            return DealView("open", furthest, stage, on_hold, going=furthest)
        return DealView("lost" if newest else None, newest, stage, False, colleague)

    def lost_to(self, deal: Deal) -> LostReason | None:
        """Where the people of a lost deal go; the reason without phrases takes all others."""
        text = f" {fold(deal.lost_reason or '')} "
        for reason in self._reasons:
            if not reason.phrases or any(f" {phrase} " in text for phrase in reason.phrases):
                return reason
        return None

    def _has_role(self, deal: Deal) -> bool:
        return not self._roles or any(fold(label) in self._roles for label in deal.labels)

    def _how_far(self, deal: Deal) -> tuple[int, float, str]:
        return self._progress.get(deal.deal_stage or "", -1), deal.amount or 0.0, deal.id


def _how_new(deal: Deal) -> tuple[datetime, float, tuple[int, ...]]:
    """Ties by close date, then larger amount, then lowest id."""
    return deal.closed_at or _LONG_AGO, deal.amount or 0.0, tuple(-ord(letter) for letter in deal.id)
