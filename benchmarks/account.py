"""The account that is measured against: the sandbox in a process of its own, and a configuration that opens it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

#: What opens the sandbox; it is no secret.
TOKEN = "pat-sandbox"
TOKEN_NAME = "CONNECTOR_BENCH_TOKEN"

#: Quotas out of the way, because CPU is what is measured; search stays at the pace the connector keeps by itself.
SWITCHES = {
    "hubspot": ("burst=1000000", "associations_burst=1000000", "daily=1000000000", "search_per_second=1000"),
    "dynamics": ("rate_limits=false",),
}

#: What only one of them is told, and how a connection names its address.
_WORDS = {"hubspot": ("--no-activities",), "dynamics": ("--crm", "dynamics", "--no-activities")}
_ADDRESS = {"hubspot": "base_url", "dynamics": "environment_url"}

#: Which CRM the account of a folder is, where it is not HubSpot: kept beside its state.
CRM = "crm"

_CONFIG = """\
[state]
url = "sqlite:///{state}.db"

[connections.bench]
crm = "{crm}"
token = "env:{token}"
{address} = "{url}"
mapping = "shipped"
mode = "{mode}"
go_live = "always"
every = "5m"
require_approval = false
budget = {{ share = 1.0, daily_floor = 0{day} }}
"""

#: What a day is worth where the CRM never says so: more than anybody is measured with.
_DAY = {"hubspot": "", "dynamics": ", daily_quota = 1000000000"}


@contextmanager
def account(people: int, seed: int, switches: Sequence[str] = (), crm: str = "hubspot") -> Iterator[str]:
    """A sandbox with so many invented people, until the block ends; yields its address."""
    command = [sys.executable, "-m", "connector.sandbox", "--people", str(people), "--seed", str(seed)]
    command += [*_WORDS[crm], "--token", TOKEN]
    for switch in switches or SWITCHES[crm]:
        command += ["--set", switch]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None  # it was asked for
            url = process.stdout.readline().strip()
            if not url:
                raise RuntimeError("the sandbox did not start; its own words stand above")
            yield url
        finally:
            process.terminate()


def configure(folder: Path, url: str, mode: str) -> Path:
    """A configuration for this account whose state lies beside it, one per mode."""
    path, kept = folder / f"{mode}.toml", folder / CRM
    crm = kept.read_text(encoding="utf-8") if kept.exists() else "hubspot"
    words = {"crm": crm, "address": _ADDRESS[crm], "url": url, "day": _DAY[crm]}
    path.write_text(_CONFIG.format(state=mode, token=TOKEN_NAME, mode=mode, **words), encoding="utf-8")
    return path


def environment() -> dict[str, str]:
    """What a child process needs beside our own environment."""
    return {**os.environ, TOKEN_NAME: TOKEN}
