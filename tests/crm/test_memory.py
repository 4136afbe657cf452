"""The CRM contract on the dict: the reference implementation keeps every promise it makes for the others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from connector.crm import CRM, Automation, DealStage, Owner, PropertyDefinition
from connector.crm.memory import MemoryCRM
from tests.crm.contract import CrmContract


class Inside:
    """The memory CRM's own side, and the clock it lives by."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 22, 9, tzinfo=UTC)
        self.crm = MemoryCRM(self.now, page=2, allowed={"status": frozenset({"NEW"})})
        self.crm.deal_stages = (DealStage("default", "1", "Won", "won"),)
        self.crm.owners = (Owner("7", "rep@seller.example", active=True, teams=("Inbound", "31")),)
        self._last = 0

    def now(self) -> datetime:
        return self.at

    def pass_time(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    def add(self, kind: str, properties: Mapping[str, str]) -> str:
        self._last += 1
        self.crm.add(kind, f"{self._last:04}", properties)
        return f"{self._last:04}"

    def edit(self, kind: str, id: str, properties: Mapping[str, str]) -> None:
        self.crm.edit(kind, id, properties)

    def remove(self, kind: str, id: str) -> None:
        self.crm.archive(kind, id)

    def link(self, kind: str, id: str, to: str, to_id: str, *, primary: bool = False) -> None:
        self.crm.link(kind, id, to, to_id, *(("primary",) if primary else ()))

    def merge(self, kind: str, survivor: str, loser: str) -> None:
        self.crm.merge(kind, survivor, loser)

    def automate(self, id: str, name: str, sets: str, *, enabled: bool = True) -> str:
        self.crm.workflows = (*self.crm.workflows, Automation(id, name, "contact", sets, enabled))
        return id

    def stored(self, kind: str, id: str) -> Mapping[str, str | None]:
        return self.crm.properties(kind, id)


class TestMemory(CrmContract):
    """Everything the contract asks."""

    text, other = "title", "city"
    refused = ("status", "NO_SUCH_STATUS")
    further = "other_emails"

    @pytest.fixture
    def world(self) -> Inside:
        return Inside()

    @pytest.fixture
    def crm(self, world: Inside) -> CRM:
        world.crm.create_property("contact", PropertyDefinition("title", "string"), "agreement")
        return world.crm
