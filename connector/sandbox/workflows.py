"""
Portal workflows: what an account does by itself when a property of a contact changes.

A workflow waits for a property to change (to one value, or at all) and then sets a property. Who wrote does not
matter to it; what it writes carries its id in the history, as in HubSpot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.sandbox import manners
from connector.sandbox.records import Source

if TYPE_CHECKING:
    from connector.sandbox.world import World


@dataclass(slots=True)
class Workflow:
    """When `property` of a contact changes to `value` (None: to anything, a blank included), set `sets` to `to`."""

    id: str
    name: str
    property: str
    value: str | None
    sets: str
    to: str
    enabled: bool = True
    revision: int = 1

    def is_triggered_by(self, changes: Mapping[str, str]) -> bool:
        return self.enabled and self.property in changes and self.value in (None, changes[self.property])


def automation(flow_id: str) -> Source:
    """A workflow, as history names it."""
    return Source("AUTOMATION_PLATFORM", flow_id)


def enroll(world: World, contact_id: str, changes: Mapping[str, str], already: frozenset[str] = frozenset()) -> None:
    """Enroll a contact in every workflow that these changes trigger; one never runs twice on the way of one write."""
    for workflow in list(world.workflows):
        if workflow.id not in already and workflow.is_triggered_by(changes):
            world.enrollments[workflow.id] += 1
            _act(world, workflow, contact_id, already | {workflow.id})


def _act(world: World, workflow: Workflow, contact_id: str, already: frozenset[str]) -> None:
    """Set the property unless it holds the value already; the forward-only rule binds workflows too."""
    current = world.get("contacts", contact_id).get(workflow.sets) or ""
    if current == workflow.to:
        return
    held_back = workflow.sets == "lifecyclestage" and world.switches.lifecycle == "forward_only"
    if held_back and manners.is_backward(world, "contacts", current, workflow.to):
        return
    source = automation(workflow.id)
    world.write("contacts", contact_id, {workflow.sets: workflow.to}, source, enrolled=already)
