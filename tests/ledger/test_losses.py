"""What records held and hold no more: who waits because of it, and for how long it is news."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.ledger import Ledger, open_ledger
from connector.ledger.losses import Loss
from connector.ledger.mirror import Seen
from connector.model import Link
from tests.sync.world import empty_ledger

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    (tmp_path / "state.db").write_bytes(empty_ledger())
    found = open_ledger(f"sqlite:///{tmp_path}/state.db", "acme")
    found.mirror.store("contact", [Seen(id, {"f": {}}) for id in "123"], read_at=NOW, run=1)
    found.mirror.store("company", [Seen("900", {"f": {}})], read_at=NOW, run=1)
    found.mirror.links.relink("contact", {"1": [Link("900")], "2": [], "3": []}, "company", 1)
    return found


def test_whoever_is_at_a_company_that_lost_a_field_waits_if_due(ledger: Ledger) -> None:
    """Their own records lost nothing; who is not to be looked at anyway is not waited for."""
    ledger.losses.note([Loss("company", "900", "industry"), Loss("contact", "2", "job_title")], [], 1, NOW)

    assert ledger.losses.waiting("company", "industry") == ["1"]
    assert ledger.losses.waiting("contact", "job_title") == ["2"]
    ledger.mirror.settle(["1", "2"])
    assert ledger.losses.waiting("company", "industry") == []


def test_a_loss_is_news_for_a_day_unless_somebody_waits_for_it(ledger: Ledger) -> None:
    """What is there again is no loss; what is old is none either, save where people wait."""
    lost = [Loss("contact", id, "job_title") for id in "123"] + [Loss("company", "900", "industry")]
    ledger.losses.note(lost, [], 1, NOW)
    ledger.losses.note([], [Loss("contact", "3", "job_title")], 2, NOW)

    assert ledger.losses.counts(NOW) == {("contact", "job_title"): 2, ("company", "industry"): 1}
    ledger.losses.prune(NOW + timedelta(hours=1), [("company", "industry")])
    assert ledger.losses.counts(NOW) == {("company", "industry"): 1}
    ledger.losses.forget("company", "industry")
    assert not ledger.losses.any()
