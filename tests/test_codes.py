"""Every code the program can say is documented, stable in form, and comes with a sentence that says what to do."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector import codes
from connector.crm.hubspot.refusals import ours
from connector.errors import (
    Busy,
    ConfigError,
    ConnectorError,
    CrmError,
    Deferred,
    Denied,
    GuardRefused,
    LedgerError,
    MalformedRecord,
    NotFound,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Transient,
    Unaccounted,
    UsageError,
)
from connector.ledger import aside
from connector.ledger.handoffs import UNDONE
from connector.ledger.rejects import UNREADABLE
from connector.ledger.work import CUT_OFF
from connector.model import CONFLICT, EDIT

ROOT = Path(__file__).parents[1]
SOURCES = [path for path in sorted((ROOT / "connector").rglob("*.py")) if "sandbox" not in path.parts]

#: Calls that take a code: name -> its place among the arguments.
TAKE_A_CODE = {"Outcome": 4, "Result": 3, "Verdict": 1, "Reject": 2, "MalformedRecord": 0, "Parking": 1}

#: What a CRM or its adapter may call things until `codes.of` has had its say: never kept, never shown.
PASSING = {"transient"}


def said() -> Iterator[tuple[str, str]]:
    """Every code that stands literally in the source, with where."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for value in _codes_in(node):
                for text in ast.walk(value):
                    if isinstance(text, ast.Constant) and isinstance(text.value, str) and text.value:
                        yield text.value, f"{path.relative_to(ROOT)}:{text.lineno}"


def _codes_in(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Call):
        yield from (word.value for word in node.keywords if word.arg == "code" and not _is_built(word.value))
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        place = TAKE_A_CODE.get(name)
        if place is not None and len(node.args) > place and not _is_built(node.args[place]):
            yield node.args[place]
    elif isinstance(node, ast.FunctionDef):  # the code an error has where nobody says another
        pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        yield from (default for one, default in pairs if one.arg == "code" and default is not None)
    elif isinstance(node, ast.AnnAssign | ast.Assign):
        targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
        names = {getattr(one, "id", "") for one in targets}
        if isinstance(node.value, ast.Dict) and "_OURS" in names:  # a table from a CRM's codes to ours
            yield from node.value.values
        elif node.value is not None and "code" in names:
            yield node.value


def _is_built(value: ast.AST) -> bool:
    """A code put together from something the CRM said, which `codes.of` translates."""
    return any(isinstance(part, ast.JoinedStr) for part in ast.walk(value))


def test_lesson_51_every_code_in_the_source_is_documented() -> None:
    """A code nobody can look up is a raw 400 by another name."""
    found = dict(said())

    assert {"scope", "token", "quota", "not_taken", "undecidable", "malformed_value", "unaccounted"} <= set(found)
    assert {name: where for name, where in found.items() if name not in codes.CODES and name not in PASSING} == {}


def test_lesson_51_the_page_of_codes_is_the_program_s() -> None:
    """docs/errors.md is written by the program: python -c "from connector.codes import page; print(page(), end='')"."""
    assert (ROOT / "docs" / "errors.md").read_text(encoding="utf-8") == codes.page()


def test_lesson_51_each_code_says_what_it_means_and_what_to_do() -> None:
    """Two sentences each, and no code twice."""
    every = [code for chapter in codes.CHAPTERS for code in chapter.codes]

    assert len({code.name for code in every}) == len(every)
    for code in every:
        assert code.name == code.name.lower()
        assert code.meaning.endswith((".", "."))
        assert code.fix.endswith(".")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError([]), "config"),
        (GuardRefused("x"), "guard"),
        (Busy("x"), "busy"),
        (UsageError("x"), "usage"),
        (Deferred("x"), "quota"),
        (Deferred("x", code="stopped"), "stopped"),
        (LedgerError("x"), "state"),
        (Unaccounted("x"), "unaccounted"),
        (MalformedRecord("malformed_value", "x"), "malformed_value"),
        (Denied("x", code="scope"), "scope"),
        (Denied("x", code="http_302"), "denied"),
        (NotFound("x", code="CONTACT_LIST_GONE"), "not_found"),
        (Rejected("x", code="SOMETHING_NEW"), "refused"),
        (Transient("x", code="http_503"), "unavailable"),
        (Throttled("x"), "throttled"),
        (Throttled("x", limit="TEN_SECONDLY_ROLLING"), "throttled"),
        (Transient("x", code="SOMETHING_NEW"), "unavailable"),
        (OutcomeUnknown("x", code="http_504"), "no_answer"),
        (OutcomeUnknown("x", code="http_500"), "server_error"),
        (CrmError("x", code="WHATEVER"), "crm_error"),
        (ConnectorError("x"), "error"),
    ],
)
def test_lesson_51_whatever_ends_a_run_has_a_documented_code(error: ConnectorError, code: str) -> None:
    """Also where the CRM calls it something that we never heard of."""
    assert codes.of(error) == code
    assert code in codes.CODES


@pytest.mark.parametrize(
    ("theirs", "status", "code"),
    [
        ("INVALID_OPTION", 400, "value_not_allowed"),
        ("invalid_option", None, "value_not_allowed"),
        ("PROPERTY_DOESNT_EXIST", 400, "property_missing"),
        ("READ_ONLY_VALUE", 400, "property_read_only"),
        ("INVALID_DATE", 400, "value_invalid"),
        ("INVALID_SOMETHING_NEW", 400, "value_invalid"),
        ("MISSING_CONDITIONAL_REQUIRED_PROPERTY", 400, "required_missing"),
        ("CONFLICT", 409, "collision"),
        ("", 409, "collision"),
        ("VALIDATION_ERROR", 400, "refused"),
        ("", 400, "refused"),
    ],
)
def test_lesson_51_hubspot_s_own_codes_become_ours(theirs: str, status: int | None, code: str) -> None:
    """Known ones by name, unknown ones by their form."""
    assert ours(theirs, status) == code
    assert code in codes.CODES


def test_lesson_51_what_waits_and_what_cannot_be_read_is_documented_too() -> None:
    """Alerts and `status --waiting` use the same list."""
    waiting = {*aside.FOR_REVIEW, aside.TASK_BUDGET, aside.QUIET}

    assert codes.unknown_among((*waiting, *UNREADABLE)) == []


def test_lesson_51_what_is_held_or_was_cut_off_is_documented_too() -> None:
    """`holds --output json` and `explain` use the same list."""
    assert codes.unknown_among((EDIT, CONFLICT, UNDONE, CUT_OFF)) == []
