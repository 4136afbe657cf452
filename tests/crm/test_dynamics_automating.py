"""The automations of a Dynamics environment: what sets a column of ours, and what runs when it changes."""

from __future__ import annotations

import pytest

from connector.crm.dynamics.adapter import Dynamics
from connector.errors import Denied
from connector.sandbox.dataverse import DataverseSandbox
from connector.sandbox.dataverse.automations import automation


@pytest.mark.parametrize("table", ["contact", "lead"])
@pytest.mark.parametrize(("kind", "sets"), [("workflow", True), ("rule", True), ("flow", True), ("plugin", False)])
def test_each_kind_of_automation_is_found_on_either_table_of_people(
    crm: Dynamics, sandbox: DataverseSandbox, kind: str, sets: bool, table: str
) -> None:
    """Workflows, business rules and cloud flows set a column; of a plug-in nobody knows more than when it runs."""
    id = automation(sandbox.world, "Raise", table, "jobtitle", kind=kind)
    off = automation(sandbox.world, "Old", table, "jobtitle", kind=kind, enabled=False)
    automation(sandbox.world, "City", table, "address1_city", kind=kind)
    automation(sandbox.world, "Deals", "opportunity", "name", kind=kind)

    found = crm.automations({"contact": ["jobtitle", "name"]})

    told = {(one.id, one.name, one.kind, one.property, one.enabled, one.sets) for one in found}
    assert told == {
        (id, "Raise", "contact", "jobtitle", True, sets),
        (off, "Old", "contact", "jobtitle", False, sets),
    }


def test_what_cannot_be_read_in_a_process_is_passed_over(crm: Dynamics, sandbox: DataverseSandbox) -> None:
    """Advice from what others wrote: half a flow is no reason to stop."""
    world = sandbox.world
    world.add("workflow", {"name": "Broken", "type": 1, "clientdata": '{"entityName": "contacts", "item/jobtitle'})
    world.add("workflow", {"name": "Cut", "type": 1, "xaml": '<mxswa:SetEntityProperty Attribute="jobtitle" Value="['})
    world.add("workflow", {"name": "Bare", "type": 1})
    world.add("workflow", {"name": "Copy", "type": 2, "xaml": "..."})
    id = automation(world, "Whole", "contact", "jobtitle", kind="flow")

    assert [one.id for one in crm.automations({"contact": ["jobtitle"]})] == [id]


def test_many_processes_come_page_by_page(crm: Dynamics, sandbox: DataverseSandbox) -> None:
    """Each brings all of its steps along."""
    sandbox.switch(page_limit=2)
    ids = {automation(sandbox.world, f"Flow {number}", "lead", "jobtitle", kind="flow") for number in range(5)}

    assert {one.id for one in crm.automations({"contact": ["jobtitle"]})} == ids


def test_who_may_not_see_them_is_told_which_rights_would_show_them(crm: Dynamics, sandbox: DataverseSandbox) -> None:
    """By the names that the security role has for them."""
    sandbox.do("privilege", {"table": "workflow", "deny": ["Read"]})

    with pytest.raises(Denied, match="prvReadWorkflow") as told:
        crm.automations({"contact": ["jobtitle"]})
    assert told.value.code == "scope"
    assert crm.automations({"contact": []}) == []
