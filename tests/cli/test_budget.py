"""The quota as a person at the terminal meets it: what is left, when a backfill ends, and the end of a spent day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.ledger.work import PlannedChange
from connector.sandbox.tokens import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN
from connector.sync.apply import Apply
from tests.cli.desk import Desk


def calls(desk: Desk) -> int:
    """Calls that the account has seen."""
    return desk.sandbox.hubspot.limits.used_today


def test_g7_status_tells_the_day_of_the_account(synced: Desk) -> None:
    """Whose calls they were, what is left to whom and until when, without a call; in words and as JSON."""
    synced.sandbox.hubspot.limits.spend_daily(1000)
    assert synced("sync").code == 0
    made = calls(synced)
    told = synced("status", "--output", "json").json["budget"]

    assert told["daily_quota"] == 250_000
    assert told["used_by_us"] == made - 1000
    assert 1000 <= told["used_by_others"] <= 1010  # the answers of searches and links say nothing of the day
    assert (told["floor"], told["ours"], told["time_zone"]) == (50_000, 125_000, "Europe/Warsaw")
    left = told["left_to_us"]
    assert left["webhook"] > left["incremental"] > left["reconcile"] > left["backfill"] > 90_000
    text = synced("status").out
    assert f"{told['used_by_us']} of our 125,000 and 1,00" in text
    assert "50,000 stay for others; a new day begins at" in text
    assert calls(synced) == made


def test_g7_status_tells_the_day_of_an_account_that_hides_its_id(desk: Desk) -> None:
    """A token that may not ask which account it opens: its calls are counted, and found again by who did not make
    them."""
    hidden = {"category": "MISSING_SCOPES", "message": "no"}
    desk.sandbox.fault("answer", path="account-info", times=0, status=403, body=hidden)
    assert desk("sync", "--yes").code == 0
    told = desk("status", "--output", "json").json

    assert (told["account"], told["budget"]["daily_quota"]) == ("unknown", 250_000)
    assert told["budget"]["used_by_us"] >= calls(desk) > 20  # the refused ones were made as well


def test_g7_a_backfill_says_first_what_it_costs_and_when_it_ends(desk: Desk) -> None:
    """Six people: pages, links and writes; the end by the usual pace, and the share of the day."""
    told = desk("backfill", "--yes")

    assert told.code == 0
    assert "backfill: about " in told.err
    assert "calls left at 10.0 a second, ends " in told.err
    assert "% of the account's daily quota" in told.err
    assert desk("status", "--output", "json").json["forecast"] is None


#: What HubSpot says once nobody may call any more today.
SPENT = {"status": "error", "policyName": "DAILY", "errorType": "RATE_LIMIT", "message": "daily limit"}


def told_of_the_backfill(desk: Desk) -> str:
    """The line of `status` about it."""
    lines = [line for line in desk("status").out.splitlines() if line.strip().startswith("backfill")]
    return "".join(lines)


def test_g7_status_says_when_a_backfill_ends_that_waits_for_the_next_day(desk: Desk) -> None:
    """Six people are read, and the day is spent at their first write: the four calls that are left are made after
    midnight, and the line and the JSON say so."""
    desk.configure(read='{ settle = "0s", batch = 3 }')
    desk.sandbox.fault("answer", path="contacts/batch/update", times=0, status=429, body=SPENT)
    assert desk("backfill", "--yes").code == 75

    told = desk("status", "--output", "json").json
    forecast, midnight = told["forecast"], datetime.fromisoformat(told["budget"]["resets_at"])
    assert told["last_run"]["status"] == "deferred"
    assert told["budget"]["refused_until"] is not None
    assert (forecast["calls"], forecast["share_of_day"]) == (4, round(4 / 250_000, 4))
    ends = datetime.fromisoformat(forecast["ends_at"])
    assert midnight < ends < midnight + timedelta(minutes=1)
    pace = f"{forecast['calls_per_second']:,.1f}"
    said = f"about 4 calls left at {pace} a second, ends {ends.astimezone(UTC):%A %H:%M} UTC, 0.0% of the account's"
    assert said in " ".join(told_of_the_backfill(desk).split())


def test_g7_status_tells_what_is_left_while_a_backfill_writes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is read any more: before the write it is what six people cost, and after it nothing."""
    desk.configure(read='{ settle = "0s", batch = 3 }')
    lines, forecasts, goes_on = [], [], Apply._next

    def looked_at(apply: Apply) -> list[PlannedChange]:
        lines.append(told_of_the_backfill(desk))
        forecasts.append(desk("status", "--output", "json").json["forecast"])
        return goes_on(apply)

    monkeypatch.setattr(Apply, "_next", looked_at)
    assert desk("backfill", "--yes").code == 0

    assert [one and one["calls"] for one in forecasts] == [4, None]
    assert (forecasts[0]["calls_per_second"], forecasts[0]["pace_was_seen"]) == (10.0, False)
    assert "about 4 calls left at 10.0 a second, ends " in lines[0]
    assert lines[1] == ""


