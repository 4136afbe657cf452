"""Reading rows: columns, filters, order, pages, single rows; what is not understood is refused."""

from __future__ import annotations

from decimal import Decimal

import orjson
import pytest

from connector.sandbox.dataverse import DataverseSandbox, Environment
from connector.sandbox.dataverse.known import SOMEBODY, STAFF, TEAM
from connector.sandbox.dataverse.schema import Ref
from tests.sandbox.dataverse.conftest import Api, guid, refusal

PEOPLE = (("Ada", "Byron", 3), ("Grace", "Hopper", 1), ("alan", "Turing", None), ("Edsger", "O'Hara", 2))


@pytest.fixture
def leads(world: Environment) -> list[str]:
    """Four leads, one of them without a rating."""
    return [
        world.add("lead", {"firstname": first, "lastname": last, "leadqualitycode": rating}, id=guid(n)).id
        for n, (first, last, rating) in enumerate(PEOPLE, 1)
    ]


def test_unset_columns_are_told_as_null_and_key_and_etag_unasked(api: Api, ada: str) -> None:
    (row,) = api.get("contacts?$select=jobtitle,_parentcustomerid_value")["value"]

    assert row == {
        "@odata.etag": row["@odata.etag"],
        "jobtitle": None,
        "_parentcustomerid_value": None,
        "contactid": ada,
    }
    assert row["@odata.etag"].startswith('W/"')


def test_money_drags_its_currency_along_and_has_four_decimals(api: Api, world: Environment) -> None:
    world.add("account", {"name": "Acme", "revenue": Decimal("5000000.1")}, id=guid(1))

    answer = api("GET", f"accounts({guid(1)})?$select=revenue")

    assert b'"revenue":5000000.1000' in answer.content
    assert set(orjson.loads(answer.content)) >= {"revenue", "_transactioncurrencyid_value", "accountid"}


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ("leadqualitycode eq 1", "2"),
        ("leadqualitycode ne 1", "134"),
        ("leadqualitycode eq null", "3"),
        ("leadqualitycode ne null", "124"),
        ("leadqualitycode ge 2 and leadqualitycode lt 3", "4"),
        ("leadqualitycode gt 2 or lastname eq 'turing'", "13"),
        ("leadqualitycode le 2", "24"),
        ("not (leadqualitycode le 2) and leadqualitycode ne null", "1"),
        ("lastname eq 'O''Hara'", "4"),
        ("contains(firstname,'A')", "123"),
        ("startswith(firstname,'a')", "13"),
        ("endswith(fullname,'hopper')", "2"),
        ("Microsoft.Dynamics.CRM.In(PropertyName='leadqualitycode',PropertyValues=['1','3'])", "12"),
        (f"Microsoft.Dynamics.CRM.In(PropertyName='leadid',PropertyValues=['{guid(3)}'])", "3"),
        (f"leadid eq {guid(2)} or leadid eq {guid(4)}", "24"),
        ("createdon ge 2026-11-21T09:00:00Z", "1234"),
        ("createdon gt 2026-11-21T10:00:00+01:00", ""),
        ("modifiedon lt 2026-11-22", "1234"),
        (f"_ownerid_value eq {next(iter(STAFF))}", "1234"),
        ("_parentcontactid_value eq null", "1234"),
    ],
)
def test_filters_find_what_they_say(api: Api, leads: list[str], filter: str, found: str) -> None:
    ids = api.values(f"leads?$select=leadid&$filter={filter.replace('+', '%2B')}", "leadid")

    assert "".join(str(leads.index(id) + 1) for id in ids) == found


@pytest.mark.parametrize(
    "query",
    [
        "$skip=1",
        "$search=ada",
        "$apply=aggregate(leadid with countdistinct as n)",
        "$select=hat",
        "$select=_lastname_value",
        "$filter=hat eq 1",
        "$filter=parentcontactid eq null",
        "$filter=lastname eq 1",
        "$filter=leadqualitycode eq '1'",
        "$filter=lastname is 'x'",
        "$filter=lastname eq 'x' xor firstname eq 'y'",
        "$filter=length(lastname) eq 3",
        "$filter=Microsoft.Dynamics.CRM.Above(PropertyName='leadid',PropertyValue='x')",
        "$filter=(lastname eq 'x'",
        "$filter=leadqualitycode gt null",
        "$orderby=hat",
        "$orderby=lastname up",
        "$top=many",
        "$expand=hat",
        "$expand=parentcontactid($filter=lastname eq 'x')",
        "$expand=lead_phonecalls",
    ],
)
def test_what_is_not_understood_is_refused(api: Api, leads: list[str], query: str) -> None:
    """An ignored option would answer something else than was asked."""
    assert refusal(api("GET", f"leads?{query}"))[0] == 400


