"""The first hour with a Dynamics 365 environment: init, check, setup, discover, and everything that can be wrong."""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from connector.agreement import Agreement, load_agreement
from connector.agreement.wiring import OwnProperty
from connector.config import load_config, shipped_mappings
from connector.sandbox.clock import Clock, to_ms
from connector.sandbox.dataverse import DataverseSandbox, Environment
from connector.sandbox.dataverse.automations import automation
from connector.sandbox.dataverse.known import CLIENT_ID, ORGANIZATION, TENANT
from connector.sandbox.dataverse.schema import Column, Option, Ref
from connector.sandbox.dataverse.words import OWN_COLUMNS
from connector.sandbox.stock import LEAD_STATUSES
from tests.cli.desk import Desk, Told

SECRET = "dv-secret-tests-only"
CLERK = '[personas.clerk]\n[personas.clerk.match]\ntitle = { field = "job_title", contains_any_of = ["clerk"] }\n'


@cache
def agreement() -> Agreement:
    """The shipped agreement, wired to Dynamics."""
    return load_agreement(shipped_mappings(), "dynamics")


def environment(*, with_own: bool = False) -> Environment:
    """A company with a contact and a lead that stands alone; of our columns those that a customer made before, or all
    of them."""
    world = Environment(clock=Clock(datetime.now(UTC)))
    for table, columns in OWN_COLUMNS.items():
        for column in columns:
            world.tables[table].add(column)
    for own in agreement().wiring.own if with_own else ():
        for table in ("contact", "lead") if own.kind in ("contact", "lead") else ("opportunity",):
            if own.property not in world.tables[table].columns:
                world.tables[table].add(_column(own))
    account = world.add("account", {"name": "Northmill Looms", "industrycode": 12, "numberofemployees": 420})
    person = {"firstname": "Annabella", "lastname": "Quibbleworth", "cx_lifecyclestage": 710000001}
    world.add("contact", {**person, "parentcustomerid": Ref("account", account.id), "emailaddress1": "a@b.example"})
    world.add("lead", {**person, "subject": "Looms", "companyname": "Northmill Looms"})
    return world


def _column(own: OwnProperty) -> Column:
    kind = {
        "string": "string",
        "number": "integer",
        "date": "dateonly",
        "datetime": "datetime",
        "enumeration": "choice",
    }
    options = tuple(Option(int(value), label) for value, label in own.options)
    return Column(own.property, kind[own.type], options=options, length=4000, custom=True)


class DynamicsDesk(Desk):
    """The same desk, with a Dataverse environment on it."""

    def configure(self, **changes: str | None) -> None:
        """See Desk; the keys are those of a Dynamics connection."""
        mine = {"crm": '"dynamics"', "environment_url": f'"{self.sandbox.url}"', "base_url": None, "mode": '"observe"'}
        super().configure(**{**mine, "go_live": None, **changes})

    def do(self, control: str, **body: object) -> None:
        """Something happens in the environment."""
        self.sandbox.do(control, body)


@pytest.fixture(scope="module")
def server() -> Iterator[DataverseSandbox]:
    logging.getLogger("uvicorn.error").propagate = False  # it outlives the stderr of each test
    with DataverseSandbox(environment, token=SECRET) as running:
        yield running


