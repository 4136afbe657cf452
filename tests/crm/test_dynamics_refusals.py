"""What Dataverse's refusals become: status first, code second, wording last, and never a word that quotes a value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from connector import codes
from connector.crm.dynamics import refusals
from connector.crm.dynamics.refusals import Refused, error_of
from connector.crm.wire import Answer
from connector.errors import CrmError, Denied, NotFound, OutcomeUnknown, Throttled

ID = "0a1b2c3d-0000-4000-8000-000000000001"
OTHER = "0a1b2c3d-0000-4000-8000-000000000002"
SHOWN = f"PATCH contacts({ID})"


def answer(status: int, code: str = "", message: str = "", headers: Mapping[str, str] | None = None) -> Answer:
    """An error as Dataverse words it."""
    body = {"error": {"code": code, "message": message}}
    return Answer(status, dict(headers or {}), json.dumps(body).encode())


def error(status: int, code: str = "", message: str = "", **sent: str) -> CrmError:
    return error_of(SHOWN, answer(status, code, message), {name.replace("_", "-"): word for name, word in sent.items()})


@pytest.mark.parametrize(
    ("status", "code", "kind", "ours"),
    [
        (400, "0x80044331", Refused, "value_invalid"),
        (400, "0x8004431a", Refused, "value_not_allowed"),
        (400, "0x80048408", Refused, "value_not_allowed"),
        (400, "0x8004F00E", Refused, "value_not_allowed"),
        (400, "0x80041103", Refused, "property_missing"),
        (400, "0x80040203", Refused, "value_invalid"),
        (400, "0x8004022E", Refused, "record_closed"),
        (400, "0x80040265", Refused, "plugin"),
        (500, "0x80040265", Refused, "plugin"),
        (400, "0x80099999", Refused, "refused"),
        (400, "", Refused, "refused"),
        (400, "0x80072491", Refused, "not_tracked"),
        (400, "0x8006088D", Refused, "no_versions"),
        (401, "", Denied, "token"),
        (401, "0x80041D52", Denied, "token"),
        (401, "0x8004A112", Denied, "user_disabled"),
        (403, "0x80042F09", Denied, "user_without_roles"),
        (403, "0x80072560", Denied, "user_missing"),
        (403, "0x80040220", Denied, "scope"),
        (403, "", Denied, "scope"),
        (400, "0x80048306", Denied, "scope"),
        (403, "0x8004F507", Refused, "property_read_only"),
        (404, "0x80040217", NotFound, "gone"),
        (404, "0x80060891", NotFound, "gone"),
        (404, "", NotFound, "not_found"),
        (405, "0x80040315", Refused, "not_supported"),
        (501, "0x80040800", Refused, "not_supported"),
        (501, "0x80040216", Refused, "not_supported"),
        (501, "", Refused, "not_supported"),
        (413, "", Refused, "refused"),
        (412, "0x80060882", Refused, "moved_meanwhile"),
        (412, "0x80040333", Refused, "collision"),
        (412, "0x80040237", Refused, "collision"),
        (412, "0x80060892", Refused, "collision"),
        (500, "0x80040333", Refused, "collision"),
        (429, "0x80072322", Throttled, "throttled"),
        (429, "0x80072321", Throttled, "throttled"),
        (429, "0x80072326", Throttled, "throttled"),
        (429, "", Throttled, "throttled"),
        (503, "0x8005F103", Throttled, "throttled"),
        (500, "0x80044150", OutcomeUnknown, "http_500"),
        (500, "", OutcomeUnknown, "http_500"),
        (502, "", OutcomeUnknown, "http_502"),
        (504, "0x80040265", OutcomeUnknown, "http_504"),
        (408, "", OutcomeUnknown, "http_408"),
        (500, "0x80044352", Refused, "cursor"),
        (503, "0x80044352", Refused, "cursor"),
        (500, "0x80072491", Refused, "not_tracked"),
        (302, "", Denied, "denied"),
        (418, "", Refused, "refused"),
    ],
)
def test_lesson_51_a_status_and_a_code_become_one_error_of_ours(
    status: int, code: str, kind: type[CrmError], ours: str
) -> None:
    """Every row of the table, in either spelling of the hexadecimal digits."""
    found = error(status, code)

    assert type(found) is kind
    assert found.code == ours
    assert codes.of(found) in codes.CODES


@pytest.mark.parametrize(
    ("code", "message", "sent", "ours"),
    [
        (
            "",
            "The version of the existing record doesn't match the RowVersion property provided.",
            {},
            "moved_meanwhile",
        ),
        ("", "A record with matching key values already exists.", {}, "collision"),
        ("", "A duplicate of this record already exists.", {"If_Match": 'W/"1"'}, "collision"),
        ("", "", {"If_Match": 'W/"1"'}, "moved_meanwhile"),
        ("", "", {"if_none_match": "*"}, "collision"),
        ("0x80060882", "already exists", {"If_None_Match": "*"}, "moved_meanwhile"),
    ],
)
def test_dataverse_trap_19_a_412_is_told_apart_where_its_code_is_empty(
    code: str, message: str, sent: dict[str, str], ours: str
) -> None:
    """The code decides, then the wording, then what was asked for: another version is read again, a duplicate never."""
    assert error(412, code, message, **sent).code == ours


@pytest.mark.parametrize(
    ("status", "message", "ours"),
    [
        (429, "Number of requests exceeded the limit of 6000 over time window of 300 seconds.", "REQUESTS"),
        (429, "Combined execution time of incoming requests exceeded limit of 1200000 ms.", "EXECUTION_TIME"),
        (429, "Number of concurrent requests exceeded the limit of 52.", "CONCURRENCY"),
        (403, "The system user was disabled therefore the ticket expired.", "user_disabled"),
        (403, "The user has not been assigned any roles.", "user_without_roles"),
        (401, "The user is not a member of the organization.", "user_missing"),
        (400, "Optimistic concurrency isn't enabled for entity type lead.", "no_versions"),
        (400, "Entity lead isn't enabled for change tracking.", "not_tracked"),
        (400, "Version stamp associated with the client has expired. Please perform a full sync.", "cursor"),
        (400, "A validation error occurred. A string value provided is too long.", "value_invalid"),
        (400, "Cannot convert a value to target type 'Edm.Int32'.", "value_invalid"),
        (400, "The picklist value is out of the range.", "value_not_allowed"),
        (400, "State code is invalid or state code is valid but status code is invalid.", "value_not_allowed"),
        (400, "The object cannot be updated because it is read-only.", "record_closed"),
        (400, "The object is not in a valid state to perform this operation.", "record_closed"),
        (400, "The specified attribute does not exist on this entity.", "property_missing"),
        (404, "The specified object was not found.", "gone"),
        (404, "Resource not found for the segment 'contcts'.", "not_found"),
        (400, "Somebody's plug-in says so.", "refused"),
    ],
)
def test_dataverse_trap_19_an_empty_code_leaves_the_wording(status: int, message: str, ours: str) -> None:
    """In the words of Microsoft's own list; what a plug-in words itself is refused without a reason that we know."""
    found = error(status, "", message)

    assert (found.limit if isinstance(found, Throttled) else found.code) == ours


