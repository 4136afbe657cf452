"""
What an account is made of: property definitions, pipelines, owners and the numbers of its associations.

Shapes only; the stock of a fresh account stands in `stock.py`. Objects are named by their plural ("contacts"), as
in HubSpot's paths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

KINDS = ("contacts", "companies", "deals", "calls", "emails", "meetings", "tasks")
ACTIVITIES = ("calls", "emails", "meetings", "tasks")
TYPE_IDS = {
    "contacts": "0-1",
    "companies": "0-2",
    "deals": "0-3",
    "tasks": "0-27",
    "meetings": "0-47",
    "calls": "0-48",
    "emails": "0-49",
}
#: Every name under which HubSpot knows an object the sandbox has.
KIND_OF = {kind: kind for kind in KINDS} | {number: kind for kind, number in TYPE_IDS.items()}
SINGULAR = {kind: kind.removesuffix("ies") + "y" if kind.endswith("ies") else kind[:-1] for kind in KINDS}
KIND_OF |= {singular: kind for kind, singular in SINGULAR.items()}

#: The property that moves with each change: `lastmodifieddate` on contacts, `hs_lastmodifieddate` elsewhere.
MODIFIED = {kind: "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate" for kind in KINDS}
CREATED = {kind: "hs_createdate" if kind in ACTIVITIES else "createdate" for kind in KINDS}


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of an enumeration."""

    value: str
    label: str
    hidden: bool = False

    def as_json(self, order: int) -> dict[str, Any]:
        return {"value": self.value, "label": self.label, "displayOrder": order, "hidden": self.hidden}


@dataclass(frozen=True, slots=True)
class Definition:
    """One property of an object as the Properties API tells it; `options` in display order."""

    name: str
    type: str = "string"
    field_type: str = "text"
    label: str = ""
    group: str = "information"
    options: tuple[Option, ...] = ()
    description: str = ""
    read_only: bool = False
    calculated: bool = False
    stock: bool = True

    @property
    def writable(self) -> bool:
        return not (self.read_only or self.calculated)

    def allows(self, value: str) -> bool:
        """Whether an enumeration takes this value; one without options takes any (owners, for one)."""
        return not self.options or any(option.value == value for option in self.options)

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "label": self.label or self.name,
            "type": self.type,
            "fieldType": self.field_type,
            "description": self.description,
            "groupName": self.group,
            "options": [option.as_json(order) for order, option in enumerate(self.options)],
            "displayOrder": -1,
            "calculated": self.calculated,
            "externalOptions": False,
            "archived": False,
            "hasUniqueValue": False,
            "hidden": False,
            "hubspotDefined": self.stock,
            "modificationMetadata": {
                "archivable": not self.stock,
                "readOnlyDefinition": self.stock,
                "readOnlyValue": not self.writable,
                "readOnlyOptions": self.stock and not self.options,
            },
            "formField": self.writable,
        }


@dataclass(frozen=True, slots=True)
class DealStage:
    """One stage of a pipeline with the probability that tells open, won and lost."""

    id: str
    label: str
    probability: str  # "0.0" to "1.0", text as HubSpot keeps it

    @property
    def is_closed(self) -> bool:
        return float(self.probability) in (0.0, 1.0)

    @property
    def is_won(self) -> bool:
        return float(self.probability) == 1.0

    def as_json(self, order: int) -> dict[str, Any]:
        return {
            "id": self.id,
            "label": self.label,
            "displayOrder": order,
            "archived": False,
            "metadata": {"probability": self.probability, "isClosed": str(self.is_closed).lower()},
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
        }


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A sequence of deal stages."""

    id: str
    label: str
    stages: tuple[DealStage, ...]

    def as_json(self, order: int) -> dict[str, Any]:
        stages = [stage.as_json(place) for place, stage in enumerate(self.stages)]
        return {
            "id": self.id,
            "label": self.label,
            "displayOrder": order,
            "archived": False,
            "stages": stages,
        }


@dataclass(frozen=True, slots=True)
class Team:
    """A team an owner is in; one of them is the owner's primary one."""

    id: str
    name: str
    primary: bool = True

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "primary": self.primary}


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody records can belong to."""

    id: str
    email: str
    first_name: str
    last_name: str
    user_id: int
    archived: bool = False
    teams: tuple[Team, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "email": self.email,
            "firstName": self.first_name,
            "lastName": self.last_name,
            "type": "PERSON",
            "userId": None if self.archived else self.user_id,
            "userIdIncludingInactive": self.user_id,
            "archived": self.archived,
            "teams": [team.as_json() for team in self.teams],
        }


@dataclass(frozen=True, slots=True)
class LinkType:
    """One kind of association in one direction; `label` is set for primary ones."""

    id: int
    name: str  # the v3 name, as `?associations=` shows it
    label: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {"category": "HUBSPOT_DEFINED", "typeId": self.id, "label": self.label}
