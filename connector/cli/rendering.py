"""The verb agreement render: the agreement as the document that both sides read and sign."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from connector.cli import keeping, show
from connector.cli.app import CONFIG, ConfigOption, ConnectionOption, agreements
from connector.cli.subject import FolderOption, subject
from connector.cli.versions import last_signed_version
from connector.errors import UsageError

if TYPE_CHECKING:
    from connector.cli.subject import Subject
    from connector.report.parts import Document

Format = Literal["md", "html"]

_ENDINGS: dict[str, Format] = {".md": "md", ".markdown": "md", ".html": "html", ".htm": "html"}


@agreements.command("render")
def agreement_render(
    folder: FolderOption = None,
    file: Annotated[
        Path | None, typer.Option("-o", "--file", help="Write it here; without it, to stdout.", metavar="FILE")
    ] = None,
    format: Annotated[Format | None, typer.Option("--format", help="Default: what FILE ends with, else md.")] = None,
    config: ConfigOption = CONFIG,
    connection: ConnectionOption = None,
) -> None:
    """Write the agreement as a document to read and to sign: Markdown, or one HTML page that needs nothing else."""
    form = _form(format, file)
    if file is not None:
        keeping.writable(file, option="-o")
    one = subject(folder, config, connection)
    text = _text(one, _document(one), form)
    if file is None:
        typer.echo(text, nl=False)
        return
    keeping.keep(file, text.encode(), what="the document", option="-o")
    show.say(f"version {one.agreement.version} written to {file}", "✓")


def _form(format: Format | None, file: Path | None) -> Format:
    if format is not None:
        return format
    if file is None or not file.suffix:
        return "md"
    if file.suffix.lower() not in _ENDINGS:
        raise UsageError(f"{file.name} does not say in which format; name it .md or .html, or give --format.")
    return _ENDINGS[file.suffix.lower()]


def _document(one: Subject) -> Document:
    from connector.agreement.differing import versions  # noqa: PLC0415 - --help does without
    from connector.report.document import document  # noqa: PLC0415 - the same

    approvals = one.approvals()
    before = last_signed_version(one, approvals)
    if before is None:
        return document(one.agreement, approvals)
    return document(one.agreement, approvals, versions(before.agreement, one.agreement).changed, before.name)


def _text(one: Subject, made: Document, form: Format) -> str:
    if form == "md":
        from connector.report.markdown import as_markdown  # noqa: PLC0415 - --help does without

        return as_markdown(made)
    from connector.report.page import agreement_page  # noqa: PLC0415 - --help does without

    return agreement_page(made, one.agreement.version)
