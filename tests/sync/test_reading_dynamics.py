"""What runs make of a Dynamics environment that they only read: loop, ledger and adapter over the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from connector.agreement import Agreement, load_agreement
from connector.config import shipped_mappings
from connector.crm import Calls
from connector.crm.dynamics import Dynamics, Reading
from connector.fields import FieldMap
from connector.ledger import Ledger, open_ledger
from connector.sandbox.clock import Clock
from connector.sandbox.dataverse import DataverseSandbox, Environment
from connector.sandbox.dataverse.schema import Ref
from connector.sync import Order, Report, Session, Settings, run
from tests.crm.organisation import Organisation
from tests.sync.world import empty_ledger

NINE = datetime(2026, 11, 22, 9, tzinfo=UTC)


@cache
def agreement() -> Agreement:
    return load_agreement(shipped_mappings(), "dynamics")


@dataclass
class Observed:
    """An environment, a ledger beside it, and runs that observe it."""

    world: Organisation
    ledger: Ledger
    crm: Dynamics

    def sync(self) -> Report:
        """One run."""
        session = Session(
            crm=self.crm,  # type: ignore[arg-type]  # the half that observing needs
            ledger=self.ledger,
            agreement=agreement(),
            fields=FieldMap(agreement().wiring, agreement().fields_used, {}),
            settings=Settings(mode="observe", go_live=None),
            account="org",
            owners=frozenset(),
            now=self.world.now,
        )
        self.crm.calls = Calls()
        return run(session, Order("sync", self.world.now()))

    def later(self) -> Report:
        """The next run, ten minutes on."""
        self.world.pass_time(600)
        return self.sync()

    def people(self) -> set[str]:
        """Everybody there is, as the ledger has it."""
        return set(self.ledger.mirror.contacts("", 1000))

    def calls_of(self, person: str) -> set[str]:
        """The phone calls that count as this person's."""
        return {link.id for link in self.ledger.mirror.around([person])[person].links if link.kind == "call"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[DataverseSandbox]:
    with DataverseSandbox(lambda: Environment(clock=Clock(NINE))) as running:
        yield running


@pytest.fixture
def observed(sandbox: DataverseSandbox, tmp_path: Path) -> Iterator[Observed]:
    """Two rows a page, so that little is enough for many pages."""
    sandbox.reset()
    path, clock = tmp_path / "state.db", sandbox.world.clock
    path.write_bytes(empty_ledger())
    crm = Dynamics(
        sandbox.service.token,
        sandbox.url,
        read=Reading(page=2, ids=3, batch=3, threads=3),
        clock=lambda: clock.now() / 1000,
        sleep=clock.advance,
    )
    yield Observed(Organisation(sandbox), open_ledger(f"sqlite:///{path}", "acme"), crm)
    crm.close()


def test_a_run_that_finds_nothing_new_asks_each_table_once(observed: Observed) -> None:
    """However many records there are."""
    observed.world.people(5)
    observed.world.lead()
    observed.sync()

    report = observed.later()

    # contacts, leads as people and as tracks, accounts, opportunities, calls, e-mails, appointments
    assert report.calls == {"changes": 8}
    assert (report.status, report.counts["read"], report.drift) == ("done", 0, 0)
    assert report.complete_until == observed.world.now()


@pytest.mark.parametrize("order", ["contact first", "lead first"])
def test_the_history_of_a_lead_goes_over_to_its_contact_whichever_arrives_first(observed: Observed, order: str) -> None:
    """Its activities, too; it is nobody of its own any more."""
    world = observed.world
    lead = world.lead()
    call = world.inside.add("phonecall", {"regardingobjectid": Ref("lead", lead), "statecode": 1, "statuscode": 2}).id
    observed.sync()
    assert (observed.people(), observed.calls_of(lead)) == ({lead}, {call})

    (contact,) = world.people(1)
    if order == "contact first":
        observed.later()
        assert observed.people() == {lead, contact}
    world.give(lead, contact)
    if order == "lead first":
        world.edit("contact", contact, {"jobtitle": "edited last"})
    observed.later()

    assert observed.people() == {contact}
    assert observed.ledger.folding.survivor_of("contact", lead) == contact
    assert observed.calls_of(contact) == {call}


def test_chains_fold_to_their_end(observed: Observed) -> None:
    """The lead's contact is merged into another one in the next ten minutes."""
    world = observed.world
    lead, (first, second) = world.lead(), world.people(2)
    observed.sync()
    world.give(lead, first)
    observed.later()
    world.merge("contact", second, first)

    report = observed.later()

    assert observed.people() == {second}
    assert observed.ledger.folding.survivor_of("contact", lead) == second
    assert (report.status, report.drift) == ("done", 0)


def test_a_lead_whose_contact_was_a_mistake_is_somebody_of_their_own_again(observed: Observed) -> None:
    """As one that is restored after a merge."""
    lead, (contact,) = observed.world.lead(), observed.world.people(1)
    observed.sync()
    observed.world.give(lead, contact)
    observed.later()
    assert observed.people() == {contact}

    observed.world.give(lead, None)
    observed.later()

    assert observed.people() == {contact, lead}


def test_who_is_deleted_or_deactivated_is_gone_and_who_is_reactivated_is_back(observed: Observed) -> None:
    """By the links to changes alone, without any sweep."""
    kept, deleted, retired = observed.world.people(3)
    observed.sync()
    observed.world.remove("contact", deleted)
    observed.world.set("contact", retired, statecode=1, statuscode=2)

    report = observed.later()
    assert (observed.people(), report.counts["gone"], report.drift) == ({kept}, 2, 0)

    observed.world.set("contact", retired, statecode=0, statuscode=1)
    observed.later()
    assert observed.people() == {kept, retired}


@pytest.mark.parametrize("status", [400, 500])
def test_lesson_10_after_a_dead_link_everything_is_as_if_it_had_lived(observed: Observed, status: int) -> None:
    """Edits, deletions and folds of the time in between are found by reading all of that kind, which is told; whatever
    the status that an ended link answers with."""
    world = observed.world
    world.sandbox.switch(delta_dead=status)
    (edited, deleted, contact), lead = world.people(3), world.lead()
    observed.sync()
    world.edit("contact", edited, {"jobtitle": "Student"})
    world.remove("contact", deleted)
    world.give(lead, contact)
    world.pass_time(8 * 86400)

    report = observed.sync()

    assert observed.people() == {edited, contact}
    assert observed.ledger.folding.survivor_of("contact", lead) == contact
    assert observed.ledger.mirror.facts("contact", [edited])[edited]["f"]["job_title"] == "Student"
    assert any("contact records since the last time is told no more" in warning for warning in report.warnings)
    assert report.status == "done"
    assert observed.later().calls["changes"] == 8


def test_lesson_09_without_change_tracking_runs_see_the_same_save_deletions_which_sweeps_find(
    observed: Observed,
) -> None:
    """By the time of change; who is deleted is missed when all records are gone through, once a day."""
    for table in ("contact", "lead"):
        observed.world.inside.tables[table].change_tracking = False
    kept, deleted = observed.world.people(2)
    lead = observed.world.lead()
    observed.sync()
    observed.world.pass_time(3600)
    observed.world.remove("contact", deleted)
    observed.world.give(lead, kept)

    observed.later()
    assert observed.people() == {kept, deleted}

    for _ in range(2):
        observed.world.pass_time(86400)
        observed.sync()
    assert observed.people() == {kept}
