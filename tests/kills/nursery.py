"""
`python -m tests.kills.nursery LEASE_S CRM`: has the connector loaded, and makes a process of it for every command
that it is told.

To start an interpreter and to import everything takes a second of CPU, which a matrix of kills pays hundreds of times.
A command is one JSON on a line, `{"words": [...], "at": "2026-...", "out": "file"}`; the answers are the process's
number, on one line, and how it ended, on the next. Each command is a process of its own all the same, with its own
connections and its own files open, and it dies of SIGKILL as any other.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime, timedelta
from functools import cache

import time_machine

import connector.check
import connector.cli.app
import connector.crm.dynamics
import connector.crm.hubspot
import connector.ledger
import connector.sync  # noqa: F401 - loaded once, for all
from connector import agreement
from connector.cli import run
from connector.config import shipped_mappings
from connector.crm.hubspot import api
from connector.ledger import runs
from connector.sync import lease, session


def _live(words: list[str], at: str, out: str) -> None:
    """In the new process: the command, with its output in a file, at the instant it is told."""
    descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    with time_machine.travel(datetime.fromisoformat(at), tick=True):
        code = run(words)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main() -> None:
    """A process for every line, one after the other, of whatever CRM: its agreement is loaded already."""
    for module in (runs, session, lease):
        module.LEASE = timedelta(seconds=float(sys.argv[1]))  # type: ignore[attr-defined]  # each has it by this name
    api.SEARCH = (100_000, 1.0)  # as much as this sandbox allows
    agreement.load_agreement = cache(agreement.load_agreement)
    agreement.load_agreement(shipped_mappings(), sys.argv[2], None)
    for line in sys.stdin:
        told = json.loads(line)
        process = os.fork()
        if process == 0:
            _live(told["words"], told["at"], told["out"])
        print(process, flush=True)  # noqa: T201 - the protocol
        _, status = os.waitpid(process, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - the protocol


if __name__ == "__main__":
    main()