def test_order_goes_by_columns_then_ids_and_nothing_comes_first(api: Api, leads: list[str]) -> None:
    ids = api.values("leads?$select=leadid&$orderby=leadqualitycode asc,leadid asc", "leadid")
    assert [leads.index(id) + 1 for id in ids] == [3, 2, 4, 1]

    rows, _ = api.pages("leads?$select=leadid&$orderby=leadqualitycode desc", Prefer="odata.maxpagesize=1")
    assert [leads.index(row["leadid"]) + 1 for row in rows] == [1, 4, 2, 3]


def test_a_page_size_is_heeded_and_makes_top_unheard(api: Api, leads: list[str]) -> None:
    """The rule of the real service: with both, $top is ignored."""
    assert len(api.get("leads?$top=3")["value"]) == 3
    page = api.get("leads?$top=3", Prefer="odata.maxpagesize=2")

    assert len(page["value"]) == 2
    assert "@odata.nextLink" in page
    assert len(api.pages("leads?$top=3", Prefer="odata.maxpagesize=2")[0]) == 4


def test_dataverse_trap_03_every_page_is_reached_by_the_links_alone(api: Api, world: Environment) -> None:
    ids = [world.add("contact", {"lastname": f"L{n}"}).id for n in range(25)]

    rows, _ = api.pages("contacts?$select=lastname", Prefer="odata.maxpagesize=4")

    assert sorted(row["contactid"] for row in rows) == sorted(ids)


def test_dataverse_trap_03_a_last_page_may_be_empty(api: Api, sandbox: DataverseSandbox, leads: list[str]) -> None:
    sandbox.switch(empty_last_page=True)
    first = api.get("leads", Prefer="odata.maxpagesize=4")
    last = api.get(first["@odata.nextLink"], Prefer="odata.maxpagesize=4")

    assert (len(first["value"]), last["value"]) == (4, [])
    assert "@odata.nextLink" not in last


def test_a_link_that_does_not_come_back_as_it_was_is_refused(api: Api, leads: list[str]) -> None:
    """Encoded again, cut, or taken to another query."""
    link = api.get("leads?$select=lastname", Prefer="odata.maxpagesize=1")["@odata.nextLink"]

    for other in (link.replace("%25", "%"), link[:-12], link.replace("$select=lastname", "$select=firstname")):
        assert refusal(api("GET", other))[0] == 400
    assert api("GET", link).status_code == 200


def test_counts_are_told_up_to_five_thousand(api: Api, leads: list[str], world: Environment) -> None:
    assert api.get("leads?$count=true&$filter=leadqualitycode ne null&$top=1")["@odata.count"] == 3
    assert api("GET", "leads/$count").text == "4"
    for n in range(5001):
        world.add("contact", {"lastname": str(n)})
    assert api("GET", "contacts/$count").text == "5000"
    assert len(api.get("contacts?$select=contactid")["value"]) == 5000


def test_a_lookup_is_expanded_with_its_columns(api: Api, world: Environment, ada: str) -> None:
    world.add("account", {"name": "Acme", "numberofemployees": 7}, id=guid(9))
    world.write("contact", ada, {"parentcustomerid": Ref("account", guid(9))})
    query = (
        "$expand=parentcustomerid_account($select=name,numberofemployees),parentcustomerid_contact($select=fullname)"
    )

    row = api.get(f"contacts({ada})?$select=fullname&{query}")

    assert row["parentcustomerid_account"] | {"@odata.etag": ""} == {
        "@odata.etag": "",
        "name": "Acme",
        "numberofemployees": 7,
        "accountid": guid(9),
    }
    assert row["parentcustomerid_contact"] is None


def test_what_lies_behind_a_lookup_is_filtered(api: Api) -> None:
    """The question whether a table supports UpdateMultiple."""
    asked = "sdkmessagefilters?$select=sdkmessagefilterid&$filter=sdkmessageid/name eq 'UpdateMultiple' and "

    assert len(api.get(asked + "primaryobjecttypecode eq 'contact'")["value"]) == 1
    assert api.get(asked + "primaryobjecttypecode eq 'task'")["value"] == []


