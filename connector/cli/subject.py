"""Which agreement a verb is about: a folder that is named, or that of a connection."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connector.cli.opening import choose
from connector.crms import CRMS, FIRST
from connector.errors import UsageError

if TYPE_CHECKING:
    from connector.agreement import Agreement
    from connector.agreement.approvals import Approval

FolderOption = Annotated[
    Path | None,
    typer.Argument(metavar="[FOLDER]", help="The folder of an agreement. Default: that of the connection."),
]


@dataclass(frozen=True, slots=True)
class Subject:
    """An agreement that loads, and where it stands."""

    mapping: Path
    crm: str
    language: str | None
    agreement: Agreement

    def approvals(self) -> tuple[Approval, ...]:
        """Who has signed what. Raises ConfigError."""
        from connector.agreement.carrying import approvals_of  # noqa: PLC0415 - --help does without

        return approvals_of(self.mapping, self.agreement, self.crm, self.language)


def subject(folder: Path | None, config: Path, connection: str | None) -> Subject:
    """The agreement in `folder`, without any configuration, or that of a connection. Raises ConfigError, UsageError."""
    from connector.agreement import load_agreement  # noqa: PLC0415 - --help does without

    if folder is None:
        chosen = choose(config, connection)
        mine = chosen.connection
        return Subject(mine.mapping, mine.crm, mine.language, chosen.agreement)
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder. Name the folder of an agreement, such as mappings.")
    crm = crm_of(folder)
    return Subject(folder, crm, None, load_agreement(folder, crm))


def crm_of(folder: Path) -> str:
    """The CRM whose file stands in the folder of an agreement."""
    return next((one.name for one in CRMS.values() if (folder / one.file).is_file()), FIRST)
