"""
What may be wrong with a Dynamics 365 environment, before a run and in the middle of one: what is said of it, by which
verb, with what to do, and that nothing is half written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from connector.crm import Outcome, Update
from connector.crm.dynamics import Dynamics
from connector.sandbox.dataverse.known import CLIENT_ID, TENANT
from connector.sandbox.dataverse.login import CLIENT_SECRET as SECRET
from tests.cli.desk import Told
from tests.cli.test_dynamics import DynamicsDesk, dynamics, ready, server

__all__ = ["dynamics", "ready", "server"]  # fixtures

ELSEWHERE = TENANT[:-1] + "9"
ADMIN_CENTER = "in the Power Platform admin center"

Before = Callable[..., None]


@pytest.fixture
def live(ready: DynamicsDesk) -> DynamicsDesk:
    """An environment with all that is needed, to be written to."""
    ready.configure(mode='"live"', go_live='"always"')
    return ready


def said(told: Told) -> str:
    return " ".join(f"{told.out} {told.err}".split())


def own_values(desk: DynamicsDesk, table: str) -> dict[str, Any]:
    """Our columns of the only person in a table, but for what was there from the beginning."""
    (row,) = desk.sandbox.world.shelf(table).rows()  # type: ignore[attr-defined]  # the other world
    return {name: value for name, value in row.values.items() if name.startswith("cx_") and value is not None} | {
        "cx_lifecyclestage": row.values.get("cx_lifecyclestage")
    }


def untouched(desk: DynamicsDesk, table: str) -> bool:
    return own_values(desk, table) == {"cx_lifecyclestage": 710000001}


# -- before a run --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("control", "body", "code", "words"),
    [
        (
            "app_user",
            {"disabled": True},
            1,
            ("connections.acme.token (env:DESK_TOKEN)", "is disabled in this environment. Activate it", ADMIN_CENTER),
        ),
        (
            "privilege",
            {"table": "leads", "deny": ["Read"]},
            4,
            ("contact.fields: no security role", "grants Read on Lead (prvReadLead)", ADMIN_CENTER),
        ),
        (
            "privilege",
            {"table": "contacts", "deny": ["Write"]},
            4,
            ("grants Write on Contact (prvWriteContact)", "Needed from the mode scores on."),
        ),
        (
            "column",
            {"table": "leads", "name": "cx_stage", "delete": True},
            4,
            ("dynamics.toml:", "cx_stage is not in every table that people stand in: lead lacks it.", "setup"),
        ),
        (
            "table",
            {"table": "contacts", "versions": False},
            4,
            ("the table contact has no optimistic concurrency", "IsOptimisticConcurrencyEnabled"),
        ),
    ],
)
def test_what_is_wrong_is_said_alike_by_plan_and_sync_before_anything_is_written(
    live: DynamicsDesk, control: str, body: dict[str, Any], code: int, words: tuple[str, ...]
) -> None:
    """What, where, and what to do."""
    live.do(control, **body)

    for verb in ("plan", "sync"):
        told = live(verb, *(["--yes"] if verb == "sync" else []))

        assert told.code == code
        assert all(each in said(told) for each in words), said(told)
    assert not live.sandbox.world.writes


def test_an_app_gets_in_and_one_of_another_tenant_is_told_which_setting_to_correct(
    live: DynamicsDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By all three verbs, without a call to the environment; with the right tenant everything is written and taken."""
    monkeypatch.setenv("DESK_SECRET", SECRET)
    app = {
        "mode": '"live"',
        "go_live": '"always"',
        "token": None,
        "client_id": f'"{CLIENT_ID}"',
        "client_secret": '"env:DESK_SECRET"',
        "authority": f'"{live.sandbox.url}"',
    }
    live.configure(**app, tenant_id=f'"{ELSEWHERE}"')
    for verb in (["check"], ["plan"], ["sync", "--yes"]):
        told = live(*verb)
        assert told.code == 1
        assert "connections.acme.tenant_id: " in told.err
        assert "knows no such tenant. Copy the tenant's id from the app registration." in told.err
        assert SECRET not in told.out + told.err
    assert not live.sandbox.service.counted.get("WhoAmI")

    live.configure(**app, tenant_id=f'"{TENANT}"')
    done = live("sync", "--yes")

    assert done.code == 0, done.out + done.err  # nothing was refused, nothing not taken
    assert "2 people looked at: 2 written" in done.out


