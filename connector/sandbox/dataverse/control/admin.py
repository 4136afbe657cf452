"""What admins, plug-ins and the vendor change in the environment itself: tables, columns, rights, users, links."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from connector.sandbox.curtain import Body
from connector.sandbox.dataverse import automations, furniture
from connector.sandbox.dataverse.control.bodies import id_of, table_of, values_of
from connector.sandbox.dataverse.known import ORGANIZATION
from connector.sandbox.dataverse.plugins import Plugin
from connector.sandbox.dataverse.rights import RIGHTS
from connector.sandbox.dataverse.schema import OPTION_KINDS, Column, Option
from connector.sandbox.dataverse.stock import column_from

if TYPE_CHECKING:
    from connector.sandbox.dataverse.server import DataverseSandbox as Sandbox

_SWITCHED = ("change_tracking", "versions", "audited")


def table(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """An admin changes a `table`: `change_tracking`, `versions` (ETags), `audited`, the bulk messages it knows
    (`multiple`: a list)."""
    world = sandbox.world
    found = table_of(world, body["table"])
    for name in _SWITCHED:
        if name in body:
            setattr(found, name, bool(body[name]))
    if "multiple" in body:
        found.multiple = tuple(map(str, body["multiple"]))
        furniture.register_messages(world)
    return {name: getattr(found, name) for name in (*_SWITCHED, "multiple")}


def column(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """An admin changes the columns of a `table`: `add` one (a line as "cx_FitScore integer 0 100"), or change the one
    called `name`: `delete` or `restore` it, `remove_option` or `add_option` (a value), make it `read_only`, `secured`
    or not."""
    world, found = sandbox.world, table_of(sandbox.world, body["table"])
    world.schema_version += 1
    if "add" in body:
        return _told(found.add(replace(column_from(str(body["add"])), custom=True)))
    name = str(body["name"])
    if body.get("restore"):
        found.columns[name] = world.deleted_columns.pop((found.name, name))
    current = found.columns[name]
    if body.get("delete"):
        if name in (found.id_column, "statecode", "statuscode", "ownerid"):
            raise ValueError(f"no environment can do without {name}")
        world.deleted_columns[found.name, name] = found.columns.pop(name)
        return {"deleted": name}
    if "secured" in body:
        change = world.secured.add if body["secured"] else world.secured.discard
        change((found.name, name))
    found.columns[name] = replace(
        current, options=_options(current, body), read_only=bool(body.get("read_only", current.read_only))
    )
    return _told(found.columns[name])


def plugin(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """A plug-in fails before writes of a `table`: of the rows `ids` (left out: of all), of `columns` only, with a
    `reason` (PluginRefused, PluginCrashed, SqlTimeout, TooConcurrent ...), `message` and `status` of its own, `times`
    times (0: always); `clear`: true takes all of them away."""
    world = sandbox.world
    if body.get("clear"):
        world.plugins.clear()
        return {}
    made = Plugin(
        table_of(world, body["table"]).name,
        frozenset(id_of(one) for one in body.get("ids", ())),
        frozenset(map(str, body.get("columns", ()))),
        str(body.get("reason", "PluginRefused")),
        str(body.get("message", "A plug-in of this environment refused the change.")),
        int(body.get("status", 0)),
        int(body.get("times", 0)),
    )
    world.plugins.append(made)
    return {"plugins": len(world.plugins)}


def automation(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """An admin makes something that sets `column` of a `table`, called `name`, of the `kind` workflow, rule or flow,
    `enabled` or not; a plugin runs when the column changes. It is there to be seen, and does nothing."""
    kind = str(body.get("kind", "workflow"))
    if kind not in automations.KINDS:
        raise ValueError(f"an automation is one of {', '.join(automations.KINDS)}, not {kind!r}")
    found, name = table_of(sandbox.world, body["table"]), str(body.get("name", "An automation"))
    enabled = bool(body.get("enabled", True))
    return {
        "id": automations.automation(sandbox.world, name, found.name, str(body["column"]), kind=kind, enabled=enabled)
    }


def forbid(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """A business rule: no row of a `table` may have all of these `values` at once; `clear`: true forgets the rules."""
    world = sandbox.world
    if body.get("clear"):
        world.forbidden.clear()
        return {}
    found = table_of(world, body["table"])
    world.forbidden.append((found.name, values_of(world, found, body["values"])))
    return {"rules": len(world.forbidden)}


def transition(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """From the status `status` of a `table`, rows may go to the statuses `to` alone."""
    found = table_of(sandbox.world, body["table"])
    sandbox.world.transitions[found.name, int(body["status"])] = {int(one) for one in body["to"]}
    return {}


def privilege(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Take rights on a `table` from the application user (`deny`: a list) or give them back (`grant`): Create, Read,
    Write, Delete, Assign, Append, AppendTo; ReadSecured, UpdateSecured; of the table "attribute": Create."""
    name = "attribute" if body["table"] == "attribute" else table_of(sandbox.world, body["table"]).name
    known = (*RIGHTS, "ReadSecured", "UpdateSecured")
    for right in (*body.get("deny", ()), *body.get("grant", ())):
        if right not in known:
            raise ValueError(f"a right is one of {', '.join(known)}, not {right!r}")
    denied = sandbox.world.app.denied
    denied.update((right, name) for right in body.get("deny", ()))
    denied.difference_update((right, name) for right in body.get("grant", ()))
    return {"denied": sorted(f"{right} {table}" for right, table in denied)}


