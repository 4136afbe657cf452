"""Invented people: the same as in the HubSpot sandbox, valid in every column, told lazily and found quickly."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connector.sandbox.dataverse import DataverseSandbox, Environment, filters, words
from connector.sandbox.dataverse.people import BLOCK, populated
from connector.sandbox.dataverse.schema import LOOKUPS, OPTION_KINDS, Ref
from connector.sandbox.dataverse.spreading import born_id
from connector.sandbox.dataverse.telling import value_of
from connector.sandbox.server import generated
from tests.sandbox.dataverse.conftest import NINE, Api

PEOPLE = 120
INVENTED = ("contact", "lead", "account", "opportunity", "phonecall", "email", "appointment", "task", "activityparty")


@pytest.fixture(scope="module")
def people() -> Environment:
    return populated(PEOPLE, now=NINE)


@pytest.fixture(scope="module")
def served() -> Iterator[DataverseSandbox]:
    with DataverseSandbox(lambda: populated(12_345, now=NINE)) as sandbox:
        yield sandbox


def test_g12_person_n_is_the_same_one_in_both_sandboxes(people: Environment) -> None:
    hubspot = generated(PEOPLE, 7, now=NINE)
    for n in range(PEOPLE):
        row = people.row("contact", born_id("contact", n)) or people.get("lead", born_id("lead", n))
        theirs = hubspot.get("contacts", hubspot.population.id_of("contacts", n))
        told = {
            "email": "emailaddress1",
            "firstname": "firstname",
            "jobtitle": "jobtitle",
            "country": "address1_country",
        }
        assert {ours: row.values.get(ours) for ours in told.values()} == {
            ours: theirs.get(name) for name, ours in told.items()
        }
    assert people.shelf("opportunity").count() == hubspot.count("deals")
    assert people.shelf("account").count() == hubspot.count("companies")


def test_g12_what_people_did_on_the_website_is_dated_alike(people: Environment) -> None:
    """HubSpot has lists and a form, Dynamics columns that a flow fills."""
    hubspot = generated(PEOPLE, 7, now=NINE).population
    id_of = [hubspot.id_of("contacts", n) for n in range(PEOPLE)]
    seen = {column: hubspot.members()[name] for name, column in words.SEEN_ON.items()}
    seen[words.DEMO_ON] = {
        next(
            id for n, id in enumerate(id_of) if hubspot.properties("contacts", n).get("email") == values.get("email")
        ): at
        for at, values in hubspot.submissions()["demo-request"]
    }
    for column, members in seen.items():
        told = {
            id_of[n]: row.values[column]
            for n in range(PEOPLE)
            for row in [people.row("contact", born_id("contact", n)) or people.get("lead", born_id("lead", n))]
            if column in row.values
        }
        assert told == dict(members), column


def test_everybody_is_a_contact_or_a_lead_without_one(people: Environment) -> None:
    contacts = {row.id for row in people.shelf("contact").rows()}
    leads = list(people.shelf("lead").rows())
    alone = [row for row in leads if "parentcontactid" not in row.values]

    assert len(contacts) + len(alone) == PEOPLE
    assert {row.values["parentcontactid"].id for row in leads if row not in alone} <= contacts
    assert (len(alone), len(leads)) == (PEOPLE // BLOCK * 4, PEOPLE // BLOCK * 6)
    assert len(list(populated(PEOPLE, now=NINE, alone=False, beside=False).shelf("lead").rows())) == 0


@pytest.mark.parametrize("table", INVENTED)
def test_every_value_is_one_that_its_column_may_hold(people: Environment, table: str) -> None:
    shape = people.tables[table]
    rows = list(people.shelf(table).rows())
    assert rows
    assert [row.id for row in rows] == sorted(row.id for row in rows)
    assert len(rows) == people.shelf(table).count()
    for row in rows:
        assert set(row.values) <= set(shape.columns)
        for column in shape.columns.values():
            value = value_of(shape, row, column.name)
            if column.kind in OPTION_KINDS and value is not None:
                assert column.option(value) is not None, (column.name, value)
            if column.kind in LOOKUPS and isinstance(value, Ref):
                assert value.table in column.targets, (column.name, value)
                assert people.row(*value), (column.name, value)
            if column.length and value is not None:
                assert len(str(value)) <= column.length
        if "statuscode" in shape.columns:
            status = shape.columns["statuscode"].option(row.values["statuscode"])
            assert status is not None
            assert status.state == row.values["statecode"]


@pytest.mark.parametrize(
    ("table", "column"),
    [
        *(("contact", "parentcustomerid"), ("lead", "parentcontactid"), ("lead", "parentaccountid")),
        *(("opportunity", "parentcontactid"), ("opportunity", "customerid"), ("phonecall", "regardingobjectid")),
        *(("email", "regardingobjectid"), ("appointment", "regardingobjectid"), ("activityparty", "activityid")),
        *(("contact", "originatingleadid"), ("activityparty", "partyid"), ("contact", "ownerid")),
    ],
)
def test_what_points_at_a_row_is_found_as_if_each_were_looked_at(people: Environment, table: str, column: str) -> None:
    shelf, everyone = people.shelf(table), list(people.shelf(table).rows())
    asked = {ref.id for row in everyone if isinstance(ref := row.values.get(column), Ref)}
    asked |= {born_id(other, n) for other in INVENTED for n in (0, 3, 7, 999)}
    for id in asked:
        found = shelf.pointing(column, id)
        if found is not None:
            wanted = [row.id for row in everyone if isinstance(ref := row.values.get(column), Ref) and ref.id == id]
            assert [row.id for row in found if row.id in wanted] == wanted, id


def test_many_ids_are_found_at_once_and_what_was_written_among_them() -> None:
    people = populated(PEOPLE, now=NINE)
    shelf, everyone = people.shelf("contact"), list(people.shelf("contact").rows())
    company = everyone[5].values["parentcustomerid"]
    assert isinstance(company, Ref)
    moved = people.write("contact", everyone[0].id, {"parentcustomerid": company}).id
    nobody = "00000000-0000-4000-8000-000000000000"
    text = f"contactid eq {everyone[3].id} or contactid eq {nobody} or (_parentcustomerid_value eq {company.id})"

    asked = filters.pointed_at(text)
    assert asked is not None
    found = [row.id for row in shelf.among(asked, "contactid") or ()]

    there = {row.id for row in shelf.rows() if row.values.get("parentcustomerid") == company}
    assert {everyone[3].id, moved, *there} <= set(found) < {row.id for row in everyone}
    assert found == sorted(found)
    assert filters.pointed_at(text.replace(" or ", " and ", 1)) is None


def test_pages_begin_after_any_id(people: Environment) -> None:
    ids = [row.id for row in people.shelf("contact").rows()]
    for after in (*ids, "", "00000000-0000-4000-8000-000000000000", "ffffffff-0000-4000-8000-000000000000"):
        assert [row.id for row in people.shelf("contact").rows(after)] == [id for id in ids if id > after]


def test_lesson_08_every_one_of_12345_people_is_read_and_nothing_is_kept(served: DataverseSandbox) -> None:
    api = Api(served)
    contacts, link = api.pages("contacts?$select=emailaddress1", Prefer="odata.track-changes,odata.maxpagesize=5000")
    alone = api.pages("leads?$select=leadid&$filter=_parentcontactid_value eq null", Prefer="odata.maxpagesize=1000")[0]

    assert len({row["contactid"] for row in contacts} | {row["leadid"] for row in alone}) == 12_345
    assert served.world.shelf("contact").written() == []
    served.do("edit", {"table": "contacts", "id": contacts[77]["contactid"], "values": {"jobtitle": "CTO"}})
    assert [row["contactid"] for row in api.get(str(link))["value"]] == [contacts[77]["contactid"]]
    api.close()


def test_invented_rows_are_written_and_deleted_like_others(served: DataverseSandbox) -> None:
    api = Api(served)
    (before,) = api.get("contacts?$select=jobtitle,emailaddress1&$top=1")["value"]
    path = f"contacts({before['contactid']})"

    assert api("PATCH", path, {"jobtitle": "Queen"}, If_Match=before["@odata.etag"]).status_code == 204
    after = api.get(f"{path}?$select=jobtitle,emailaddress1")
    assert (after["jobtitle"], after["emailaddress1"]) == ("Queen", before["emailaddress1"])
    assert api("DELETE", path).status_code == 204
    assert api.get("contacts?$select=jobtitle&$top=1")["value"][0]["contactid"] > before["contactid"]
    api.close()


def test_the_same_seed_invents_the_same_people(people: Environment) -> None:
    again, other = populated(PEOPLE, now=NINE), populated(PEOPLE, seed=8, now=NINE)

    assert again.snapshot("contact", "lead") == people.snapshot("contact", "lead")
    assert other.snapshot("contact") != people.snapshot("contact")
