"""Metadata: tables, columns by kind, options by value, how lookups are spelled, who the caller is and what it may."""

from __future__ import annotations

from typing import Any

import pytest

from connector.sandbox.dataverse.known import APP_USER, ORGANIZATION
from tests.sandbox.dataverse.conftest import Api, refusal

CRM = "Microsoft.Dynamics.CRM."


def options(api: Api, table: str, column: str, kind: str) -> dict[int, str]:
    path = f"EntityDefinitions(LogicalName='{table}')/Attributes(LogicalName='{column}')/{CRM}{kind}AttributeMetadata"
    told = api.get(f"{path}?$select=LogicalName&$expand=OptionSet($select=Options)")["OptionSet"]["Options"]
    return {one["Value"]: one["Label"]["UserLocalizedLabel"]["Label"] for one in told}


def test_the_caller_is_told_who_it_is(api: Api) -> None:
    me = api("GET", "WhoAmI")

    assert (me.json()["UserId"], me.json()["OrganizationId"]) == (APP_USER, ORGANIZATION)
    assert me.headers["x-ms-dop-hint"] == "10"
    assert api.get("WhoAmI()")["UserId"] == APP_USER


def test_tables_are_told_with_what_can_be_done_to_them(api: Api) -> None:
    names = ("contact", "lead", "activityparty", "opportunity")
    query = "$select=LogicalName,EntitySetName,PrimaryIdAttribute,ChangeTrackingEnabled,IsOptimisticConcurrencyEnabled"
    either = " or ".join(f"LogicalName eq '{name}'" for name in names)

    told = {one["LogicalName"]: one for one in api.get(f"EntityDefinitions?{query}&$filter={either}")["value"]}

    assert set(told) == set(names)
    assert told["opportunity"]["EntitySetName"] == "opportunities"
    assert told["contact"]["PrimaryIdAttribute"] == "contactid"
    assert (told["lead"]["ChangeTrackingEnabled"], told["activityparty"]["ChangeTrackingEnabled"]) == (True, False)
    assert told["activityparty"]["IsOptimisticConcurrencyEnabled"] is False


def test_columns_are_told_with_their_bounds_by_the_cast_of_their_kind(api: Api) -> None:
    def cast(table: str, kind: str, query: str = "") -> dict[str, dict[str, Any]]:
        path = f"EntityDefinitions(LogicalName='{table}')/Attributes/{CRM}{kind}AttributeMetadata"
        return {one["LogicalName"]: one for one in api.get(path + query)["value"]}

    assert cast("lead", "String")["lastname"]["MaxLength"] == 50
    assert cast("lead", "Integer")["numberofemployees"]["MaxValue"] == 1_000_000
    assert cast("opportunity", "DateTime")["actualclosedate"]["DateTimeBehavior"] == {"Value": "DateOnly"}
    follow_up = cast("lead", "DateTime")["schedulefollowup_qualify"]
    assert (follow_up["DateTimeBehavior"]["Value"], follow_up["Format"]) == ("UserLocal", "DateOnly")
    assert cast("opportunity", "Lookup", "?$select=LogicalName,Targets")["customerid"]["Targets"] == [
        "account",
        "contact",
    ]
    assert "lastname" not in cast("lead", "Integer")


def test_options_are_told_by_value_and_a_status_by_its_state(api: Api) -> None:
    assert options(api, "lead", "leadqualitycode", "Picklist") == {1: "Hot", 2: "Warm", 3: "Cold"}
    path = f"EntityDefinitions(LogicalName='lead')/Attributes/{CRM}StatusAttributeMetadata"
    (status,) = api.get(
        f"{path}?$select=LogicalName&$expand=OptionSet($select=Options),GlobalOptionSet($select=Options)"
    )["value"]
    states = {one["Value"]: one["State"] for one in status["OptionSet"]["Options"]}
    assert states == {1: 0, 2: 0, 3: 1, 4: 2, 5: 2, 6: 2, 7: 2}
    assert status["GlobalOptionSet"] is None


