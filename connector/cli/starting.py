"""The verbs to start with: init, demo, sandbox, schema."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import orjson
import typer

from connector.cli import show
from connector.cli.app import app
from connector.crms import CRMS, FIRST
from connector.errors import UsageError

PACKAGE = Path(__file__).resolve().parent.parent


def _known(crm: str) -> str:
    """A CRM that there is. Raises BadParameter for another word."""
    if crm not in CRMS:
        raise typer.BadParameter(f"{crm!r} is not one of {', '.join(map(repr, CRMS))}.")
    return crm


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where to write; must not hold a config.toml yet.")] = Path(),
    recipes: Annotated[bool, typer.Option("--recipes", help="Print what to build in the CRM; write nothing.")] = False,
    crm: Annotated[
        str, typer.Option("--crm", parser=_known, metavar="|".join(CRMS), help="Which CRM the connection is to.")
    ] = FIRST,
) -> None:
    """Write a configuration and an agreement to start from."""
    from connector.config import shipped_mappings  # noqa: PLC0415 - --help does without

    if recipes:
        there = folder / "mappings"
        _recipes(there if there.is_dir() else shipped_mappings(), crm)
        return

    config, mappings = folder / "config.toml", folder / "mappings"
    for path in (config, mappings):
        if path.exists():
            raise UsageError(f"{path} exists already; init overwrites nothing. Choose another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    config.write_bytes(_example(crm).read_bytes())
    shutil.copytree(shipped_mappings(), mappings, ignore=shutil.ignore_patterns("examples"))
    product = CRMS[crm]
    show.say(f"{config}: one {product.label} connection, mode observe", "✓")
    show.say(f"{mappings}: the agreement, to be read by marketing and sales together", "✓")
    secret = f"put your {product.secret.rpartition('_')[2].lower()} into the environment (export {product.secret}=...)"
    show.say(f"Next: {'' if product.is_alone else 'look through the connection, '}{secret}, then: connector check")


def _recipes(mappings: Path, crm: str) -> None:
    """The lists, forms and properties that signals are seen by, to be built or filled by hand where nobody does yet."""
    from connector.agreement import load_agreement  # noqa: PLC0415 - only this verb of the beginning needs it

    agreement = load_agreement(mappings, crm)
    show.say(f"What {mappings} looks for. Build what is missing, then: connector check")
    for one in agreement.wiring.signals:
        kind = agreement.signals.get(one.signal)
        label = kind.label if kind else one.signal
        if one.how in CRMS[crm].recipes:
            recipe = CRMS[crm].recipes[one.how]
            show.say(recipe.format(key=one.key, label=label, file=CRMS[crm].file), "-")
        elif one.how in ("counter", "date") and one.key.startswith(agreement.wiring.own_prefix):
            what = "the number of times" if one.how == "counter" else "the last time"
            show.say(f'property "{one.key}": {what} of "{label}", filled by whoever knows of it', "-")


def _example(crm: str) -> Path:
    """The configuration to start from: the CRM's own, where it has one. In a checkout the file stands at the top, in a
    wheel beside the package's code."""
    names = [f"config.{crm}.example.toml", "config.example.toml"]
    places = [place for name in names for place in (PACKAGE / f"_{name}", PACKAGE.parent / name)]
    return next(place for place in places if place.exists())


@app.command()
def schema(
    folder: Annotated[Path | None, typer.Argument(help="Where to write one file each; default: print.")] = None,
) -> None:
    """JSON Schemas of the mapping files, for editors that check them."""
    # Imported late: only this verb and loading an agreement need the models.
    from connector.agreement import json_schemas  # noqa: PLC0415

    schemas = json_schemas()
    if folder is None:
        show.json(schemas)
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name, one in schemas.items():
        path = folder / f"{name}.schema.json"
        path.write_bytes(orjson.dumps(one, option=orjson.OPT_INDENT_2) + b"\n")
        show.say(str(path), "✓")


@app.command()
def demo(
    people: Annotated[int, typer.Option(min=10, max=5000, help="How many people to invent.")] = 400,
    crm: Annotated[str, typer.Option("--crm", parser=_known, metavar="|".join(CRMS), help="Where they are.")] = FIRST,
) -> int:
    """Watch the whole job on invented people, on this machine."""
    from connector.cli.demonstration import demonstrate  # noqa: PLC0415 - brings the sandbox along

    return demonstrate(CRMS[crm], people)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def sandbox(context: typer.Context) -> int:
    """A CRM of either kind on this machine, to try a mapping against."""
    from connector.sandbox.__main__ import main  # noqa: PLC0415 - a web server that other verbs do not need

    try:
        return main(context.args)
    except SystemExit as end:  # argparse has spoken already: help, or what is wrong with the options
        return UsageError.exit_code if end.code else 0
