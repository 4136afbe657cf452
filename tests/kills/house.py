"""
A sandbox process, a connector process, and the hand that kills: everything the matrix of real kills is made of.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from connector.ledger import open_ledger
from tests.cli.desk import TOKEN
from tests.kills.account import NOON
from tests.kills.places import HUBSPOT, Place

#: After a kill: long enough for a task that may be under way to have settled.
LATER = timedelta(minutes=2)

KILLED = -signal.SIGKILL

#: Instants in what is written: healing is later than what it heals.
INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?(\.\d+)?Z?|\d{13}")


@dataclass(frozen=True)
class Ended:
    """How a command ended, and the calls that the account had from it; `afresh`: those of them that read people right
    before they were written, because what they were decided on was older than a minute."""

    code: int
    calls: int
    said: str
    afresh: int = 0

    @property
    def work(self) -> int:
        """The calls that a longer run would not make anyway."""
        return self.calls - self.afresh


@dataclass(frozen=True)
class Beside:
    """A connector process that works while others do."""

    house: House
    nursery: subprocess.Popen[str]
    process: int
    out: Path

    def go_on(self) -> Ended:
        """Let go of the call that is held, without harm to anybody who matters, and wait for the end."""
        bait = subprocess.Popen(["sleep", "60"])
        self.house.do("process", pid=bait.pid)
        bait.wait()
        code = int(House._line(self.nursery))
        return Ended(code, 0, self.out.read_text())


class House:
    """One account, one state folder; whatever was saved last comes back with `again`."""

    def __init__(self, folder: Path, people: int, page: int, place: Place = HUBSPOT) -> None:
        self.folder, self.place = folder, place
        environment = {**os.environ, "KILLS_TOKEN": TOKEN, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "text": True, "env": environment, "cwd": folder}
        python = (sys.executable, "-m")
        self._account = subprocess.Popen([*python, "tests.kills.account", place.crm, str(people)], **pipes)
        self._open = lambda lease_s: subprocess.Popen(
            [*python, "tests.kills.nursery", str(lease_s), place.crm], stdin=subprocess.PIPE, **pipes
        )
        self._nursery = self._open(300)
        self.url = self._line(self._account).strip()
        (folder / "config.toml").write_text(place.config(self.url, page))
        self.at = NOON
        self._saved = NOON
        self._begun = 0

    def close(self) -> None:
        """End both processes."""
        for process in (self._nursery, self._account):
            process.kill()
            process.wait()

    # -- the account and the state ------------------------------------------------------------------------------------

    def save(self) -> None:
        """From here `again` begins."""
        self._account.send_signal(signal.SIGUSR1)
        assert self._line(self._account) == "saved\n"
        shutil.rmtree(self.folder / "saved", ignore_errors=True)
        (self.folder / "saved").mkdir()
        for file in self.folder.glob("connector.db*"):
            shutil.copy(file, self.folder / "saved")
        self._saved = self.at

    def again(self) -> None:
        """Account and ledger as they were saved."""
        self.do("reset")
        for file in self.folder.glob("connector.db*"):
            file.unlink()
        for file in (self.folder / "saved").glob("*"):
            shutil.copy(file, self.folder)
        self.at = self._saved

    def do(self, name: str, /, **body: Any) -> dict[str, Any]:
        """A hand on the account's control path."""
        request = urllib.request.Request(f"{self.url}/_sandbox/{name}", json.dumps(body).encode(), method="POST")
        with urllib.request.urlopen(request) as answer:
            return dict(json.load(answer))

    def look(self, name: str) -> dict[str, Any]:
        """What the control path shows."""
        with urllib.request.urlopen(f"{self.url}/_sandbox/{name}") as answer:
            return dict(json.load(answer))

    def calls(self) -> int:
        """How many calls the account has had since it was last reset."""
        return self.place.calls(self.look("state"))

    def afresh(self) -> int:
        """How many of them read people right before they were written, where the CRM counts these apart."""
        return int(self.look("state")["calls"].get(self.place.afresh, 0))

    def batches(self) -> int:
        """How many of the calls were a batch of several, where the CRM has such."""
        return int(self.look("state")["calls"].get("batch", 0))

    def writes(self) -> int:
        """How much it has been written to since then."""
        return self.place.writes(self.look("state"))

    # -- the connector ------------------------------------------------------------------------------------------------

    def run(
        self,
        *words: str,
        fault: Mapping[str, Any] | None = None,
        kill_after_s: float | None = None,
        keep_faults: bool = False,
    ) -> Ended:
        """The command as a process; the sandbox kills it at the call of `fault`, a timer after so many seconds."""
        self.do("clock", at=self.at.isoformat(), ticking=True)
        if not keep_faults:
            self.do("faults", faults=[dict(fault)] if fault else [])
        before, afresh, out = self.calls(), self.afresh(), self.folder / "said.txt"
        process = self._started(self._nursery, words, out)
        if fault:
            self.do("process", pid=process)
        timer = threading.Timer(kill_after_s or 0, _kill, [process])
        if kill_after_s is not None:
            timer.start()
        code = int(self._line(self._nursery))
        timer.cancel()
        return Ended(code, self.calls() - before, out.read_text(), self.afresh() - afresh)

    def _started(self, nursery: subprocess.Popen[str], words: Sequence[str], out: Path) -> int:
        command = {"words": [*words, "--config", str(self.folder / "config.toml")], "at": self.at.isoformat()}
        assert nursery.stdin is not None
        nursery.stdin.write(json.dumps({**command, "out": str(out)}) + "\n")
        nursery.stdin.flush()
        return int(self._line(nursery))

    @contextmanager
    def beside(self, *words: str, fault: Mapping[str, Any], lease_s: float = 300) -> Iterator[Beside]:
        """A second connector process, held by the account at the call of `fault`, which waits to be told whom it is
        to kill; `lease_s`: how long its lease is good for."""
        self.do("faults", faults=[dict(fault)])
        nursery, out = self._open(lease_s), self.folder / "beside.txt"
        try:
            yield Beside(self, nursery, self._started(nursery, words, out), out)
        finally:
            nursery.kill()
            nursery.wait()

    def later(self, by: timedelta = LATER) -> None:
        """Time passes, for both sides."""
        self.at += by

    @staticmethod
    def _line(process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the process has ended"
        return line

    # -- what became of it -------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything people see in the account, without instants."""
        tasks = map(self.place.task, self.look("state")["tasks"])
        return {
            "contacts": {id: self._timeless(one) for id, one in self.people().items()},
            "tasks": sorted((whose, INSTANT.sub("-", body)) for whose, body in tasks),
        }

    def people(self) -> dict[str, Any]:
        """Everybody there is, as the account has them."""
        return {id: one for table in self.place.people for id, one in self.look(f"records/{table}").items()}

    def _timeless(self, properties: Mapping[str, Any]) -> dict[str, str]:
        """Without instants, and without what differs from life to life."""
        kept = {name: value for name, value in sorted(properties.items()) if not self.place.unlike(name)}
        return {name: INSTANT.sub("-", str(value or "")) for name, value in kept.items()}

    def blank(self) -> list[str]:
        """Whoever has no lifecycle stage."""
        return [id for id, one in self.people().items() if not one.get(self.place.stage)]

    def double_tasks(self) -> list[str]:
        """Markers that stand on more than one task."""
        bodies = [body for _, body in map(self.place.task, self.look("state")["tasks"])]
        markers = [re.findall(r"\[(cx-\w+)\]", body) for body in bodies]
        seen = [mark for found in markers for mark in found]
        return sorted({mark for mark in seen if seen.count(mark) > 1})

    def left_open(self) -> list[str]:
        """What the ledger still has under way."""
        ledger = open_ledger(f"sqlite:///{self.folder / 'connector.db'}", "acme")
        try:
            sent = [one.state for id in self.people() for one in ledger.outbox.of(id)]
            return [str(one) for one in ledger.work.open_clears()] + [one for one in sent if one != "created"]
        finally:
            ledger.database.close()


def _kill(process: int) -> None:
    with suppress(ProcessLookupError):  # it had ended by itself, which its code tells
        os.kill(process, signal.SIGKILL)


@contextmanager
def house(folder: Path, people: int, page: int, place: Place = HUBSPOT) -> Iterator[House]:
    """A house, closed in the end."""
    built = House(folder, people, page, place)
    try:
        yield built
    finally:
        built.close()
