"""How Dataverse's values become the texts of our records, what is derived of several columns, and who is linked."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from connector.agreement import load_agreement
from connector.agreement.wiring import FieldSpec, Wiring
from connector.config import shipped_mappings
from connector.crm.dynamics import Dynamics, counting
from connector.crm.dynamics.derived import DERIVED, definitions
from connector.crm.dynamics.opening import Reading
from connector.crm.dynamics.schema import Column
from connector.crm.dynamics.values import same, spelling
from connector.errors import OutcomeUnknown
from connector.fields import FieldMap
from connector.sandbox.clock import to_ms
from connector.sandbox.dataverse import reading
from connector.sandbox.dataverse.known import SOMEBODY
from connector.sandbox.dataverse.rows import Value
from connector.sandbox.dataverse.schema import Ref
from tests.crm.asking_dynamics import Open, one, records
from tests.crm.organisation import Organisation


@pytest.fixture
def world(organisation: Organisation) -> Organisation:
    return organisation


def at(text: str) -> int:
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("table", "column", "value", "told"),
    [
        ("opportunity", "estimatedvalue", Decimal("5000000.0000"), "5000000"),
        ("opportunity", "estimatedvalue", Decimal("12345678901.1250"), "12345678901.125"),
        ("opportunity", "estimatedvalue", Decimal(0), "0"),
        ("opportunity", "closeprobability", 40, "40"),
        ("opportunity", "actualclosedate", "2026-11-21", "2026-11-21"),
        ("opportunity", "schedulefollowup_qualify", at("2026-11-20T23:00:00"), "2026-11-21"),  # Warsaw's midnight
        ("opportunity", "schedulefollowup_qualify", at("2026-11-21T05:00:00"), "2026-11-21"),  # New York's
        ("opportunity", "schedulefollowup_qualify", at("2026-11-20T11:00:00"), "2026-11-21"),  # Auckland's in summer
        ("opportunity", "schedulefollowup_qualify", at("2026-11-21T10:00:00"), "2026-11-21"),  # Honolulu's
        ("opportunity", "opportunityratingcode", 3, "3"),
        ("opportunity", "estimatedvalue", None, None),
        ("contact", "cx_topics", (3, 1), "3;1"),
        ("contact", "lastonholdtime", at("2026-11-21T05:00:00"), "2026-11-21T05:00:00Z"),
        ("contact", "donotemail", True, "true"),
        ("contact", "donotemail", False, "false"),
    ],
)
def test_every_type_has_the_spelling_that_fields_read(
    dynamics: Dynamics, world: Organisation, table: str, column: str, value: Value, told: str | None
) -> None:
    """Money digit by digit, choices by value, days as days, null as nothing."""
    world.sandbox.do("column", {"table": "contacts", "add": "cx_Topics choices contactmethod"})
    id = world.inside.add(table, {"lastname": "x", column: value}).id
    kind = {"opportunity": "deal"}.get(table, table)

    assert one(dynamics, kind, id, column).properties == {column: told}
    assert records(dynamics, kind, column)[id].properties == {column: told}


@pytest.mark.parametrize("wire", ["1,3", "1, 3", [1, 3], ["1", "3"]])
def test_several_choices_are_told_alike_as_a_text_and_as_a_list(wire: object) -> None:
    """The manual shows neither form on the wire; in whatever order they come back, they are what was sent."""
    column = Column("cx_topics", "MultiSelectPicklist")
    spell = spelling(column)
    assert spell is not None

    assert spell(wire) == "1;3"
    assert (spell([]), spell("")) == ("", "")
    assert same(column, wire, "3,1")
    assert not same(column, wire, "1,2")


def test_dataverse_trap_09_flags_are_told_by_value_whatever_their_labels_say(
    dynamics: Dynamics, world: Organisation
) -> None:
    """Two stock flags of opportunities call true "No"."""
    id = world.inside.add("opportunity", {"confirminterest": True, "decisionmaker": True}).id

    found = one(dynamics, "deal", id, "confirminterest", "decisionmaker").properties

    assert found == {"confirminterest": "true", "decisionmaker": "true"}


def test_dataverse_trap_15_lookups_go_by_their_own_names(dynamics: Dynamics, world: Organisation) -> None:
    """As the mapping has them; where a lead calls it otherwise, the contact's name serves for both."""
    company = world.add("company", {"name": "Acme"})
    (contact,), lead = world.people(1), world.lead(parentaccountid=Ref("account", company))
    world.link("contact", contact, "company", company)

    for id in (contact, lead):
        found = one(dynamics, "contact", id, "parentcustomerid", "ownerid").properties
        assert found["parentcustomerid"] == company
        assert found["ownerid"] == world.inside.get("contact", contact).values["ownerid"].id  # type: ignore[union-attr]  # an owner is a reference


