"""Batch updates against a server in its worst moods: every id has its outcome, in as few calls as possible."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from connector.crm import Outcome, Update
from connector.crm.hubspot import HubSpot, Reading
from connector.crm.hubspot.names import PATHS
from connector.crm.hubspot.refusals import WITNESSES
from connector.errors import Denied
from tests.crm.scripted import SILENCE, Heard, Reply, Script

Ids = Sequence[str]


class Account:
    """Contacts in a dict behind batch update and batch read, refusing as a test wishes."""

    def __init__(self, ids: Ids) -> None:
        self.stored: dict[str, dict[str, str]] = {id_: {} for id_ in ids}
        self.poisoned: set[str] = set()
        self.mood: Callable[[Heard], Reply | None] = lambda _heard: None
        self.updates = 0

    def __call__(self, heard: Heard) -> Reply:
        if heard.path.endswith("/batch/read"):
            found = [
                {
                    "id": one["id"],
                    "properties": {name: self.stored[one["id"]].get(name) for name in heard.body["properties"]},
                }
                for one in heard.body["inputs"]
                if one["id"] in self.stored
            ]
            return Reply(json={"results": found})
        self.updates += 1
        return self.mood(heard) or self.update(heard)

    def update(self, heard: Heard) -> Reply:
        inputs = heard.body["inputs"]
        if self.poisoned & {one["id"] for one in inputs}:
            return Reply(400, refusal("INVALID_OPTION", "hs_lead_status", "Ann Example"))
        return Reply(json={"results": [self.apply(one) for one in inputs if one["id"] in self.stored]})

    def apply(self, one: dict[str, Any]) -> dict[str, Any]:
        self.stored[one["id"]].update(one["properties"])
        return {"id": one["id"], "properties": one["properties"]}


def refusal(code: str, name: str, value: str) -> dict[str, Any]:
    detail = f'[{{"isValid":false,"message":"{value} was not allowed","error":"{code}","name":"{name}"}}]'
    return {"category": "VALIDATION_ERROR", "message": f"Property values were not valid: {detail}"}


@pytest.fixture
def account() -> Account:
    return Account([str(number) for number in range(1, 101)])


@contextmanager
def opened(account: Account, **reading: int) -> Iterator[HubSpot]:
    with Script(account) as script:
        time = itertools.count()  # moves on by itself, so that no quota holds anybody up for ever
        hubspot = HubSpot(
            "t",
            base_url=script.url,
            read=Reading(**reading),
            clock=lambda: next(time) / 100,
            sleep=lambda _: None,
            attempts=2,
            timeout=60.0,
        )
        yield hubspot
        hubspot.close()


@pytest.fixture
def crm(account: Account) -> Iterator[HubSpot]:
    with opened(account) as hubspot:
        yield hubspot


def write(crm: HubSpot, ids: Ids, properties: dict[str, str] | None = None) -> dict[str, Outcome]:
    outcomes = crm.write("contact", [Update(id_, properties or {"city": f"city {id_}"}) for id_ in ids])
    assert [outcome.id for outcome in outcomes] == list(ids)
    return {outcome.id: outcome for outcome in outcomes}


def in_state(outcomes: dict[str, Outcome], state: str) -> set[str]:
    return {id_ for id_, outcome in outcomes.items() if outcome.state == state}


def refuse_with(status: int, account: Account) -> Callable[[Heard], Reply | None]:
    """One poisoned row refuses its whole batch, with this status."""
    body = refusal("INVALID_EMAIL", "email", "Ann Example") if status == 400 else {"category": "CONFLICT"}
    return lambda heard: Reply(status, body) if account.poisoned & {one["id"] for one in heard.body["inputs"]} else None


@pytest.mark.parametrize("status", [400, 409])
@pytest.mark.parametrize("count", range(6))
def test_lesson_21_trap_14_poisoned_rows_are_isolated_in_few_calls(
    crm: HubSpot, account: Account, count: int, status: int
) -> None:
    """k bad rows among 100 that refuse the whole batch: the others are written, in at most 1 + 2 k log2(n) calls."""
    ids = list(account.stored)
    account.poisoned = set(random.Random(count).sample(ids, count))
    account.mood = refuse_with(status, account)

    outcomes = write(crm, ids)

    assert in_state(outcomes, "rejected") == account.poisoned
    assert in_state(outcomes, "written") == set(ids) - account.poisoned
    assert {account.stored[id_]["city"] for id_ in in_state(outcomes, "written")} == {
        f"city {id_}" for id_ in set(ids) - account.poisoned
    }
    assert all("city" not in account.stored[id_] for id_ in account.poisoned)
    assert account.updates <= 1 + 2 * count * math.ceil(math.log2(100))


@pytest.mark.parametrize("count", range(6))
def test_lesson_21_lesson_22_poisoned_rows_of_a_207_cost_no_call_more(
    crm: HubSpot, account: Account, count: int
) -> None:
    """Where HubSpot names the rows itself, one call is enough."""
    ids = list(account.stored)
    account.poisoned = set(random.Random(count).sample(ids, count))

    def partial(heard: Heard) -> Reply:
        errors = [
            {**refusal("INVALID_EMAIL", "email", "ann@example"), "context": {"objectWriteTraceId": [one["id"]]}}
            for one in heard.body["inputs"]
            if one["id"] in account.poisoned
        ]
        good = [account.apply(one) for one in heard.body["inputs"] if one["id"] not in account.poisoned]
        return Reply(207 if errors else 200, {"results": good, "errors": errors, "numErrors": len(errors)})

    account.mood = partial
    outcomes = write(crm, ids)

    assert in_state(outcomes, "rejected") == account.poisoned
    assert in_state(outcomes, "written") == set(ids) - account.poisoned
    assert account.updates == 1


@pytest.mark.parametrize("mood", ["refuse", "partial"])
def test_lesson_21_an_option_that_is_gone_is_found_once_for_everybody(account: Account, mood: str) -> None:
    """Sixty of two hundred people have it: what one refusal says of the value is true of the others, too."""
    ids = [str(number) for number in range(1, 201)]
    account.stored = {id_: {} for id_ in ids}

    def answer(heard: Heard) -> Reply | None:
        bad = [one["id"] for one in heard.body["inputs"] if one["properties"]["cx_persona"] == "gone"]
        if not bad or mood == "refuse":
            return Reply(400, refusal("INVALID_OPTION", "cx_persona", "gone")) if bad else None
        told = refusal("INVALID_OPTION", "cx_persona", "gone")
        good = [account.apply(one) for one in heard.body["inputs"] if one["id"] not in bad]
        errors = [{**told, "context": {"objectWriteTraceId": [id_]}} for id_ in bad]
        return Reply(207, {"results": good, "errors": errors})

    account.mood = answer
    updates = [Update(id_, {"cx_persona": "gone" if int(id_) % 10 < 3 else "user"}) for id_ in ids]
    with opened(account, threads=1) as crm:
        outcomes = crm.write("contact", updates)
        again = account.updates
        repeated = crm.write("contact", updates[:3])

    assert {one.id for one in outcomes if one.state == "rejected"} == {id_ for id_ in ids if int(id_) % 10 < 3}
    assert {(one.code, one.refused) for one in outcomes if one.state == "rejected"} == {
        ("value_not_allowed", ("cx_persona",))
    }
    assert again <= 2 + 2 * WITNESSES * math.ceil(math.log2(100))
    assert [one.state for one in repeated] == ["rejected", "rejected", "written"]
    assert account.updates == again + 1


def test_lesson_21_a_value_that_others_keep_writing_is_not_held_against_them(crm: HubSpot, account: Account) -> None:
    """Refused for three records, taken for all others: nobody is rejected on hearsay."""
    ids = list(account.stored)
    account.poisoned = {"3", "50", "99"}

    first = write(crm, ids, {"hs_lead_status": "OPEN"})
    again = write(crm, ids, {"hs_lead_status": "OPEN"})

    assert in_state(first, "rejected") == in_state(again, "rejected") == account.poisoned
    assert len(in_state(again, "written")) == 97


def test_a_refusal_names_code_and_property_and_never_the_value(crm: HubSpot, account: Account) -> None:
    """HubSpot's message quotes what was sent; ours does not. The code is ours, HubSpot's stands in the message."""
    account.poisoned = {"7"}

    outcome = write(crm, ["7"], {"hs_lead_status": "Ann Example"})["7"]

    assert (outcome.code, outcome.refused) == ("value_not_allowed", ("hs_lead_status",))
    assert outcome.message == "HubSpot refused hs_lead_status: INVALID_OPTION"


def test_a_property_that_cannot_be_written_at_all_is_not_tried_row_by_row(crm: HubSpot, account: Account) -> None:
    """An unknown property refuses every row that carries it, in one call; the rest goes out in a second one."""
    account.mood = lambda heard: (
        Reply(400, refusal("PROPERTY_DOESNT_EXIST", "cx_typo", "x"))
        if any("cx_typo" in one["properties"] for one in heard.body["inputs"])
        else None
    )
    updates = [Update(id_, {"cx_typo" if int(id_) % 2 else "city": "x"}) for id_ in account.stored]

    states = [outcome.state for outcome in crm.write("contact", updates)]

    assert states == ["rejected", "written"] * 50
    assert account.updates == 2


def test_lesson_22_a_207_is_accounted_for_id_by_id(crm: HubSpot, account: Account) -> None:
    """Written, refused by trace id, gone by id, and one the answer forgets, which is looked up and sent again."""
    del account.stored["3"]

    def partial(heard: Heard) -> Reply | None:
        if len(heard.body["inputs"]) < 5:
            return None
        errors = [
            {**refusal("INVALID_EMAIL", "email", "ann@example"), "context": {"objectWriteTraceId": ["2"]}},
            {"category": "OBJECT_NOT_FOUND", "message": "gone", "context": {"ids": ["3"]}},
        ]
        inputs = [one for one in heard.body["inputs"] if one["id"] in ("1", "5")]
        return Reply(207, {"status": "COMPLETE", "results": [account.apply(i) for i in inputs], "errors": errors})

    account.mood = partial
    outcomes = write(crm, ["1", "2", "3", "4", "5"])

    assert [outcome.state for outcome in outcomes.values()] == ["written", "rejected", "gone", "written", "written"]
    assert outcomes["2"].message == "HubSpot refused email: INVALID_EMAIL"
    assert account.stored["4"] == {"city": "city 4"}


def test_lesson_22_a_207_whose_errors_name_nobody_is_asked_again_in_halves(crm: HubSpot, account: Account) -> None:
    """Context is optional: the silent rows are narrowed down until each error has its row."""

    def nameless(heard: Heard) -> Reply:
        fine = [account.apply(one) for one in heard.body["inputs"] if one["id"] not in ("3", "8")]
        bad = len(heard.body["inputs"]) - len(fine)
        errors = [{"category": "VALIDATION_ERROR", "message": "no"}] * bad
        return Reply(207 if bad else 200, {"results": fine, "errors": errors, "numErrors": bad})

    account.mood = nameless

    outcomes = write(crm, [str(number) for number in range(1, 11)])

    assert in_state(outcomes, "rejected") == {"3", "8"}
    assert len(in_state(outcomes, "written")) == 8


def test_trap_14_a_conflict_of_one_row_does_not_cost_the_others(crm: HubSpot, account: Account) -> None:
    """409 for the whole batch is halved like any other refusal."""
    account.mood = lambda heard: (
        Reply(409, {"category": "CONFLICT", "message": "Contact already exists. Existing ID: 5"})
        if any(one["id"] == "9" for one in heard.body["inputs"])
        else None
    )

    outcomes = write(crm, list(account.stored))

    assert in_state(outcomes, "rejected") == {"9"}
    assert (outcomes["9"].code, outcomes["9"].message) == ("collision", "HubSpot refused it: CONFLICT")
    assert len(in_state(outcomes, "written")) == 99


def test_a_404_for_the_batch_finds_who_is_gone(crm: HubSpot, account: Account) -> None:
    """Merged-away and deleted ids are told as gone, alone."""
    del account.stored["4"]
    account.mood = lambda heard: (
        Reply(404, {"message": "resource not found"}) if any(one["id"] == "4" for one in heard.body["inputs"]) else None
    )

    outcomes = write(crm, ["1", "2", "3", "4"])

    assert in_state(outcomes, "gone") == {"4"}
    assert in_state(outcomes, "written") == {"1", "2", "3"}


@pytest.mark.parametrize("status", [404, 501])
def test_nobody_is_gone_because_the_call_is_not_there(crm: HubSpot, account: Account, status: int) -> None:
    """A gateway that lost its way says 404 as well: whoever can be read is there, and nobody is given up."""
    account.mood = lambda _heard: Reply(status, {"message": "no route"})

    assert in_state(write(crm, ["1", "2", "3"]), "unknown") == {"1", "2", "3"}


def test_lesson_23_an_answer_lost_after_the_write_is_looked_up_not_sent_again(crm: HubSpot, account: Account) -> None:
    """The server applied it and hung up: reading back shows it, one update call in all."""

    def apply_and_hang_up(heard: Heard) -> Reply:
        account.update(heard)
        return SILENCE

    account.mood = apply_and_hang_up

    assert in_state(write(crm, ["1", "2"]), "written") == {"1", "2"}
    assert account.updates == 1


def test_lesson_23_what_did_not_arrive_is_sent_again_after_looking(crm: HubSpot, account: Account) -> None:
    """The connection broke in the middle: only the rows that are not there go out a second time."""
    sent: list[list[str]] = []

    def half(heard: Heard) -> Reply | None:
        sent.append([one["id"] for one in heard.body["inputs"]])
        if len(sent) > 1:
            return None
        account.apply(heard.body["inputs"][0])
        return Reply(502, {})

    account.mood = half

    assert in_state(write(crm, ["1", "2"]), "written") == {"1", "2"}
    assert sent == [["1", "2"], ["2"]]


def test_what_stays_unclear_is_unknown(crm: HubSpot, account: Account) -> None:
    """Server errors that never end: no outcome is invented."""
    account.mood = lambda _heard: Reply(500, {})

    assert in_state(write(crm, ["1", "2"]), "unknown") == {"1", "2"}


def breaks_on(account: Account, *ids: str, status: int = 500) -> Callable[[Heard], Reply | None]:
    """The server fails whenever one of these is in a batch, before anything is applied."""
    return lambda heard: Reply(status, {}) if set(ids) & {one["id"] for one in heard.body["inputs"]} else None


@pytest.mark.parametrize("ids", [("50",), ("1", "51", "52")])
def test_lesson_21_a_record_that_breaks_the_server_keeps_no_other_from_being_written(
    crm: HubSpot, account: Account, ids: Ids
) -> None:
    """After two looks the batch goes out in halves: the one at fault is found, and told with a code of its own."""
    account.mood = breaks_on(account, *ids)

    outcomes = write(crm, list(account.stored))

    assert in_state(outcomes, "rejected") == set(ids)
    assert {outcomes[id_].code for id_ in ids} == {"server_fails"}
    assert len(in_state(outcomes, "written")) == 100 - len(ids)
    assert account.updates <= 3 + len(ids) * (2 * math.ceil(math.log2(100)) + 1)


@pytest.mark.parametrize("status", [502, 504])
def test_lesson_23_what_only_times_out_is_found_as_well_but_not_called_refused(
    crm: HubSpot, account: Account, status: int
) -> None:
    """It may arrive later: unknown, and all others written."""
    account.mood = breaks_on(account, "50", status=status)

    outcomes = write(crm, list(account.stored))

    assert in_state(outcomes, "unknown") == {"50"}
    assert len(in_state(outcomes, "written")) == 99


def test_where_the_server_fails_at_everything_nobody_is_to_blame(crm: HubSpot, account: Account) -> None:
    """Four looks in vain, eight calls for a hundred people: unknown, all of them; and so is who goes out alone."""
    account.mood = lambda _heard: Reply(500, {})

    assert len(in_state(write(crm, list(account.stored)), "unknown")) == 100
    assert account.updates == 8
    assert in_state(write(crm, ["1"]), "unknown") == {"1"}


def test_lesson_23_what_arrived_in_part_is_never_called_refused(crm: HubSpot, account: Account) -> None:
    """The server fails at one record after it has stored one of two values: read back by the next run."""

    def half(heard: Heard) -> Reply | None:
        if "2" not in {one["id"] for one in heard.body["inputs"]}:
            return None
        account.stored["2"]["city"] = "x"
        return Reply(500, {})

    account.mood = half
    outcomes = write(crm, ["1", "2", "3", "4"], {"city": "x", "jobtitle": "y"})

    assert (in_state(outcomes, "unknown"), in_state(outcomes, "written")) == ({"2"}, {"1", "3", "4"})


def test_lesson_27_a_value_hubspot_keeps_in_another_form_counts_as_arrived(crm: HubSpot, account: Account) -> None:
    """Numbers and instants are normalised; the look after a lost answer knows them again."""

    def normalise(heard: Heard) -> Reply:
        account.stored["1"] = {"cx_fit": "12", "cx_at": "2026-11-22T09:00:00.000Z", "city": ""}
        return SILENCE

    account.mood = normalise

    outcomes = write(crm, ["1"], {"cx_fit": "12.0", "cx_at": "2026-11-22T10:00:00+01:00", "city": ""})
    assert in_state(outcomes, "written") == {"1"}
    assert account.updates == 1


def test_a_token_without_the_right_to_write_stops_everything(crm: HubSpot, account: Account) -> None:
    """403 is nobody's data: no halving, no rejects."""
    account.mood = lambda _heard: Reply(403, {"category": "MISSING_SCOPES"})

    with pytest.raises(Denied, match="scope"):
        write(crm, ["1", "2"])
    assert account.updates == 1