@pytest.mark.parametrize(
    ("code", "limit"),
    [("0x80072322", "REQUESTS"), ("0x80072321", "EXECUTION_TIME"), ("0x80072326", "CONCURRENCY"), ("", "")],
)
def test_a_429_says_which_of_the_three_limits_it_is_about(code: str, limit: str) -> None:
    """Only its code does; without one it is about any of them."""
    found = error(429, code)

    assert isinstance(found, Throttled)
    assert found.limit == limit


@pytest.mark.parametrize("code", ["0x80040203", "0x80048d19", ""])
def test_dataverse_trap_08_a_column_that_is_not_there_is_told_by_the_wording(code: str) -> None:
    """Also where the code says no more than that something is wrong."""
    for message in (
        "Could not find a property named 'cx_stage' on type 'Microsoft.Dynamics.CRM.contact'.",
        "An undeclared property 'cx_stage' which only has property annotations in the payload but no value was found.",
        "Invalid property 'cx_stage' was found in entity 'Microsoft.Dynamics.CRM.lead'.",
        "The property 'cx_stage' does not exist on type 'Microsoft.Dynamics.CRM.lead'. Only use names that do.",
    ):
        found = error(400, code, message)

        assert isinstance(found, Refused)
        assert (found.code, found.named(["jobtitle", "cx_stage"])) == ("property_missing", ("cx_stage",))


