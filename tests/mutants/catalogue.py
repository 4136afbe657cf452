"""
Which mutation makes which test fail: each is a small change of the product's text, and the test that must notice.

`docs/mutations.md` shows this list; tests/mutants/test_mutants.py keeps both true.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs" / "mutations.md"


@dataclass(frozen=True)
class Mutant:
    """One thing done wrong: what it is in words, where, what stands there, what stands there instead, who notices."""

    name: str
    file: str
    old: str
    new: str
    test: str

    @property
    def module(self) -> str:
        """The module that the file is."""
        return self.file.removesuffix(".py").replace("/", ".")

    @property
    def selection(self) -> list[str]:
        """The test as pytest is told it; after a * stands the part of its name that says what it is about."""
        file, _, name = self.test.partition("::*")
        return [str(ROOT / file), "-k", name] if name else [str(ROOT / file)]

    def text(self) -> str:
        """The file with the change in it; the old text must stand there exactly once."""
        source = (ROOT / self.file).read_text(encoding="utf-8")
        found = source.count(self.old)
        if found != 1:
            raise ValueError(f"{self.name}: {self.file} says {found} times: {self.old}")
        return source.replace(self.old, self.new)


LAWS, LEASE, MATRIX = "tests/sync/test_laws.py::", "tests/sync/test_lease.py::", "tests/sync/test_crash_matrix.py::"
LEADS = "tests/sync/test_leads.py::"
TORN, PASSED_OVER = "tests/sync/test_interrupted.py::", "tests/sync/test_passed_over.py::"
DATAVERSE = "tests/crm/test_dynamics_"
HUBSPOT, WRITING = "tests/crm/test_hubspot.py::", "tests/crm/test_hubspot_writing.py::"
KILLED = MATRIX + "test_g2_lesson_11_a_run_killed_at_any_moment_is_healed_by_the_next"

MUTANTS = (
    Mutant(
        "the look-back is zero",
        "connector/crm/hubspot/changing.py",
        "since - api.reading.look_back",
        "since",
        HUBSPOT + "*what_the_index_shows_late_is_seen_by_a_later_window",
    ),
    Mutant(
        "the settle time is zero",
        "connector/crm/hubspot/changing.py",
        "max(at.since, end - api.reading.settle)",
        "max(at.since, end)",
        HUBSPOT + "test_the_cursor_stays_behind_by_the_settle_time",
    ),
    Mutant(
        "`>` for `>=` where a window begins",
        "connector/crm/hubspot/changing.py",
        '"value": str(millis(self.start))',
        '"value": str(millis(self.start) + 1)',
        HUBSPOT + "test_g3_an_edit_at_the_very_instant_at_which_a_window_begins_is_seen",
    ),
    Mutant(
        "`>` for `>=` where a time is due",
        "connector/ledger/people.py",
        "column <= stamp(as_of)",
        "column < stamp(as_of)",
        "tests/sync/test_answers.py::test_a_person_wakes_at_the_very_instant_that_is_due[memory]",
    ),
    Mutant(
        "the next page begins one record later",
        "connector/crm/hubspot/changing.py",
        "above, after = max(fresh, key=_number), None",
        "above, after = str(_number(max(fresh, key=_number)) + 1), None",
        HUBSPOT + "TestHubSpot::test_a_window_names_each_changed_record_once",
    ),
    Mutant(
        "the cursor moves before what it stands for is committed",
        "connector/sync/marks.py",
        'cursors.move(f"mark:{kind}", cursor)',
        '[cursors.move(f"{name}:{kind}", cursor) for name in ("mark", "changes")]',
        TORN + "test_g3_an_interrupted_full_scan_loses_no_edit_made_before_it[memory]",
    ),
    Mutant(
        "recorded before anything is sent",
        "connector/sync/apply.py",
        "        results += self._sent(with_sets, len(batch))\n",
        '        self._recording.record([Result(one, change, "written", stands=True) for one, change in with_sets])\n'
        "        results += self._sent(with_sets, len(batch))\n",
        KILLED + "[day_to_call_back]",
    ),
    Mutant(
        "recorded before its tasks are there",
        "connector/sync/apply.py",
        "        results = self._hand_off.after(results)\n        self._recording.record(results)\n",
        "        self._recording.record(results)\n        results = self._hand_off.after(results)\n",
        KILLED + "[day_to_call_back]",
    ),
    Mutant(
        "the diff is skipped",
        "connector/plan/merging.py",
        "found.sets += _worth_writing(sets)",
        "found.sets += [Set(name, spec.property, '', words.encode(name, outputs[name]))"
        " for name in outputs if (spec := words.spec(name))]",
        LAWS + "test_g1_a_second_backfill_writes_nothing[memory]",
    ),
    Mutant(
        "one outcome of a batch is ignored",
        "connector/crm/hubspot/writing.py",
        "return [outcomes[update.id] for update in updates]",
        "return [outcomes[update.id] for update in updates][1:]",
        HUBSPOT + "TestHubSpot::test_every_update_has_its_outcome_in_order",
    ),
    Mutant(
        "no intent before the write",
        "connector/sync/apply.py",
        "self._ledger.people.intend(",
        "dict(",
        KILLED + "[day_to_call_back]",
    ),
    Mutant(
        "no intent before the clear",
        "connector/sync/backwards.py",
        "self._work.open_clear(one, self._report.run, self._session.now())",
        "pass",
        MATRIX + "test_g5_lesson_16_killed_between_clear_and_set_nobody_stays_blank[memory]",
    ),
    Mutant(
        "a lost answer is sent again without a look",
        "connector/crm/lost_answers.py",
        "self.outcomes |= self._look([one for part in self._parts for one in part], self.outcomes)",
        "pass",
        WRITING + "*an_answer_lost_after_the_write_is_looked_up_not_sent_again",
    ),
    Mutant(
        "a task that may be under way is sent again at once",
        "connector/sync/handoff.py",
        'if sent.state != "sending" or sent.at is None:',
        "if True:",
        TORN + "test_g2_lesson_23_a_task_that_may_be_under_way_is_not_sent_again_at_once[memory]",
    ),
    Mutant(
        "tasks are not looked for in the CRM",
        "connector/sync/handoff.py",
        "        if not wanted:\n            return set()\n",
        "        if wanted or not wanted:\n            return set()\n",
        PASSED_OVER + "test_g2_a_task_that_the_state_knows_nothing_of_is_found_on_the_person",
    ),
    Mutant(
        "a task that no association tells is made again without a search",
        "connector/sync/handoff.py",
        "        if not asked:\n",
        "        if asked or not asked:\n",
        PASSED_OVER + "*a_task_that_an_answer_passes_over_is_not_made_again",
    ),
    Mutant(
        "a scan that knows that it missed somebody is complete",
        "connector/sync/marks.py",
        "if short > int(before or 0):",
        "if short < 0:",
        "tests/sync/test_scans.py::test_g3_lesson_06_a_scan_that_knows_it_missed_somebody_is_not_complete[memory]",
    ),
    Mutant(
        "whoever falls out of an answer has no associations",
        "connector/crm/hubspot/silence.py",
        "if self._fruitless < FRUITLESS and self._silence.named is not False:",
        "if asked < 0:",
        "tests/crm/test_hubspot_answers.py::*whoever_falls_out_of_an_answer_is_asked_after_again",
    ),
    Mutant(
        "what people edit is not held",
        "connector/plan/merging.py",
        'if name not in STRICT and rule.policy != "clear" and not',
        "if hold and not hold and not",
        LAWS + "test_g4_an_edit_of_one_of_our_properties_is_held_and_then_overwritten[memory]",
    ),
    Mutant(
        "a record that takes no writes any more is written",
        "connector/plan/merging.py",
        "if facts.get(CLOSED):",
        "if facts.get(CLOSED) is False:",
        "tests/test_plan.py::test_nothing_is_written_to_a_record_that_takes_no_writes",
    ),
    Mutant(
        "whatever became of their leads, a person counts as written",
        "connector/sync/parts.py",
        "if not leads and own is not None:",
        "if own is not None:",
        LEADS + "test_g6_a_lead_whose_part_is_refused_leaves_the_person_to_be_looked_at_again",
    ),
    Mutant(
        "what a person says on a lead is taken for ours",
        "connector/sync/assembling.py",
        "if record.leads:",
        "if record.leads is None:",
        LEADS + "test_g4_a_stage_that_a_person_sets_on_a_lead_is_adopted_by_its_track",
    ),
    Mutant(
        "a lead that gains a contact loses its track",
        "connector/ledger/folding.py",
        "level = leads.level if leads is not None and going_on else None",
        "level = None",
        LEADS + "test_g9_the_track_of_a_lead_keeps_its_id_when_it_folds_into_a_contact[contact first]",
    ),
    Mutant(
        "merges are not folded",
        "connector/sync/keeping.py",
        "self._merging.fold(kind, live, merged)",
        "repr(merged)",
        "tests/sync/test_cases.py::test_case_38_merged_contacts_are_one_customer_with_one_history",
    ),
    Mutant(
        "no fence",
        "connector/ledger/runs.py",
        "if connection.execute(held).scalar() != fence:",
        "if connection.execute(held).scalar() == -fence:",
        LEASE + "test_g2_no_transaction_of_a_run_goes_through_after_somebody_took_over[memory]",
    ),
    Mutant(
        "a call is sent under a lease that has ended",
        "connector/sync/lease.py",
        "if session.leased_until - now < LEASE / 2:",
        "if session.leased_until < session.leased_until:",
        LEASE + "test_g2_a_run_that_slept_through_its_lease_sends_nothing_more[memory-update]",
    ),
    Mutant(
        "a lease opens to whoever bears the same name",
        "connector/ledger/runs.py",
        "if held.lease_owner and held.lease_until and held.lease_until > now:",
        "if held.lease_owner and held.lease_owner != owner and held.lease_until and held.lease_until > now:",
        LEASE + "test_two_runs_are_two_whatever_they_are_called[memory]",
    ),
    Mutant(
        "a place in the quota is free again as soon as its answer is here",
        "connector/crm/pacing.py",
        "self._answered.append((self._clock(), rank, weight))",
        "self._answered.append((self._clock() - self.window, rank, weight))",
        "tests/crm/test_pacing.py::test_a_full_window_makes_the_next_one_wait_until_the_oldest_answer_is_a_window_old",
    ),
    Mutant(
        "a stage set by a person is taken for ours",
        "connector/sync/assembling.py",
        "if ours is None or live in ours:",
        "if ours is None or live or not live:",
        LAWS + "test_g4_a_stage_set_by_a_person_is_adopted[memory]",
    ),
    Mutant(
        "the token goes wherever a link leads",
        "connector/crm/dynamics/transport.py",
        "if not _same_origin(whole, root):",
        "if not _same_origin(root, root):",
        DATAVERSE + "transport.py::*a_link_to_anywhere_else_is_not_followed",
    ),
    Mutant(
        "a cookie binds us to one server",
        "connector/crm/dynamics/courier.py",
        "DefaultCookiePolicy(allowed_domains=[])",
        "DefaultCookiePolicy()",
        DATAVERSE + "doors.py::test_lesson_41_requests_spread_over_the_servers_of_an_environment",
    ),
    Mutant(
        "what a torn batch does not tell counts as not attempted",
        "connector/crm/dynamics/batch.py",
        "rest = Missing.NOT_ATTEMPTED if whole else Missing.UNKNOWN",
        "rest = Missing.NOT_ATTEMPTED if whole or not whole else Missing.UNKNOWN",
        DATAVERSE + "batch.py::test_wherever_an_answer_breaks_off_no_part_is_made_up",
    ),
    Mutant(
        "a write whose answer was lost is sent to Dataverse again",
        "connector/crm/dynamics/api.py",
        'return self.method == "GET" if self.repeatable is None else self.repeatable',
        'return self.method != "" if self.repeatable is None else self.repeatable',
        DATAVERSE + "api.py::*a_lost_answer_is_asked_for_again_only_where_twice_is_as_good_as_once",
    ),
    Mutant(
        "only who was refused waits",
        "connector/crm/dynamics/limits.py",
        "facets.requests.pause(seconds)",
        "facets.requests.pause(0.0)",
        DATAVERSE + "limits.py::test_lesson_41_after_a_429_everybody_waits_in_every_process",
    ),
    Mutant(
        "a plug-in's words make somebody gone",
        "connector/crm/dynamics/refusals.py",
        "return found if self.status in _ONLY_WITH.get(found, (self.status,)) else known",
        "return found",
        DATAVERSE + "refusals.py::*what_a_plug_in_words_itself_makes_nobody_gone_and_closes_no_door",
    ),
    Mutant(
        "a scan asks for no link to what changes",
        "connector/crm/dynamics/scanning.py",
        'f"odata.track-changes,{prefer}" if tracked else prefer',
        "prefer if tracked else prefer",
        "tests/crm/test_dynamics.py::test_a_scan_leaves_the_link_from_which_changes_go_on",
    ),
    Mutant(
        "a short list is believed",
        "connector/crm/dynamics/scanning.py",
        "if met >= counted:",
        "if met >= counted or met < counted:",
        "tests/crm/test_dynamics.py::test_g3_rows_that_a_list_leaves_out_without_a_word_are_found_by_counting",
    ),
    Mutant(
        "an outage kills the link to what changed",
        "connector/crm/dynamics/changing.py",
        "except Refused as error:\n        if not error.ends_a_link:",
        "except (CrmError, Refused) as error:\n        if not isinstance(error, CrmError):",
        "tests/crm/test_dynamics.py::*a_closed_door_or_an_outage_kills_no_link",
    ),
    Mutant(
        "a lead stays somebody beside the contact it belongs to",
        "connector/crm/dynamics/kinship.py",
        "parent = row.get(looked_up(table.parent)) if table.parent else None",
        "parent = row.get(looked_up(table.name)) if table.parent else None",
        DATAVERSE + "people.py::test_a_lead_that_gains_a_contact_folds_into_it_like_a_merge",
    ),
    Mutant(
        "who is deactivated is read like anybody",
        "connector/crm/dynamics/records.py",
        "return not table.deactivates or row.get(STATE) in (0, None)",
        "return not table.deactivates or row.get(STATE) not in ()",
        DATAVERSE + "people.py::test_a_deactivated_contact_is_archived_and_comes_back_when_reactivated",
    ),
    Mutant(
        "a row of Dataverse is written whatever became of it since it was read",
        "connector/crm/dynamics/drafting.py",
        '{"If-Match": self.version.etag,',
        '{"If-Match": "*",',
        DATAVERSE + "writing.py::test_g5_dataverse_trap_10_a_row_that_somebody_changed_meanwhile_is_not_overwritten",
    ),
    Mutant(
        "what the answer to a batch leaves out counts as written",
        "connector/crm/dynamics/writing.py",
        'return Outcome(draft.id, "unknown", code="no_answer" if lost',
        'return Outcome(draft.id, "unknown" if lost else "written", code="no_answer" if lost',
        DATAVERSE + "writing.py::test_g6_what_a_batch_never_comes_to_is_deferred",
    ),
    Mutant(
        "the link to what changed is kept before those who changed are",
        "connector/sync/pull.py",
        "for batch in self._crm.changes(kind, cursor, self._session.now()):",
        "for batch in self._crm.changes(kind, cursor, self._session.now()):\n"
        '            self._ledger.cursors.move(f"changes:{kind}", batch.mark or cursor)',
        TORN + "test_trap_06_a_window_that_breaks_off_moves_no_cursor[dynamics]",
    ),
    Mutant(
        "who is another than was read counts as written",
        "connector/crm/dynamics/writing.py",
        'return _moved(draft.id) if error.code == "moved_meanwhile"',
        'return Outcome(draft.id, "written") if error.code == "moved_meanwhile"',
        "tests/sync/test_writing_dynamics.py::*an_edit_that_comes_between_reading_and_writing_is_decided_on",
    ),
    Mutant(
        "after a lost answer whatever stands there is taken for ours",
        "connector/crm/dynamics/writing.py",
        "if draft.stands_in(row) else _moved(draft.id)",
        "if draft.stands_in(row) or row else _moved(draft.id)",
        DATAVERSE + "writing.py::test_somebody_who_edits_while_we_wonder_is_not_overwritten",
    ),
    Mutant(
        "a task that is there is made once more",
        "connector/crm/dynamics/tasking.py",
        "headers=_ONLY_NEW",
        "headers={}",
        DATAVERSE + "tasking.py::test_g2_the_same_hand_off_twice_is_one_task_whatever_it_says_the_second_time",
    ),
    Mutant(
        "backfills write everybody's columns without a look",
        "connector/crm/dynamics/bulk.py",
        "column.name.startswith(env.writing.bulk)",
        'column.name.startswith("")',
        DATAVERSE + "writing.py::test_a_backfill_into_our_own_columns_takes_few_calls_where_it_is_allowed",
    ),
    Mutant(
        "backfills write stages and answers without a look",
        "connector/crm/dynamics/bulk.py",
        "draft.ours_alone and all(",
        "all(",
        DATAVERSE + "writing.py::test_g4_what_people_set_as_well_never_goes_out_in_bulk_whatever_it_is_called",
    ),
    Mutant(
        "a task's id follows from its words",
        "connector/crm/dynamics/tasking.py",
        'task.marker or f"{task.contact_id}\\n{task.body}"',
        'f"{task.contact_id}\\n{task.body}"',
        DATAVERSE + "tasking.py::test_g2_the_same_hand_off_twice_is_one_task_whatever_it_says_the_second_time",
    ),
    Mutant(
        "a program that wrote a row last has changed every column of it",
        "connector/crm/dynamics/history.py",
        'if not untouched and by != "person":',
        'if not untouched and by == "unknown":',
        DATAVERSE + "history.py::test_without_audits_a_program_that_wrote_last_tells_nothing_of_a_column",
    ),
    Mutant(
        "a program is taken for the user in whose name it acts",
        "connector/crm/dynamics/history.py",
        "for id in reversed(ids) if id",
        "for id in ids if id",
        DATAVERSE + "history.py::test_g4_a_program_that_acts_in_the_name_of_a_user_is_not_taken_for_them",
    ),
    Mutant(
        "a link that has ended is taken for an outage",
        "connector/crm/dynamics/refusals.py",
        "return self.status < 500 or self.code in _LINKS_END",
        "return self.status < 500",
        "tests/crm/test_dynamics.py::*a_link_that_is_dead_says_that_everything_must_be_read",
    ),
    Mutant(
        "a value that may be a person's is written over while it waits",
        "connector/plan/merging.py",
        "if echo.waits or (",
        "if (",
        "tests/sync/test_across.py::test_g4_whoever_sets_a_value_and_is_not_named_waits_and_loses_nothing",
    ),
    Mutant(
        "what a contact took of a refused change is forgotten",
        "connector/sync/recording.py",
        "if result.stood else None",
        "if not result.stood else None",
        "tests/sync/test_leads.py::*a_lead_whose_part_is_refused_leaves_the_person_to_be_looked_at_again",
    ),
    Mutant(
        "whoever moved under our hands is sent again without being read",
        "connector/sync/apply.py",
        "left = self._freshness.read_again(moved, [one.person_id for one in moved], begun=True)",
        "left = moved",
        "tests/sync/test_moved.py::test_what_moved_without_a_word_about_the_decision_is_written_in_the_same_run",
    ),
    Mutant(
        "whoever was read ahead is written on what was decided before",
        "connector/sync/freshness.py",
        "*read_ahead}",
        "*()}",
        "tests/sync/test_writing_dynamics.py::test_g5_whoever_is_read_ahead_is_decided_on_as_they_were_read",
    ),
    Mutant(
        "changes by their time are read up to where our own clock is",
        "connector/crm/dynamics/changing.py",
        "settled = env.api.their_clock.now(now) - env.reading.settle",
        "settled = now - env.reading.settle",
        "tests/crm/test_dynamics.py::test_a_clock_of_ours_that_goes_before_theirs_loses_no_change",
    ),
    Mutant(
        "a task that a 412 speaks of is there",
        "connector/crm/dynamics/tasking.py",
        "if there else refusal",
        "if there or refusal.code else refusal",
        DATAVERSE + "tasking.py::test_a_duplicate_of_another_kind_is_a_refusal",
    ),
    Mutant(
        "changes go on although the CRM tells them no more",
        "connector/sync/pull.py",
        "if error.code == LOST:",
        'if error.code == "":',
        "tests/sync/test_lost_changes.py::test_where_the_changes_are_told_no_more_everything_is_read_again[memory]",
    ),
)


def table() -> str:
    """The list as Markdown."""
    lines = ["| what is done wrong | where | the test that fails |", "| --- | --- | --- |"]
    lines += [f"| {one.name} | `{one.file}` | `{one.test.rpartition('::')[2].lstrip('*')}` |" for one in MUTANTS]
    return HEAD + "\n".join(lines) + "\n"


HEAD = """\
# Which mutation makes which test fail

A law that no test would miss is no law. Each line is a small change of the program's text and the test that fails when
it is made. `make crash` makes every one of them and runs that test, `make check` some; the list is
`tests/mutants/catalogue.py`, of which this page is a copy that a test keeps true.

"""
