"""`python -m connector.sandbox`: one CRM on a port, until interrupted. Prints its address when it is ready."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from connector.errors import ConfigError
from connector.sandbox.clock import Clock
from connector.sandbox.dataverse import DataverseSandbox
from connector.sandbox.dataverse import server as dynamics
from connector.sandbox.dataverse.people import populated
from connector.sandbox.faults import fault_from_words
from connector.sandbox.old_account import old_account
from connector.sandbox.people_csv import Loaded, load_files
from connector.sandbox.server import TOKEN, Sandbox, generated
from connector.sandbox.shell import Shell, Tls
from connector.sandbox.telling import BOOKS, manners
from connector.sandbox.world import World

#: Options that only the HubSpot sandbox has.
_HUBSPOT_ONLY = ("companies", "deals", "activities", "columns", "scopes", "old_account")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sandbox as the options say; 4 when a file of people or its columns are wrong, 64 for bad options."""
    options = _parser().parse_args(arguments)
    if options.manners:
        sys.stdout.write(manners(options.crm))
        return 0
    try:
        sandbox = _built(options)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 64
    sandbox.serve(announce=lambda url: _announce(url, _token(options)))
    return 0


def _announce(url: str, token: str) -> None:
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
    if sys.stderr.isatty():
        sys.stderr.write(f"token {token}; how to connect and what it can do to you: docs/sandbox.md; Ctrl+C ends it\n")


def _token(options: argparse.Namespace) -> str:
    return str(options.token or (dynamics.TOKEN if options.crm == "dynamics" else TOKEN))


def build(arguments: Sequence[str]) -> Shell:
    """The sandbox that a command line means, not running yet; ConfigError or ValueError says what is wrong with it."""
    return _built(_parser().parse_args(arguments))


def _built(options: argparse.Namespace) -> Shell:
    return _dynamics(options) if options.crm == "dynamics" else _hubspot(options)


def _hubspot(options: argparse.Namespace) -> Sandbox:
    return Sandbox(
        lambda: _world(options),
        token=options.token or TOKEN,
        scopes=options.scopes.split(",") if options.scopes else None,
        **_common(options),
    )


def _dynamics(options: argparse.Namespace) -> DataverseSandbox:
    for name in _HUBSPOT_ONLY:
        if getattr(options, name):
            raise ValueError(f"--{name.replace('_', '-')} is of the HubSpot sandbox")
    if not options.people.isdigit():
        raise ValueError("the Dynamics sandbox invents its people and takes no files")
    if bool(options.certificate) != bool(options.key):
        raise ValueError("--certificate and --key go together")
    tls = Tls(options.certificate, options.key) if options.certificate else None
    people, now = int(options.people), _instant(options)
    return DataverseSandbox(
        lambda: populated(people, options.seed, activities=not options.no_activities, now=now),
        token=options.token or dynamics.TOKEN,
        tls=tls,
        **_common(options),
    )


def _common(options: argparse.Namespace) -> dict[str, Any]:
    """What every sandbox takes."""
    return {
        "host": options.host,
        "port": options.port,
        "faults": [fault_from_words(one) for one in options.fault],
        "controls": [_control(one) for one in options.do],
        **dict(_pair(one) for one in options.set),
    }


def _instant(options: argparse.Namespace) -> datetime | None:
    return datetime.fromisoformat(options.now) if options.now else None


def _world(options: argparse.Namespace) -> World:
    """Invented people, or those of the files."""
    now = _instant(options)
    files = {name: getattr(options, name) for name in ("companies", "deals", "activities")}
    files = {name: path for name, path in files.items() if path}
    if not options.people.isdigit():
        files["contacts"] = Path(options.people)
    if not files:
        build = old_account if options.old_account else generated
        return build(int(options.people), options.seed, activities=not options.no_activities, now=now)
    if options.old_account:
        raise ValueError("--old-account invents its people and takes no files")
    if options.columns is None:
        raise ValueError("files need --columns columns.toml, which says which column is which property")
    world = World(clock=Clock(now))
    _tell(load_files(files, options.columns, world))
    return world


def _tell(loaded: Loaded) -> None:
    """On stderr: what was read, and what was left out."""
    counts = ", ".join(f"{count} {kind}" for kind, count in loaded.records.items())
    sys.stderr.write(f"loaded {counts or 'nothing'}; {loaded.unlinked} links point at nobody\n")
    for problem in loaded.skipped:
        sys.stderr.write(f"skipped {problem}\n")


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise ValueError(f"--set wants name=value, not {text!r}")
    return name.replace("-", "_"), value


def _control(text: str) -> tuple[str, Any]:
    """A control call from `name={json}`."""
    name, separator, body = text.partition("=")
    try:
        return name, orjson.loads(body) if separator else {}
    except orjson.JSONDecodeError as wrong:
        raise ValueError(f"--do {text}: {wrong}") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "connector sandbox",
        description="A CRM on loopback: a HubSpot account, or a Dynamics 365 environment.",
        epilog="All that can be turned, scripted and moved: --manners, or docs/sandbox.md.",
    )
    parser.add_argument("--crm", choices=tuple(BOOKS), default="hubspot", help="which CRM; hubspot when left out")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen; leave it on loopback")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--people", default="1000", help="how many to invent, or a CSV file of contacts")
    parser.add_argument("--companies", type=Path, help="a CSV file of companies")
    parser.add_argument("--deals", type=Path, help="a CSV file of deals")
    parser.add_argument("--activities", type=Path, help="a CSV file of calls, e-mails, meetings, tasks")
    parser.add_argument("--columns", type=Path, help="TOML file: which column is which property")
    parser.add_argument("--seed", type=int, default=7, help="the same number invents the same people")
    parser.add_argument("--old-account", action="store_true", help="an account with nine years of history")
    parser.add_argument("--no-activities", action="store_true", help="invent no calls, e-mails, meetings, tasks")
    parser.add_argument("--token", help=f"the token it accepts; {TOKEN} or {dynamics.TOKEN} when left out")
    parser.add_argument("--scopes", help="comma-separated; every scope when left out")
    parser.add_argument("--certificate", type=Path, help="a PEM file: the Dynamics sandbox then speaks https")
    parser.add_argument("--key", type=Path, help="the PEM file with the key of the certificate")
    parser.add_argument("--now", help="an ISO instant at which the clock stands still; real time when left out")
    parser.add_argument("--set", action="append", default=[], metavar="SWITCH=VALUE", help="e.g. latency_ms=150")
    parser.add_argument(
        "--fault", action="append", default=[], metavar="FAULT", help='e.g. "drop_after path=/tasks nth=2", or JSON'
    )
    parser.add_argument("--do", action="append", default=[], metavar="CALL=JSON", help="a control call at the start")
    parser.add_argument("--manners", action="store_true", help="print every switch, fault and control call, and end")
    return parser


if __name__ == "__main__":
    sys.exit(main())
