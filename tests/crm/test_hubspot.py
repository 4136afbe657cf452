"""The CRM contract on HubSpot, over real sockets against the sandbox, and HubSpot's own oddities."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.crm import CRM, Task, Update
from connector.crm.hubspot import HubSpot, Reading
from connector.crm.hubspot.names import TYPES
from connector.crm.pacing import Budget
from connector.errors import Deferred, Denied, Transient
from connector.sandbox import Sandbox, World
from connector.sandbox.poison import Poison
from connector.sandbox.workflows import Workflow
from tests.crm.contract import CrmContract

START = datetime(2026, 11, 22, 9, tzinfo=UTC)
SMALL = Reading(page=2, search_page=3, batch=3, history=2, links=2, members=2, submissions=2, threads=3)

Open = Callable[..., HubSpot]


class Account:
    """The sandbox's account in the contract's words."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.inside: World = sandbox.world

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.inside.clock.now() / 1000, UTC)

    def pass_time(self, seconds: float) -> None:
        self.inside.clock.advance(seconds)

    def add(self, kind: str, properties: Mapping[str, str]) -> str:
        return self.inside.add(TYPES[kind], properties)

    def edit(self, kind: str, id: str, properties: Mapping[str, str]) -> None:
        self.inside.edit(TYPES[kind], id, properties)

    def remove(self, kind: str, id: str) -> None:
        self.inside.archive(TYPES[kind], id)

    def link(self, kind: str, id: str, to: str, to_id: str, *, primary: bool = False) -> None:
        self.inside.associate(TYPES[kind], id, TYPES[to], to_id, primary=primary)

    def merge(self, kind: str, survivor: str, loser: str) -> None:
        self.inside.merge(TYPES[kind], survivor, loser)

    def automate(self, id: str, name: str, sets: str, *, enabled: bool = True) -> str:
        self.inside.add_workflow(Workflow(id, name, "jobtitle", "never", sets, "x", enabled))
        return id

    def stored(self, kind: str, id: str) -> Mapping[str, str | None]:
        return self.inside.get(TYPES[kind], id)

    def people(self, count: int) -> list[str]:
        return [self.add("contact", {"jobtitle": f"title {number}"}) for number in range(count)]


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox(now=START) as running:
        yield running


@pytest.fixture
def sandbox(server: Sandbox) -> Sandbox:
    """An empty account with its own clock; only the listening socket is shared."""
    server.reset()
    return server


@pytest.fixture
def world(sandbox: Sandbox) -> Account:
    return Account(sandbox)


@pytest.fixture
def open_hubspot(sandbox: Sandbox) -> Iterator[Open]:
    """Opens adapters that live by the sandbox's clock: waiting there is time passing here."""
    opened: list[HubSpot] = []
    clock = sandbox.world.clock

    def open_(**settings: Any) -> HubSpot:
        timing = {"clock": lambda: clock.now() / 1000, "sleep": clock.advance}
        settings = {"base_url": sandbox.url, "read": SMALL, "timeout": 20.0, **timing, **settings}
        opened.append(HubSpot(settings.pop("token", sandbox.hubspot.token), **settings))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()


@pytest.fixture
def crm(open_hubspot: Open) -> CRM:
    return open_hubspot()


class TestHubSpot(CrmContract):
    """Every promise of the protocol, on HubSpot."""

    text, other = "jobtitle", "city"
    refused = ("hs_lead_status", "NO_SUCH_STATUS")
    further = "hs_additional_emails"


@pytest.fixture
def hubspot(open_hubspot: Open) -> HubSpot:
    return open_hubspot()


def changed(hubspot: HubSpot, cursor: str, now: datetime) -> list[str]:
    return [id_ for batch in hubspot.changes("contact", cursor, now) for id_ in batch.ids]


@pytest.mark.parametrize("version", ["2026-03", "2026-09", "v3"])
def test_every_version_reads_links_and_writes(open_hubspot: Open, world: Account, version: str) -> None:
    """The same story on all three path styles."""
    hubspot = open_hubspot(api_version=version)
    (id_,) = world.people(1)
    company = world.add("company", {"name": "Acme"})
    world.link("contact", id_, "company", company, primary=True)

    assert [r.id for page in hubspot.scan("contact", []) for r in page.records] == [id_]
    assert [link.to_id for link in hubspot.links("contact", [id_], "company")[id_]] == [company]
    assert [o.state for o in hubspot.write("contact", [Update(id_, {"city": "Gdynia"})])] == ["written"]
    assert "jobtitle" in hubspot.describe(["contact"]).properties["contact"]