#: Answers after which nobody knows what was applied: the write went through all the same.
LOST: dict[str, Reply] = {
    "dropped": SILENCE,
    "cut": Reply(json={"results": [{"id": "1"}, {"id": "2"}]}, cut=12),
    "half a JSON object": Reply(raw=b'{"results":[{"id":"1","prop'),
    "an error page": Reply(200, raw=b"<html>\xff\xfe bad gateway</html>"),
    "a list": Reply(json=[{"id": "1"}]),
    "nothing": Reply(json={"results": []}),
    "null": Reply(json={"results": None, "errors": None}),
    "strange results": Reply(json={"results": ["1", 2, None, {"id": None}, {"id": "99"}]}),
    "only one": Reply(json={"results": [{"id": 1, "properties": {"city": "city 1"}}]}),
    "server error": Reply(500, raw=b"\xff"),
    "gateway timeout": Reply(504, json={}),
    "slow origin": Reply(524, raw=b""),
}


@pytest.mark.parametrize("reply", LOST.values(), ids=LOST)
def test_lesson_22_lesson_23_every_unusable_answer_is_resolved_by_reading_back(
    crm: HubSpot, account: Account, reply: Reply
) -> None:
    """Applied and answered with nonsense: each id has one outcome, found out without a second write."""

    def apply_and_babble(heard: Heard) -> Reply:
        account.update(heard)
        return reply

    account.mood = apply_and_babble

    assert in_state(write(crm, ["1", "2"]), "written") == {"1", "2"}
    assert account.updates == 1


