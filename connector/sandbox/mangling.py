"""Answers that look whole and are not: rows left out without a word, pages shorter than they should be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from connector.sandbox.exchange import Answer, Call
from connector.sandbox.faults import Fault


def asked(call: Call, fault: Fault) -> Call:
    """The call as a fault wants it understood: a page that comes back short is asked for with a smaller limit."""
    if fault.action != "short_page":
        return call
    limit = max(1, fault.rows)
    if call.method == "GET":
        return replace(call, query={**call.query, "limit": (str(limit),)})
    return replace(call, body=orjson.dumps(call.json() | {"limit": limit}))


def mangled(answer: Answer, call: Call, fault: Fault) -> Answer:
    """What is left of an answer."""
    body = answer.body
    if not isinstance(body, dict) or not isinstance(body.get("results"), list):
        return answer
    if fault.action == "lose_rows":
        lost = 1 if fault.rows < 0 else fault.rows
        return replace(answer, body=body | {"results": without_middle(body["results"], lost)})
    if fault.action == "short_page" and fault.rows < 1:
        return replace(answer, body=_emptied(body, call))
    return answer


def thinned(rows: list[Any], every: int, passed: Counter[str], what: str) -> list[Any]:
    """The rows that are told when every n-th gets lost, counted over all calls; 0 loses none."""
    if not every:
        return rows
    kept = []
    for row in rows:
        passed[what] += 1
        if passed[what] % every:
            kept.append(row)
    return kept


def without_middle(rows: list[Any], lost: int) -> list[Any]:
    """The rows but for some in the middle, where nobody looks."""
    start = max(0, (len(rows) - lost) // 2)
    return rows[:start] + rows[start + lost :]


def _emptied(body: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """An empty page whose cursor leads to the rows that it should have held. Where the cursor is none that could be
    made up, the page keeps its one row."""
    before = call.one("after") if call.method == "GET" else call.json().get("after")
    following = str(body.get("paging", {}).get("next", {}).get("after", "0"))
    if not before and not following.isdigit():
        return dict(body)
    after = str(before or "0")
    return {**body, "results": [], "paging": {"next": {"after": after, "link": f"?after={after}"}}}