def test_g7_a_spent_day_ends_with_75_and_says_when_it_goes_on(synced: Desk) -> None:
    """One refused call a command, and then none; each says until when, as a sentence and as JSON."""
    synced.sandbox.hubspot.limits.spend_daily(300_000)
    first = synced("sync")
    made = calls(synced)
    second = synced("sync", "--output", "json")

    assert (first.code, second.code) == (75, 75)
    assert "The work goes on after" in first.out + first.err
    assert "Europe/Warsaw" in first.out + first.err
    assert second.json["status"] == "deferred"
    assert calls(synced) == made + 1
    assert "the CRM takes no more" in synced("status").out


@pytest.fixture
def app(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The same account, opened by an OAuth app alone."""
    desk.sandbox.hubspot.token = ""
    monkeypatch.setenv("APP_SECRET", CLIENT_SECRET)
    (desk.folder / "refresh-token").write_text(REFRESH_TOKEN)
    secrets = 'client_secret = "env:APP_SECRET", refresh_token = "file:refresh-token"'
    desk.configure(token=None, oauth=f'{{ client_id = "{CLIENT_ID}", {secrets} }}')
    return desk


def test_lesson_44_an_oauth_app_serves_like_a_token(app: Desk) -> None:
    """check, sync, sync again: three processes' worth of work, one renewal, and the rotated token is stored."""
    app.sandbox.switch(rotate_refresh_token=True)

    assert app("check").code == 0
    assert app("sync", "--yes").code == 0
    assert app("sync", "--output", "json").json["counts"]["written"] == 0
    assert app.sandbox.hubspot.tokens.refreshes == 1
    assert (app.folder / "refresh-token").read_text().strip() == f"{REFRESH_TOKEN}-1"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("secret", "connections.acme.oauth: client_id or client_secret"),
        ("revoked", "connections.acme.oauth.refresh_token: HubSpot refuses the refresh token"),
        ("unset", "APP_SECRET"),
        ("no network", "connections.acme.base_url"),
    ],
)
def test_lesson_44_what_is_wrong_with_an_app_is_told_by_its_setting(
    app: Desk, monkeypatch: pytest.MonkeyPatch, wrong: str, words: str
) -> None:
    """Each with what to do, none with a secret; 1 for a refusal, 4 for a setting that is not there."""
    monkeypatch.setattr("connector.crm.hubspot.oauth.ATTEMPTS", 1)
    if wrong == "secret":
        monkeypatch.setenv("APP_SECRET", "wr0ng")
    elif wrong == "revoked":
        app.sandbox.hubspot.tokens.revoke(REFRESH_TOKEN)
    elif wrong == "unset":
        monkeypatch.delenv("APP_SECRET")
    else:
        app.configure(token=None, oauth=app.settings["oauth"], base_url='"http://127.0.0.1:9"')
    told = app("check")

    assert told.code == (4 if wrong == "unset" else 1)
    assert words in told.err + told.out
    for secret in (CLIENT_SECRET, REFRESH_TOKEN, "wr0ng"):
        assert secret not in told.err + told.out
