"""The account with nine years behind it: what stands in it, who wrote it, and that both agree. Seen over HTTP."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import requests

from connector.sandbox import Sandbox
from connector.sandbox.__main__ import main
from connector.sandbox.old_account import old_account
from tests.sandbox.conftest import NINE, Api

PEOPLE = 3_000
MQL = "marketingqualifiedlead"
PARTNER, CHURNED = "1846021177", "1846021178"
CONTACTS = "/crm/objects/2026-03/contacts"
STAGES = ("subscriber", "lead", MQL, "salesqualifiedlead", "opportunity", "customer", "evangelist", "other")
SHOWN = ("email", "lifecyclestage", "hs_lead_status", "hubspot_owner_id", "jobtitle", "hs_email_domain", "createdate")
DATES = (("hs_lifecyclestage_", "_date"), ("hs_v2_date_entered_", ""))

Record = dict[str, Any]


@pytest.fixture(scope="module")
def _old() -> Iterator[Sandbox]:
    with Sandbox(lambda: old_account(PEOPLE, 7, now=NINE), rate_limits=False) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def old(_old: Sandbox) -> Iterator[Api]:
    """A client of an account that nobody writes to."""
    client = Api(_old)
    yield client
    client.close()


@pytest.fixture(scope="module")
def people(old: Api) -> list[Record]:
    """Everybody with both histories and all stage dates."""
    dates = [f"{before}{one}{after}" for one in (*STAGES, PARTNER, CHURNED) for before, after in DATES]
    followed = "lifecyclestage,hs_lead_status"
    return listed(old, properties=",".join((*SHOWN, *dates)), propertiesWithHistory=followed, limit=50)


def listed(api: Api, kind: str = "contacts", **query: Any) -> list[Record]:
    records: list[Record] = []
    after = "0"
    while after:
        page = api.get(f"/crm/objects/2026-03/{kind}", **{"limit": 100, "after": after} | query)
        records += page["results"]
        after = page.get("paging", {}).get("next", {}).get("after", "")
    return records


def share(people: list[Record], name: str) -> dict[str, float]:
    """How many of a hundred hold each value."""
    held = Counter(one["properties"].get(name) or "" for one in people)
    return {value: 100 * count / len(people) for value, count in held.items()}


def history(one: Record, name: str) -> list[Record]:
    """Oldest first."""
    return list(reversed(one["propertiesWithHistory"][name]))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_nine_years_of_people_are_there(old: Api, people: list[Record]) -> None:
    """Everybody once, in order of id, the oldest found by one search."""
    oldest = old.search(sorts=[{"propertyName": "createdate", "direction": "ASCENDING"}], limit=1).json()
    created = [one["properties"]["createdate"] for one in people]

    assert len({one["id"] for one in people}) == len(people) == PEOPLE
    assert oldest["results"][0]["createdAt"] == min(created)
    assert NINE - timedelta(days=3280) <= at(min(created)) < NINE - timedelta(days=3200)


def test_stages_and_statuses_are_held_in_the_promised_shares(people: list[Record]) -> None:
    """Own stages and a parking status among them; a status that was left years ago is held by nobody."""
    stages, statuses, owners = (share(people, n) for n in ("lifecyclestage", "hs_lead_status", "hubspot_owner_id"))

    assert 2 < stages[PARTNER] < 4
    assert 2 < stages[CHURNED] < 4
    assert 0 < stages["evangelist"] < 2
    assert 0 < stages["other"] < 2
    assert 10 < stages[MQL] < 17
    assert 10 < stages["customer"] < 17
    assert 4 < statuses["PARKED_BY_ANA"] < 9
    assert "OLD_2017" not in statuses
    assert 20 < owners[""] < 30
    assert 20 < sum(owners[id] for id in ("506", "507", "508")) < 30


def test_options_workflows_and_those_who_left_can_be_read(old: Api) -> None:
    """The account's own stages and statuses, three workflows of which one is off, three former owners."""
    definitions = {one["name"]: one for one in old.get("/crm/properties/2026-03/contacts")["results"]}
    labels = {
        option["value"]: option["label"]
        for name in ("lifecyclestage", "hs_lead_status")
        for option in definitions[name]["options"]
    }
    flows = old.get("/automation/v4/flows")["results"]

    assert (labels[PARTNER], labels[CHURNED]) == ("Partner", "Churned customer")
    assert (labels["OLD_2017"], labels["PARKED_BY_ANA"]) == ("Callback list 2017", "Parked by Ana")
    for name in (f"hs_v2_date_entered_{MQL}", f"hs_v2_date_entered_{PARTNER}", f"hs_lifecyclestage_{CHURNED}_date"):
        assert (definitions[name]["type"], definitions[name]["calculated"]) == ("datetime", True)
    assert [one["isEnabled"] for one in flows] == [True, True, False]
    assert len(old.get("/crm/owners/2026-03", archived="true")["results"]) == 3


