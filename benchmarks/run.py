"""
What it costs: `make bench`. CPU, wall time and memory per 100,000 people, beside the targets of DESIGN section 10.

    account.py    the sandbox in another process, no latency and no quota
    quota.py      the same with both: how much of the quota a backfill uses
    measure.py    one measure in a process of its own
    reading.py    the yardsticks: a plain loop, and the official client's models
    running.py    the loop: first fill, writing, nothing to do, incremental, re-score
    deciding.py   the pure core
    starting.py   start-up
    table.py      figures beside targets

Everything happens on this machine. The sandbox computes its people on another core, so CPU seconds are ours alone and
wall seconds are those of both; with fewer than 100,000 people the figures are scaled and say so.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
import quota
import starting
import table
from account import account, configure, environment

HERE = Path(__file__).resolve().parent

#: In the order in which they build on each other: what is written is known afterwards.
ON_THE_ACCOUNT = ("set_up", "first_fill", "writing", "unchanged", "incremental", "rescore")
#: The official client's models cost so much that a slice must do.
MODELS_PEOPLE = 5_000
DECIDED_PEOPLE = 2_000
#: Seconds after which a measure is given up.
PATIENCE = 600


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, keep it as JSON; 1 where a target was missed."""
    options = _parser().parse_args(arguments)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="connector-bench-") as name:
        folder = Path(name)
        results = _small(folder, options) | _large(folder, options)
        if options.quota_people:
            results["quota"] = _under_quota(folder, options)
        results["deciding"] = measured("deciding", folder, "-", DECIDED_PEOPLE)
        results["starting"] = _starting(folder)
    found = table.rows(results)
    say("")
    table.show(found, say)
    _keep(options.out, options, results, found)
    say(f"\n{time.perf_counter() - began:.0f} s in all; kept in {options.out}")
    return table.missed(found, say)


def _large(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The account that is measured, with the yardsticks in the same run."""
    (place := folder / "large").mkdir()
    with account(options.people, options.seed) as url:
        results = {
            "plain": measured("plain", place, url, options.people),
            "models": measured("models", place, url, min(MODELS_PEOPLE, options.people)),
        }
        return results | {name: measured(name, place, url, options.people) for name in ON_THE_ACCOUNT}


def _small(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """A tenth of it, for its memory."""
    (place := folder / "small").mkdir()
    people = max(1, options.people // 10)
    with account(people, options.seed) as url:
        return {f"small_{name}": measured(name, place, url, people) for name in ON_THE_ACCOUNT[:4]}


def _under_quota(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """One backfill that reads and writes everybody, under a quota and at a distance."""
    (place := folder / "quota").mkdir()
    people = options.quota_people
    with account(people, options.seed, quota.SWITCHES) as url:
        measured("set_up", place, url, people)
        say(f"under quota: {people:,} people, {people / 100 / quota.BURST / 6:.1f} minutes at least for their pages")
        return quota.watched(_command("writing", place, url, people), environment(), url, 3 * PATIENCE)


def measured(name: str, folder: Path, url: str, people: int, patience: float = PATIENCE) -> dict[str, Any]:
    """One measure in a process of its own."""
    say(f"{name.replace('_', ' ')}: {people:,} people")
    done = subprocess.run(
        _command(name, folder, url, people), stdout=subprocess.PIPE, env=environment(), timeout=patience, check=True
    )
    result: dict[str, Any] = orjson.loads(done.stdout.splitlines()[-1])
    return result


def _command(name: str, folder: Path, url: str, people: int) -> list[str]:
    return [sys.executable, str(HERE / "measure.py"), name, str(folder), url, str(people)]


def _starting(folder: Path) -> dict[str, float]:
    say("starting up")
    config = configure(folder, "http://127.0.0.1:9", "live")
    return {
        "first_request": starting.to_first_request(folder),
        "help": starting.whole(["--help"]),
        "status": starting.whole(["status", "--config", str(config)]),
    }


def _keep(path: Path, options: argparse.Namespace, results: dict[str, Any], found: list[table.Row]) -> None:
    """Figures mean something only beside the machine and the versions they were taken with."""
    kept = {
        "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "people": options.people,
        "seed": options.seed,
        "machine": machine(),
        "rows": [{**asdict(row), "verdict": row.verdict} for row in found],
        "measures": results,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(kept, option=orjson.OPT_INDENT_2))


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    packages = ("agreement-connector", "hubspot-api-client", "orjson", "requests", "sqlalchemy", "urllib3")
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in packages},
    }


def _processor() -> str:
    """The name of the processor, where the system tells."""
    about = Path("/proc/cpuinfo")
    lines = about.read_text(encoding="utf-8").splitlines() if about.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def say(text: str) -> None:
    """To whoever watches."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("make bench", description="What the connector costs.")
    parser.add_argument("--people", type=int, default=50_000, help="in the account; figures are per 100,000")
    parser.add_argument(
        "--quota-people", type=int, default=100_000, help="in the account with a quota; 0: leave it out"
    )
    parser.add_argument("--seed", type=int, default=7, help="of the invented people")
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"), help="where to keep the figures")
    return parser


if __name__ == "__main__":
    sys.exit(main())