@pytest.mark.parametrize("reply", LOST.values(), ids=LOST)
def test_lesson_22_an_unusable_answer_to_nothing_applied_is_never_called_success(
    crm: HubSpot, account: Account, reply: Reply
) -> None:
    """Nothing is believed but what names the id."""
    account.mood = lambda _heard: reply

    outcomes = write(crm, ["1", "2"])

    named = {"1"} if reply is LOST["only one"] else set()
    assert in_state(outcomes, "written") == named
    assert in_state(outcomes, "unknown") == {"1", "2"} - named
    assert {outcomes[id_].code for id_ in in_state(outcomes, "unknown")} == {"not_applied"}


def test_lesson_22_whoever_a_look_passes_over_once_is_not_gone(account: Account) -> None:
    """The answer was lost, and the first look leaves somebody out without a word: they live, and it was written."""
    looks: list[list[str]] = []
    lost = [account.update]
    account.mood = lambda heard: lost.pop()(heard) and SILENCE if lost else None

    def forgetful(heard: Heard) -> Reply:
        if heard.path.endswith("/batch/read"):
            looks.append([one["id"] for one in heard.body["inputs"]])
            if len(looks) == 1:
                heard.body["inputs"].pop()
        return account(heard)

    with Script(forgetful) as script:
        hubspot = HubSpot("t", base_url=script.url, clock=lambda: 0.0, sleep=lambda _: None, attempts=2, timeout=5.0)
        del account.stored["3"]
        outcomes = write(hubspot, ["1", "2", "3", "4"])
        hubspot.close()

    assert in_state(outcomes, "written") == {"1", "2", "4"}
    assert in_state(outcomes, "gone") == {"3"}
    assert looks == [["1", "2", "3", "4"], ["3", "4"]]


