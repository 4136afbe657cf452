"""`connector report`: what it needs, what it leaves alone, how it ends."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.ledger import open_ledger
from connector.ledger.observing import Observed
from connector.sandbox import Sandbox
from tests.cli.desk import PERSONAL, TOKEN, Desk, account

READ_ONLY = frozenset(
    {
        *(f"crm.objects.{kind}.read" for kind in ("contacts", "companies", "deals", "owners")),
        *("crm.schemas.contacts.read", "crm.lists.read", "forms", "sales-email-read"),
    }
)


@pytest.fixture
def bare(desk: Desk) -> Desk:
    """A token that may only read, an account without our properties, and a configuration that only observes."""
    desk.sandbox.hubspot.scopes = READ_ONLY
    for name in [name for name in desk.world.definitions["contacts"] if name.startswith("cx_")]:
        del desk.world.definitions["contacts"][name]
    desk.configure(mode='"observe"', go_live=None)
    return desk


def test_a_baseline_needs_read_rights_only(bare: Desk) -> None:
    """No write scope, no go_live, nothing of ours in the account: six people, one request that nobody answered."""
    told = bare("report", "baseline", "--output", "json")
    assert (told.code, told.err) == (0, "")
    one = told.json
    assert (one["kind"], one["people"], one["account"]) == ("baseline", 6, "4242")
    assert [(row["stage"], row["people"]) for row in one["stages"]] == [("lead", 6)]
    assert [each["person_id"] for each in one["requests"]["unanswered"]] == ["2"]
    assert one["contact_page"].endswith("/record/0-1/{id}")
    assert one["writers"]["sample"]["asked"] == 6


def test_a_baseline_writes_nothing_to_the_crm_and_leaves_everybody_to_the_first_run(bare: Desk) -> None:
    """No record, no task, no property; the plan made afterwards decides on everybody and reads nobody again."""
    definitions = set(bare.world.definitions["contacts"])
    assert bare("report", "baseline").code == 0
    assert (bare.writes, bare.tasks(), set(bare.world.definitions["contacts"])) == (0, 0, definitions)
    plan = bare("plan", "--output", "json").json
    assert plan["counts"]["decided"] == 6
    assert plan["calls"].get("list", 0) == 0


def test_a_second_baseline_reads_only_what_changed(bare: Desk) -> None:
    """The account is read once; the next report lists nobody, and sees the edit."""
    first = bare("report", "baseline", "--output", "json").json
    bare.world.edit("contacts", "6", {"lifecyclestage": "customer"})
    again = bare("report", "baseline", "--output", "json").json
    assert first["run"]["calls"]["list"] > 0
    assert again["run"]["calls"].get("list", 0) == 0
    assert {row["stage"]: row["people"] for row in again["stages"]} == {"lead": 5, "customer": 1}
    assert [gap["what"] for gap in again["gaps"]] == ["no_won_deal"]


def test_a_baseline_after_live_runs_changes_nothing_either(synced_desk: Desk) -> None:
    """On an account that the connector already keeps: no write, and the run after it has nothing to write."""
    writes = synced_desk.writes
    assert synced_desk("report", "baseline").code == 0
    assert synced_desk.writes == writes
    assert synced_desk("sync", "--output", "json").json["counts"]["written"] == 0


@pytest.fixture
def synced_desk(desk: Desk) -> Desk:
    assert desk("sync", "--yes").code == 0
    return desk


@pytest.mark.parametrize("form", ["text", "json", "html"])
def test_no_personal_value_is_in_a_report(bare: Desk, form: str) -> None:
    """Names, company, domain, phone and owners' addresses: none of it, in no form (G14)."""
    told = bare("report", "baseline", "--output", form, "--file", "out")
    shown = Path("out").read_text(encoding="utf-8") + told.out + told.err
    owners = [value for owner in bare.world.owners for value in (owner.email, owner.last_name)]
    assert told.code == 0
    assert [value for value in (*PERSONAL, *owners) if value and value in shown] == []