@pytest.fixture
def dynamics(
    server: DataverseSandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[DynamicsDesk]:
    """An environment on its first day."""
    monkeypatch.setenv("DESK_TOKEN", SECRET)
    monkeypatch.chdir(tmp_path)
    before = logging.getLogger().handlers[:]
    server.reset()
    yield DynamicsDesk(tmp_path, server, capsys)  # type: ignore[arg-type]  # the other sandbox
    logging.getLogger().handlers = before


@pytest.fixture
def ready(dynamics: DynamicsDesk) -> DynamicsDesk:
    """The same with all columns of ours."""
    dynamics.sandbox.begin(environment(with_own=True))  # type: ignore[arg-type]  # the other world
    return dynamics


# -- the good way --------------------------------------------------------------------------------------------


def test_init_writes_a_dynamics_connection_that_loads(dynamics: DynamicsDesk) -> None:
    """It only observes; what comes next is said; a second time nothing is overwritten."""
    told = dynamics("init", "new", "--crm", "dynamics", config=False)

    config = load_config(dynamics.folder / "new" / "config.toml", {})
    mine = config.connections["acme"]
    assert (told.code, mine.crm, mine.mode, mine.read.page) == (0, "dynamics", "observe", 1000)
    assert "one Dynamics 365 connection, mode observe" in told.out
    assert "export DYNAMICS_SECRET=..." in told.out
    assert load_agreement(mine.mapping, "dynamics").fingerprint == agreement().fingerprint
    assert dynamics("init", "new", "--crm", "dynamics", config=False).code == 64
    assert "is not one of 'hubspot', 'dynamics'" in dynamics("init", "--crm", "dynamcs", config=False).err


def test_every_commented_setting_of_the_dynamics_example_is_valid_too() -> None:
    """Removing a hash sign gives a setting that the configuration knows."""
    example = Path(__file__).parents[2] / "config.dynamics.example.toml"
    text = example.read_text(encoding="utf-8")
    lines = [line[2:] for line in text.splitlines() if line.startswith("# ") and line[2:].partition(" ")[2][:2] == "= "]
    other_ways = ("certificate", "go_live")

    file = text.partition("[web]")[0]
    for line in lines:
        if not line.startswith(other_ways):
            file = file.replace(f"# {line}", line)
    folder = example.parent
    assert len(lines) >= 12
    loaded = tomllib.loads(file)["connections"]["acme"]
    assert {"account", "authority", "read", "budget", "tasks", "quiet", "scope"} <= set(loaded)
    assert load_config(example, {}).connections["acme"].mapping == folder / "mappings"


def test_recipes_say_which_columns_somebody_has_to_fill(dynamics: DynamicsDesk) -> None:
    """Dynamics itself knows nothing of web pages and forms."""
    told = dynamics("init", "--recipes", "--crm", "dynamics", config=False)

    assert 'property "cx_demo_request_on": the last time of "demo request", filled by whoever knows of it' in told.out


def test_setup_asks_then_creates_in_every_table_of_people_and_then_check_is_green(dynamics: DynamicsDesk) -> None:
    """With options by number, published once; a second time nothing is missing; how it is read is said."""
    asked = dynamics("setup")
    assert (asked.code, "--yes" in asked.err) == (64, True)

    done = dynamics("setup", "--yes", "--output", "json")

    own = agreement().wiring.own
    tables = dynamics.sandbox.world.tables
    before = {column.name for columns in OWN_COLUMNS.values() for column in columns}
    assert set(done.json["created"]) == {one.property for one in own} - before
    of_people = {one.property for one in own if one.kind == "contact"}
    assert of_people <= set(tables["contact"].columns)
    assert of_people <= set(tables["lead"].columns)
    assert "cx_dealtype" in tables["opportunity"].columns
    assert {one.value: one.label for one in tables["lead"].columns["cx_sales_answer"].options}[710000002] == "Rejected"
    assert dynamics.sandbox.service.counted["PublishXml"] == 1
    assert "Nothing is missing" in dynamics("setup").out
    green = dynamics("check")
    assert green.code == 0, green.out
    assert f"account {ORGANIZATION} (sandbox)" in green.out
    assert "changes are found by change tracking, kept for 7 days" in green.out
    assert "everything fits" in green.out
    assert not dynamics.sandbox.world.writes  # no row was written


def test_where_the_customer_has_made_no_column_at_all_setup_makes_all_that_a_live_run_needs(
    dynamics: DynamicsDesk,
) -> None:
    """Also the two that say stage and status, which have no more options than we write. Check and sync are green."""
    bare = environment()
    for table, columns in OWN_COLUMNS.items():
        for column in columns:
            del bare.tables[table].columns[column.name]
    for table in ("contact", "lead"):
        for row in list(bare.shelf(table).rows()):
            bare.write(table, row.id, {"cx_lifecyclestage": None})
    dynamics.sandbox.begin(bare)  # type: ignore[arg-type]  # the other world

    done = dynamics("setup", "--yes", "--output", "json")

    assert set(done.json["created"]) == {one.property for one in agreement().wiring.own}
    assert "everything fits" in dynamics("check").out
    dynamics.configure(mode='"live"', go_live='"always"', require_approval="false")
    synced = dynamics("sync", "--yes")
    assert synced.code == 0, synced.out + synced.err
    assert {row.values.get("cx_lifecyclestage") for row in bare.shelf("contact").rows()} == {710000000}


def test_a_persona_that_is_added_becomes_an_option(ready: DynamicsDesk) -> None:
    """Its number stands in the mapping, or loading says which line is missing."""
    ready.mapping(("personas.toml", "[personas.daily_user]", f"{CLERK}[personas.daily_user]"))
    lacking = ready("check")
    assert lacking.code == 4
    assert 'the persona "clerk" has no number in cx_persona. Add clerk = "710000003"' in lacking.err + lacking.out

    ready.mapping(
        ("dynamics.toml", 'daily_user = "710000002"', 'daily_user = "710000002"\nclerk = "710000003"'),
    )
    told = ready("setup", "--yes", "--output", "json")

    assert told.code == 0, told.out + told.err
    assert told.json["extended"] == {"cx_persona": ["710000003"]}
    assert ready.sandbox.world.tables["lead"].columns["cx_persona"].option(710000003) is not None


def test_discover_tells_what_is_mapped_and_what_a_table_lacks(dynamics: DynamicsDesk) -> None:
    """Columns of both tables of people, options by number, deal stages, owners with teams."""
    told = dynamics("discover", "--output", "json")
    contact = {one["property"]: one for one in told.json["properties"]["contact"]}

    assert (contact["jobtitle"]["field"], contact["companyname"]["field"]) == ("job_title", "company_name")
    assert contact["cx_leadstatus"]["options"] == [str(710000000 + place) for place in range(len(LEAD_STATUSES))]
    assert {"pipeline": "default", "id": "0", "label": "Qualify", "state": "open"} in told.json["deal_stages"]
    assert "not in contact" in dynamics("discover").out


def test_check_says_which_signals_nobody_delivers_and_that_changes_are_forgotten(ready: DynamicsDesk) -> None:
    """Columns that nobody filled yet, signals that the mapping says cannot be seen, a schedule that is too rare."""
    ready.mapping(
        ("dynamics.toml", 'careers_page = { date = "cx_careers_page_on" }\n', ""),
        ("dynamics.toml", "# [unseen]\n# careers_page = ", "[unseen]\ncareers_page = "),
    )
    row = next(iter(ready.sandbox.world.shelf("contact").rows()))
    ready.sandbox.world.write("contact", row.id, {"cx_demo_request_on": 1_790_000_000_000})

    ready.configure(every='"8d"', mapping='"mappings"')
    told = ready("check", "--output", "json")

    assert told.json["unseen"] == {"careers_page": "nobody tells Dynamics who reads the careers page."}
    remarks = "\n".join(told.json["remarks"])
    assert "nobody has cx_trial_start_on yet, so trial_start was never seen." in remarks
    assert "cx_demo_request_on" not in remarks
    assert "connections.acme.every: leaves 8 days between two runs, and what changed is kept for 7" in remarks
    assert (told.code, told.json["problems"]) == (0, [])


def test_check_names_the_columns_that_a_backfill_writes_in_bulk_and_those_it_never_does(ready: DynamicsDesk) -> None:
    """Only where the setting is there."""
    assert ready("check", "--output", "json").json["bulk"] is None
    ready.configure(write='{ bulk = "cx_" }')

    told = ready("check")
    found = ready("check", "--output", "json").json["bulk"]

    assert {"cx_fit_score", "cx_score_reasons", "cx_sla_due"} < set(found["columns"])
    assert {"cx_lifecyclestage", "cx_leadstatus", "cx_sales_answer"} < set(found["never"])
    assert not {*found["columns"]} & {*found["never"]}
    assert "a backfill writes these in bulk, without asking who edited the record meanwhile: cx_agreement_version" in (
        " ".join(told.out.split())
    )


def test_check_names_automations_that_set_ours_and_plug_ins_that_run_on_them(ready: DynamicsDesk) -> None:
    """With their ids, and what is known of each."""
    flow = automation(ready.sandbox.world, "Sync stage", "lead", "cx_lifecyclestage", kind="flow")
    step = automation(ready.sandbox.world, "Tell ERP", "contact", "cx_stage", kind="plugin")

    told = ready("check")

    assert f"automation {flow}, 'Sync stage': is on and sets cx_lifecyclestage" in told.out.replace("\n  ", " ")
    assert f"automation {step}, 'Tell ERP': runs whenever cx_stage changes" in told.out.replace("\n  ", " ")
    ready.do("privilege", table="workflow", deny=["Read"])
    assert "prvReadWorkflow" in ready("check", "--output", "json").json["automations"]["unknown"]


def test_a_plan_says_options_in_words_and_not_by_number(ready: DynamicsDesk) -> None:
    """Whoever reviews it knows what an MQL is, not what 710000002 is; for programs the number stays."""
    contact = next(iter(ready.sandbox.world.shelf("contact").rows()))
    asked_at = ready.sandbox.world.clock.now()
    ready.sandbox.world.write("contact", contact.id, {"cx_demo_request_on": asked_at, "cx_lifecyclestage": 710000000})
    ready.configure(mode='"live"', go_live='"always"', require_approval="false")

    told = ready("plan", "--show", "1000")
    plain = ready("plan", "--output", "json")

    assert "cx_lifecyclestage: subscriber → " in told.out
    assert "71000000" not in told.out
    assert "71000000" in plain.out


# -- what can be wrong -----------------------------------------------------------------------------------------


def problems(told: Told) -> str:
    assert told.code == 4, told.out + told.err
    return " ".join(f"{told.out} {told.err}".split())


def test_columns_options_and_tables_that_do_not_fit_are_told_at_once(ready: DynamicsDesk) -> None:
    """By file, line and key, before anything is written: ours are for setup to make again, of others the nearest name
    is guessed, and a table without versions is refused."""
    ready.do("column", table="contacts", name="jobtitle", delete=True)
    ready.do("column", table="leads", name="jobtitle", delete=True)
    ready.do("column", table="leads", name="cx_stage", delete=True)
    ready.do("column", table="leads", name="cx_lifecyclestage", remove_option=710000005)
    ready.do("table", table="leads", versions=False)
    ready.configure(mode='"scores"', go_live='"always"')

    said = problems(ready("check"))

    file = (shipped_mappings() / "dynamics.toml").read_text(encoding="utf-8")
    line = file.partition("job_title =")[0].count("\n") + 1
    assert f"dynamics.toml:{line}, contact.fields.job_title: contact has no property jobtitle." in said
    assert "contact.fields.current_stage: cx_stage is not in every table that people stand in: lead lacks it." in said
    assert "contact.values.stage.customer: customer is mapped to '710000005', which is no option of cx_life" in said
    assert "contact.fields: the table lead has no optimistic concurrency" in said


def test_a_label_in_place_of_a_number_never_loads(ready: DynamicsDesk) -> None:
    """What people read is no value."""
    ready.mapping(("dynamics.toml", 'customer = "710000005"', 'customer = "Customer"'))

    said = problems(ready("check"))

    assert 'contact.values.stage.customer: "Customer" is no number, and options have numbers here.' in said


def test_missing_privileges_are_told_at_once_with_table_and_right(ready: DynamicsDesk) -> None:
    """Reading is needed in any mode, writing from the mode scores on."""
    ready.do("privilege", table="leads", deny=["Read", "Write"])
    ready.do("privilege", table="phonecalls", deny=["Read"])

    said = problems(ready("check"))

    assert "no security role of the application user grants Read on Lead (prvReadLead)." in said
    assert "call.fields: no security role of the application user grants Read on PhoneCall (prvReadPhoneCall)." in said
    assert "Write on Lead (prvWriteLead). Grant it for the organization" in said
    assert "Needed from the mode scores on." in said


def test_a_solution_that_is_not_there_stops_setup_before_anything_is_made(dynamics: DynamicsDesk) -> None:
    """With what to create, or to correct in the mapping."""
    dynamics.mapping(("dynamics.toml", 'own_group = "agreement"', 'own_group = "elsewhere"'))

    told = dynamics("setup", "--yes")

    assert told.code == 1
    assert "There is no solution elsewhere to put our columns into." in told.err
    assert "cx_stage" not in dynamics.sandbox.world.tables["contact"].columns


@pytest.mark.parametrize(
    ("control", "body", "said"),
    [
        ("app_user", {"disabled": True}, "disabled in this environment. Activate it"),
        ("app_user", {"roles": False}, "no security role in this environment"),
        ("app_user", {"member": False}, "has no application user"),
        ("access", {"token": "another"}, "connections.acme.token (env:DESK_TOKEN): "),
    ],
)
def test_a_user_that_may_not_come_in_is_told_with_the_setting(
    dynamics: DynamicsDesk, control: str, body: dict[str, object], said: str
) -> None:
    """Disabled, without roles, not of this environment, or a token that does not hold."""
    dynamics.do(control, **body)

    told = dynamics("check")

    assert told.code == 1
    assert said in told.err


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("https://contoso.crm4.dynamics.com/main.aspx", "environment_url: holds a path."),
        ("http://contoso.crm4.dynamics.com", "environment_url: "),
        ("https://contoso.crm4.dynamics.com/api/data/v9.2", "environment_url: holds a path."),
    ],
)
def test_an_environment_url_with_a_path_or_in_plain_text_is_refused_with_its_line(
    dynamics: DynamicsDesk, address: str, said: str
) -> None:
    """Before any call is made."""
    dynamics.configure(environment_url=f'"{address}"')

    told = dynamics("check")

    assert told.code == 4
    assert "config.toml:" in told.err
    assert said in told.err