def test_the_quota_is_used_without_a_single_429(open_hubspot: Open, sandbox: Sandbox, world: Account) -> None:
    """Nearly three hundred calls on a quota of 100: the work takes its time and is never refused."""
    hubspot = open_hubspot(read=Reading(page=2, threads=4))
    world.people(570)
    before = world.now()

    assert sum(len(page.records) for page in hubspot.scan("contact", [])) == 570
    assert sandbox.hubspot.throttled == 0
    assert hubspot.calls.throttled == 0
    assert world.now() - before <= timedelta(seconds=21)


def test_search_keeps_below_its_own_limit(hubspot: HubSpot, sandbox: Sandbox, world: Account) -> None:
    """Search takes five a second; we ask for four."""
    world.people(90)
    cursor = hubspot.begin("contact", world.now())
    world.pass_time(120)

    assert len(changed(hubspot, cursor, world.now())) == 90
    assert sandbox.hubspot.throttled == 0
    assert hubspot.calls.by_class == {"search": 30}


@pytest.mark.parametrize("policy", ["TEN_SECONDLY_ROLLING", "SECONDLY"])
def test_a_429_in_the_middle_of_a_scan_does_not_show(
    hubspot: HubSpot, sandbox: Sandbox, world: Account, policy: str
) -> None:
    """Somebody else used up the window: wait, go on, miss nobody."""
    ids = world.people(9)
    sandbox.fault("throttle", path="contacts", nth=3, policy=policy)

    assert [r.id for page in hubspot.scan("contact", []) for r in page.records] == ids
    assert hubspot.calls.throttled == 1


def test_a_spent_day_ends_as_deferred(hubspot: HubSpot, sandbox: Sandbox, world: Account) -> None:
    """Other apps drained the account's day: no retry storm."""
    world.people(3)
    sandbox.hubspot.limits.spend_daily(sandbox.world.switches.daily + 1)

    with pytest.raises(Deferred):
        list(hubspot.scan("contact", []))
    assert hubspot.calls.by_class == {"list": 1}


def test_the_floor_stops_before_the_server_does(open_hubspot: Open, sandbox: Sandbox, world: Account) -> None:
    """What is left for others stays theirs."""
    world.people(40)
    sandbox.hubspot.limits.spend_daily(sandbox.world.switches.daily - 1_010)
    hubspot = open_hubspot(budget=Budget(share=1.0, daily_floor=1_000))

    with pytest.raises(Deferred, match="daily_floor"):
        list(hubspot.scan("contact", []))
    assert sandbox.world.switches.daily - sandbox.hubspot.limits.used_today >= 995


def test_trap_02_ten_thousand_and_more_pass_the_cap_of_search(open_hubspot: Open, world: Account) -> None:
    """A bulk edit touched 10,500 people at once: beyond the cap of search, none is missed, none comes twice."""
    ids = world.people(10_500)
    hubspot = open_hubspot(read=Reading())
    cursor = hubspot.begin("contact", world.now())
    world.pass_time(120)

    found = changed(hubspot, cursor, world.now())

    assert found == ids
    assert hubspot.calls.by_class == {"search": 53}


def test_trap_04_a_record_edited_again_meanwhile_hides_nobody_behind_it(hubspot: HubSpot, world: Account) -> None:
    """It leaves the window and the next window has it; by offset its successor would have been skipped."""
    ids = world.people(8)
    cursor = hubspot.begin("contact", world.now())
    world.pass_time(120)
    batches = hubspot.changes("contact", cursor, world.now())
    seen = list(next(batches).ids)
    world.pass_time(1)
    world.edit("contact", ids[0], {"jobtitle": "again"})
    world.edit("contact", ids[6], {"jobtitle": "again"})

    seen += [id_ for batch in batches for id_ in batch.ids]

    assert set(ids) - {ids[6]} == set(seen)


