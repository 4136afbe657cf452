"""What live runs make of a Dynamics environment: loop, ledger and adapter over the sandbox, with trouble in between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from connector.agreement import Agreement, load_agreement
from connector.config import shipped_mappings
from connector.crm.dynamics import Dynamics, Reading, Writing
from connector.decide import Office
from connector.fields import FieldMap
from connector.ledger import Ledger, open_ledger
from connector.model import ALWAYS
from connector.plan import Limits, TaskBudget
from connector.sandbox.clock import Clock, to_ms
from connector.sandbox.dataverse import DataverseSandbox, Environment
from connector.sandbox.dataverse.known import SOMEBODY
from connector.sandbox.dataverse.rows import Value
from connector.sandbox.dataverse.schema import Column, Option, Ref
from connector.sync import Order, Report, Session, Settings, run
from tests.crm.organisation import Organisation
from tests.sync.world import empty_ledger

NINE = datetime(2026, 11, 24, 9, tzinfo=UTC)
MQL, CUSTOMER = 710000002, 710000005
BATCH = r"\$batch"
#: What only people do: with these a lead becomes a deal, and a deal is closed.
CLOSING = {"QualifyLead", "WinOpportunity", "LoseOpportunity"}
WRITES = BATCH + "|UpdateMultiple"
_KINDS = {"string": "memo", "number": "decimal", "bool": "boolean", "date": "dateonly", "datetime": "datetime"}


@cache
def agreement() -> Agreement:
    return load_agreement(shipped_mappings(), "dynamics")


def set_up(inside: Environment) -> None:
    """The columns of our own, as `connector setup` makes them; their changes are audited."""
    for own in agreement().wiring.own:
        options = tuple(Option(int(value), label) for value, label in own.options)
        kind = "choice" if options else _KINDS.get(own.type, "memo")
        for table in ("contact", "lead") if own.kind in ("contact", "lead") else ("opportunity",):
            inside.tables[table].add(Column(own.property, kind, options=options, length=4000))
    inside.auditing = True


@dataclass
class Live:
    """An environment with our columns, a ledger beside it, and live runs."""

    world: Organisation
    ledger: Ledger
    crm: Dynamics
    office: Office = field(default_factory=Office)

    def sync(self, **settings: int) -> Report:
        return run(self.session(**settings), Order("sync", self.world.now()))

    def backfill(self) -> Report:
        """Everybody once more, ten minutes on."""
        self.world.pass_time(600)
        return run(self.session(), Order("backfill", self.world.now(), everything=True))

    def session(self, **settings: int) -> Session:
        return Session(
            crm=self.crm,
            ledger=self.ledger,
            agreement=agreement(),
            fields=FieldMap(agreement().wiring, agreement().fields_used, {}),
            settings=Settings(
                mode="live", go_live=ALWAYS, limits=Limits(1000, 5000, 1.0), tasks=TaskBudget(1000, 1000), **settings
            ),
            account="org",
            owners=frozenset((SOMEBODY,)),
            now=self.world.now,
            office=self.office,
        )

    def later(self) -> Report:
        """The next run, ten minutes on."""
        self.world.pass_time(600)
        return self.sync()

    def hot(self) -> dict[str, Value]:
        """Somebody at a company that fits, who asked for a demo a moment ago."""
        return {
            "emailaddress1": f"p{self.world.inside.version}@northmill.example",
            "firstname": "Anna",
            "lastname": "Nowak",
            "jobtitle": "Director of Operations",
            "cx_demo_request_on": to_ms(self.world.now()),
        }

    def contact(self) -> str:
        company = self.world.inside.add(
            "account", {"name": "Northmill", "numberofemployees": 420, "address1_country": "Poland"}
        )
        belongs = {"parentcustomerid": Ref("account", company.id)}
        return self.world.inside.add("contact", {**self.hot(), **belongs}).id

    def lead(self) -> str:
        return self.world.lead(**{**self.hot(), "companyname": "Northmill", "numberofemployees": 420})

    def row(self, id: str) -> dict[str, Value]:
        inside = self.world.inside
        return dict((inside.row("contact", id) or inside.get("lead", id)).values)

    def handed_over(self) -> list[str]:
        """Whom the tasks regard."""
        regarding = [row.values["regardingobjectid"] for row in self.world.inside.shelf("task").rows()]
        return sorted(ref.id for ref in regarding if isinstance(ref, Ref))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[DataverseSandbox]:
    with DataverseSandbox(lambda: Environment(clock=Clock(NINE))) as running:
        yield running


def open_crm(sandbox: DataverseSandbox, write: Writing | None = None) -> Dynamics:
    """A way in whose waiting is time passing there."""
    clock = sandbox.world.clock
    return Dynamics(
        sandbox.service.token,
        sandbox.url,
        read=Reading(page=20, ids=20, batch=3, threads=3),
        write=write,
        clock=lambda: clock.now() / 1000,
        sleep=clock.advance,
    )


@pytest.fixture
def live(sandbox: DataverseSandbox, tmp_path: Path) -> Iterator[Live]:
    sandbox.reset()
    set_up(sandbox.world)
    crm = open_crm(sandbox)
    path = tmp_path / "state.db"
    path.write_bytes(empty_ledger())
    yield Live(Organisation(sandbox), open_ledger(f"sqlite:///{path}", "acme"), crm)
    crm.close()
    assert not CLOSING & set(sandbox.service.counted)  # whatever happened


def test_g1_contacts_and_leads_follow_the_agreement_and_a_second_run_writes_nothing(live: Live) -> None:
    """Stage and scores in the columns, one task on each; then quiet."""
    ids = [live.contact(), live.lead()]

    report = live.sync()

    assert (report.status, report.counts["written"]) == ("done", 2)
    assert [live.row(id)["cx_lifecyclestage"] for id in ids] == [MQL, MQL]
    assert live.handed_over() == sorted(ids)
    before = dict(live.world.inside.writes)
    assert (live.later().status, live.later().status) == ("done", "done")
    assert live.world.inside.writes == before


def test_g4_instants_that_dynamics_keeps_to_the_second_are_ours_and_nobodys_edit(live: Live) -> None:
    """Ours are exact to the millisecond. What is stored is what was sent: not refused, not held, not written again."""
    live.world.pass_time(0.123)
    live.contact(), live.lead()

    report = live.sync()

    assert (report.counts["written"], report.accepted_unchanged) == (2, 0)
    before = dict(live.world.inside.writes)
    later = live.later()
    assert live.world.inside.writes == before
    assert later.counts.get("held", 0) == 0
    assert live.ledger.rejects.by_code() == {}


@pytest.mark.parametrize(("values", "stage"), [({"department": "x"}, MQL), ({"cx_lifecyclestage": CUSTOMER}, CUSTOMER)])
def test_g5_an_edit_that_comes_between_reading_and_writing_is_decided_on_in_the_same_run(
    live: Live, values: dict[str, Any], stage: int
) -> None:
    """One that means nothing costs a second try; one of the stage stands."""
    id = live.contact()
    live.world.sandbox.fault(
        "do", path=BATCH, nth=1, times=1, control="edit", body={"table": "contact", "id": id, "values": values}
    )

    report = live.sync()

    assert report.status == "done"
    assert live.row(id).get("cx_lifecyclestage") == stage
    assert live.handed_over() == ([id] if stage == MQL else [])


SWITCHED = Writing(bulk="cx_")


def test_g4_a_backfill_in_bulk_overwrites_no_stage_that_is_set_meanwhile(live: Live) -> None:
    """Whatever the columns are called: what people set as well goes out by the version that was read."""
    live.crm = open_crm(live.world.sandbox, SWITCHED)
    ids = [live.contact(), live.contact()]
    body = {"table": "contact", "id": ids[0], "values": {"cx_lifecyclestage": CUSTOMER}}
    live.world.sandbox.fault("do", path=WRITES, nth=1, times=1, control="edit", body=body)

    report = live.backfill()
    live.crm.close()

    assert report.status == "done"
    assert [live.row(id)["cx_lifecyclestage"] for id in ids] == [CUSTOMER, MQL]
    assert live.row(ids[0])["cx_stage"] == 710000006
    assert live.handed_over() == [ids[1]]


def test_a_backfill_in_bulk_writes_scores_that_changed_alone_in_one_transaction(live: Live) -> None:
    """And only a backfill does."""
    live.crm = open_crm(live.world.sandbox, SWITCHED)
    ids = [live.contact(), live.contact()]
    live.sync()
    transactions = live.world.sandbox.fault("slow", path="contacts/.*UpdateMultiple", times=0)
    for employees, order, seen in ((1, live.later, 0), (420, live.backfill, 1)):
        before = [live.row(id)["cx_fit_score"] for id in ids]
        for row in list(live.world.inside.shelf("account").rows()):
            live.world.set("account", row.id, numberofemployees=employees)
        assert order().counts["written"] == 2
        assert all(live.row(id)["cx_fit_score"] != score for id, score in zip(ids, before, strict=True))
        assert transactions.seen == seen
    live.crm.close()


def test_g5_whoever_is_read_ahead_is_decided_on_as_they_were_read(live: Live) -> None:
    """Else the version read ahead would vouch for a decision that knows nothing of the edit it holds."""
    ids = [live.contact(), live.contact()]
    edits = [{"table": "contact", "id": id, "values": {"cx_lifecyclestage": CUSTOMER}} for id in ids]
    for control, body in (
        *(("edit", edit) for edit in edits),
        ("clock", {"advance_seconds": 45}),  # soon too old, and not yet when their turn comes
    ):  # at the last call of reading
        live.world.sandbox.fault("do", path="leads/.count", nth=2, times=1, control=control, body=body)

    report = live.sync(write_chunk=1)

    assert report.status == "done"
    assert [live.row(id)["cx_lifecyclestage"] for id in ids] == [CUSTOMER, CUSTOMER]


def test_a_task_leads_to_the_page_of_whom_it_regards(live: Live) -> None:
    """A lead's is another than a contact's; and where the ledger alone is asked."""
    live.office = Office("https://contoso.example/main.aspx?etn={form:contact}&id={id}")
    contact, lead = live.contact(), live.lead()

    live.sync()

    texts = [str(row.values["description"]) for row in live.world.inside.shelf("task").rows()]
    for page in (f"etn=contact&id={contact}", f"etn=lead&id={lead}"):
        assert sum(f"https://contoso.example/main.aspx?{page}\n" in text for text in texts) == 1
    assert live.ledger.mirror.forms([contact, lead, "nobody"]) == {lead: "lead"}


@pytest.mark.parametrize("action", ["drop_before", "drop_after"])
def test_g2_lost_answers_leave_one_task_and_one_write_for_each(live: Live, action: str) -> None:
    """Of the batch and of the task."""
    ids = [live.contact(), live.contact()]
    live.world.sandbox.fault(action, path="/tasks", method="PATCH")
    live.world.sandbox.fault(action, path=BATCH, method="POST", nth=2)

    live.sync()
    live.later()

    assert live.handed_over() == sorted(ids)
    assert live.world.inside.writes["contact"] == 2


def test_nobody_is_qualified_won_lost_or_reopened_whatever_becomes_of_them(live: Live) -> None:
    """From a lead to a customer and to disqualified: columns of ours say so, states and statuses stay as people set
    them."""
    inside, world = live.world.inside, live.world
    lead, contact, other = live.lead(), live.contact(), live.contact()
    deals = [
        inside.add("opportunity", {"name": "x", "parentcontactid": Ref("contact", id)}).id for id in (contact, other)
    ]
    world.inside.add("lead", {"lastname": "y", "parentcontactid": Ref("contact", contact)})
    live.sync()
    world.set("opportunity", deals[0], statecode=1, statuscode=3)
    world.set("lead", lead, cx_sales_answer=710000002)  # rejected
    world.set("contact", other, cx_lifecyclestage=CUSTOMER)
    states = _states(live)

    assert (live.later().status, live.backfill().status) == ("done", "done")

    assert live.row(contact)["cx_lifecyclestage"] == live.row(other)["cx_lifecyclestage"] == CUSTOMER
    assert live.row(lead)["cx_stage"] == 710000008
    assert _states(live) == states
    counted = world.sandbox.service.counted
    assert counted["batch"] > 0
    assert not CLOSING & set(counted)


def _states(live: Live) -> dict[str, tuple[Value, Value]]:
    """State and status of every row there is."""
    return {
        row.id: (row.values.get("statecode"), row.values.get("statuscode"))
        for table in ("lead", "contact", "opportunity")
        for row in live.world.inside.shelf(table).rows()
    }


def test_g4_a_stage_that_a_person_sets_is_left_alone(live: Live) -> None:
    """The audits say who it was."""
    id = live.contact()
    live.sync()
    live.world.pass_time(3600)
    live.world.set("contact", id, cx_lifecyclestage=CUSTOMER)

    assert live.later().status == "done"
    assert live.row(id)["cx_lifecyclestage"] == CUSTOMER


def test_g2_whoever_begins_anew_without_a_ledger_hands_nobody_over_again(live: Live, tmp_path: Path) -> None:
    """Values and tasks are found as they are."""
    ids = [live.contact(), live.lead()]
    live.sync()
    path = tmp_path / "lost.db"
    path.write_bytes(empty_ledger())
    live.ledger = open_ledger(f"sqlite:///{path}", "acme")
    before = live.row(ids[0])

    assert live.later().status == "done"
    assert live.handed_over() == sorted(ids)
    assert live.row(ids[0]) == before


def test_a_plug_in_that_refuses_somebody_is_set_aside_with_its_code(live: Live) -> None:
    """The others are written; the reject is kept without the plug-in's words."""
    id, other = live.contact(), live.contact()
    live.world.sandbox.do("plugin", {"table": "contact", "ids": [id], "message": "Anna Nowak is mine"})

    report = live.sync()

    assert (report.counts["written"], report.counts["rejected"]) == (1, 1)
    reject = live.ledger.rejects.of("contact", [id])[id]
    assert (reject.code, "Nowak" in reject.message) == ("plugin", False)
    assert live.handed_over() == [other]
