"""The follow-up through the commands: explain tells every clock, teams reach the decision, the ledger keeps them."""

from __future__ import annotations

from tests.cli.desk import Desk


def test_explain_tells_every_clock_of_a_hand_off(synced: Desk) -> None:
    """Since when, until when, kept or not; as text and as data, without a single call."""
    calls = sum(synced.sandbox.hubspot.calls.values())
    told = synced("explain", "2").out
    (data,) = synced("explain", "2", "--output", "json").json["follow_up"]

    assert "Follow-up" in told
    assert "owner to first attempt" in told
    assert "signal to first touch" in told
    assert data["cycle"] == 1
    assert [each["clock"] for each in data["clocks"]] == ["owner", "first_attempt", "lead_to_touch", "cadence"]
    assert all(each["due_at"] > each["start_at"] for each in data["clocks"])
    assert sum(synced.sandbox.hubspot.calls.values()) == calls


def test_explain_tells_no_clock_of_whoever_is_in_nobodys_hands(synced: Desk) -> None:
    """Nothing was promised."""
    assert synced("explain", "3", "--output", "json").json["follow_up"] == []
    assert "Follow-up" not in synced("explain", "3").out


def test_a_colleague_of_the_owners_team_counts_where_agreed(desk: Desk) -> None:
    """Owners 501 and 502 are of one team, 503 is of another; explain decides as the run did, from the ledger."""
    desk.mapping(("attempts.toml", 'by = "anyone"', 'by = "team"'))
    assert desk("sync", "--yes").code == 0
    counted = []
    for number, owner in (("91", "503"), ("92", "502")):
        call = {
            "hs_call_direction": "OUTBOUND",
            "hs_call_disposition": "73a0d17f-1163-4015-bdd5-ec830791da20",
            "hs_timestamp": str(desk.world.clock.now()),
            "hubspot_owner_id": owner,
        }
        desk.world.add("calls", call, id=number)
        desk.world.associate("calls", number, "contacts", "2")
        assert desk("sync").code == 0
        counted.append(desk.contact("2")["cx_attempts"])

    assert counted == ["0", "1"]
    assert desk("explain", "2", "--output", "json").json["follow_up"][0]["attempts"] == 1
