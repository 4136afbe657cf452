"""What the application user may do with a table, and what it is told where it may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.sandbox.dataverse.errors import refused

if TYPE_CHECKING:
    from connector.sandbox.dataverse.environment import Environment
    from connector.sandbox.dataverse.schema import Table

#: Rights on a table, as its privileges are named.
RIGHTS = ("Create", "Read", "Write", "Delete", "Assign", "Append", "AppendTo")


def require(environment: Environment, right: str, table: Table) -> None:
    """Refusal 403 where the application user lacks a right on a table."""
    if not environment.app.may(right, table.name):
        raise refused(
            "PrivilegeDenied",
            f"Principal user (Id={environment.app.id}, type=8) is missing prv{right}{table.schema_name} privilege on "
            f"OTC={table.type_code} for entity '{table.name}'.",
        )
