"""Sizes shrink by themselves, in the middle of a run, on the 400 that says so; nobody is missed and nobody twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connector.crm import Update
from connector.crm.hubspot import HubSpot, Reading
from connector.sandbox import Sandbox

#: What the account takes at first; each is halved while a read is under way.
SIZES = Reading(page=8, search_page=8, batch=8, history=8, links=8, threads=3)

Asked = Callable[[HubSpot, list[str]], Iterator[str]]


def by_list(crm: HubSpot, ids: list[str]) -> Iterator[str]:
    for page in crm.scan("contact", ["city"]):
        yield from (record.id for record in page.records)


def by_id(crm: HubSpot, ids: list[str]) -> Iterator[str]:
    for record in crm.read("contact", ids, ["city"]):
        yield record.id


def by_history(crm: HubSpot, ids: list[str]) -> Iterator[str]:
    for start in range(0, len(ids), 40):
        yield from crm.history("contact", ids[start : start + 40], ["city"])


def by_links(crm: HubSpot, ids: list[str]) -> Iterator[str]:
    for start in range(0, len(ids), 40):
        yield from crm.links("contact", ids[start : start + 40], "company")


def by_search(crm: HubSpot, ids: list[str]) -> Iterator[str]:
    for batch in crm.changes("contact", datetime(2020, 1, 1, tzinfo=UTC).isoformat(), datetime(2100, 1, 1, tzinfo=UTC)):
        yield from batch.ids


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.mark.parametrize(
    ("read", "switch"),
    [
        (by_list, "list_limit"),
        (by_id, "batch_limit"),
        (by_history, "history_limit"),
        (by_links, "associations_limit"),
        (by_search, "search_limit"),
    ],
)
def test_lesson_45_trap_13_sizes_shrink_in_the_middle_of_a_run(server: Sandbox, read: Asked, switch: str) -> None:
    """History takes 50 where 100 went before, associations 100 where 1,000 did: the run goes on with smaller ones."""
    server.reset()
    server.switch(rate_limits=False, **{switch: 8})
    ids = [server.world.add("contacts", {"city": f"{n}"}) for n in range(120)]
    crm = HubSpot(server.hubspot.token, base_url=server.url, read=SIZES)
    told = []
    try:
        for number, id in enumerate(read(crm, ids)):
            if number == 20:
                server.switch(**{switch: 3})
            told.append(id)
    finally:
        crm.close()

    assert sorted(told, key=int) == ids


@pytest.mark.parametrize("threads", [1, 3])
def test_lesson_45_batches_that_are_written_shrink_in_the_middle_of_a_run(server: Sandbox, threads: int) -> None:
    """The 400 that says so wrote nothing: everybody is written, once, and has an outcome in the place of the update."""
    server.reset()
    server.switch(rate_limits=False, batch_limit=8)
    ids = [server.world.add("contacts", {"city": "before"}) for _ in range(120)]
    server.fault("do", path="batch/update", nth=4, control="switches", body={"batch_limit": 3})
    crm = HubSpot(server.hubspot.token, base_url=server.url, read=replace(SIZES, threads=threads))
    before = server.world.writes
    try:
        outcomes = crm.write("contact", [Update(id, {"city": f"{n}"}) for n, id in enumerate(ids)])
    finally:
        crm.close()

    contacts = server.world.snapshot(("contacts",))["contacts"]
    assert [(one.id, one.state) for one in outcomes] == [(id, "written") for id in ids]
    assert [contacts[id]["city"] for id in ids] == [f"{n}" for n in range(120)]
    assert server.world.writes - before == 120