def test_dataverse_trap_09_two_stock_booleans_say_no_when_they_are_true(api: Api) -> None:
    path = f"EntityDefinitions(LogicalName='opportunity')/Attributes/{CRM}BooleanAttributeMetadata"
    told = api.get(f"{path}?$select=LogicalName&$expand=OptionSet($select=TrueOption,FalseOption)")["value"]

    yes = {one["LogicalName"]: one["OptionSet"]["TrueOption"]["Label"]["UserLocalizedLabel"]["Label"] for one in told}
    assert (yes["confirminterest"], yes["captureproposalfeedback"], yes["evaluatefit"]) == ("No", "No", "Yes")


def test_how_a_lookup_is_spelled_is_told(api: Api) -> None:
    def navigations(table: str) -> dict[tuple[str, str], str]:
        query = "$select=ReferencingAttribute,ReferencedEntity,ReferencingEntityNavigationPropertyName"
        found = api.get(f"EntityDefinitions(LogicalName='{table}')/ManyToOneRelationships?{query}")["value"]
        return {
            (one["ReferencingAttribute"], one["ReferencedEntity"]): one["ReferencingEntityNavigationPropertyName"]
            for one in found
        }

    assert navigations("contact")["parentcustomerid", "account"] == "parentcustomerid_account"
    assert navigations("lead")["parentcontactid", "contact"] == "parentcontactid"
    assert navigations("lead")["msdyn_predictivescoreid", "msdyn_predictivescore"] == "msdyn_PredictiveScoreId"
    assert navigations("task")["regardingobjectid", "lead"] == "regardingobjectid_lead_task"
    assert navigations("contact")["ownerid", "owner"] == "ownerid"


def test_columns_are_found_by_their_kind_and_state_is_not_for_creating(api: Api) -> None:
    kind = f"AttributeType eq {CRM}AttributeTypeCode'Picklist'"
    found = api.get(
        f"EntityDefinitions(LogicalName='lead')/Attributes?$select=LogicalName,AttributeType&$filter={kind}"
    )
    assert {one["AttributeType"] for one in found["value"]} == {"Picklist"}

    facts = "$select=LogicalName,IsValidForCreate,IsValidForUpdate,ColumnNumber"
    state = api.get(f"EntityDefinitions(LogicalName='lead')/Attributes(LogicalName='statecode')?{facts}")
    assert (state["IsValidForCreate"], state["IsValidForUpdate"]) == (False, True)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("EntityDefinitions(LogicalName='hat')", 404),
        ("EntityDefinitions(LogicalName='lead')/Attributes(LogicalName='hat')", 404),
        (
            f"EntityDefinitions(LogicalName='lead')/Attributes(LogicalName='lastname')/{CRM}PicklistAttributeMetadata",
            404,
        ),
        (f"EntityDefinitions(LogicalName='lead')/Attributes/{CRM}EnumAttributeMetadata", 400),
        ("EntityDefinitions(LogicalName='lead')?$select=Hat", 400),
        ("EntityDefinitions?$filter=contains(LogicalName,'lead')", 400),
        ("EntityDefinitions(LogicalName='lead')/Attributes?$expand=OptionSet", 400),
        ("EntityDefinitions(LogicalName='lead')?$top=1", 400),
    ],
)
def test_metadata_that_is_not_there_is_refused(api: Api, path: str, status: int) -> None:
    assert refusal(api("GET", path))[0] == status


def test_the_rights_of_a_user_are_told(api: Api) -> None:
    held = api.get(f"systemusers({APP_USER})/{CRM}RetrieveUserPrivileges()")["RolePrivileges"]
    wanted = api.get("EntityDefinitions(LogicalName='lead')?$select=LogicalName,Privileges")["Privileges"]

    assert {one["Name"] for one in wanted} <= {one["PrivilegeName"] for one in held}
    assert {one["PrivilegeId"] for one in wanted} <= {one["PrivilegeId"] for one in held}