@pytest.mark.parametrize(("settle", "look_back", "misses"), [(60, 300, False), (0, 0, True)])
def test_g3_lesson_03_trap_04_what_the_index_shows_late_is_seen_by_a_later_window(
    open_hubspot: Open, sandbox: Sandbox, world: Account, settle: int, look_back: int, misses: bool
) -> None:
    """Search shows each record up to 90 seconds late, everyone after another while: the settle time and the look-back,
    which are there by default, make up for it, and without them somebody is missed."""
    sandbox.switch(index_lag_random_s=90)
    reading = replace(SMALL, settle=timedelta(seconds=settle), look_back=timedelta(seconds=look_back))
    assert (Reading().settle, Reading().look_back) == (timedelta(seconds=60), timedelta(seconds=300))
    hubspot = open_hubspot(read=reading)
    world.pass_time(3600)
    cursor = hubspot.begin("contact", world.now())
    seen: set[str] = set()
    added: set[str] = set()
    for _ in range(10):
        added |= set(world.people(2))
        world.pass_time(40)
        batches = list(hubspot.changes("contact", cursor, world.now()))
        seen |= {id_ for batch in batches for id_ in batch.ids}
        cursor = str(batches[-1].mark)
    world.pass_time(200)
    seen |= set(changed(hubspot, cursor, world.now()))

    assert seen <= added
    assert (seen != added) == misses


def test_the_cursor_stays_behind_by_the_settle_time(hubspot: HubSpot, world: Account) -> None:
    """What is claimed as complete is no more than now - settle."""
    cursor = hubspot.begin("contact", world.now())
    world.pass_time(600)

    *_, last = hubspot.changes("contact", cursor, world.now())

    assert cursor == (START - timedelta(seconds=60)).isoformat()
    assert last.complete_until == world.now() - timedelta(seconds=60)
    assert last.mark == last.complete_until.isoformat()


def test_g3_an_edit_at_the_very_instant_at_which_a_window_begins_is_seen(open_hubspot: Open, world: Account) -> None:
    """Both ends of a window belong to it, without any look-back."""
    id = world.add("contact", {"jobtitle": "one"})
    world.pass_time(3600)
    hubspot = open_hubspot(read=Reading(settle=timedelta(0), look_back=timedelta(0)))
    at = world.now()
    world.edit("contact", id, {"jobtitle": "two"})
    world.pass_time(3600)

    assert changed(hubspot, at.isoformat(), world.now()) == [id]


def test_trap_10_the_bin_is_gone_through_once_whatever_the_search_counts_of_the_living(
    hubspot: HubSpot, sandbox: Sandbox, world: Account
) -> None:
    """Eleven in the bin, pages of two, thirty alive: each told once, without a search."""
    gone, _ = world.people(11), world.people(30)
    for id_ in gone:
        world.remove("contact", id_)

    pages = list(hubspot.scan("contact", [], archived=True))

    assert [record.id for page in pages for record in page.records] == gone
    assert not any(page.again or page.warning for page in pages)
    assert hubspot.calls.by_class == {"list": 6}


def test_lesson_06_trap_03_a_search_that_loses_rows_moves_no_cursor(
    hubspot: HubSpot, sandbox: Sandbox, world: Account
) -> None:
    """The total says five, the pages hold four, twice: the run ends incomplete instead of going on without one."""
    ids = world.people(5)
    cursor = hubspot.begin("contact", world.now())
    world.pass_time(120)
    page = {"total": 5, "results": [{"id": id_, "properties": {}} for id_ in ids[:4]]}
    sandbox.fault("answer", path="/search", status=200, body=page, times=0)

    with pytest.raises(Transient, match="4 of 5"):
        changed(hubspot, cursor, world.now())


def test_trap_05_an_empty_page_with_a_next_one_is_not_the_end(
    hubspot: HubSpot, sandbox: Sandbox, world: Account
) -> None:
    """Filtered pages can be empty; the cursor decides, not the row count."""
    ids = world.people(5)
    cursor = hubspot.begin("contact", world.now())
    world.pass_time(120)
    first = {"total": 5, "results": [{"id": id_} for id_ in ids[:2]], "paging": {"next": {"after": "3"}}}
    hole = {"total": 3, "results": [], "paging": {"next": {"after": "3"}}}
    rest = {"total": 3, "results": [{"id": id_} for id_ in ids[2:]]}
    for page in (first, hole, rest):
        sandbox.fault("answer", path="/search", status=200, body=page)

    assert changed(hubspot, cursor, world.now()) == ids


def test_trap_11_a_merged_record_answers_for_its_losers(hubspot: HubSpot, world: Account) -> None:
    """A chain of merges: the survivor carries its own id and names all it swallowed."""
    a, b, c, d = world.people(4)
    world.inside.merge("contacts", b, a)
    world.inside.merge("contacts", c, b)

    found = list(hubspot.read("contact", [a, d, b, c], ["jobtitle"]))

    assert sorted(record.id for record in found) == [c, d]
    assert {a, b} <= {merged for record in found for merged in record.merged_ids}