@pytest.mark.parametrize("type_", ["Owner", "Lookup", "Customer", "Uniqueidentifier"])
def test_ids_are_told_in_small_letters_however_they_come(type_: str) -> None:
    """Owners are found by them, whichever way a list and a row write them."""
    spell = spelling(Column("ownerid", type_))

    assert spell is not None
    assert spell(SOMEBODY.upper()) == SOMEBODY.lower()


def test_owners_in_capitals_are_those_in_small_letters(dynamics: Dynamics, world: Organisation) -> None:
    users = {"value": [{"systemuserid": SOMEBODY.upper(), "fullname": "Some Body"}]}
    world.sandbox.fault("answer", path=r"/systemusers\?", status=200, body=users, times=0)

    assert SOMEBODY in {owner.id for owner in dynamics.describe(["contact"]).owners}


def test_a_column_that_only_one_of_the_two_tables_has_is_blank_in_the_other(
    dynamics: Dynamics, world: Organisation
) -> None:
    """Asking a lead for a birthday would be refused for all leads; nor is a name that nobody knows asked for."""
    (contact,), lead = world.people(1), world.lead(companyname="Acme")
    world.inside.write("contact", contact, {"birthdate": "1815-12-10"})

    found = records(dynamics, "contact", "birthdate", "companyname", "no_such_column")

    assert found[contact].properties == {"birthdate": "1815-12-10", "companyname": None, "no_such_column": None}
    assert found[lead].properties == {"birthdate": None, "companyname": "Acme", "no_such_column": None}


def test_a_record_says_when_it_was_made_and_changed(dynamics: Dynamics, world: Organisation) -> None:
    """By the environment's clock."""
    (id,) = world.people(1)
    made = world.now()
    world.pass_time(3600)
    world.edit("contact", id, {"jobtitle": "x"})

    record = one(dynamics, "contact", id)

    assert (record.created_at, record.changed_at) == (made, world.now())


# -- derived properties ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        ({"statecode": 0, "statuscode": 1}, "open"),
        ({"statecode": 2, "statuscode": 3}, "canceled"),
        ({"statecode": 1, "statuscode": 4, "leftvoicemail": True}, "received"),
        ({"statecode": 1, "statuscode": 2, "leftvoicemail": True, "actualdurationminutes": 0}, "voicemail"),
        ({"statecode": 1, "statuscode": 2, "leftvoicemail": False, "actualdurationminutes": 0}, "unanswered"),
        ({"statecode": 1, "statuscode": 2, "actualdurationminutes": 12}, "made"),
        ({"statecode": 1, "statuscode": 2}, "made"),
    ],
)
def test_what_a_call_came_to_is_made_of_its_columns(
    dynamics: Dynamics, world: Organisation, values: dict[str, Value], outcome: str
) -> None:
    """No column says it."""
    id = world.inside.add("phonecall", values).id

    assert one(dynamics, "call", id, "derived.outcome").properties == {"derived.outcome": outcome}


@pytest.mark.parametrize(
    ("values", "stage", "won", "closed"),
    [
        ({"salesstage": 2}, "2", "false", "false"),
        ({"salesstage": 2, "statuscode": 2}, "on_hold", "false", "false"),
        ({"salesstage": 3, "statecode": 1}, "won", "true", "true"),
        ({"salesstage": 1, "statecode": 2}, "lost", "false", "true"),
        ({}, None, "false", "false"),
    ],
)
def test_the_stage_of_a_deal_says_how_it_ended(
    dynamics: Dynamics, world: Organisation, values: dict[str, Value], stage: str | None, won: str, closed: str
) -> None:
    """The column of its stage does not."""
    id = world.inside.add("opportunity", values).id
    names = ("derived.stage", "derived.is_won", "derived.is_closed", "derived.pipeline")

    found = one(dynamics, "deal", id, *names).properties

    assert tuple(found.values()) == (stage, won, closed, "default")


@pytest.mark.parametrize(
    ("kind", "table", "times", "when"),
    [
        ("call", "phonecall", {"scheduledstart": "2026-11-21T08:00:00"}, "2026-11-21T08:00:00Z"),
        (
            "call",
            "phonecall",
            {"scheduledstart": "2026-11-21T08:00:00", "actualstart": "2026-11-21T09:00:00"},
            "2026-11-21T09:00:00Z",
        ),
        ("call", "phonecall", {}, "2026-11-20T09:00:00Z"),
        (
            "email",
            "email",
            {"senton": "2026-11-21T10:00:00", "actualend": "2026-11-21T11:00:00"},
            "2026-11-21T10:00:00Z",
        ),
        ("meeting", "appointment", {"scheduledstart": "2026-11-22T10:00:00"}, "2026-11-22T10:00:00Z"),
    ],
)
def test_an_activity_took_place_when_the_first_of_its_times_says(
    dynamics: Dynamics, world: Organisation, kind: str, table: str, times: dict[str, str], when: str
) -> None:
    """As the shipped mapping has them in a row; one without any took place when it was made."""
    id = world.inside.add(table, {name: at(time) for name, time in times.items()}, created_at=at("2026-11-20T09:00")).id
    mapping = FieldMap(load_agreement(shipped_mappings(), "dynamics").wiring, {kind: ("at",)}, {})

    facts = mapping.facts(one(dynamics, kind, id, *mapping.properties(kind)))

    assert facts["f"]["at"] == when


