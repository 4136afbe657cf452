"""The verb rejects: what is set aside, what it means, what to do, and trying it again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.ledger import open_ledger
from tests.cli.desk import Desk

REFUSAL = {"category": "VALIDATION_ERROR", "message": "no", "errors": [{"code": "INVALID_OPTION"}]}


def refuse(desk: Desk, *ids: str) -> None:
    """HubSpot refuses these people and names no property."""
    for id in ids:
        desk.world.edit("contacts", id, {"jobtitle": "Student"})
    desk.sandbox.fault("answer", path="contacts/batch/update", times=0, status=400, body=REFUSAL)
    assert desk("sync").code == 3
    desk.sandbox.faults.clear()


def test_a_reject_is_listed_with_what_it_means_and_what_to_do(synced: Desk) -> None:
    """By code, with a sentence each; as JSON with everything a script asks for."""
    refuse(synced, "3", "4")

    text = synced("rejects").out
    told = synced("rejects", "list", "--output", "json").json

    for part in ("value_not_allowed: 2 records", "The property does not take this value", "Add the option in the CRM"):
        assert part in text
    assert all(f"contact {id}" in text for id in "34")
    assert [(one["kind"], one["id"], one["code"]) for one in told["rejects"]] == [
        ("contact", id, "value_not_allowed") for id in ("3", "4")
    ]
    assert {"message", "properties", "whole", "attempts", "run", "first_at", "at", "next_at"} <= set(told["rejects"][0])
    assert [(one["code"], one["records"]) for one in told["codes"]] == [("value_not_allowed", 2)]
    assert "HubSpot refused it: INVALID_OPTION" in text
    assert synced("rejects", "--code", "collision").out.strip() == "✓ Nothing is set aside."


def test_a_reject_is_shown_with_its_whole_story(synced: Desk) -> None:
    """One record: meaning, remedy, how often, when again."""
    refuse(synced, "3")

    text = synced("rejects", "show", "3").out
    for part in ("contact 3: value_not_allowed", "what to do", "once, first", "when something about it changes, else"):
        assert part in text
    assert synced("rejects", "show", "3", "--output", "json").json["rejects"][0]["attempts"] == 1
    gone = synced("rejects", "show", "4")
    assert (gone.code, "Record 4 is not set aside" in gone.err) == (64, True)


@pytest.mark.parametrize("which", [("3", "4"), ("--code", "value_not_allowed"), ("--all",)])
def test_rejects_are_tried_again_when_somebody_asks(synced: Desk, which: tuple[str, ...]) -> None:
    """Not before: the run between sends nothing; afterwards all is well."""
    refuse(synced, "3", "4")
    between = synced("sync", "--output", "json")
    assert (between.code, between.json["counts"]["looked_at"]) == (3, 0)
    assert between.json["set_aside"] == {"value_not_allowed": 2}
    assert "2 records are set aside, value_not_allowed" in synced("sync").out

    assert "2 records are tried again in the next run" in synced("rejects", "retry", *which).out
    done = synced("sync", "--output", "json")
    assert (done.code, done.json["counts"]["written"], done.json["set_aside"]) == (0, 2, {})
    assert "Nothing is set aside" in synced("rejects").out
    assert "Nothing is set aside" in synced("rejects", "retry", "--all").out


def test_retry_wants_to_know_which(synced: Desk) -> None:
    """Nothing, an unknown record and an unknown code are told apart; nothing is tried by mistake."""
    refuse(synced, "3")

    for words, said in (
        (("retry",), "Say which to try again"),
        (("retry", "9"), "Not set aside: 9"),
        (("retry", "--code", "nonsense"), "There is no code nonsense"),
        (("--code", "nonsense"), "There is no code nonsense"),
    ):
        told = synced("rejects", *words)
        assert (told.code, said in told.err) == (64, True), told.err
    assert synced("rejects", "retry", "3", "--output", "json").json["retried"] == [
        {"kind": "contact", "id": "3", "code": "value_not_allowed"}
    ]


def test_lesson_28_an_option_added_again_is_tried_by_the_next_run(synced: Desk) -> None:
    """The admin repairs the property in HubSpot: nobody has to tell the connector."""
    options = synced.world.definitions["contacts"]["cx_persona"].options
    refusal = '[{"message":"no","error":"INVALID_OPTION","name":"cx_persona"}]'
    body = {"category": "VALIDATION_ERROR", "message": f"Property values were not valid: {refusal}"}
    synced.world.edit("contacts", "3", {"jobtitle": "Clerk"})
    synced.sandbox.fault("answer", path="contacts/batch/update", status=400, body=body)
    told = synced("sync", "--output", "json")
    assert (told.code, told.json["counts"]["written"]) == (3, 1)
    listed = synced("rejects", "--output", "json").json["rejects"][0]
    assert (listed["properties"], listed["whole"]) == (["cx_persona"], False)
    assert "everything else is written without it" in synced("rejects", "show", "3").out
    assert synced("sync", "--output", "json").json["counts"]["looked_at"] == 0

    definition = synced.world.definitions["contacts"]["cx_persona"]
    more = (*options, type(options[0])("something_new", "Something new"))
    synced.world.definitions["contacts"]["cx_persona"] = type(definition)(
        **{name: getattr(definition, name) for name in definition.__slots__} | {"options": more}
    )

    assert (synced("sync").code, synced("rejects", "--output", "json").json["rejects"]) == (0, [])


def test_lesson_50_a_run_in_which_somebody_was_refused_is_no_success(synced: Desk) -> None:
    """3 and partial, with the codes, for as long as anybody is set aside; `status` says the same without a call."""
    refuse(synced, "3", "4")

    idle = synced("sync", "--output", "json")
    status = synced("status", "--output", "json").json

    assert (idle.code, idle.json["status"], idle.json["set_aside"]) == (3, "partial", {"value_not_allowed": 2})
    assert (status["rejects"], status["rejects_by_code"]) == (2, {"value_not_allowed": 2})
    assert "2: 2 value_not_allowed (connector rejects)" in synced("status").out


def test_lesson_52_status_says_which_scope_was_lost(synced: Desk) -> None:
    """A run that could not read the deals any more: its code and its message, the next day as well."""
    context = {"requiredGranularScopes": ["crm.objects.deals.read"]}
    body = {"category": "MISSING_SCOPES", "message": "no", "errors": [{"message": "no", "context": context}]}
    synced.sandbox.fault("answer", path="deals/search", times=0, status=403, body=body)

    failed = synced("sync", "--output", "json")

    assert (failed.code, failed.json["code"]) == (1, "scope")
    last = synced("status", "--output", "json").json["last_run"]
    assert (last["status"], last["code"], "crm.objects.deals.read" in last["message"]) == ("failed", "scope", True)
    assert "scope: " in synced("status").out


def test_trying_again_waits_for_a_run_under_way(synced: Desk) -> None:
    """What a run has in hand is not set free behind its back."""
    refuse(synced, "3")
    ledger = open_ledger(f"sqlite:///{synced.ledger}", "acme")
    fence = ledger.runs.take_lease("elsewhere:1:ab", datetime.now(UTC))
    assert synced("rejects", "retry", "3").code == 6
    ledger.runs.drop_lease(fence)
    assert synced("rejects", "retry", "3").code == 0
    ledger.database.close()
