"""
The two cases that are about Dynamics, as far as they do not need its adapter: what is decided, what a mapping without a
lifecycle property of the CRM's own would write, and what no adapter is ever asked to do.
"""

from __future__ import annotations

import inspect
from dataclasses import replace
from datetime import timedelta

from connector.agreement import Agreement
from connector.crm import CRM
from connector.decide import Decider
from connector.fields import FieldMap
from connector.model import Decision
from connector.plan import Terms, diff

from .conftest import Desk, at, edit, person, signal

DEMO = signal("demo_request", "03-31 11:30")


def test_case_40_a_disqualified_person_who_asks_for_a_demo_is_flagged_and_not_brought_back(desk: Desk) -> None:
    """The closed record is left alone: no stage, no status, no task of ours; somebody is told to look."""
    desk.decide(person(status="new"), "03-20 12:00")
    rejected = edit("status", "new", "unqualified", "03-21 09:00")
    desk.decide(person(edits={"status": rejected}), "03-21 12:00")
    decision = desk.decide(person(DEMO))

    assert decision.tracks[0].stage == "disqualified"
    assert (decision.moves, decision.tasks) == ((), ())
    assert any(each.startswith("Disqualified, but asked for it: demo_request") for each in decision.warnings)


def test_case_41_where_the_crm_has_no_stage_of_its_own_sql_is_written_to_ours_alone(agreement: Agreement) -> None:
    """A mapping as Dynamics has it: the columns of ours, no lifecycle property, no lead status."""
    own = {name: spec for name, spec in agreement.wiring.fields["contact"].items() if name not in ("stage", "status")}
    wiring = replace(agreement.wiring, fields={**agreement.wiring.fields, "contact": own})
    desk = Desk(Decider(replace(agreement, wiring=wiring)))
    desk.decide(person(DEMO), "03-31 12:00")
    talks = (signal("meeting_held", "04-01 09:00"), signal("email_reply", "04-01 10:00"))
    decision = desk.decide(person(DEMO, *talks), "04-01 12:00")
    written = _written(decision, agreement, FieldMap(wiring, agreement.fields_used, {}))

    assert decision.tracks[0].stage == "sql"
    assert written["cx_stage"] == "sql"
    assert all(name.startswith("cx_") for name in written)


def test_case_41_no_adapter_is_asked_to_qualify_convert_win_or_reopen() -> None:
    """The protocol has records to read, values and tasks to write, and nothing that opens or closes a deal."""
    asked = {name for name, _ in inspect.getmembers(CRM, inspect.isfunction) if not name.startswith("_")}

    assert asked == {
        *("describe", "count", "oldest", "automations", "scan", "begin", "changes", "read", "links", "occurrences"),
        *(
            "write",
            "history",
            "find_tasks",
            "tasks_marked",
            "create_tasks",
            "create_property",
            "add_options",
            "publish",
        ),
        *("clock_ahead", "waits_for", "close"),
    }


def _written(decision: Decision, agreement: Agreement, fields: FieldMap) -> dict[str, str]:
    terms = Terms(agreement.write_back, "live", timedelta(days=30), "cx_")
    found = diff(decision, {"f": {}}, ours={}, holds={}, fields=fields, terms=terms, as_of=at("04-01 12:00"))
    return {one.property: one.after for one in found.change.sets} if found.change else {}