def test_minutes_are_counted_in_milliseconds(dynamics: Dynamics, world: Organisation) -> None:
    """The agreement's unit; of a call of which nobody says how long it took nothing is told."""
    three = world.inside.add("phonecall", {"actualdurationminutes": 3}).id
    untold = world.inside.add("phonecall", {}).id

    found = records(dynamics, "call", "derived.duration_ms")

    assert found[three].properties == {"derived.duration_ms": "180000"}
    assert found[untold].properties == {"derived.duration_ms": None}


def test_what_is_derived_is_described_and_readable_by_the_fields() -> None:
    """A definition for each, under its own name, that nobody can write."""
    for kind, names in DERIVED.items():
        for name, definition in definitions(kind).items():
            assert (definition.name, definition.read_only, name in names) == (name, True, True)


def test_the_facts_of_a_call_are_those_of_the_agreement(dynamics: Dynamics, world: Organisation) -> None:
    """From a row to what rules are about, through the fields as they are."""
    fields = {
        "at": FieldSpec("at", "actualstart", "datetime"),
        "direction": FieldSpec("direction", "directioncode", values={"outbound": ("true",), "inbound": ("false",)}),
        "outcome": FieldSpec("outcome", "derived.outcome", values={"connected": ("made", "received")}),
        "duration_ms": FieldSpec("duration_ms", "derived.duration_ms", "number"),
    }
    mapping = FieldMap(Wiring("dynamics", {"call": fields}), {"call": tuple(fields)}, {})
    start = at("2026-11-21T09:00:00")
    values: dict[str, Value] = {"actualstart": start, "directioncode": True, "statecode": 1, "statuscode": 2}
    id = world.inside.add("phonecall", {**values, "actualdurationminutes": 2}).id

    facts = mapping.facts(one(dynamics, "call", id, *mapping.properties("call")))

    assert facts["f"] == {
        "at": "2026-11-21T09:00:00Z",
        "direction": "outbound",
        "outcome": "connected",
        "duration_ms": 120_000,
    }


# -- how many there are ----------------------------------------------------------------------------------


def test_people_are_counted_by_any_type_of_value(dynamics: Dynamics, world: Organisation) -> None:
    """In both tables, those in use that stand for themselves; what cannot be asked for is None and no error."""
    contact = world.inside.add("contact", {"jobtitle": "O'Brien's aide", "donotemail": True, "accountrolecode": 1}).id
    world.lead(parent=contact, donotemail=True)
    world.lead(donotemail=True, leadqualitycode=1)
    world.inside.add("contact", {"donotemail": True, "statecode": 1, "statuscode": 2})
    owner = one(dynamics, "contact", contact, "ownerid").properties["ownerid"]

    def count(name: str, value: str | None) -> int | None:
        return dynamics.count("contact", name, value)

    assert (count("jobtitle", "O'Brien's aide"), count("donotemail", "true"), count("donotemail", "perhaps")) == (
        1,
        2,
        None,
    )
    assert (count("accountrolecode", "1"), count("accountrolecode", None), count("accountrolecode", "one")) == (
        1,
        1,
        None,
    )
    assert (count("leadqualitycode", "1"), count("ownerid", owner), count("no_such_column", "1")) == (1, 2, 0)
    assert dynamics.count("deal", "derived.stage", "won") is None


