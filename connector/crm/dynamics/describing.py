"""
What the environment looks like: its columns, the stages of deals, owners, rights, and how it tells of changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from connector.crm import DealStage, Description, Finding, Owner
from connector.crm.dynamics import columns, derived, owning, predicting, rights
from connector.crm.dynamics.api import Call
from connector.crm.dynamics.columns import Choice, Columns
from connector.crm.dynamics.environment import Environment
from connector.crm.dynamics.metadata import Fact
from connector.crm.dynamics.names import CONTACT, DEAL, LEAD, STATE, TABLES
from connector.crm.dynamics.refusals import Refused
from connector.crm.dynamics.rights import TableFacts
from connector.errors import Denied, NotFound

#: Dataverse keeps no calendar of its own: everybody reads instants in their own time zone.
ZONE = "UTC"

_STATES: Mapping[int | None, str] = {0: "open", 1: "won", 2: "lost"}


def describe(env: Environment, kinds: Sequence[str], root: str) -> Description:
    """Everything that `check`, `discover`, `setup` and the field map need; `root` is the environment's address. What
    the application user lacks is told as findings, all of it at once."""
    who = env.api.ask(Call("WhoAmI", "describe"))
    account, user = str(who.get("OrganizationId") or "").lower(), str(who.get("UserId") or "").lower()
    env.api.allowance.meet(account, ZONE)
    organization, known = _organization(env), rights.tables(env, kinds)
    found = columns.columns(env, kinds)
    day = env.api.allowance.day.day
    return Description(
        account=account,
        zone=ZONE,
        properties={kind: columns.of_kind(kind, found) for kind in kinds},
        deal_stages=tuple(_deal_stages(found[DEAL.name])) if DEAL.name in found else (),
        owners=_owners(env),
        daily_limit=day.limit,
        daily_used=day.limit - day.remaining if day.limit is not None and day.remaining is not None else None,
        contact_page=_contact_page(root),
        name=str(organization.get("name") or ""),
        findings=(*_of_tables(kinds, known), *rights.missing(env, user, kinds, known), *predicting.findings(env)),
        told=tuple(_told(kinds, known, organization)),
        changes_kept=_kept(organization),
        day=env.api.allowance.name_of_day,
        stages_go_back=True,  # a column of ours like any other
    )


def _organization(env: Environment) -> Fact:
    """The organization's settings; empty where the user may not read them."""
    wanted = "organizationid,name,expirechangetrackingindays,isauditenabled"
    try:
        found = env.api.page(Call("organizations", "describe", query=(("$select", wanted),)))[0]
    except (Denied, NotFound, Refused) as error:
        if isinstance(error, Denied) and error.code != "scope":
            raise
        return {}
    return found[0] if found else {}


def _owners(env: Environment) -> tuple[Owner, ...]:
    """Nobody where users may not be read, which is a finding of its own."""
    try:
        return tuple(owning.owners(env))
    except Denied as error:
        if error.code != "scope":
            raise
        return ()


def _contact_page(root: str) -> str:
    """Where people open a contact or a lead; an environment on this machine is a sandbox without pages."""
    if not root.startswith("https://"):
        return ""
    return f"{root.rstrip('/')}/main.aspx?pagetype=entityrecord&etn={{form:{CONTACT.name}}}&id={{id}}"


# -- deals -----------------------------------------------------------------------------------------------


def _deal_stages(table: Columns) -> Iterator[DealStage]:
    """The line of stages that all deals stand in, and each choice of the table as a line of its own: whoever maps
    another column than the sales stage finds its options there."""
    definition = derived.definitions("deal")["derived.stage"]
    sales = {str(one.value): one.label for one in table.choices.get("salesstage", ())}
    for id, label in {**sales, **{id: label for id, label in definition.options.items() if not id.isdigit()}}.items():
        yield DealStage(derived.PIPELINE, id, label, id if id in ("won", "lost") else "open")
    for name, choices in table.choices.items():
        yield from (DealStage(name, str(one.value), one.label, _state(name, one)) for one in choices)


def _state(name: str, choice: Choice) -> str:
    """A status belongs to a state; a state is one; of any other option nobody knows, so the deal is asked itself."""
    return _STATES.get(choice.value if name == STATE else choice.state, "open")


# -- what is worth knowing -----------------------------------------------------------------------------------


def _of_tables(kinds: Sequence[str], known: Mapping[str, TableFacts]) -> Iterator[Finding]:
    """A table whose rows have no versions cannot be written without risking somebody's edit."""
    for kind in kinds:
        for table in TABLES[kind]:
            facts = known.get(table.name)
            if facts is None:
                what = f"this environment has no table {table.name}, so there are no records of it."
                yield Finding(what, "Install Dynamics 365 Sales, if there should be.", kind)
            elif table in (CONTACT, LEAD) and not facts.versioned:
                what = (
                    f"the table {table.name} has no optimistic concurrency, so nobody's edit would be noticed before it"
                )
                fix = "Let the environment's administrator enable it for the table (IsOptimisticConcurrencyEnabled)."
                yield Finding(f"{what} is overwritten; nothing is written there.", fix, kind, "writing")


def _told(kinds: Sequence[str], known: Mapping[str, TableFacts], organization: Fact) -> Iterator[str]:
    """Which way each table tells of changes, how long it remembers them, and whether edits are audited."""
    names = [name for name in dict.fromkeys(table.name for kind in kinds for table in TABLES[kind]) if name in known]
    tracked = [name for name in names if known[name].tracked]
    timed = [name for name in names if not known[name].tracked]
    if tracked:
        kept = _kept(organization)
        days = f", kept for {kept.days} days" if kept else ""
        yield f"changes are found by change tracking{days}: {', '.join(tracked)}"
    if timed:
        yield f"changes are found by the time of the last one, deletions by looking at every record: {', '.join(timed)}"
    if "isauditenabled" in organization:
        on = organization["isauditenabled"] is True
        yield (
            "auditing is on: who changed a value is known"
            if on
            else ("auditing is off: of several changes between two looks, only the last one's author is known")
        )


def _kept(organization: Fact) -> timedelta | None:
    days = organization.get("expirechangetrackingindays")
    return timedelta(days=days) if isinstance(days, int) and days > 0 else None
