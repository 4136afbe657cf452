"""Our clock is not the CRM's: what is read goes by the one that dates the records."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from connector.ledger import Ledger
from connector.sandbox import Sandbox
from connector.sync import Order, Report, run
from tests.sync.sandbox_world import SandboxWorld


def _run(world: SandboxWorld, ledger: Ledger, ahead: timedelta) -> Report:
    session = replace(world.session(ledger), now=lambda: world.clock() + ahead)
    session.crm.count("contact")  # as each process describes the account before it runs
    try:
        return run(session, Order("sync", session.now()))
    finally:
        session.crm.close()


def test_g3_a_clock_that_is_ahead_of_the_crms_misses_nothing(tmp_path: Path, hubspot: Sandbox) -> None:
    """Edited after a run, at an instant that the window of that run seems to have covered."""
    world = SandboxWorld(tmp_path, sandbox=hubspot)
    hubspot.switch(tells_time=True)
    world.person("1")
    ledger, ahead = world.ledger(), timedelta(minutes=20)
    _run(world, ledger, ahead)
    world.clock.pass_by(minutes=30)
    first = _run(world, ledger, ahead)

    world.clock.pass_by(minutes=1)
    world.adapter().close()  # the account's time goes with ours
    world.edit("1", {"jobtitle": "Student"})
    world.clock.pass_by(minutes=30)
    _run(world, ledger, ahead)

    assert ledger.mirror.facts("contact", ["1"])["1"]["f"]["job_title"] == "Student"
    assert any("clock is 20 min ahead" in text for text in first.warnings)
    assert first.complete_until is not None
    assert first.complete_until <= world.clock() - timedelta(minutes=31)


def test_clocks_that_differ_by_seconds_are_not_worth_a_word(tmp_path: Path, hubspot: Sandbox) -> None:
    """An answer takes a moment, and its Date header knows no fractions."""
    world = SandboxWorld(tmp_path, sandbox=hubspot)
    hubspot.switch(tells_time=True)
    world.person("1")
    ledger = world.ledger()
    _run(world, ledger, timedelta(seconds=5))

    assert not any("clock" in text for text in _run(world, ledger, timedelta(seconds=5)).warnings)
