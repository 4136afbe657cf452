"""$batch: framing, order, stopping and going on, change sets; and the bulk messages."""

from __future__ import annotations

from email import message_from_bytes
from email.message import Message
from typing import Any, NamedTuple

import orjson
import pytest
import requests

from connector.sandbox.dataverse import DataverseSandbox, Environment
from connector.sandbox.dataverse.schema import Ref
from tests.sandbox.dataverse.conftest import Api, guid, refusal


class Told(NamedTuple):
    """One part of an answer."""

    status: int
    headers: dict[str, str]
    body: Any


def operation(method: str, address: str, body: Any = None, *, id: str = "", **headers: str) -> str:
    """One part, framed as it has to be."""
    head = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    head += [f"Content-ID: {id}"] if id else []
    inner = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    inner += ["Content-Type: application/json; type=entry"] if body is not None else []
    text = "" if body is None else orjson.dumps(body).decode()
    return "\r\n".join([*head, "", f"{method} {address} HTTP/1.1", *inner, "", text])


def framed(*parts: str, boundary: str = "batch_1") -> str:
    return "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"


def change_set(*parts: str) -> str:
    return f'Content-Type: multipart/mixed; boundary="changeset_1"\r\n\r\n{framed(*parts, boundary="changeset_1")}'


def send(sandbox: DataverseSandbox, body: str, kind: str = "", **headers: str) -> requests.Response:
    told = sandbox.headers | {"Content-Type": kind or 'multipart/mixed; boundary="batch_1"'}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.post(f"{sandbox.url}/api/data/v9.2/$batch", data=body.encode(), headers=told, timeout=10)


def parts(answer: requests.Response) -> list[Told]:
    """The parts of an answer, those of change sets in their places."""
    kind = answer.headers["Content-Type"]
    return [
        _told(one)
        for one in _leaves(message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + answer.content))
    ]


def _leaves(message: Message) -> list[Message]:
    if not message.is_multipart():
        return [message]
    return [leaf for part in message.get_payload() for leaf in _leaves(part)]  # type: ignore[arg-type]  # a multipart message holds messages


def _told(message: Message) -> Told:
    head, _, body = message.get_payload(decode=True).partition(b"\r\n\r\n")  # type: ignore[union-attr]  # a leaf holds bytes
    line, *rest = head.decode().split("\r\n")
    headers = dict(one.split(": ", 1) for one in rest)
    text = body.strip()
    return Told(int(line.split()[1]), headers, orjson.loads(text) if text else None)


@pytest.fixture
def three(world: Environment) -> list[str]:
    return [world.add("contact", {"lastname": f"L{n}"}, id=guid(n)).id for n in (1, 2, 3)]


def changes(ids: list[str], stale: str | None = None) -> list[str]:
    """A change of each of these; with an ETag that is none for one of them."""
    wrong = {"If_Match": 'W/"1"'}
    return [
        operation("PATCH", f"/api/data/v9.2/contacts({id})", {"jobtitle": "CTO"}, **(wrong if id == stale else {}))
        for id in ids
    ]


def titles(world: Environment, ids: list[str]) -> list[Any]:
    return [world.get("contact", id).values.get("jobtitle") for id in ids]


def test_operations_are_done_and_told_in_their_order(api: Api, sandbox: DataverseSandbox, three: list[str]) -> None:
    """Whole addresses, those from the root and those below the service."""
    body = framed(
        operation("GET", f"{sandbox.url}/api/data/v9.2/contacts({three[0]})?$select=lastname"),
        operation("PATCH", f"/api/data/v9.2/contacts({three[1]})", {"jobtitle": "CTO"}, If_Match="*"),
        operation("GET", f"contacts({three[1]})?$select=jobtitle"),
        operation("POST", "contacts?$select=lastname", {"lastname": "N"}, Prefer="return=representation"),
        operation("DELETE", f"contacts({three[2]})"),
    )
    answer = send(sandbox, body)
    told = parts(answer)

    assert answer.status_code == 200
    assert "boundary=batchresponse_" in answer.headers["Content-Type"]
    assert [one.status for one in told] == [200, 204, 200, 201, 204]
    assert (told[0].body["lastname"], told[2].body["jobtitle"], told[3].body["lastname"]) == ("L1", "CTO", "N")
    assert told[1].headers["OData-EntityId"].endswith(f"contacts({three[1]})")
    assert told[0].body["@odata.etag"] == api("GET", f"contacts({three[0]})").headers["ETag"]