def test_an_app_registration_needs_its_three_keys(dynamics: DynamicsDesk) -> None:
    """All that is missing at once."""
    dynamics.configure(token=None, tenant_id=f'"{TENANT}"', client_id=f'"{CLIENT_ID}"')

    told = dynamics("check")

    assert told.code == 4
    assert "connections.acme.client_secret: is missing." in told.err


# -- leads ---------------------------------------------------------------------------------------------------


def test_a_persons_leads_are_shown_written_explained_and_forgotten(ready: DynamicsDesk) -> None:
    """By the person's id or the lead's own; a hold on a lead is listed and let go of by its place."""
    ready.configure(mode='"live"', go_live='"always"')
    inside = ready.sandbox.world
    asked = {"cx_demo_request_on": to_ms(datetime.now(UTC)), "jobtitle": "Director of Operations"}
    (company,) = inside.shelf("account").rows()
    at_work = {"parentcustomerid": Ref("account", company.id), "emailaddress1": "anna@northmill.example"}
    contact = inside.add("contact", {"firstname": "Anna", "lastname": "Nowak", **asked, **at_work}).id
    lead = inside.add("lead", {"lastname": "Nowak", "parentcontactid": Ref("contact", contact)}).id
    place = f"lead:{lead}:cx_stage"

    assert f"lead:{lead}:cx_lifecyclestage" in ready("plan").out
    ready("sync", "--yes")
    assert inside.get("lead", lead).values["cx_stage"] == inside.get("contact", contact).values["cx_stage"]

    told = ready("explain", lead, "--output", "json").json
    assert told["id"] == contact
    assert told["leads"] == [
        {"id": lead, "open": True, "lead_type": "new_business", "stage": told["crm"]["stage"], "status": "new"}
    ]
    assert f"lead {lead}  open" in ready("explain", contact).out
    inside.write("lead", lead, {"cx_stage": 710000008})
    inside.write("contact", contact, {"cx_lifecyclestage": 710000004})
    ready("sync")
    assert [one["property"] for one in ready("holds", "list", "--output", "json").json["holds"]] == [place]
    assert "cx_stage" in ready("report", "conflicts").out
    assert ready("holds", "release", contact, place).code == 0
    ready("sync")
    assert inside.get("lead", lead).values["cx_stage"] == inside.get("contact", contact).values["cx_stage"]
    assert ready("forget", contact, "--yes").code == 0
    assert lead.encode() not in ready.ledger.read_bytes()