def test_a_record_that_a_column_points_to_is_not_taken_for_the_record_itself() -> None:
    """An owner who is gone must not make a person gone."""
    ours = error(404, "0x80040217", f"Entity 'Contact' With Id = {ID} Does Not Exist")
    owners = error(404, "0x80040217", f"Entity 'SystemUser' With Id = {OTHER} Does Not Exist")

    assert (type(ours), ours.code) == (NotFound, "gone")
    assert (type(owners), owners.code) == (Refused, "target_missing")


@pytest.mark.parametrize("code", ["", "0x80099999", "0x80040203"])
@pytest.mark.parametrize("message", ["This contact does not exist in our ERP.", "The system user was disabled there."])
def test_what_a_plug_in_words_itself_makes_nobody_gone_and_closes_no_door(code: str, message: str) -> None:
    """It is refused, and that is all."""
    found = error(400, code, message)

    assert isinstance(found, Refused)
    assert found.code == ("value_invalid" if code == "0x80040203" else "refused")


def test_lesson_51_a_refusal_names_the_code_and_no_value() -> None:
    """Dataverse quotes what it refuses; we tell its name for it, the privilege and the request id."""
    said = answer(
        403,
        "0x80040220",
        "Principal user (Id=jane@example.com) is missing prvWriteLead privilege for Jane Doe",
        {"x-ms-service-request-id": "req-1"},
    )
    told = str(error_of(SHOWN, said))

    assert "PrivilegeDenied (0x80040220) prvWriteLead" in told
    assert told.endswith("(correlation id req-1)")
    assert "jane" not in told.lower()


def test_annotations_and_inner_errors_change_nothing() -> None:
    """Extra keys, among them traces with personal data, are passed over; so are bodies that are no error at all."""
    body = {
        "error": {
            "code": "0x80040265",
            "message": "no",
            "innererror": {"message": "jane@example.com"},
            "@Microsoft.PowerApps.CDS.TraceText": "jane@example.com",
        }
    }
    found = error_of(SHOWN, Answer(400, {}, json.dumps(body).encode()))

    assert found.code == "plugin"
    assert "jane" not in str(found)
    for odd in (b"", b"<html>", b"[]", b'{"error": "no"}', b'{"error": {"code": 7, "message": []}}', b"\xff"):
        assert error_of(SHOWN, Answer(400, {}, odd)).code == "refused"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "37"}, 37.0),
        ({"Retry-After": " 1.5 "}, 1.5),
        ({"Retry-After": "-3"}, None),
        ({"Retry-After": "0"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "inf"}, None),
        ({}, None),
        ({"Retry-After": "soon"}, None),
        (
            {"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"},
            30.0,
        ),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
    ],
)
def test_lesson_41_how_long_to_wait_is_read_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, a date beside the server's own clock, nothing, nonsense; no time at all is no wish."""
    found = error_of("GET contacts", answer(429, "0x80072322", headers=headers))

    assert isinstance(found, Throttled)
    assert found.retry_after == seconds


def test_a_body_that_is_too_large_says_that_less_would_do() -> None:
    """The writer halves its batch then."""
    found = error(413)

    assert isinstance(found, Refused)
    assert found.too_large


def test_every_code_of_the_table_becomes_one_that_is_documented() -> None:
    """Or is the name of a rate limit; and all known codes are named."""
    throttles = {"REQUESTS", "EXECUTION_TIME", "CONCURRENCY", "THROTTLED", ""}

    assert {ours for _, ours in refusals._CODES.values()} - set(codes.CODES) <= throttles
    assert all(key == f"0x{key[2:].upper()}" for key in refusals._CODES)


def test_the_page_of_codes_names_what_only_dynamics_says() -> None:
    """Whoever meets one of them finds it in docs/errors.md."""
    page = (Path(__file__).parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")

    for code in ("tenant", "app", "user_missing", "user_disabled", "user_without_roles", "scope", "plugin"):
        assert f"| `{code}` |" in page
