"""Both CRMs at once on the command line: one configuration, one state, one agreement, two connections."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from connector.cli.serving import served_by
from connector.ledger import open_ledger
from connector.sandbox.dataverse import DataverseSandbox
from connector.sandbox.dataverse.schema import Ref
from connector.sync import Order, run
from tests.cli.desk import DOMAIN, Desk, Told
from tests.cli.test_dynamics import SECRET, environment

NORDIC_TOKEN = "NORDIC_TOKEN"
COPIER = "0a7e57ab-0000-4000-8000-000000001692"


@dataclass
class Both:
    """The HubSpot desk with a Dynamics environment beside it."""

    desk: Desk
    dynamics: DataverseSandbox
    contact: str  # of the environment: the first person of the HubSpot account, under the same address

    def __call__(self, *words: str) -> Told:
        return self.desk(*words)

    @property
    def writes(self) -> int:
        """Records written to either by calls."""
        return self.desk.writes + sum(self.dynamics.world.writes.values())


@pytest.fixture(scope="module")
def server() -> Iterator[DataverseSandbox]:
    with DataverseSandbox(lambda: environment(with_own=True), token=SECRET) as running:
        yield running


@pytest.fixture
def both(desk: Desk, server: DataverseSandbox, monkeypatch: pytest.MonkeyPatch) -> Both:
    """Two live connections, acme and nordic, whom nobody has synced yet."""
    monkeypatch.setenv(NORDIC_TOKEN, SECRET)
    server.reset()
    company = next(iter(server.world.shelf("account").rows()))
    person = {"firstname": "Annabella", "lastname": "Quibbleworth", "emailaddress1": f"P1@{DOMAIN.upper()}"}
    belongs = {"parentcustomerid": Ref("account", company.id)}
    contact = server.world.add("contact", {**person, **belongs, "cx_lifecyclestage": 710000001}).id
    live = 'mapping = "shipped"\nmode = "live"\ngo_live = "always"\nrequire_approval = false\n'
    text = (
        f'[state]\nurl = "sqlite:///{desk.ledger.name}"\n\n'
        f'[connections.acme]\ncrm = "hubspot"\ntoken = "env:DESK_TOKEN"\nbase_url = "{desk.sandbox.url}"\n{live}\n'
        f'[connections.nordic]\ncrm = "dynamics"\ntoken = "env:{NORDIC_TOKEN}"\n'
        f'environment_url = "{server.url}"\n{live}'
    )
    desk.config.write_text(text, encoding="utf-8")
    return Both(desk, server, contact)


def test_both_connections_plan_and_sync_beside_each_other_each_with_its_own_scope(both: Both) -> None:
    """One state, and nothing of one in the other: people, runs, written changes; a second run writes nothing in
    either."""
    for name in ("acme", "nordic"):
        assert both("plan", "--connection", name).code == 0
        assert both("sync", "--connection", name, "--yes").code == 0

    known = {name: open_ledger(f"sqlite:///{both.desk.ledger}", name) for name in ("acme", "nordic")}
    assert (known["acme"].mirror.count("contact"), known["nordic"].mirror.count("contact")) == (6, 3)
    assert both.desk.contact("1")["cx_stage"] == "lead"
    assert both.dynamics.world.get("contact", both.contact).values["cx_stage"] == 710000001
    before = both.writes
    for name in ("acme", "nordic"):
        assert both("sync", "--connection", name).code == 0
    assert both.writes == before
    assert "say which with --connection: acme, nordic" in both("sync").err


def test_a_run_of_one_connection_does_not_keep_the_other_from_running(both: Both) -> None:
    """Each has a lease of its own."""
    ledger = open_ledger(f"sqlite:///{both.desk.ledger}", "acme")
    ledger.runs.take_lease("somebody else", datetime.now(UTC))

    assert both("sync", "--connection", "acme", "--yes").code == 6
    assert both("sync", "--connection", "nordic", "--yes").code == 0


def test_status_tells_of_both_or_of_the_one_that_is_named(both: Both) -> None:
    """One after the other; for programs a list."""
    both("sync", "--connection", "nordic", "--yes")

    told = both("status")
    assert told.code == 0
    assert told.out.index("acme, no account seen yet") < told.out.index("nordic, account ")
    listed = both("status", "--output", "json").json["connections"]
    assert [(one["connection"], one["people"]) for one in listed] == [("acme", 0), ("nordic", 3)]
    assert both("status", "--connection", "nordic", "--output", "json").json["people"] == 3


def test_check_says_of_both_which_signals_one_of_them_cannot_see(both: Both) -> None:
    """With the reason at the connection, and side by side in the end."""
    del both.desk.world.audience.lists["visited careers"]

    told = both("check")

    assert told.code == 0, told.out + told.err
    said = " ".join(told.out.split())
    assert "signal careers_page cannot be seen" in said
    assert "signals that not every connection sees" in said
    assert "careers_page cannot be seen seen" in said
    found = both("check", "--output", "json").json
    assert found["seen_apart"] == {"careers_page": {"acme": False, "nordic": True}}
    assert [one["connection"] for one in found["connections"]] == ["acme", "nordic"]
    assert "careers_page" in found["connections"][0]["unseen"]


def test_check_goes_on_with_the_other_connection_where_one_cannot_be_opened(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong is told under its name, and ends the verb with its code."""
    monkeypatch.setenv("DESK_TOKEN", "of-another-account")

    told = both("check")

    assert told.code == 1
    said = " ".join(told.out.split())
    assert "connections.acme.token (env:DESK_TOKEN)" in said
    assert "of-another-account" not in told.out + told.err
    assert said.index("connections.acme.token") < said.index("everything fits")
    listed = both("check", "--output", "json").json["connections"]
    assert [one["status"] for one in listed] == ["failed", "done"]


