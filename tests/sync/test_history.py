"""`backfill --with-history`: the steps of a counter before we first looked count at their own dates."""

from __future__ import annotations

from connector.sync import Order, run
from tests.sync.conftest import Build


def test_clicks_of_the_past_are_dated_by_the_crm_history(build: Build) -> None:
    """Two clicks on two days are two signals; without history the first look knows only the last of them."""
    world = build()
    world.person("1")
    for clicks in ("1", "2"):
        world.clock.pass_by(days=1)
        world.edit("1", {"hs_email_click": clicks})
    session = world.session(world.ledger())

    run(session, Order("backfill", world.clock(), everything=True, tasks=False, with_history=True))
    again = run(session, Order("backfill", world.clock(), everything=True, tasks=False, with_history=True))
    session.crm.close()

    assert "e-mail click \u00d72 +6" in world.properties("1")["cx_score_reasons"]
    assert again.counts["written"] == 0
