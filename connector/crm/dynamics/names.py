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

STATE, STATUS = "statecode", "statuscode"

#: Of a row that was merged into another: that it was, and into which.
MERGED, MASTER = "merged", "masterid"


@dataclass(frozen=True, slots=True)
class Table:
    """One table, as one of our kinds has it. `merges`: its rows can be merged; `parent`: the lookup to the contact that
    a row is part of; `whose`: the lookup to the contact without whom a row is none of the kind; `deactivates`: a row in
    another state than 0 is out of use; `closes`: such a row is there, and takes no changes; `links`: the lookups by
    which it belongs to others."""

    name: str
    set_name: str
    key: str
    merges: bool = False
    parent: str = ""
    deactivates: bool = False
    whose: str = ""
    closes: bool = False
    links: tuple[str, ...] = ()

    @property
    def own(self) -> tuple[str, ...]:
        """The columns that are always read: what a record is made of beside its properties, and what its links are
        made of. That a row changed may be told of selected columns only."""
        merging = (MERGED, MASTER) if self.merges else ()
        whose = (one for one in (self.parent, self.whose) if one)
        return (CREATED, CHANGED, STATE, *merging, *whose, *self.links)


CONTACT = Table("contact", "contacts", "contactid", merges=True, deactivates=True, links=("parentcustomerid",))
LEAD = Table("lead", "leads", "leadid", merges=True, parent="parentcontactid", closes=True, links=("parentaccountid",))
#: The same table: the leads that a contact stands behind, as records of their own.
TRACK = Table("lead", "leads", "leadid", merges=True, whose="parentcontactid", closes=True)
ACCOUNT = Table("account", "accounts", "accountid", merges=True)  # one out of use still says where somebody works
DEAL = Table("opportunity", "opportunities", "opportunityid", links=("parentcontactid", "customerid"))
CALL = Table("phonecall", "phonecalls", "activityid", links=("regardingobjectid",))
EMAIL = Table("email", "emails", "activityid", links=("regardingobjectid",))
MEETING = Table("appointment", "appointments", "activityid", links=("regardingobjectid",))
TASK = Table("task", "tasks", "activityid", links=("regardingobjectid",))

#: Where Dynamics' own pages look for the scores of leads and deals; it has no change tracking, and no kind of ours.
SCORES = Table("msdyn_predictivescore", "msdyn_predictivescores", "msdyn_predictivescoreid")

#: Our kinds -> their tables. A person is a contact, or a lead that no contact stands behind.
TABLES: Mapping[str, tuple[Table, ...]] = {
    "contact": (CONTACT, LEAD),
    "company": (ACCOUNT,),
    "deal": (DEAL,),
    "call": (CALL,),
    "email": (EMAIL,),
    "meeting": (MEETING,),
    "task": (TASK,),
    "lead": (TRACK,),
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


def id_in(text: object) -> str | None:
    """The id in what names a row: the id itself, or its address."""
    found = _GUID.search(text.lower()) if isinstance(text, str) else None
    return found[0] if found else None


def looked_up(column: str) -> str:
    """The key under which a row tells where a lookup points, and by which it is filtered."""
    return f"_{column}_value"