def test_backward_stages_are_told_as_stored(hubspot: HubSpot, world: Account) -> None:
    """HubSpot accepts and ignores them: the outcome shows what really stands there, so the caller can see it."""
    id_ = world.add("contact", {"lifecyclestage": "customer"})

    (outcome,) = hubspot.write("contact", [Update(id_, {"lifecyclestage": "lead"})])

    assert outcome.state == "written"
    assert outcome.properties["lifecyclestage"] == "customer"


@pytest.mark.parametrize("errors", ["refuse", "partial"])
def test_bad_rows_are_told_alike_in_both_moods_of_hubspot(
    open_hubspot: Open, sandbox: Sandbox, world: Account, errors: str
) -> None:
    """Whether one bad row refuses the batch or only itself is not documented; the outcomes are the same."""
    sandbox.switch(batch_errors=errors)
    ids = world.people(20)
    bad = {ids[3], ids[11]}
    updates = [Update(id_, {"hs_lead_status": "NOPE" if id_ in bad else "OPEN"}) for id_ in ids]

    outcomes = open_hubspot(read=Reading()).write("contact", updates)

    assert {outcome.id for outcome in outcomes if outcome.state == "rejected"} == bad
    assert {outcome.code for outcome in outcomes if outcome.id in bad} == {"value_not_allowed"}
    assert {world.stored("contact", id_)["hs_lead_status"] for id_ in ids if id_ not in bad} == {"OPEN"}


@pytest.mark.parametrize("how", [{"status": 400, "whole": True}, {"status": 409, "whole": True}, {"whole": False}])
def test_lesson_21_lesson_22_poisoned_records_cost_only_themselves(
    open_hubspot: Open, sandbox: Sandbox, world: Account, how: dict[str, Any]
) -> None:
    """One hundred people, three of whom refuse every write: the batch falls as 400, as 409, or answers 207."""
    ids = world.people(100)
    bad = {ids[3], ids[50], ids[99]}
    for id_ in bad:
        sandbox.world.poisons["contacts", id_] = Poison(**how)
    crm = open_hubspot(read=Reading(threads=1))

    outcomes = crm.write("contact", [Update(id_, {"city": "Gdynia"}) for id_ in ids])

    assert [outcome.id for outcome in outcomes] == ids
    assert {outcome.id for outcome in outcomes if outcome.state == "rejected"} == bad
    assert {outcome.state for outcome in outcomes if outcome.id not in bad} == {"written"}
    assert {id_ for id_ in ids if world.stored("contact", id_).get("city") == "Gdynia"} == set(ids) - bad
    assert crm.calls.by_class["write"] <= (1 + 2 * 3 * 7 if how["whole"] else 1)


@pytest.mark.parametrize("action", ["drop_before", "drop_after", "malformed", "truncated"])
def test_lesson_23_a_write_whose_answer_is_lost_ends_as_written(
    hubspot: HubSpot, sandbox: Sandbox, world: Account, action: str
) -> None:
    """Applied or not, the look afterwards settles it; history shows each value once."""
    ids = world.people(3)
    sandbox.fault(action, path="batch/update")

    outcomes = hubspot.write("contact", [Update(id_, {"city": "Gdynia"}) for id_ in ids])

    assert [outcome.state for outcome in outcomes] == ["written"] * 3
    assert {world.stored("contact", id_)["city"] for id_ in ids} == {"Gdynia"}
    cities = hubspot.history("contact", ids, ["city"])
    assert [len(cities[id_]["city"]) for id_ in ids] == [1, 1, 1]


@pytest.mark.parametrize("action", ["drop_before", "drop_after"])
def test_lesson_24_a_task_whose_answer_is_lost_is_unknown_and_can_be_found(
    hubspot: HubSpot, sandbox: Sandbox, world: Account, action: str
) -> None:
    """It is not sent again; looking at the contact tells whether it is there."""
    (id_,) = world.people(1)
    sandbox.fault(action, path="/tasks$")

    (outcome,) = hubspot.create_tasks([Task(id_, "Call", "marker", world.now(), "HIGH", None)], lambda _: None)

    assert outcome.state == "unknown"
    found = [task.body for task in hubspot.find_tasks([id_])]
    assert found == (["marker"] if action == "drop_after" else [])