def app_user(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """The application user is `disabled` or not, has `roles` or none, is a `member` of the environment or not."""
    app = sandbox.world.app
    app.disabled = bool(body.get("disabled", app.disabled))
    app.has_roles = bool(body.get("roles", app.has_roles))
    app.is_member = bool(body.get("member", app.is_member))
    sandbox.world.write("systemuser", app.id, {"isdisabled": app.disabled})
    return {"disabled": app.disabled, "roles": app.has_roles, "member": app.is_member}


def access(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Change the static `token` (null: the login alone opens), the app's `secret` or its certificate's `thumbprint`, or
    end every access token (`expire`)."""
    service = sandbox.service
    if "token" in body:
        service.token = str(body["token"] or "")
    service.login.secret = str(body.get("secret", service.login.secret))
    service.login.thumbprint = str(body.get("thumbprint", service.login.thumbprint))
    if body.get("expire"):
        service.login.end_all()
    return {}


def expire_links(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Every delta link that was handed out until now is dead."""
    sandbox.world.first_link_version = sandbox.world.version + 1
    sandbox.world.touch("organization", ORGANIZATION)
    return {}


def audit(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Auditing is `on` or off in the organisation; which tables and columns it is on for, the calls `table` and
    `audit_column` say."""
    sandbox.world.auditing = bool(body["on"])
    sandbox.world.write("organization", ORGANIZATION, {"isauditenabled": sandbox.world.auditing})
    return {}


def audit_column(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """The column `name` of a `table` is audited (`on`) or not."""
    columns, name = table_of(sandbox.world, body["table"]).columns, str(body["name"])
    columns[name] = replace(columns[name], audited=bool(body["on"]))
    return {}


def spend(sandbox: Sandbox, body: Body) -> dict[str, Any]:
    """Another app of the tenant spends `rows` of the day's entitlement at once, or `calls` of the present window."""
    limits = sandbox.service.limits
    limits.spend(0, 0.0, int(body.get("rows", 0)))
    limits.others(int(body.get("calls", 0)))
    return {"rows_today": limits.rows_today}


def _options(current: Column, body: Body) -> tuple[Option, ...]:
    """The options of a column without those that an admin removed and with those added."""
    options = tuple(one for one in current.options if one.value != body.get("remove_option"))
    if "add_option" in body:
        if current.kind not in OPTION_KINDS:
            raise ValueError(f"{current.name} has no options")
        options += (Option(int(body["add_option"]), f"Option {body['add_option']}"),)
    return options


def _told(column: Column) -> dict[str, Any]:
    values = [one.value for one in column.options]
    return {"name": column.name, "kind": column.kind, "read_only": column.read_only, "options": values}


CALLS = {
    "table": table,
    "column": column,
    "plugin": plugin,
    "automation": automation,
    "forbid": forbid,
    "transition": transition,
    "privilege": privilege,
    "app_user": app_user,
    "access": access,
    "expire_links": expire_links,
    "audit": audit,
    "audit_column": audit_column,
    "spend": spend,
}
