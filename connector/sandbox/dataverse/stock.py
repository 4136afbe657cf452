"""What a fresh Dynamics 365 Sales environment has before anybody configured it: tables, and what each lets be done."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from connector.sandbox.dataverse import columns
from connector.sandbox.dataverse.options import CHOICES, STATES
from connector.sandbox.dataverse.schema import LOOKUPS, Column, Option, Table, parsed_options

_TEXT = {"string": 100, "memo": 2000}
_BOUNDS = {
    "integer": (-2_147_483_648, 2_147_483_647),
    "money": (0, 100_000_000_000_000),
    "decimal": (-100_000_000_000, 100_000_000_000),
    "double": (-100_000_000_000, 100_000_000_000),
}

_CLOSED = (1, 2)


def tables() -> dict[str, Table]:
    """Every table of a fresh environment, by logical name; its own, since admins change them."""
    return {one.name: replace(one, columns=dict(one.columns)) for one in _made()}


@cache
def _made() -> tuple[Table, ...]:
    return (*_sales(), *_activities(), *_people(), *_of_the_system())


def _sales() -> list[Table]:
    contact = Table("contact", "Contact", "contacts", "contactid", "fullname", 2, mergeable=True)
    lead = Table("lead", "Lead", "leads", "leadid", "fullname", 4, mergeable=True, closed_states=_CLOSED)
    account = Table("account", "Account", "accounts", "accountid", "name", 1, mergeable=True)
    deal = Table("opportunity", "Opportunity", "opportunities", "opportunityid", "name", 3, closed_states=_CLOSED)
    name = "msdyn_predictivescore"
    score = Table(name, name, f"{name}s", f"{name}id", "msdyn_name", 10_400, change_tracking=False)
    score.key, score.key_name = ("msdyn_entityid", "msdyn_entitytype"), "msdyn_PredictiveScoreKey"
    return [
        _with(contact, columns.CONTACT + columns.OWNED),
        _with(lead, columns.LEAD + columns.OWNED),
        _with(account, columns.ACCOUNT + columns.OWNED),
        _with(deal, columns.OPPORTUNITY + columns.OWNED),
        _with(score, columns.PREDICTIVESCORE),
    ]


def _activities() -> list[Table]:
    party = Table("activityparty", "ActivityParty", "activityparties", "activitypartyid", "", 135, retrieve=False)
    return [
        _activity("PhoneCall", 4210, columns.PHONECALL),
        _activity("Email", 4202, columns.EMAIL),
        _activity("Appointment", 4201, columns.APPOINTMENT),
        _activity("Task", 4212, columns.TASK),
        _of_system(party, columns.ACTIVITYPARTY),
    ]


def _people() -> list[Table]:
    user = Table("systemuser", "SystemUser", "systemusers", "systemuserid", "fullname", 8, multiple=())
    team = Table("team", "Team", "teams", "teamid", "name", 9, multiple=())
    return [_with(user, columns.SYSTEMUSER), _with(team, columns.TEAM)]


def _of_the_system() -> list[Table]:
    return [
        _of_system(Table(schema_name.lower(), schema_name, set_name, f"{schema_name.lower()}id", name, code), text)
        for schema_name, set_name, name, code, text in (
            ("Audit", "audits", "", 4567, columns.AUDIT),
            ("Organization", "organizations", "name", 1019, columns.ORGANIZATION),
            ("BusinessUnit", "businessunits", "name", 10, columns.BUSINESSUNIT),
            ("TransactionCurrency", "transactioncurrencies", "currencyname", 9105, columns.CURRENCY),
            ("SdkMessage", "sdkmessages", "name", 4606, columns.SDKMESSAGE),
            ("SdkMessageFilter", "sdkmessagefilters", "", 4607, columns.SDKMESSAGEFILTER),
            ("TeamMembership", "teammemberships", "", 23, columns.TEAMMEMBERSHIP),
            ("Workflow", "workflows", "name", 4703, columns.WORKFLOW),
            (
                "SdkMessageProcessingStep",
                "sdkmessageprocessingsteps",
                "name",
                4608,
                columns.SDKMESSAGEPROCESSINGSTEP,
            ),
            ("Publisher", "publishers", "friendlyname", 7101, columns.PUBLISHER),
            ("Solution", "solutions", "friendlyname", 7100, columns.SOLUTION),
        )
    ]


def _activity(schema_name: str, code: int, text: str) -> Table:
    name = schema_name.lower()
    table = Table(name, schema_name, f"{name}s", "activityid", "subject", code, is_activity=True, multiple=())
    table.closed_states = _CLOSED
    return _with(table, text + columns.OWNED)


def _of_system(table: Table, text: str) -> Table:
    """A table that the system fills by itself."""
    table.change_tracking = table.versions = table.writable = table.audited = False
    table.multiple = ()
    return _with(table, text)


def _with(table: Table, text: str) -> Table:
    """The table with its columns; money brings the same in the organisation's currency along."""
    for line in filter(None, map(str.strip, text.splitlines())):
        column = table.add(column_from(line))
        if column.kind == "money":
            table.add(Column(f"{column.schema_name}_Base", "base", read_only=True))
    return table


def column_from(line: str) -> Column:
    """The column that a line of a table tells."""
    name, kind, *words = line.split()
    rest = [word for word in words if word not in ("required", "ro", "inverted")]
    column = replace(_of_kind(name, kind, rest), required="required" in words, read_only="ro" in words)
    return replace(column, labels=("Yes", "No")) if "inverted" in words else column


def _of_kind(name: str, kind: str, words: list[str]) -> Column:
    """A column with what its kind needs."""
    if kind in _TEXT:
        return Column(name, kind, length=int(words[0]) if words else _TEXT[kind])
    if kind in _BOUNDS:
        least, most = map(int, words) if words else _BOUNDS[kind]
        return Column(name, kind, least=least, most=most)
    if kind == "boolean":
        no, yes = (word.replace("_", " ") for word in words or ("No", "Yes"))
        return Column(name, kind, labels=(no, yes))
    if kind in LOOKUPS:
        return Column(name, kind, targets=tuple(words))
    return Column(name, kind, options=_options(kind, words))


def _options(kind: str, words: list[str]) -> tuple[Option, ...]:
    if kind in ("choice", "choices"):
        return parsed_options(CHOICES[words[0]])
    if kind == "state":
        return parsed_options(STATES[words[0]][0])
    return parsed_options(STATES[words[0]][1]) if kind == "status" else ()