@pytest.mark.parametrize("action", ["drop_before", "malformed", "truncated"])
def test_reads_survive_single_accidents(hubspot: HubSpot, sandbox: Sandbox, world: Account, action: str) -> None:
    """One broken answer in a scan, a search and a batch read: nothing is missing, nothing doubled."""
    ids = world.people(7)
    cursor = hubspot.begin("contact", world.now())
    world.pass_time(120)
    for path in ("contacts\\?", "/search", "batch/read"):
        sandbox.fault(action, path=path, nth=2)

    assert [r.id for page in hubspot.scan("contact", []) for r in page.records] == ids
    assert changed(hubspot, cursor, world.now()) == ids
    assert [r.id for r in hubspot.read("contact", ids, [])] == ids
    assert hubspot.calls.retries == 3


def test_members_of_a_list_come_in_join_order_and_the_cursor_finds_the_late_ones(
    hubspot: HubSpot, world: Account
) -> None:
    """Read to the end, more join, one leaves and comes back: the cursor yields the news, ids stay the same."""
    ids = world.people(6)
    for id_ in ids[:5]:
        world.pass_time(60)
        world.inside.join_list("Visited pricing", id_)
    first = list(hubspot.occurrences("list:visited PRICING", None, world.now()))
    world.pass_time(60)
    world.inside.join_list("Visited pricing", ids[5])
    world.inside.leave_list("Visited pricing", ids[0])
    world.pass_time(60)
    world.inside.join_list("Visited pricing", ids[0])

    later = list(hubspot.occurrences("list:visited PRICING", first[-1][1], world.now()))

    known = {one.id for part, _ in first for one in part}
    news = [one for part, _ in later for one in part if one.id not in known]
    assert [one.person_id for part, _ in first for one in part] == ids[:5]
    assert [one.person_id for one in news] == [ids[5], ids[0]]
    assert len(later) <= 3


def test_a_list_that_shrank_below_the_cursor_is_read_from_the_start(hubspot: HubSpot, world: Account) -> None:
    """The last page is empty because its members left: an empty page is no proof that there is nothing before."""
    ids = world.people(6)
    for id_ in ids[:5]:
        world.pass_time(60)
        world.inside.join_list("Hot", id_)
    *_, (_, cursor) = hubspot.occurrences("list:Hot", None, world.now())
    for id_ in ids[3:5]:
        world.inside.leave_list("Hot", id_)

    again = [one.person_id for part, _ in hubspot.occurrences("list:Hot", cursor, world.now()) for one in part]

    assert again == ids[:3]


def test_form_submissions_are_dated_and_hashed(hubspot: HubSpot, world: Account) -> None:
    """Each once, whatever the page size; only what is new from the cursor on."""
    for number in range(5):
        world.pass_time(3600)
        world.inside.submit_form("f-1", {"email": f"p{number}@company.example"})
    first = list(hubspot.occurrences("form:f-1", None, world.now()))
    world.pass_time(3600)
    world.inside.submit_form("f-1", {"email": "P1@company.example"})

    later = list(hubspot.occurrences("form:f-1", first[-1][1], world.now()))

    everyone = [one for part, _ in first for one in part]
    assert len({one.id for one in everyone}) == 5
    (news,) = [one for part, _ in later for one in part if one.id not in {old.id for old in everyone}]
    assert news.email_hash in {one.email_hash for one in everyone}
    assert news.at == world.now()


@pytest.mark.parametrize("handed", ["?email=p1%40company.example", "#email=p1%40company.example", "#/?name=Ann"])
def test_a_submission_tells_its_page_and_not_what_was_handed_to_it(
    hubspot: HubSpot, world: Account, handed: str
) -> None:
    """Parameters may name people, and are dropped, and so is what pages of one script write behind #."""
    page = f"https://www.company.example/demo{handed}"
    world.inside.audience.submit("f-1", {"email": "p1@company.example"}, int(world.now().timestamp() * 1000), page)
    (found,) = [one for part, _ in hubspot.occurrences("form:f-1", None, world.now()) for one in part]

    assert found.details == {"asset": "https://www.company.example/demo"}


def test_a_wrong_token_is_denied_with_a_remedy(open_hubspot: Open) -> None:
    """The first call says it."""
    with pytest.raises(Denied, match="token is complete"):
        open_hubspot(token="wrong").describe(["contact"])