def test_lesson_23_what_cannot_even_be_looked_up_stays_unknown(crm: HubSpot, account: Account) -> None:
    """Neither write nor read gets through: one write call, and the next run will know."""
    account.mood = lambda _heard: SILENCE
    answer = account.__class__.__call__

    def deaf(heard: Heard) -> Reply:
        return SILENCE if heard.path.endswith("/batch/read") else answer(account, heard)

    with Script(deaf) as script:
        hubspot = HubSpot("t", base_url=script.url, clock=lambda: 0.0, sleep=lambda _: None, attempts=2, timeout=5.0)
        outcomes = write(hubspot, ["1", "2"])
        hubspot.close()

    assert in_state(outcomes, "unknown") == {"1", "2"}
    assert {one.code for one in outcomes.values()} == {"no_answer"}
    assert account.updates == 1


def test_trap_15_trap_18_updates_go_by_record_id_and_blanks_are_sent_as_blanks(crm: HubSpot, account: Account) -> None:
    """Never by e-mail, which HubSpot ignores in a batch; "" clears, and a property left out stays as it is."""
    heard: list[Heard] = []
    account.stored["1"] = {"city": "Oslo", "country": "Norway"}
    account.mood = heard.append  # type: ignore[assignment]  # hears, and leaves the answer to the account

    write(crm, ["1"], {"city": ""})

    (sent,) = heard[0].body["inputs"]
    assert (sent["id"], sent["properties"], "idProperty" in sent) == ("1", {"city": ""}, False)
    assert account.stored["1"] == {"city": "", "country": "Norway"}


def test_trap_16_nothing_is_ever_created_in_batches() -> None:
    """A refused batch create names one offender only: tasks are made one by one, and people never."""
    assert [path for both in PATHS.values() for path in both if "create" in path] == []


def test_many_batches_at_once_keep_the_order_of_the_updates() -> None:
    """Eight threads, 25 batches, outcomes where their updates stood."""
    ids = [str(number) for number in range(1, 251)]
    account = Account(ids)
    random.Random(1).shuffle(ids)
    with Script(account) as script:
        hubspot = HubSpot(
            "t", base_url=script.url, read=Reading(batch=10), clock=lambda: 0.0, sleep=lambda _: None, timeout=5.0
        )
        outcomes = write(hubspot, ids)
        hubspot.close()

    assert in_state(outcomes, "written") == set(ids)
    assert account.updates == 25
