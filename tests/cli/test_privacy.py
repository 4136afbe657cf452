"""G14: whatever is typed, no person's data and no token appears where people and logs can see it."""

from __future__ import annotations

from itertools import cycle

from tests.cli.desk import FIRST, LAST, PERSONAL, TOKEN, Desk

#: A whole life of a connection, and everything that can be looked at on the way.
LIFE: tuple[tuple[str, ...], ...] = (
    ("check",),
    ("discover",),
    ("setup",),
    ("plan", "--show", "100", "-o", "plan.json"),
    ("plan", "--output", "json"),
    ("apply", "plan.json", "--yes"),
    ("sync", "--yes"),
    ("backfill", "--tasks"),
    ("status",),
    ("runs",),
    ("explain", "1"),
    ("explain", "2", "--output", "json"),
    ("rejects",),
    ("rejects", "--output", "json"),
    ("holds",),
    ("holds", "list", "--output", "json"),
    ("report", "conflicts"),
)


def test_nothing_personal_appears_anywhere(desk: Desk) -> None:
    """G14: names, addresses, numbers and the token stay out of results, messages and debug logs of every verb."""
    desk.world.edit("contacts", "4", {"cx_fit_score": "7"})
    refusal = {
        "category": "VALIDATION_ERROR",
        "message": f"p3@northmill.example of {FIRST} {LAST} is not valid",
        "errors": [{"message": f"{FIRST} {LAST} <p3@northmill.example>", "code": "INVALID_OPTION"}],
    }
    desk.sandbox.fault("answer", method="POST", path="contacts/batch/update", times=3, status=400, body=refusal)
    said = []
    for words, log in zip(LIFE, cycle(("text", "json")), strict=False):
        told = desk("--log-level", "debug", "--log-format", log, *words)
        assert told.code in (0, 3), told.err
        said.append(told.out + told.err)
    everything = "\n".join(said)
    for secret in (*PERSONAL, "p1@", "p2@", TOKEN, TOKEN[-12:]):
        assert secret not in everything, secret
    assert len(everything) > 5_000