def test_without_going_on_the_answer_is_shorter_than_the_batch(
    sandbox: DataverseSandbox, world: Environment, three: list[str]
) -> None:
    answer = send(sandbox, framed(*changes(three, stale=three[1])))

    assert answer.status_code == 412
    assert [one.status for one in parts(answer)] == [204, 412]
    assert titles(world, three) == ["CTO", None, None]


def test_going_on_leaves_out_only_what_failed(sandbox: DataverseSandbox, world: Environment, three: list[str]) -> None:
    answer = send(sandbox, framed(*changes(three, stale=three[1])), Prefer="odata.continue-on-error")
    told = parts(answer)

    assert answer.status_code == 200
    assert [one.status for one in told] == [204, 412, 204]
    assert told[1].body["error"]["code"] == "0x80060882"
    assert "REQ_ID" in told[1].headers
    assert titles(world, three) == ["CTO", None, "CTO"]


@pytest.mark.parametrize("errors", ["one", "each"])
def test_a_change_set_is_done_as_a_whole_or_not_at_all(
    sandbox: DataverseSandbox, world: Environment, three: list[str], errors: str
) -> None:
    sandbox.switch(change_set_errors=errors)
    before = [world.get("contact", id) for id in three]
    inner = [
        part.replace("\r\n\r\n", f"\r\nContent-ID: {n}\r\n\r\n", 1) for n, part in enumerate(changes(three, three[2]))
    ]

    answer = send(sandbox, framed(change_set(*inner)), Prefer="odata.continue-on-error")

    assert [one.status for one in parts(answer)] == ([412] if errors == "one" else [412] * 3)
    assert [world.get("contact", id) for id in three] == before
    whole = send(sandbox, framed(change_set(*inner[:2])))
    assert [one.status for one in parts(whole)] == [204, 204]
    assert titles(world, three) == ["CTO", "CTO", None]


def test_a_change_set_refers_to_what_it_made_before(sandbox: DataverseSandbox, world: Environment) -> None:
    made = operation("POST", "/api/data/v9.2/accounts", {"accountid": guid(7), "name": "Acme"}, id="1")
    linked = {"contactid": guid(8), "lastname": "X", "parentcustomerid_account@odata.bind": "$1"}
    there = operation("POST", "/api/data/v9.2/contacts", linked, id="2")

    assert [one.status for one in parts(send(sandbox, framed(change_set(made, there))))] == [204, 204]
    assert world.get("contact", guid(8)).values["parentcustomerid"] == Ref("account", guid(7))
    other = operation("POST", "/api/data/v9.2/contacts", linked | {"contactid": guid(9)}, id="2")
    assert [one.status for one in parts(send(sandbox, framed(change_set(other))))] == [400]


def test_framing_is_read_strictly(sandbox: DataverseSandbox, three: list[str], world: Environment) -> None:
    """Nothing is done where anything about the frame is wrong."""
    good = framed(*changes(three))
    get = f"contacts({three[0]})"
    bad = {
        "line ends": good.replace("\r\n", "\n"),
        "no end": good.removesuffix("--batch_1--\r\n"),
        "no transfer encoding": good.replace("Content-Transfer-Encoding: binary\r\n", "", 1),
        "no content type": good.replace("Content-Type: application/http\r\n", "X: y\r\n", 1),
        "no empty line after a GET": framed(operation("GET", get).removesuffix("\r\n\r\n")),
        "no request line": good.replace("PATCH /", "PATCH", 1).replace("PATCHapi", "PATCHES api"),
        "GET in a change set": framed(change_set(operation("GET", get, id="1"))),
        "no Content-ID": framed(change_set(*changes(three))),
        "nothing": "",
    }
    for what, body in bad.items():
        answer = send(sandbox, body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "0x8006088a"), what
    assert send(sandbox, good, kind="application/json").status_code == 400
    assert titles(world, three) == [None] * 3
    assert send(sandbox, "\r\n" + good).status_code == 200


def test_a_batch_holds_a_thousand_operations_and_no_other_batch(sandbox: DataverseSandbox) -> None:
    one = operation("GET", "WhoAmI")

    assert len(parts(send(sandbox, framed(*[one] * 1000)))) == 1000
    assert send(sandbox, framed(*[one] * 1001)).status_code == 400
    nested = parts(send(sandbox, framed(operation("POST", "$batch", {}))))
    assert [told.status for told in nested] == [400]