def test_where_dataverse_stops_counting_a_total_of_the_last_day_serves(
    dynamics: Dynamics, world: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stops at 5,000; by value nobody knows then."""
    monkeypatch.setattr(reading, "_MOST_COUNTED", 4)
    monkeypatch.setattr(counting, "MOST", 4)
    world.people(7)
    world.lead()

    assert dynamics.count("contact") == 8
    assert dynamics.count("contact", "address1_city", None) is None
    assert dynamics.count("contact", "jobtitle", "title 3") == 1


# -- links -----------------------------------------------------------------------------------------------


def ids_of(links: object) -> dict[str, list[str]]:
    return {id: [link.to_id for link in those] for id, those in links.items()}  # type: ignore[attr-defined]  # read from the protocol as an object


def test_a_parent_that_is_a_person_is_no_company(dynamics: Dynamics, world: Organisation) -> None:
    """The same lookup may point to a contact; a lead has one of its own."""
    (child, parent), company = world.people(2), world.add("company", {"name": "Acme"})
    world.inside.write("contact", child, {"parentcustomerid": Ref("contact", parent)})
    lead = world.lead(parentaccountid=Ref("account", company))

    found = dynamics.links("contact", [child, parent, lead], "company")

    assert ids_of(found) == {child: [], parent: [], lead: [company]}
    assert found[lead][0].labels == ("primary",)


def test_a_deal_is_theirs_whom_it_names_and_not_of_everybody_at_the_company(
    dynamics: Dynamics, world: Organisation
) -> None:
    """Seen from both sides alike; the lookups are the labels."""
    company = world.add("company", {"name": "Acme"})
    named, customer, colleague = world.people(3)
    for person in (named, customer, colleague):
        world.link("contact", person, "company", company)
    of_company = world.inside.add("opportunity", {"customerid": Ref("account", company)}).id
    both = {"parentcontactid": Ref("contact", named), "customerid": Ref("contact", customer)}
    shared = world.inside.add("opportunity", both).id
    own = world.inside.add("opportunity", {name: Ref("contact", named) for name in both}).id

    from_people = dynamics.links("contact", [named, customer, colleague], "deal")
    from_deals = dynamics.links("deal", [of_company, shared, own], "contact")

    assert ids_of(from_people) == {named: sorted([shared, own]), customer: [shared], colleague: []}
    assert ids_of(from_deals) == {
        of_company: [],
        shared: sorted([named, customer]),
        own: [named],
    }
    labels = {link.to_id: link.labels for link in from_people[named]}
    assert labels == {shared: ("parentcontactid",), own: ("parentcontactid", "customerid")}


def test_an_activity_is_theirs_who_take_part_else_theirs_whom_it_regards(
    dynamics: Dynamics, world: Organisation
) -> None:
    """A party may be a lead, for which its contact stands; whose it is and whom it regards are no parties."""
    boss, assistant, other = world.people(3)
    lead = world.lead(parent=other)
    user = Ref("systemuser", world.inside.app.id)
    taken = world.inside.add("phonecall", {"regardingobjectid": Ref("contact", boss)}).id
    world.party("phonecall", taken, Ref("contact", assistant))
    world.party("phonecall", taken, Ref("lead", lead))
    world.party("phonecall", taken, user, role=1)
    regarding = world.inside.add("phonecall", {"regardingobjectid": Ref("contact", boss)}).id
    world.party("phonecall", regarding, Ref("contact", boss), role=8)
    world.party("phonecall", regarding, user, role=9)
    deal = world.inside.add("opportunity", {"parentcontactid": Ref("contact", boss)}).id
    about_deal = world.inside.add("phonecall", {"regardingobjectid": Ref("opportunity", deal)}).id

    calls = dynamics.links("call", [taken, regarding, about_deal], "contact")
    people = dynamics.links("contact", [boss, assistant, other], "call")

    assert ids_of(calls) == {taken: sorted([assistant, other]), regarding: [boss], about_deal: []}
    assert ids_of(people) == {boss: [regarding], assistant: [taken], other: [taken]}
    assert dynamics.links("contact", [boss], "email") == {boss: ()}


def test_a_question_that_is_too_complex_is_asked_in_halves(open_dynamics: Open, world: Organisation) -> None:
    """However many conditions an environment takes."""
    world.sandbox.switch(conditions=4)
    ids = world.people(11)
    crm = open_dynamics(read=Reading(ids=11))

    assert {record.id for record in crm.read("contact", ids, [])} == set(ids)


@pytest.mark.parametrize("fault", ["drop_after", "truncated", "html", "lose_rows"])
def test_what_a_batch_does_not_answer_is_asked_once_more(dynamics: Dynamics, world: Organisation, fault: str) -> None:
    """A lost answer, a broken one, missing parts: nobody is taken for gone because of it."""
    ids = world.people(8)
    world.sandbox.fault(fault, path="batch", **({"rows": 2} if fault == "lose_rows" else {}))

    assert {record.id for record in dynamics.read("contact", ids, [])} == set(ids)


def test_a_read_that_stays_unanswered_names_nobody_gone(open_dynamics: Open, world: Organisation) -> None:
    """It is an error, and no short list."""
    ids = world.people(4)
    crm = open_dynamics(attempts=2)
    world.sandbox.fault("html", path="batch", times=0)

    with pytest.raises(OutcomeUnknown):
        list(crm.read("contact", ids, []))