def test_histories_end_in_what_stands_and_begin_after_creation(people: list[Record]) -> None:
    """In order of time, no entry twice in a row, none before the person was there or after now."""
    for one in people:
        for name in ("lifecyclestage", "hs_lead_status"):
            entries = history(one, name)
            times = [at(entry["timestamp"]) for entry in entries]
            values = [entry["value"] for entry in entries]

            assert times == sorted(times)
            assert all(at(one["createdAt"]) <= time <= at(one["updatedAt"]) <= NINE for time in times)
            assert (one["properties"][name] or "") == (values[-1] if values else "")
            assert all(before != after for before, after in pairwise(values))


def test_stage_dates_agree_with_the_history(people: list[Record]) -> None:
    """Each known date is one of the entries; a stage somebody was put back from has lost its first date."""
    unknown = 0
    for one in people:
        entered: dict[str, list[str]] = {}
        for entry in history(one, "lifecyclestage"):
            entered.setdefault(entry["value"], []).append(entry["timestamp"])
        became, latest = (stage_dates(one, before, after) for before, after in DATES)
        if entered and not latest:
            unknown += 1
            assert not became
            continue
        assert latest == {stage: times[-1] for stage, times in entered.items()}
        put_back = {MQL} if one["properties"]["lifecyclestage"] == "lead" else set()
        assert became == {stage: times[0] for stage, times in entered.items() if stage not in put_back}
    assert 0.15 < unknown / PEOPLE < 0.25


def stage_dates(one: Record, before: str, after: str) -> dict[str, str]:
    """Stage -> date, of the properties whose names stand around the stage like this."""
    dates = {stage: one["properties"].get(f"{before}{stage}{after}") for stage in (*STAGES, PARTNER, CHURNED)}
    return {stage: date for stage, date in dates.items() if date}


def test_many_hands_wrote_and_most_of_it_long_ago(people: list[Record]) -> None:
    """People, imports, workflows, another app and deals; user ids, flow ids and app ids behind them."""
    writers: dict[str, set[str]] = {}
    for one in people:
        for entry in history(one, "lifecyclestage") + history(one, "hs_lead_status"):
            writers.setdefault(entry["sourceType"], set()).add(entry["sourceId"])
    last = [at(history(one, "lifecyclestage")[-1]["timestamp"]) for one in people if history(one, "lifecyclestage")]
    everything = [entry["value"] for one in people for entry in history(one, "hs_lead_status")]

    assert set(writers) == {"CRM_UI", "IMPORT", "AUTOMATION_PLATFORM", "INTEGRATION", "DEALS"}
    assert {"userId:7001", "userId:7007"} <= writers["CRM_UI"]
    assert writers["AUTOMATION_PLATFORM"] == {"44100001", "44100003", "43870555"}
    assert writers["INTEGRATION"] == {"1160213"}
    assert sum(time < NINE - timedelta(days=365) for time in last) / len(last) > 0.75
    assert "OLD_2017" in everything


