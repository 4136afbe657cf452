"""
Where each test that builds worlds is done: in memory always, on either sandbox and on PostgreSQL where that can make a
difference. `make crash` (EVERY_CRM=1) leaves nothing out but what a CRM cannot have.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from connector.sandbox import Sandbox
from connector.sandbox.dataverse import DataverseSandbox
from tests.sync.dynamics_world import DynamicsWorld
from tests.sync.over_http import OverHttp
from tests.sync.sandbox_world import SandboxWorld

#: The laws hold on PostgreSQL as on SQLite; everything else in this folder is tried there by `make test-postgres`.
ON_POSTGRES = "laws"

#: What the connector makes of a whole run, whichever CRM it has read: on HubSpot by `make crash` alone.
ON_MEMORY = frozenset(
    ("answers", "colleagues", "follow_up", "forgetting", "guarding", "lost_changes", "observing", "scope")
)

#: What is done on Dynamics in `make check`: where the adapter with its ETags, links and ids takes part.
ON_DYNAMICS = frozenset(
    (
        "test_g1_a_second_run_writes_nothing",
        "test_g2_a_lost_ledger_repeats_no_task",
        "test_g4_an_edit_of_one_of_our_properties_is_held_and_then_overwritten",
        "test_g4_a_stage_set_by_a_person_is_adopted",
        "test_g11_a_value_nobody_named_is_read_and_never_written",
        "test_g15_history_is_taken_as_given",
        "test_a_malformed_record_is_rejected_alone",
        "test_g2_lesson_23_a_task_whose_answer_was_lost_is_found_and_not_made_again",
        "test_g3_lesson_07_a_backfill_that_breaks_off_moves_no_cursor",
        "test_g4_an_edit_that_arrives_while_the_write_is_under_way_is_adopted",
        "test_g9_lesson_49_trap_11_a_chain_of_merges_ends_in_one_history",
        "test_lesson_48_trap_10_the_deleted_are_counted_and_never_written_and_may_come_back",
        "test_somebody_deleted_meanwhile_is_gone_and_never_written",
        "test_trap_06_a_window_that_breaks_off_moves_no_cursor",
    )
)

#: What Dynamics cannot have, and why.
NOT_ON_DYNAMICS = {
    "test_case_43_a_sequence_by_hand_is_one_attempt_and_a_workflow_is_none": "an e-mail names no sequence",
    "test_clicks_of_the_past_are_dated_by_the_crm_history": "nothing counts: signals are dates",
    "test_g9_lesson_49_a_merge_that_makes_a_new_id_keeps_the_track": "one of the two records is always left",
    "test_g10_lesson_12_trap_09_a_link_that_touched_nothing_is_seen_within_a_day": "a deal's link is a column of it",
    "test_lesson_16_a_quota_that_ends_between_clear_and_set_is_the_next_runs_first_work": "nothing is ever cleared",
    "test_lesson_26_a_form_knows_people_by_any_of_their_addresses": "there are no forms",
    "test_unknown_is_not_no_on_a_deal": "a deal names two contacts at most",
    "test_whoever_joins_the_deal_fills_a_role_for_all": "a deal names two contacts at most",
    "test_whoever_leaves_takes_the_role_along": "a deal names two contacts at most",
}

_EVERY_CRM = os.environ.get("EVERY_CRM") == "1"


def places(module: str, test: str) -> Iterator[str]:
    """The places of one test; `module` is the name of its file without "test_"."""
    yield "memory"
    if _EVERY_CRM or module not in ON_MEMORY:
        yield "hubspot"
    if test not in NOT_ON_DYNAMICS and (_EVERY_CRM or test in ON_DYNAMICS):
        yield "dynamics"
    if os.environ.get("LEDGER") == "postgres" or (module == ON_POSTGRES and "crash" not in test):
        yield "postgres"


def over_http(folder: Path, sandbox: Sandbox | DataverseSandbox, **more: Any) -> OverHttp:
    """The world that belongs to a sandbox."""
    if isinstance(sandbox, DataverseSandbox):
        return DynamicsWorld(folder, sandbox=sandbox, **more)
    return SandboxWorld(folder, sandbox=sandbox, **more)