def test_a_lookup_in_the_wrong_case_is_told_with_the_right_one(live: DynamicsDesk) -> None:
    """Columns have logical names, in small letters; how a lookup is bound is asked of the environment."""
    live.mapping(("dynamics.toml", 'owner_id = "ownerid"\n# source_first', 'owner_id = "OwnerId"\n# source_first'))
    live.configure(mapping='"mappings"')

    told = live("plan")

    assert told.code == 4
    assert "contact.fields.owner_id: contact has no property OwnerId. Did you mean ownerid?" in said(told)


# -- between reading and writing -----------------------------------------------------------------------------------


@pytest.fixture
def before_writing(live: DynamicsDesk, monkeypatch: pytest.MonkeyPatch) -> Before:
    """Control calls that are made when everything is decided and the first write is about to go out."""
    waiting: list[tuple[str, dict[str, Any]]] = []
    write = Dynamics.write

    def written(crm: Dynamics, kind: str, updates: Sequence[Update]) -> list[Outcome]:
        while waiting:
            control, body = waiting.pop()
            live.do(control, **body)
        return write(crm, kind, updates)

    monkeypatch.setattr(Dynamics, "write", written)
    return lambda control, **body: waiting.append((control, body))


def test_an_option_that_is_removed_meanwhile_is_left_out_and_all_else_is_written(
    live: DynamicsDesk, before_writing: Before
) -> None:
    """It only tells; so the rest goes out, and the next run says what to do before it writes anything."""
    before_writing("column", table="leads", name="cx_nurture_track", remove_option=710000000)

    told = live("sync", "--yes")

    assert told.code == 3
    assert "1 record is set aside, value_not_allowed" in told.out
    assert "2 people looked at: 2 written" in told.out
    assert "cx_nurture_track" not in own_values(live, "lead")
    assert own_values(live, "lead")["cx_stage"] == own_values(live, "contact")["cx_stage"]
    assert "written without cx_nurture_track" in said(live("rejects", "list"))
    again = live("sync", "--yes")
    assert again.code == 4
    assert "cx_nurture_track does not take 710000000 yet. Run: connector setup" in said(again)


@pytest.mark.parametrize(
    ("control", "body", "code", "reason"),
    [
        ("column", {"table": "leads", "name": "cx_stage", "delete": True}, "property_missing", "cx_stage"),
        ("column", {"table": "leads", "name": "cx_stage", "read_only": True}, "value_invalid", "cx_stage"),
        ("table", {"table": "leads", "versions": False}, "no_versions", "OptimisticConcurrencyNotEnabled"),
        ("privilege", {"table": "leads", "deny": ["Write"]}, "scope", "prvWriteLead"),
    ],
)
def test_what_changes_meanwhile_keeps_whom_it_is_about_and_nobody_else(
    live: DynamicsDesk, before_writing: Before, control: str, body: dict[str, Any], code: str, reason: str
) -> None:
    """The contact is written; of the lead nothing is, and it is set aside under a reason that says what is wrong."""
    before_writing(control, **body)

    told = live("sync", "--yes")

    assert told.code == 3
    assert f"1 record is set aside, {code}" in told.out
    assert "1 written, 0 unchanged, 1 rejected" in told.out
    assert not untouched(live, "contact")
    assert untouched(live, "lead")
    assert reason in said(live("rejects", "list"))


def test_a_user_who_is_disabled_meanwhile_stops_the_run_and_the_next_one_goes_on(
    live: DynamicsDesk, before_writing: Before
) -> None:
    """Nobody is set aside for it, and nothing is written twice."""
    before_writing("app_user", disabled=True)

    stopped = live("sync", "--yes")

    assert stopped.code == 1
    assert "The application user of client_id is disabled in this environment. Activate it" in stopped.err
    assert untouched(live, "contact")
    assert untouched(live, "lead")
    live.do("app_user", disabled=False)
    assert live("sync", "--yes").code == 0
    assert dict(live.sandbox.world.writes) == {"contact": 1, "lead": 1}
