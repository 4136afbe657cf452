"""Who may import whom, as far as import-linter (pyproject.toml) cannot say it: purity, clocks and the sandbox."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "connector"
PURE = ("model", "errors", "spelling", "fields", "decide", "plan")
OUTSIDE = {"requests", "urllib3", "sqlalchemy", "alembic", "structlog", "hubspot", "msal", "typer", "starlette"}
CLOCKS = {"time", "random", "secrets", "uuid", "socket", "subprocess", "threading"}
READS_THE_WORLD = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter", "random", "uuid4"}
#: These packages have one home each, but for what lies under two of them; everybody else asks that room.
HOMES = {
    "hubspot": ("connector.crm.hubspot",),
    "urllib3": ("connector.crm.hubspot", "connector.crm.dynamics"),
    "msal": ("connector.crm.dynamics",),
    "requests": ("connector.crm.dynamics",),
    "alembic": ("connector.ledger",),
}
MODULES = {
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}


@cache
def imports(module: str) -> frozenset[str]:
    """Full names of everything a module imports, late imports included, those for type checking left out."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    return frozenset(name for node in tree.body for name in _imported(node))


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
        return
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "relative imports hide who needs whom"
        for alias in node.names:
            full = f"{node.module}.{alias.name}"
            yield full if full in MODULES else str(node.module)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _imported(child)


def within(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def rooms(*names: str) -> list[str]:
    return [module for module in MODULES if any(within(module, f"connector.{name}") for name in names)]


def reachable(module: str) -> set[str]:
    """Everything that is imported when a module is, through our own modules."""
    seen: set[str] = set()
    queue = [module]
    while queue:
        for name in imports(queue.pop()) - seen:
            seen.add(name)
            if name in MODULES:
                queue.append(name)
    return seen


def packages(names: set[str] | frozenset[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("module", rooms(*PURE))
def test_the_pure_rooms_cannot_reach_a_network_a_database_or_a_log(module: str) -> None:
    """Model, errors, fields, decide and plan are functions of their arguments, however far one follows imports."""
    assert not packages(reachable(module)) & OUTSIDE


@pytest.mark.parametrize("module", rooms(*PURE))
def test_the_pure_rooms_read_no_clock_and_roll_no_dice(module: str) -> None:
    """Time, chance and ids come in as arguments: no call to now(), time() or random() stands in a pure room."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    calls = {
        node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }

    assert not calls & READS_THE_WORLD
    assert not packages(imports(module)) & CLOCKS


@pytest.mark.parametrize("package", sorted(HOMES))
def test_a_package_of_the_edge_has_one_home(package: str) -> None:
    """Only the HubSpot adapter speaks hubspot, only Dynamics requests and msal, only the ledger alembic."""
    strangers = [
        module
        for module in MODULES
        if package in packages(imports(module))
        and not any(within(module, home) for home in HOMES[package])
        and not within(module, "connector.sandbox")
    ]

    assert strangers == []


def test_only_the_command_line_knows_the_sandbox() -> None:
    """The product never leans on its own imitation of a CRM."""
    knowing = [
        module
        for module in MODULES
        if any(within(name, "connector.sandbox") for name in imports(module))
        and not within(module, "connector.sandbox")
        and not within(module, "connector.cli")
    ]

    assert knowing == []


def test_the_sandbox_knows_errors_and_model_only() -> None:
    """The sandbox speaks HTTP to us as a stranger would: it shares no adapter, mapping or decision with us."""
    allowed = ("connector.sandbox", "connector.errors", "connector.model")
    foreign = {
        (module, name)
        for module in rooms("sandbox")
        for name in imports(module)
        if within(name, "connector") and not any(within(name, room) for room in allowed)
    }

    assert foreign == set()


def test_late_imports_are_seen() -> None:
    """The walk that the other tests rely on finds imports inside functions, such as that of the scheduler."""
    assert "apscheduler.triggers.cron" in imports("connector.config.values")