def test_a_page_goes_to_a_file_for_its_owner_only(bare: Desk) -> None:
    """baseline.html by itself, another place by --file, 0600 and whole; nothing of it is left half-written."""
    assert bare("report", "baseline", "--output", "html").out.strip() == "✓ written to baseline.html"
    assert bare("report", "baseline", "--output", "html", "--file", "mine.html").code == 0
    for name in ("baseline.html", "mine.html"):
        assert stat.S_IMODE(Path(name).stat().st_mode) == 0o600
        assert Path(name).read_text(encoding="utf-8").startswith("<!doctype html>")
    assert not list(Path().glob("*.part"))
    assert bare("report", "baseline", "--output", "json", "--file", "b.json").code == 0
    assert json.loads(Path("b.json").read_text())["people"] == 6


def test_a_place_that_cannot_be_written_is_told_before_anything_is_read(bare: Desk) -> None:
    """A folder that is not there: exit 4, no ledger, no page."""
    bare.without_state()
    told = bare("report", "baseline", "--output", "html", "--file", "nowhere/b.html")
    assert (told.code, bare.ledger.exists()) == (4, False)
    assert "--file" in told.err


def test_an_unknown_kind_lists_the_kinds(desk: Desk) -> None:
    """Bad usage, with what there is."""
    told = desk("report", "basline")
    assert (told.code, told.out) == (64, "")
    assert "There is no report basline; there are: baseline, observed, scorecard, sla, funnel," in told.err
    assert desk("report", config=False).code == 64


def test_history_can_be_left_out_or_cut(bare: Desk) -> None:
    """--history 0 makes no history call and says what stays unknown; --history 2 asks for two."""
    none = bare("report", "baseline", "--output", "json", "--history", "0").json
    assert none["writers"]["sample"]["asked"] == 0
    assert "who else writes stage and status" in [each["what"] for each in none["unknown"]]
    two = bare("report", "baseline", "--output", "json", "--history", "2").json
    assert (two["writers"]["sample"]["asked"], two["writers"]["sample"]["changed"]) == (2, 6)


def test_a_source_the_token_may_not_see_is_an_unknown(bare: Desk) -> None:
    """Without forms nobody knows who asked for a demo; the report says so and goes on."""
    bare.sandbox.hubspot.scopes = READ_ONLY - {"forms"}
    told = bare("report", "baseline", "--output", "json")
    assert told.code == 0
    assert "the signal demo request" in [each["what"] for each in told.json["unknown"]]


def test_a_spent_quota_defers_the_report(bare: Desk) -> None:
    """Exit 75, and the reading goes on with the next try."""
    with Sandbox(account(with_own=False), token=TOKEN, burst=10_000, daily=1_000) as small:
        bare.configure(
            mode='"observe"', go_live=None, budget="{ share = 0.01, daily_floor = 0 }", base_url=f'"{small.url}"'
        )
        assert bare("report", "baseline").code == 75


def test_observed_sets_hand_offs_beside_what_people_did(bare: Desk) -> None:
    """From the ledger alone, without a call: one hand-off nobody answered, with a link."""
    assert bare("report", "baseline").code == 0
    now = datetime.now(UTC)
    ledger = open_ledger(f"sqlite:///{bare.ledger}", "acme")
    due = now - timedelta(days=2)
    ledger.observations.note(
        [Observed("2", "t2", 1, 1, now - timedelta(days=3), "fast_track.demo", "demo request", "501", "sal", due)]
    )
    ledger.database.close()
    bare.sandbox.hubspot.scopes = frozenset()
    told = bare("report", "observed", "--output", "json")
    assert (told.code, told.json["count"]) == (0, 1)
    assert told.json["endings"] == {"not measurable": 1}
    assert told.json["contact_page"]
    text = bare("report", "observed")
    assert "Would have handed over" in text.out
    assert bare("report", "observed", "--output", "html").code == 0
    assert Path("observed.html").exists()


def test_observed_before_any_reading_says_how_to_begin(bare: Desk) -> None:
    """Nothing has been read: bad usage with the next step; so is a period that ends before it begins."""
    assert bare("report", "observed").code == 64
    assert bare("report", "observed", "--since", "2999-01-01").code == 64