@pytest.mark.parametrize(
    ("lacking", "use"),
    [
        ("crm.objects.contacts.write", lambda crm: crm.write("contact", [Update("1", {"city": "x"})])),
        ("crm.lists.read", lambda crm: list(crm.occurrences("list:x", None, START))),
    ],
)
def test_a_missing_scope_is_named(sandbox: Sandbox, hubspot: HubSpot, lacking: str, use: Any) -> None:
    """Whatever is tried, the message names the scope to add."""
    granted = {"crm.objects.contacts.read", "crm.objects.contacts.write", "crm.objects.owners.read"}
    sandbox.hubspot.scopes = frozenset(granted - {lacking})

    with pytest.raises(Denied, match=lacking.replace(".", r"\.")):
        use(hubspot)


def test_lesson_52_what_the_token_may_not_see_of_the_account_is_told_part_by_part(
    sandbox: Sandbox, hubspot: HubSpot
) -> None:
    """All missing scopes at once, and what can be seen is there: who needs less than all of it goes on."""
    sandbox.hubspot.scopes = frozenset({"crm.schemas.contacts.read", "crm.objects.contacts.read"})

    told = hubspot.describe(["contact", "deal"])

    assert set(told.shut) == {"deal", "deal stages", "owners"}
    assert "crm.objects.owners.read" in told.shut["owners"]
    assert "crm.objects.deals.read" in told.shut["deal"]
    assert "jobtitle" in told.properties["contact"]
    assert (told.owners, told.properties["deal"]) == ((), {})


def test_the_account_is_described_with_quota_owners_and_stages(hubspot: HubSpot, world: Account) -> None:
    """What check prints and maps against."""
    world.inside.set_owner_archived(world.inside.owners[0].id)

    told = hubspot.describe(["contact", "deal"])

    assert (told.account, told.zone) == ("4242", "Europe/Warsaw")
    assert told.daily_limit == 250_000
    assert {stage.id: stage.state for stage in told.deal_stages}["closedwon"] == "won"
    assert {stage.id: stage.state for stage in told.deal_stages}["closedlost"] == "lost"
    assert {owner.id: owner.active for owner in told.owners}[world.inside.owners[0].id] is False
    assert list(told.properties["contact"]["lifecyclestage"].options)[:2] == ["subscriber", "lead"]
    assert told.properties["contact"]["num_associated_deals"].read_only


def test_trap_25_a_connection_that_is_closed_leaves_nothing_behind(open_hubspot: Open, world: Account) -> None:
    """One set of limits, threads and sockets for a connection; whoever opens a hundred of them has none in the end."""
    world.people(3)
    before = threading.active_count()

    gone = []
    for _ in range(5):
        hubspot = HubSpot("pat-sandbox", base_url=world.sandbox.url, read=SMALL)
        assert [one.id for page in hubspot.scan("contact", []) for one in page.records]
        hubspot.close()
        gone.append(weakref.ref(hubspot._api))
    del hubspot
    gc.collect()

    assert threading.active_count() == before
    assert [one() for one in gone] == [None] * 5


def test_lesson_42_several_cursors_read_a_restless_account(
    open_hubspot: Open, sandbox: Sandbox, world: Account
) -> None:
    """Calls fail, people are deleted, merged and added meanwhile: who was there all along comes once."""
    ids = world.people(160)
    hubspot = open_hubspot(read=Reading(page=2, threads=4))
    for nth in (9, 21, 34):
        sandbox.fault("answer", path="contacts", nth=nth, status=502)
    sandbox.fault("throttle", path="contacts", nth=40, policy="TEN_SECONDLY_ROLLING")
    told: list[str] = []

    for number, page in enumerate(hubspot.scan("contact", [])):
        told += [one.id for one in page.records]
        if number == 20:
            world.remove("contact", ids[150])
            world.inside.merge("contacts", ids[140], ids[145])
            world.people(5)

    assert set(ids) - {ids[150], ids[145]} <= set(told)
    assert len(told) == len(set(told))
    assert hubspot.calls.by_class["list"] <= 80 + 20
    assert hubspot.calls.by_class["search"] >= 1


def test_lesson_06_rows_that_lists_leave_out_are_never_missed_in_silence(
    open_hubspot: Open, sandbox: Sandbox, world: Account
) -> None:
    """Rows fall out of lists without a word: the count tells, a second look finds them, or the scan says how many."""
    ids = world.people(160)
    hubspot = open_hubspot(read=Reading(page=2, threads=4))
    sandbox.switch(lost_rows_every=130)

    pages = list(hubspot.scan("contact", []))

    told = {one.id for page in pages for one in page.records}
    said = " ".join(page.warning for page in pages)
    assert "read again" in said or "from one side only" in said
    assert told == set(ids) or "once more when read again" in said