def test_case_68_conflicts_are_told_between_a_contact_here_and_a_contact_there(both: Both) -> None:
    """By the same address, however it is written, with since when and who moved last."""
    for name in ("acme", "nordic"):
        assert both("sync", "--connection", name, "--yes").code == 0
    both.dynamics.world.write("contact", both.contact, {"cx_lifecyclestage": 710000005})
    assert both("sync", "--connection", "nordic").code == 0

    report = both("report", "conflicts", "--connection", "acme", "--output", "json").json

    rows = next(part["rows"] for part in report["parts"] if part["name"] == "differing_people")
    (row,) = rows
    assert (row["contact"], row["here"], row["there"]) == ("1", "lead", "customer in nordic")
    assert row["contact there"] == both.contact
    assert row["moved last"] == "nordic: a person"
    assert row["since"].startswith("20")


def test_explain_says_of_a_value_that_it_came_across(both: Both) -> None:
    """A stage that a rule gave in one CRM and something copied to the other: no hold, and nothing to be written."""
    for name in ("acme", "nordic"):
        assert both("sync", "--connection", name, "--yes").code == 0
    both.desk.world.submit_form("demo-request", {"email": f"p1@{DOMAIN}"})
    assert both("sync", "--connection", "acme").code == 0
    assert both.desk.contact("1")["cx_stage"] == "sal"
    copier = both.dynamics.world.add("systemuser", {"fullname": "# HubSpot", "applicationid": COPIER}).id
    both.dynamics.world.write("contact", both.contact, {"cx_stage": 710000003}, by=copier)
    writes = both.writes

    assert both("sync", "--connection", "nordic").code == 0

    said = " ".join(both("explain", both.contact, "--connection", "nordic").out.split())
    assert "cx_stage: came across from another account of this agreement" in said
    told = both("explain", both.contact, "--connection", "nordic", "--output", "json").json
    assert (told["came_across"], told["holds"], told["would_write"]) == (["cx_stage"], [], {})
    assert both.writes == writes


def test_the_daemon_serves_both_and_each_knows_the_other_ones_mapping(both: Both) -> None:
    """A session for each, on its own ledger scope; the neighbour is known once it has been read."""
    served = served_by(both.desk.config)
    assert list(served) == ["acme", "nordic"]

    for name, one in served.items():
        with one.session() as session:
            assert run(session, Order("sync", session.now())).status == "done"
            assert session.ledger.connection == name
            assert set(session.neighbours()) == ({"acme"} if name == "nordic" else set())
    with served["acme"].session() as session:
        (nordic,) = session.neighbours().values()
        assert nordic.wiring.crm == "dynamics"
