"""
`python -m tests.mutants.run [NAME ...]`: makes each mutation in a process of its own and runs its test there.

The functions of the loaded program get the code of the changed text, so nothing is copied and nothing imported twice.
One JSON object goes to stdout: the name of each mutation and how its test ended ("failed" is what must be). A test
fails by an assertion, or by a refusal of the connector's own; one that meets another exception shows that the changed
text is no program, whatever the law says, and does not count.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

from connector.errors import ConnectorError
from tests.mutants.catalogue import MUTANTS, ROOT, Mutant
from tests.sync.world import agreement, empty_ledger

ENDS = {0: "passed", 1: "failed"}

#: By what a test fails that has noticed something: it says so itself, or the connector refuses.
LAWFUL = (AssertionError, pytest.fail.Exception, ConnectorError)


def make(mutant: Mutant) -> None:
    """Put the changed text's code into the functions of the module; ValueError where nothing differs."""
    module = importlib.import_module(mutant.module)
    codes = dict(_codes(compile(mutant.text(), str(module.__file__), "exec", dont_inherit=True)))
    changed = 0
    for function in _functions(module):
        code = codes[function.__code__.co_qualname]
        if _essence(code) != _essence(function.__code__):
            function.__code__ = code
            changed += 1
    if not changed:
        raise ValueError(f"{mutant.name}: no function of {mutant.module} differs")


def _codes(code: CodeType) -> Iterator[tuple[str, CodeType]]:
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield one.co_qualname, one
            yield from _codes(one)


def _essence(code: CodeType) -> tuple[Any, ...]:
    """What a function does, wherever it stands."""
    inner = tuple(_essence(one) if isinstance(one, CodeType) else one for one in code.co_consts)
    return code.co_code, inner, code.co_names


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    """Those that the module itself defines, decorated ones and methods included."""
    for one in list(vars(module).values()):
        held = list(vars(one).values()) if isinstance(one, type) and one.__module__ == module.__name__ else [one]
        for each in held:
            function = each.fget if isinstance(each, property) else getattr(each, "__func__", each)
            while hasattr(function, "__wrapped__"):
                function = function.__wrapped__
            if isinstance(function, FunctionType) and function.__code__.co_filename == module.__file__:
                yield function


class Failures:
    """A plug-in of pytest: by which exceptions tests failed that show nothing."""

    def __init__(self) -> None:
        self.other: list[str] = []

    def pytest_exception_interact(self, call: pytest.CallInfo[Any]) -> None:
        """A test, or what it needs, ended by this."""
        error = call.excinfo.value if call.excinfo is not None else None
        if call.when != "call" or not isinstance(error, LAWFUL):
            self.other.append(f"{call.when}: {type(error).__name__}: {error}")


def ends(mutant: Mutant) -> str:
    """How the test of this mutation ends, in a process of its own."""
    told, tells = os.pipe()
    process = os.fork()
    if process == 0:
        code, failures = 99, Failures()
        try:
            make(mutant)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            options = ["-x", "-q", "-p", "no:xdist", "--rootdir", str(ROOT)]
            code = int(pytest.main([*options, *mutant.selection], plugins=[failures]))
            os.write(tells, "; ".join(failures.other).encode()[:1000])
        finally:
            os._exit(code)
    os.close(tells)
    with os.fdopen(told, "rb") as reading:
        other = reading.read().decode(errors="replace")
    _, status = os.waitpid(process, 0)
    code = os.waitstatus_to_exitcode(status)
    how = ENDS.get(code, f"ended with {code}")
    return f"{how} by {other}" if other else how


def main(names: list[str]) -> int:
    """All of them, or those named."""
    os.chdir(ROOT)
    empty_ledger(), agreement()  # read once, for all
    told = {one.name: ends(one) for one in MUTANTS if not names or one.name in names}
    sys.stdout.write(json.dumps(told, indent=1) + "\n")
    return int(set(told.values()) != {"failed"})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
