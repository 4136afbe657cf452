"""
Dataverse's vocabulary: which tables our kinds are, and the columns that say how rows belong together.

Plain tables, so that a change on Dataverse's side is a change here. Names are logical ones. Sources: the table pages of
Dynamics 365 Sales and "Merge table rows using the Web API" of Microsoft's documentation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

#: An id as the Web API writes it. Whatever is not one cannot be asked for: it would spoil the whole question.
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

#: Of every row: when it was made and last changed.
CREATED, CHANGED = "createdon", "modifiedon"

STATE = "statecode"

#: Of a row that was merged into another: that it was, and into which.
MERGED, MASTER = "merged", "masterid"


@dataclass(frozen=True, slots=True)
class Table:
    """One table. `merges`: its rows can be merged; `parent`: the lookup to the contact that a row is part of;
    `deactivates`: a row in another state than 0 is out of use."""

    name: str
    set_name: str
    key: str
    merges: bool = False
    parent: str = ""
    deactivates: bool = False

    @property
    def own(self) -> tuple[str, ...]:
        """The columns that are always read: what a record is made of beside its properties."""
        merging = (MERGED, MASTER) if self.merges else ()
        return (CREATED, CHANGED, STATE, *merging, *((self.parent,) if self.parent else ()))


CONTACT = Table("contact", "contacts", "contactid", merges=True, deactivates=True)
LEAD = Table("lead", "leads", "leadid", merges=True, parent="parentcontactid", deactivates=True)
ACCOUNT = Table("account", "accounts", "accountid", merges=True, deactivates=True)
DEAL = Table("opportunity", "opportunities", "opportunityid")
CALL = Table("phonecall", "phonecalls", "activityid")
EMAIL = Table("email", "emails", "activityid")
MEETING = Table("appointment", "appointments", "activityid")
TASK = Table("task", "tasks", "activityid")

#: Our kinds -> their tables. A person is a contact, or a lead that no contact stands behind.
TABLES: Mapping[str, tuple[Table, ...]] = {
    "contact": (CONTACT, LEAD),
    "company": (ACCOUNT,),
    "deal": (DEAL,),
    "call": (CALL,),
    "email": (EMAIL,),
    "meeting": (MEETING,),
    "task": (TASK,),
}

#: A person's further addresses, by which they are known as well.
OTHER_EMAILS = ("emailaddress2", "emailaddress3")

#: What a lead calls otherwise than a contact does: property -> its column there.
ALIASES: Mapping[tuple[str, str], str] = {("lead", "parentcustomerid"): "parentaccountid"}

#: Who takes part in activities: a set that can only be listed.
PARTIES = "activityparties"


def is_id(text: str) -> bool:
    """Whether this can be the id of a row."""
    return _GUID.fullmatch(text) is not None


def looked_up(column: str) -> str:
    """The key under which a row tells where a lookup points, and by which it is filtered."""
    return f"_{column}_value"