def test_stages_and_deals_contradict_each_other_as_they_do_in_life(old: Api, people: list[Record]) -> None:
    """Customers without a deal, opportunities without an open one; no won deal without somebody who was a customer."""
    deals = {
        one["id"]: one for one in listed(old, "deals", properties="dealstage,hs_is_closed", associations="contacts")
    }
    of: dict[str, list[Record]] = {}
    for deal in deals.values():
        of.setdefault(deal["associations"]["contacts"]["results"][0]["id"], []).append(deal["properties"])
    stage = {one["id"]: one["properties"]["lifecyclestage"] for one in people}
    customers = [id for id, one in stage.items() if one == "customer"]
    opportunities = [id for id, one in stage.items() if one == "opportunity"]
    closed = [id for id in opportunities if all(one["hs_is_closed"] == "true" for one in of.get(id, []))]

    assert 0.15 < sum(id not in of for id in customers) / len(customers) < 0.35
    assert 0.4 < len(closed) / len(opportunities) < 0.7
    won = {stage[id] for id, own in of.items() if any(one["dealstage"] == "closedwon" for one in own)}
    assert won <= {"customer", "evangelist", PARTNER, CHURNED}


def test_half_of_the_demo_requests_were_never_answered(old: Api, people: list[Record]) -> None:
    """A call or an e-mail by a rep after the request, or nothing at all; both happened lately and years ago."""
    asked = submissions(old)
    by_email = {(one["properties"]["email"] or "").lower(): one["id"] for one in people}
    outbound = outbound_by_contact(old)
    answered, unanswered = [], []
    for one in asked:
        contact = by_email.get(one["values"][0]["value"].lower())
        time = datetime.fromtimestamp(one["submittedAt"] / 1000, NINE.tzinfo)
        if contact:
            (answered if any(call > time for call in outbound.get(contact, [])) else unanswered).append(time)

    assert len(asked) == PEOPLE // 30
    assert 0.4 < len(unanswered) / len(asked) < 0.6
    assert 0.4 < len(answered) / len(asked) < 0.6
    assert min(unanswered) < NINE - timedelta(days=1000)
    assert max(unanswered) > NINE - timedelta(days=30)


def submissions(api: Api) -> list[Record]:
    found: list[Record] = []
    query: dict[str, Any] = {"limit": 50}
    while query:
        page = api.get("/form-integrations/v1/submissions/forms/demo-request", **query)
        found += page["results"]
        after = page.get("paging", {}).get("next", {}).get("after")
        query = {"limit": 50, "after": after} if after else {}
    return found


def outbound_by_contact(api: Api) -> dict[str, list[datetime]]:
    found: dict[str, list[datetime]] = {}
    for kind, name, wanted in (("calls", "hs_call_direction", "OUTBOUND"), ("emails", "hs_email_direction", "EMAIL")):
        for one in listed(api, kind, properties=f"hs_timestamp,{name}", associations="contacts"):
            if one["properties"][name] == wanted:
                contact = one["associations"]["contacts"]["results"][0]["id"]
                found.setdefault(contact, []).append(at(one["properties"]["hs_timestamp"]))
    return found


def test_most_mqls_are_stale(old: Api, people: list[Record]) -> None:
    """Qualified years ago, and not on a list nor heard of since."""
    qualified = {
        one["id"]: at(history(one, "lifecyclestage")[-1]["timestamp"])
        for one in people
        if one["properties"]["lifecyclestage"] == MQL
    }
    heard_of: set[str] = set()
    for number in range(1, 8):
        members = old.get(f"/crm/lists/2026-03/{number}/memberships/join-order", before="", limit=250)
        recent = [one for one in members["results"] if at(one["membershipTimestamp"]) > NINE - timedelta(days=365)]
        heard_of |= {one["recordId"] for one in recent}
    stale = [id for id, time in qualified.items() if time < NINE - timedelta(days=365) and id not in heard_of]

    assert 0.6 < len(stale) / len(qualified) < 0.95
    assert heard_of - set(qualified)


