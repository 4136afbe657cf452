"""Lessons 27 and 47: what the CRM spells in another way is no edit, and what always looks new starts nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from connector.crm import KINDS
from connector.crm.hubspot.names import modified_property
from connector.model import Record
from connector.sync import Order, run
from tests.sync.conftest import Build
from tests.sync.sandbox_world import SandboxWorld


class Spelling:
    """The CRM as it is, except that it spells everything in another way whenever it is asked."""

    def __init__(self, crm: Any) -> None:
        self._crm, self.asked_for_history = crm, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._crm, name)

    def read(self, kind: str, ids: Sequence[str], properties: Sequence[str]) -> Iterator[Record]:
        for record in self._crm.read(kind, ids, properties):
            values = record.properties.items()  # an id has one form only
            spelled = {name: value if name.endswith("_id") else _otherwise(value) for name, value in values}
            yield replace(record, properties=spelled)

    def history(self, *asked: Any) -> Any:
        self.asked_for_history += 1
        return self._crm.history(*asked)


def _otherwise(value: str | None) -> str | None:
    """12 as 12.0, an instant as milliseconds, a text with a blank around it."""
    if not value:
        return value
    if value.isdigit() and len(value) < 6:
        return f"{value}.0"
    try:
        return str(int(datetime.fromisoformat(value).timestamp() * 1000)) if "T" in value else f" {value} "
    except ValueError:
        return f"{value} "


def test_lesson_27_other_forms_are_neither_drift_nor_somebody_s_edit(memory: Build) -> None:
    """Nothing is written again, nothing held, nobody is taken for gone; a real edit among them is still seen."""
    world = memory()
    world.usual_people()
    ledger = world.ledger()
    world.sync(ledger)
    known = ledger.mirror.count("contact")
    world.clock.pass_by(minutes=10)
    for id in world.contacts():
        world.edit(id, {"notes": "read me again"})
    crm = Spelling(world.adapter())

    report = run(world.session(ledger, crm), Order("sync", world.clock()))

    assert report.counts["read"] == known
    assert (report.counts["written"], report.counts["held"], report.counts["gone"]) == (0, 0, 0)
    assert (ledger.holds.every(), ledger.mirror.count("contact"), crm.asked_for_history) == ([], known, 0)
    world.clock.pass_by(minutes=10)
    world.edit("1", {"cx_fit_score": "11"})
    report = run(world.session(ledger, crm), Order("sync", world.clock()))
    assert [one.property for one in ledger.holds.every()] == ["cx_fit_score"]


def test_lesson_47_history_is_off_and_what_hubspot_works_out_anew_starts_nothing(tmp_path: Any, hubspot: Any) -> None:
    """A run reads no history, changes are looked for by the modified date alone, and a property that no rule reads may
    look new as often as it likes."""
    world = SandboxWorld(tmp_path, sandbox=hubspot)
    world.person("1")
    ledger = world.ledger()
    first = world.sync(ledger)
    world.clock.pass_by(minutes=10)
    world.edit("1", {"num_notes": "7", "hs_time_between_contact_creation_and_deal_close": "1"})
    second = world.sync(ledger)

    assert (first.counts["written"], second.counts["read"], second.counts["looked_at"]) == (1, 1, 0)
    assert {name for report in (first, second) for name in report.calls} & {"history"} == set()
    assert Order("sync", world.clock()).with_history is False
    assert {modified_property(kind) for kind in KINDS} == {"lastmodifieddate", "hs_lastmodifieddate"}
