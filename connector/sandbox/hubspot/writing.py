"""What an API call does to a record once its values are found good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connector.sandbox import manners
from connector.sandbox.exchange import Refusal, invalid, refusal
from connector.sandbox.hubspot.routes import Request
from connector.sandbox.hubspot.shapes import record_shape
from connector.sandbox.poison import poison_in
from connector.sandbox.records import Row, app
from connector.sandbox.schema import ACTIVITIES
from connector.sandbox.stock import LINK_TYPES
from connector.sandbox.validation import Altered, Ways, checked, refused
from connector.sandbox.workflows import enroll

#: Properties without which a record of a kind cannot be made.
REQUIRED = {"deals": ("dealname", "dealstage")} | dict.fromkeys(ACTIVITIES, ("hs_timestamp",))


def update(request: Request, id: str, stored: Mapping[str, str]) -> Row:
    """Write checked values; a stage that would go back is dropped without a word, the rest is written."""
    world, kind = request.world, request.kind
    wanted = dict(stored)
    if "lifecyclestage" in wanted and world.switches.lifecycle == "forward_only":
        current = world.get(kind, id).get("lifecyclestage")
        if manners.is_backward(world, kind, current, wanted["lifecyclestage"]):
            del wanted["lifecyclestage"]
    world.writes += 1
    return world.write(kind, id, wanted, app(request.app_id))


def create(
    request: Request, properties: Mapping[str, Any], associations: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Make a record with its associations; Refusal when a value, a required one or a partner is wrong."""
    world, kind = request.world, request.kind
    stored, faults, altered = checked(world.definitions[kind], properties, ways(request))
    if faults:
        raise Refusal(refused(faults, world.account.portal_id))
    _check_required(kind, stored)
    _check_duplicate(request, stored)
    partners = [partner for one in associations for partner in _partners(request, one)]
    world.writes += 1
    id = world.add(kind, stored, source=app(request.app_id))
    for to, to_id, primary in partners:
        world.associate(kind, id, to, to_id, primary=primary or None)
    if kind == "contacts":
        enroll(world, id, stored, app(request.app_id))
    row = world.living(kind, id)
    assert row is not None  # it was added three lines above
    return record_shape(world, kind, tuple(stored))(row) | warned(altered)


def ways(request: Request) -> Ways:
    """How values are taken: by the account's own habits, and by those of the API version."""
    lenient = request.version == "2026-09"
    return Ways(normalises=request.world.switches.normalise_values, lenient_dates=lenient, tells=lenient)


def warned(altered: Sequence[Altered]) -> dict[str, Any]:
    """The `warnings` of a write that stored something else than was sent."""
    return {"warnings": [one.as_json() for one in altered]} if altered else {}


def _check_required(kind: str, stored: Mapping[str, str]) -> None:
    missing = [name for name in REQUIRED.get(kind, ()) if not stored.get(name)]
    if missing:
        errors = [
            {"message": f"{name} is required", "code": "MISSING_REQUIRED_PROPERTY", "context": {"propertyName": [name]}}
            for name in missing
        ]
        raise invalid(f"Error creating {kind}. Some required properties were not set.", errors=errors)


def _check_duplicate(request: Request, stored: Mapping[str, str]) -> None:
    if request.kind != "contacts" or not stored.get("email"):
        return
    existing = request.world.contact_of(stored["email"])
    if existing:
        raise refusal(409, f"Contact already exists. Existing ID: {existing}", "CONFLICT")


def _partners(request: Request, association: Mapping[str, Any]) -> list[tuple[str, str, bool]]:
    """Object, id and primacy of each record a create wants to be linked to, found by the type number."""
    to_id = str((association.get("to") or {}).get("id"))
    found = []
    for wanted in association.get("types") or []:
        target = _target(request.kind, wanted.get("associationTypeId"))
        if not to_id.isdigit() or request.world.living(target[0], to_id) is None:
            raise invalid(f"No {target[0]} with ID {to_id} exists to associate with")
        if poison := poison_in(request.world, target[0], to_id):
            raise poison.refusal(request.world)
        found.append((target[0], to_id, target[1]))
    return found


def _target(kind: str, number: Any) -> tuple[str, bool]:
    for (source, to), types in LINK_TYPES.items():
        for one in types:
            if source == kind and one.id == number:
                return to, one.label is not None
    raise invalid(f"association type {number} does not lead from {kind} to any object")