def test_some_leads_show_interest_that_nobody_looked_at(old: Api, people: list[Record]) -> None:
    """On the trial list within thirty days, which is worth a hand-over, and still lead or subscriber."""
    stage = {one["id"]: one["properties"]["lifecyclestage"] for one in people}
    trial = old.get("/crm/lists/2026-03/object-type-id/0-1/name/Started trial")["list"]["listId"]
    members = old.get(f"/crm/lists/2026-03/{trial}/memberships", limit=250)["results"]
    recent = [one for one in members if at(one["membershipTimestamp"]) > NINE - timedelta(days=30)]

    assert [one["recordId"] for one in recent if stage[one["recordId"]] in ("lead", "subscriber")]
    assert 0.05 < len(recent) / len(members) < 0.3


def test_everything_links_both_ways(old: Api) -> None:
    """Answers to demo requests hang on their people, seen from either side."""
    last = listed(old, "calls", associations="contacts")[-1]
    contact = last["associations"]["contacts"]["results"][0]["id"]

    back = old.get(f"{CONTACTS}/{contact}", associations="calls")
    assert last["id"] in [one["id"] for one in back["associations"]["calls"]["results"]]


def test_the_same_seed_tells_the_same_nine_years() -> None:
    """Records, histories, lists and forms depend on seed and instant only."""
    one, same, other = (old_account(150, seed, now=NINE) for seed in (3, 3, 4))

    def told(world: Any) -> Any:
        histories = [world.history("contacts", row, "lifecyclestage") for row in world.rows("contacts")]
        return world.snapshot(), histories, {n: kept.members for n, kept in world.audience.lists.items()}

    assert told(one) == told(same)
    assert told(one) != told(other)


def test_a_write_goes_on_top_of_the_history_and_sets_the_workflows_off() -> None:
    """The old entries stay below; the enabled workflows follow, the disabled one does not."""
    with Sandbox(lambda: old_account(60, 7, now=NINE), rate_limits=False) as sandbox:
        api = Api(sandbox)
        lead = next(
            one for one in listed(api, properties="lifecyclestage") if one["properties"]["lifecyclestage"] == "lead"
        )
        path = f"{CONTACTS}/{lead['id']}"
        before = api.get(path, propertiesWithHistory="lifecyclestage")["propertiesWithHistory"]["lifecyclestage"]
        api.patch(lead["id"], hs_lead_status="OPEN")
        api.patch(lead["id"], lifecyclestage=MQL)
        shown = f"ops_status_stamp,hs_v2_date_entered_{MQL}"
        after = api.get(path, propertiesWithHistory="lifecyclestage,hs_lead_status", properties=shown)
        state = api.get("/_sandbox/state")
        api.close()

    stages = after["propertiesWithHistory"]["lifecyclestage"]
    assert (stages[0]["value"], stages[0]["sourceId"], stages[1:]) == (MQL, "31337", before)
    assert after["propertiesWithHistory"]["hs_lead_status"][0]["sourceId"] == "44100001"
    assert after["properties"]["ops_status_stamp"] == "changed"
    assert after["properties"][f"hs_v2_date_entered_{MQL}"] == stages[0]["timestamp"]
    assert state["enrollments"] == {"44100001": 1, "44100002": 2}


def test_the_command_line_knows_the_old_account() -> None:
    """`--old-account` with a number of people; files are refused beside it."""
    command = [sys.executable, "-m", "connector.sandbox", "--people", "30", "--old-account", "--now", NINE.isoformat()]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"})
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    answer = requests.get(f"{url}/automation/v4/flows", headers={"Authorization": "Bearer pat-sandbox"}, timeout=10)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)

    assert len(answer.json()["results"]) == 3
    assert main(["--people", "people.csv", "--columns", "columns.toml", "--old-account"]) == 64