def test_annotations_come_only_when_asked_for(api: Api, world: Environment, ada: str) -> None:
    world.write("contact", ada, {"donotemail": True, "parentcustomerid": Ref("contact", ada)})
    path = f"contacts({ada})?$select=donotemail,statecode,_parentcustomerid_value"

    plain, told = api.get(path), api.get(path, Prefer='odata.include-annotations="*"')

    assert not [name for name in plain if "@" in name and not name.startswith("@odata")]
    assert told["donotemail@OData.Community.Display.V1.FormattedValue"] == "Do Not Allow"
    assert told["statecode@OData.Community.Display.V1.FormattedValue"] == "Active"
    assert told["_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"] == "contact"
    assert (
        told["_parentcustomerid_value@Microsoft.Dynamics.CRM.associatednavigationproperty"]
        == "parentcustomerid_contact"
    )


def test_a_page_tells_the_version_of_the_metadata_when_asked(api: Api, sandbox: DataverseSandbox, ada: str) -> None:
    """A cheap sign that columns or options changed."""
    name = "Microsoft.Dynamics.CRM.globalmetadataversion"
    before = api.get("contacts", Prefer=f'odata.include-annotations="{name}"')[f"@{name}"]
    sandbox.do("column", {"table": "contacts", "name": "jobtitle", "read_only": True})

    assert api.get("contacts", Prefer=f'odata.include-annotations="{name}"')[f"@{name}"] != before
    assert f"@{name}" not in api.get("contacts")


def test_a_row_that_is_known_is_not_told_again(api: Api, ada: str) -> None:
    etag = api("GET", f"contacts({ada})?$select=fullname").headers["ETag"]

    assert api("GET", f"contacts({ada})?$select=fullname", If_None_Match=etag).status_code == 304
    assert api("GET", f"contacts({ada})?$select=fullname", If_None_Match="null").status_code == 200
    wanted = 'odata.include-annotations="*"'
    assert api("GET", f"contacts({ada})?$select=fullname", If_None_Match=etag, Prefer=wanted).status_code == 200


def test_a_row_is_asked_for_in_any_case_and_told_in_lower_case(api: Api, world: Environment) -> None:
    id = world.add("contact", {"lastname": "X"}, id="ABCDEF00-0000-4000-8000-00000000ABCD").id

    assert api.get(f"contacts({id.upper()})?$select=lastname")["contactid"] == id == id.lower()


def test_missing_rows_sets_and_services_are_four_hundred_and_four(api: Api) -> None:
    assert refusal(api("GET", f"contacts({guid(5)})")) == (404, "0x80040217")
    assert refusal(api("GET", "kontacts")) == (404, "0x80060888")
    assert api("GET", "/api/data/v8.2/contacts").status_code == 404


def test_parties_are_read_in_sets_only(api: Api, world: Environment) -> None:
    call = world.add("phonecall", {"subject": "Hello"}, id=guid(2))
    party = world.add("activityparty", {"activityid": Ref("phonecall", call.id), "participationtypemask": 2})

    assert refusal(api("GET", f"activityparties({party.id})")) == (501, "0x80040800")
    (row,) = api.get(f"activityparties?$filter=_activityid_value eq {call.id}&$select=participationtypemask")["value"]
    assert row["participationtypemask"] == 2


def test_addresses_and_filters_have_an_end(api: Api, sandbox: DataverseSandbox, leads: list[str]) -> None:
    """Whoever reads by ids has to do so in portions."""
    one = f"leadid eq {guid(1)}"
    assert api.get(f"leads?$select=leadid&$filter={' or '.join([one] * 500)}")["value"]
    assert refusal(api("GET", f"leads?$filter={' or '.join([one] * 501)}")) == (400, "0x8004430c")
    ids = ",".join(f"'{guid(n)}'" for n in range(700))
    wanted = f"Microsoft.Dynamics.CRM.In(PropertyName='leadid',PropertyValues=[{ids}])"
    assert len(api.get(f"leads?$select=leadid&$filter={wanted}")["value"]) == 4
    sandbox.switch(conditions=100)
    assert refusal(api("GET", f"leads?$filter={wanted}")) == (400, "0x8004430e")
    sandbox.switch(address_limit=20_000)
    assert api("GET", f"leads?$filter={wanted}").status_code == 414


def test_who_owns_a_row_is_told_by_kind_of_owner(api: Api, world: Environment) -> None:
    world.add("lead", {"lastname": "A"}, id=guid(1))
    world.add("lead", {"lastname": "B", "ownerid": Ref("team", TEAM)}, id=guid(2))

    rows = api.get("leads?$select=_ownerid_value,_owninguser_value,_owningteam_value")["value"]
    assert [(row["_owninguser_value"], row["_owningteam_value"]) for row in rows] == [(SOMEBODY, None), (None, TEAM)]
    assert api.values("leads?$select=leadid&$filter=_owningteam_value ne null", "leadid") == [guid(2)]
