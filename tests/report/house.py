"""
A house that is lived in for a spring: a small account, real runs against it, and a ledger that reports read.

Everything happens in April 2026, times are UTC, sales works 9 to 17. Six people:

    1  asked for a demo on 1 April, called after half an hour, accepted          (fast, in time)
    2  MQL on 1 April, called on the 3rd, returned on the 7th: no timing          (standard, late)
    3  MQL on 1 April without an owner; got one on 2 April, called an hour later  (standard, in time)
    4  MQL on 1 April, rejected on 2 April without a reason                       (standard, in time: an answer)
    5  MQL on 1 April, nobody does anything; fades in May                         (standard, late, never worked)
    6  no MQL, a deal is won on 10 April                                          (won and never handed over)
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from connector.ledger import Ledger
from connector.report.entries import Log
from connector.report.promises import AtWork, Books
from connector.report.sheet import Setting, Sheet
from tests.sync.world import OWNER, World

CONNECTED, NO_ANSWER = "f240bbac-87c9-4f6e-bf70-924b57d47db7", "73a0d17f-1163-4015-bdd5-ec830791da20"


def april(day: int, time: str = "09:00") -> datetime:
    """An instant of April 2026."""
    return datetime.fromisoformat(f"2026-04-{day:02}T{time}:00+00:00")


def may(day: int, time: str = "09:00") -> datetime:
    """An instant of May 2026."""
    return datetime.fromisoformat(f"2026-05-{day:02}T{time}:00+00:00")


class House(World):
    """A world whose days go by in order."""

    def called(self, id: str, at: datetime, outcome: str = NO_ANSWER, owner: str = OWNER.id) -> None:
        """Sales called somebody and logged it."""
        self._number += 1
        call = f"c{self._number}"
        properties = {"hs_timestamp": at.isoformat(), "hs_call_direction": "OUTBOUND", "hs_call_disposition": outcome}
        self.crm.add("call", call, {**properties, "hubspot_owner_id": owner}, created_at=at)
        self.crm.link("contact", id, "call", call)

    def on(self, at: datetime) -> House:
        """It is this time now."""
        self.clock.at = at
        return self


def spring(folder: Path) -> tuple[House, Ledger]:
    """April, run by run."""
    house = House(folder)
    ledger = house.ledger()
    house.on(april(1))
    for id in ("1", "2", "4", "5", "6"):
        house.person(id)
    house.person("3", hubspot_owner_id="")
    house.asked_for_demo("1")
    for id in ("2", "3", "4", "5"):
        house.interested(id)
    house.sync(ledger)
    house.on(april(1, "10:00"))
    house.called("1", april(1, "09:30"), CONNECTED)
    house.edit("1", {"hs_lead_status": "IN_PROGRESS"})
    house.sync(ledger)
    house.on(april(2, "09:00"))
    house.edit("3", {"hubspot_owner_id": OWNER.id})
    house.sync(ledger)
    house.on(april(2, "11:00"))
    house.called("3", april(2, "10:00"))
    house.edit("4", {"cx_sales_answer": "rejected"})
    house.sync(ledger)
    house.on(april(3, "12:00"))
    house.called("2", april(3, "11:00"), CONNECTED)
    house.sync(ledger)
    house.on(april(7))
    house.edit("2", {"cx_sales_answer": "returned_not_ready", "cx_rejection_reason": "no_timing"})
    house.sync(ledger)
    house.on(april(10))
    house.deal("60", "6", "closedwon")
    house.edit("6", {"city": "Warsaw"})
    house.sync(ledger)
    return house, ledger


def books(house: House, ledger: Ledger, *, active: AtWork | None = None, **more: str) -> Books:
    """The two logs, as the command line reads them."""
    setting = replace(Setting(house.agreement, house.clock(), "acme", "memory"), **more)  # type: ignore[arg-type]  # texts
    log = Log(ledger.history.stage_moves(), house.agreement)
    return Books(setting, log, ledger.hand_offs.every(), ledger.hand_offs.every, active)


def people(sheet: Sheet, key: str) -> tuple[str, ...]:
    """Who is behind a number."""
    return next(one.people.ids for one in sheet.figures() if one.key == key)


def value(sheet: Sheet, key: str) -> float | None:
    """A number."""
    return next(one.value for one in sheet.figures() if one.key == key)
