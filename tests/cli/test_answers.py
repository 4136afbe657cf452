"""Sales in the account, through the commands: setup makes their fields, the task speaks to them, explain tells."""

from __future__ import annotations

import pytest

from connector.sandbox import Sandbox
from connector.sandbox.stock import OWNERS
from tests.cli.desk import TOKEN, Desk, account

DEWI = OWNERS[2]  # the third of the sandbox's owners


def task_of(desk: Desk) -> dict[str, str]:
    """The one task of the account."""
    [task] = desk.world.snapshot(("tasks",))["tasks"].values()
    return {name: value for name, value in task.items() if value is not None}


@pytest.mark.parametrize(("language", "label"), [('"en"', "Sales answer"), ('"pl"', "Odpowiedź sprzedaży")])
def test_setup_creates_people_s_fields_in_their_language(desk: Desk, language: str, label: str) -> None:
    """Choices with labels, days as days; called what the connection's language calls them."""
    with Sandbox(account(with_own=False), token=TOKEN, burst=10_000) as bare:
        desk.configure(base_url=f'"{bare.url}"', language=language)
        assert desk("setup", "--yes").code == 0
        made = bare.world.definitions["contacts"]
        answer, day = made["cx_sales_answer"], made["cx_call_back_on"]
        assert (answer.type, answer.label, day.type) == ("enumeration", label, "date")
        assert (answer.options[0].value, answer.options[0].label) == ("accepted", "Accepted")
        assert made["cx_rejection_reason"].type == "enumeration"
        assert (made["cx_hold_until"].type, made["cx_hold_reason"].type) == ("date", "string")
        assert "Nothing is missing" in desk("setup").out
        assert desk("check").code == 0


def test_the_task_speaks_the_connection_s_language_on_the_owner_s_clock(desk: Desk) -> None:
    """Owner 501 by e-mail address, in Jakarta; the link opens the record."""
    zones = f'{{ time_zones = {{ "{OWNERS[0].email}" = "Asia/Jakarta" }} }}'
    desk.configure(language='"id"', tasks=zones)

    assert desk("sync", "--yes").code == 0
    body = task_of(desk)["hs_task_body"]

    assert "(Asia/Jakarta)" in body
    assert "Kontak pertama paling lambat:" in body
    assert "/record/0-1/2" in body


def test_a_task_of_the_queue_is_on_the_queue_s_clock(desk: Desk) -> None:
    """Owner 501 takes none: the queue reads when it is due where the queue sits."""
    zones = '{ "501" = "America/New_York", "505" = "Europe/Warsaw" }'
    desk.configure(tasks=f'{{ never_to = ["501"], no_owner = "505", time_zones = {zones} }}')

    assert desk("sync", "--yes").code == 0
    assert "(Europe/Warsaw)" in task_of(desk)["hs_task_body"]


def test_without_a_language_the_agreement_s_own_is_spoken(desk: Desk) -> None:
    """The connection says nothing, the agreement says Polish."""
    desk.mapping(("agreement.toml", 'language = "en"', 'language = "pl"'))

    assert desk("sync", "--yes").code == 0
    assert "Otwórz rekord:" in task_of(desk)["hs_task_body"]


def test_who_never_gets_tasks_gets_none(desk: Desk) -> None:
    """By name; the queue by e-mail address."""
    tasks = f'{{ never_to = ["{OWNERS[0].first_name} {OWNERS[0].last_name}"], no_owner = "{OWNERS[4].email}" }}'
    desk.configure(tasks=tasks)

    assert desk("sync", "--yes").code == 0
    assert task_of(desk)["hubspot_owner_id"] == "505"


def test_an_old_interest_is_no_task(desk: Desk) -> None:
    """The setting reaches the run; the person is placed all the same."""
    desk.configure(tasks="{ only_signals_newer_than_days = 30 }")
    assert desk("sync", "--yes").code == 0
    assert desk.tasks() == 1


@pytest.mark.parametrize("setting", ["never_to", "time_zones"])
@pytest.mark.parametrize("verb", ["check", "sync"])
def test_an_owner_nobody_knows_is_told_with_a_guess(desk: Desk, verb: str, setting: str) -> None:
    """Exit 4, the setting, and the nearest owner by id: messages hold no names and addresses."""
    wrong = DEWI.email.replace("larasati", "larasatti")
    value = f'["{wrong}"]' if setting == "never_to" else f'{{ "{wrong}" = "Asia/Jakarta" }}'
    desk.configure(tasks=f"{{ {setting} = {value} }}")
    told = desk(*([verb, "--yes"] if verb == "sync" else [verb]))

    assert told.code == 4
    said = told.out + told.err
    assert f"connections.acme.tasks.{setting}" in said
    assert f"Did you mean owner {DEWI.id}?" in " ".join(said.split())
    assert desk.writes == 0


def test_explain_shows_a_hold_and_needs_no_call(synced: Desk) -> None:
    """Who holds the record reads it there, with the reason; the next run writes scores at most."""
    synced.world.edit("contacts", "1", {"cx_hold_until": "2099-04-30", "cx_hold_reason": "legal review"})
    assert synced("sync").code == 0
    calls = sum(synced.sandbox.hubspot.calls.values())
    told = synced("explain", "1", "--show-values")

    assert "on hold until 2099-04-30: legal review" in " ".join(told.out.split())
    assert sum(synced.sandbox.hubspot.calls.values()) == calls
    assert (
        "on hold until 2099-04-30: legal review"
        in synced("explain", "1", "--show-values", "--output", "json").json["warnings"]
    )


def test_an_answer_through_the_commands(synced: Desk) -> None:
    """Accepted on the record; the next sync follows, the one after has nothing to do."""
    synced.world.edit("contacts", "2", {"cx_sales_answer": "accepted"})

    assert synced("sync").code == 0
    assert synced.contact("2")["hs_lead_status"] == "IN_PROGRESS"
    writes = synced.writes
    assert synced("sync").code == 0
    assert synced.writes == writes