def test_a_batch_may_be_throttled_as_a_whole_or_in_one_part(sandbox: DataverseSandbox, three: list[str]) -> None:
    """Both are possible; a caller has to know the difference."""
    sandbox.fault("throttle", path="batch", policy="time", retry_after=7)
    refused = send(sandbox, framed(*changes(three)))
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "7")
    assert refused.json()["error"]["code"] == "0x80072321"

    sandbox.do("plugin", {"table": "contacts", "ids": [three[1]], "reason": "TooConcurrent"})
    told = parts(send(sandbox, framed(*changes(three)), Prefer="odata.continue-on-error"))
    assert [one.status for one in told] == [204, 429, 204]


def test_each_operation_of_a_batch_takes_its_time(sandbox: DataverseSandbox) -> None:
    sandbox.switch(execution_ms=100_000)
    answer = send(sandbox, framed(*[operation("GET", "WhoAmI")] * 9))
    assert (answer.status_code, answer.headers["x-ms-ratelimit-time-remaining-xrm-requests"]) == (200, "300.00")


def test_parts_may_get_lost_without_a_word(sandbox: DataverseSandbox, world: Environment, three: list[str]) -> None:
    sandbox.fault("lose_rows", path="batch", rows=2)

    assert [one.status for one in parts(send(sandbox, framed(*changes(three))))] == [204]
    assert titles(world, three) == ["CTO"] * 3


# -- bulk messages ---------------------------------------------------------------------------------------


def targets(ids: list[str], **values: Any) -> dict[str, Any]:
    return {"Targets": [{"@odata.type": "Microsoft.Dynamics.CRM.contact", "contactid": id} | values for id in ids]}


UPDATE = "contacts/Microsoft.Dynamics.CRM.UpdateMultiple"


def test_update_multiple_writes_all_or_nothing(api: Api, world: Environment, three: list[str]) -> None:
    assert api("POST", UPDATE, targets([*three, guid(9)], jobtitle="CTO")).status_code == 404
    assert titles(world, three) == [None] * 3
    assert api("POST", UPDATE, targets(three, jobtitle="CTO")).status_code == 204
    assert titles(world, three) == ["CTO"] * 3


def test_update_multiple_does_the_first_of_two_and_says_nothing(api: Api, world: Environment, three: list[str]) -> None:
    body = targets(three[:1], jobtitle="first")
    body["Targets"] += targets(three[:1], jobtitle="second")["Targets"]

    assert api("POST", UPDATE, body).status_code == 204
    assert titles(world, three) == ["first", None, None]


def test_bulk_messages_want_types_and_tables_that_know_them(
    api: Api, sandbox: DataverseSandbox, three: list[str]
) -> None:
    untyped = {"Targets": [{"contactid": three[0], "jobtitle": "x"}]}
    assert refusal(api("POST", UPDATE, untyped))[0] == 400
    assert refusal(api("POST", "tasks/Microsoft.Dynamics.CRM.UpdateMultiple", untyped)) == (501, "0x80040800")
    sandbox.do("table", {"table": "contacts", "multiple": []})
    assert refusal(api("POST", UPDATE, targets(three, jobtitle="x"))) == (501, "0x80040800")


def test_create_and_upsert_multiple(api: Api, world: Environment) -> None:
    made = api("POST", "contacts/Microsoft.Dynamics.CRM.CreateMultiple", targets([guid(1), guid(2)], lastname="X"))
    assert made.json()["Ids"] == [guid(1), guid(2)]

    upsert = "contacts/Microsoft.Dynamics.CRM.UpsertMultiple"
    assert api("POST", upsert, targets([guid(2), guid(3)], lastname="Y")).status_code == 204
    assert [world.get("contact", guid(n)).values["lastname"] for n in (1, 2, 3)] == ["X", "Y", "Y"]
    assert api("POST", upsert, targets([guid(2), guid(2)], lastname="Z")).status_code == 412

    score = {"@odata.type": "Microsoft.Dynamics.CRM.msdyn_predictivescore", "msdyn_score": 5}
    key = f"msdyn_predictivescores(msdyn_entityid='{guid(1)}',msdyn_entitytype='lead')"
    path = "msdyn_predictivescores/Microsoft.Dynamics.CRM.UpsertMultiple"
    assert api("POST", path, {"Targets": [score | {"@odata.id": key}]}).status_code == 204
    repeated = score | {"@odata.id": key, "msdyn_entitytype": "lead"}
    assert refusal(api("POST", path, {"Targets": [repeated]})) == (400, "0x80040203")
