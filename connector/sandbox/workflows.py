"""
Portal workflows and their like: what an account does by itself when a property of a contact changes.

A workflow waits for a property to change (to one value, or at all) and then sets a property, at once or a while later.
What it writes carries its id in the history, as in HubSpot. The same trigger can let another integration or a person
act: who fights with us need not be a workflow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.sandbox import manners
from connector.sandbox.records import Source, app, person

if TYPE_CHECKING:
    from connector.sandbox.world import World


@dataclass(slots=True)
class Workflow:
    """
    When `property` of a contact changes to `value` (None: to anything, a blank included), set `sets` to `to`.

    `only_app`: only when it was written through the API. `after_s`: so many seconds of the sandbox's clock later.
    `as_app` or `as_user`: not a workflow acts but another integration, or a person, and history says so.
    """

    id: str
    name: str
    property: str
    value: str | None
    sets: str
    to: str
    enabled: bool = True
    revision: int = 1
    only_app: bool = False
    after_s: float = 0.0
    as_app: str = ""
    as_user: int = 0

    def is_triggered_by(self, changes: Mapping[str, str], source: Source) -> bool:
        """Whether these changes enroll a contact; what another integration does here is not what an app of ours did."""
        if not (self.enabled and self.property in changes and self.value in (None, changes[self.property])):
            return False
        return not self.only_app or (source.type == "INTEGRATION" and source.id != self.as_app)

    def is_flow(self) -> bool:
        """Whether it is a workflow in truth, which the Automation API lists."""
        return not (self.as_app or self.as_user)

    def source(self) -> Source:
        """Who acts, as history names it."""
        if self.as_app:
            return app(self.as_app)
        return person(self.as_user) if self.as_user else automation(self.id)


def automation(flow_id: str) -> Source:
    """A workflow, as history names it."""
    return Source("AUTOMATION_PLATFORM", flow_id)


def enroll(
    world: World,
    contact_id: str,
    changes: Mapping[str, str],
    source: Source,
    already: frozenset[str] = frozenset(),
    *,
    at: int | None = None,
) -> None:
    """Enroll a contact in every workflow that these changes trigger; one never runs twice on the way of one write."""
    for workflow in list(world.workflows):
        if workflow.id not in already and workflow.is_triggered_by(changes, source):
            world.enrollments[workflow.id] += 1
            _begin(world, workflow, contact_id, already | {workflow.id}, at)


def _begin(world: World, workflow: Workflow, contact_id: str, already: frozenset[str], at: int | None) -> None:
    """Act at once, or when the delay is over."""
    if not workflow.after_s:
        _act(world, workflow, contact_id, already, at)
        return
    due = (world.clock.now() if at is None else at) + round(workflow.after_s * 1000)
    world.agenda.add(due, lambda: _act(world, workflow, contact_id, already, due))


def _act(world: World, workflow: Workflow, contact_id: str, already: frozenset[str], at: int | None) -> None:
    """Set the property unless it holds the value already; the forward-only rule binds all but people."""
    if world.living("contacts", contact_id) is None:
        return
    current = world.get("contacts", contact_id).get(workflow.sets) or ""
    if current == workflow.to:
        return
    bound = workflow.sets == "lifecyclestage" and world.switches.lifecycle == "forward_only" and not workflow.as_user
    if bound and manners.is_backward(world, "contacts", current, workflow.to):
        return
    world.write("contacts", contact_id, {workflow.sets: workflow.to}, workflow.source(), enrolled=already, at=at)
