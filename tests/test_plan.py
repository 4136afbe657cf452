"""Diff, guard and budgets: what is written, what is held, what waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.agreement.wiring import FieldSpec, Wiring, WriteBack, WriteRule
from connector.fields import FieldMap
from connector.model import Decision, Move, Record, Score, TaskDraft, Value
from connector.plan import (
    CauseCount,
    Change,
    Difference,
    Held,
    Limits,
    Set,
    TaskBudget,
    Terms,
    diff,
    from_json,
    guard,
    guarded_by,
    over_task_budget,
    set_by,
    to_json,
)

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
FIELDS = FieldMap(
    Wiring(
        "any",
        {
            "contact": {
                "stage": FieldSpec("stage", "their_stage", values={"lead": ("L",), "mql": ("M",)}),
                "fit_score": FieldSpec("fit_score", "cx_fit", "number"),
                "grade": FieldSpec("grade", "cx_grade"),
                "score_reasons": FieldSpec("score_reasons", "cx_reasons"),
            }
        },
    ),
    {"contact": ("stage", "fit_score", "grade", "score_reasons")},
    {},
)
RULES = {
    "stage": WriteRule("stage", group="route"),
    "fit_score": WriteRule("fit_score", smallest_change=5),
    "grade": WriteRule("grade"),
    "score_reasons": WriteRule("score_reasons", alone=False),
}
TERMS = Terms(WriteBack(RULES), "live", timedelta(days=30), "cx_")


def decided(**outputs: Value) -> Decision:
    return Decision("1", (), outputs, Score(0, 0, "C3"))


def compared(
    outputs: dict[str, Value],
    live: dict[str, Any],
    *,
    ours: dict[str, str] | None = None,
    holds: dict[str, Held] | None = None,
    terms: Terms = TERMS,
    as_of: datetime = NOW,
) -> Difference:
    return diff(
        decided(**outputs),
        {"f": live},
        ours={name: frozenset((value,)) for name, value in (ours or {}).items()},
        holds=holds or {},
        fields=FIELDS,
        terms=terms,
        as_of=as_of,
    )


def test_an_old_answer_of_people_is_blanked_and_never_held() -> None:
    """policy = "clear": whoever filled it and whoever leads it, no hold; a blank one is left alone."""
    terms = with_rule("grade", policy="clear", leads="people")
    filled = compared({"grade": None}, {"grade": "returned"}, ours={"cx_grade": ""}, terms=terms)
    blank = compared({"grade": None}, {}, ours={"cx_grade": ""}, terms=terms)

    assert filled.change is not None
    assert (filled.change.sets, filled.held) == ((Set("grade", "cx_grade", "returned", ""),), ())
    assert blank == Difference(None)


def with_rule(name: str, **changes: Any) -> Terms:
    return replace(TERMS, write_back=WriteBack({**RULES, name: replace(RULES[name], **changes)}))


def properties(found: Difference) -> dict[str, str]:
    return {one.property: one.after for one in found.change.sets} if found.change else {}


def test_only_what_differs_is_written() -> None:
    """Equal values write nothing, a number is a number however it is spelt."""
    found = compared({"grade": "A1", "fit_score": 85.0}, {"grade": "A1", "fit_score": 85})

    assert found == Difference(None)
    assert properties(compared({"grade": "A2"}, {"grade": "A1"})) == {"cx_grade": "A2"}


def test_a_text_never_causes_a_write_and_goes_along_with_one() -> None:
    """A14: reasons alone write nothing; beside another change they are written."""
    assert compared({"score_reasons": "new"}, {"score_reasons": "old"}).change is None
    found = compared({"score_reasons": "new", "grade": "A2"}, {"score_reasons": "old", "grade": "A1"})
    assert properties(found) == {"cx_reasons": "new", "cx_grade": "A2"}


@pytest.mark.parametrize(("wanted", "written"), [(44, {}), (41, {"cx_fit": "41"}), (None, {"cx_fit": ""})])
def test_a_score_moves_by_the_smallest_change_at_least(wanted: int | None, written: dict[str, str]) -> None:
    """45 to 44 writes nothing, 45 to 40 does, and a score that ends is cleared."""
    assert properties(compared({"fit_score": wanted}, {"fit_score": 46 if wanted == 41 else 45})) == written


def test_the_first_score_is_written_however_small() -> None:
    """A blank is filled: smallest_change is about changes."""
    assert properties(compared({"fit_score": 1}, {})) == {"cx_fit": "1"}


def test_a_small_score_change_goes_along_with_a_new_grade() -> None:
    """Whoever is written anyway gets the exact number."""
    found = compared({"fit_score": 44, "grade": "B2"}, {"fit_score": 45, "grade": "A2"})

    assert properties(found) == {"cx_fit": "44", "cx_grade": "B2"}


#: What stands there, and what we know of it: (live, what we wrote last, who set it since).
STATES = {
    "blank, never ours": ("", None, None),
    "theirs, never ours": ("theirs", None, None),
    "ours": ("ours", "ours", None),
    "a person's": ("theirs", "ours", "person"),
    "blanked by a person": ("", "ours", "person"),
    "an automation's": ("theirs", "ours", "automation"),
    "an app's": ("theirs", "ours", "integration"),
    "an import's": ("theirs", "ours", "import"),
    "nobody knows whose": ("theirs", "ours", "unknown"),
}

#: Per policy and who leads, for each of these: written, left alone, held for the agreed time, or held for good.
OUTCOMES = {
    ("always", "mapping"): "written written written held held held held held held",
    ("always", "people"): "written left written left held left left left left",
    ("always", "crm"): "written left written left held left left left left",
    ("if_empty", "mapping"): "written left written left held left left left left",
    ("if_empty", "people"): "written left written left held left left left left",
    ("if_empty", "crm"): "written left written left held left left left left",
    ("never_after_human", "mapping"): "written written written good good held held good good",
    ("never_after_human", "people"): "written left written left good left left left left",
    ("never_after_human", "crm"): "written left written left good left left left left",
    ("clear", "people"): "written written written written written written written written written",
}


@pytest.mark.parametrize("mode", ["live", "scores"])
@pytest.mark.parametrize(("policy", "leads"), list(OUTCOMES))
def test_lesson_18_each_policy_meets_each_prior_state(policy: str, leads: str, mode: str) -> None:
    """Policy times who leads times prior state times mode, as a table. (A policy "create-only" has nothing to do here:
    the connector creates no people.) In mode scores the same holds of our own properties, and of others nothing."""
    terms = replace(with_rule("grade", policy=policy, leads=leads), mode=mode)
    met = {state: _outcome(terms, *given) for state, given in STATES.items()}
    foreign = compared({"stage": "mql"}, {"stage": "lead"}, terms=terms)

    assert met == dict(zip(STATES, OUTCOMES[policy, leads].split(), strict=True))
    assert properties(foreign) == ({"their_stage": "M"} if mode == "live" else {})


def _outcome(terms: Terms, live: str, ours: str | None, by: str | None) -> str:
    known = {"cx_grade": ours} if ours else None
    found = compared({"grade": "new"}, {"grade": live} if live else {}, ours=known, terms=terms)
    if found.change is not None:
        return "written"
    if not found.held:
        return "left"
    held = set_by(found.held[0], terms.write_back.rules["grade"], by or "unknown", terms)
    return "good" if held.until is None else "held"


#: A field of each type that a CRM may give back in another form.
FORMS = FieldMap(
    Wiring(
        "any",
        {
            "contact": {
                "wait_until": FieldSpec("wait_until", "cx_wait", "datetime"),
                "scored_at": FieldSpec("scored_at", "cx_at", "datetime"),
                "fit_score": FieldSpec("fit_score", "cx_fit", "number"),
                "nurture": FieldSpec("nurture", "cx_nurture", "bool"),
                "asks": FieldSpec("asks", "cx_asks", "list"),
                "reasons": FieldSpec("reasons", "cx_reasons"),
                "phone": FieldSpec("phone", "cx_phone"),
            }
        },
    ),
    {"contact": ("wait_until", "scored_at", "fit_score", "nurture", "asks", "reasons", "phone")},
    {},
    date_only=("cx_wait",),
)


@pytest.mark.parametrize(
    ("field", "written", "comes_back", "wanted"),
    [
        ("wait_until", "2026-05-04", "1777852800000", datetime(2026, 6, 1, tzinfo=UTC)),
        ("scored_at", "2026-03-31T12:00:00Z", "2026-03-31T14:00:00.000+02:00", NOW + timedelta(hours=1)),
        ("fit_score", "85", "85.00", 90),
        ("nurture", "true", "TRUE", False),
        ("asks", "role;budget", "budget; role", ("timing",)),
        ("reasons", "one\ntwo", "one \r\ntwo", "three"),
        ("phone", "+48 600 100 200", "0048600100200", "+48 600 100 201"),
    ],
)
def test_lesson_27_what_the_crm_spells_anew_is_nobodys_edit(
    field: str, written: str, comes_back: str, wanted: Value
) -> None:
    """It is compared as what it means, also when the agreement wants something else by now: written, and not held."""
    facts = FORMS.facts(Record("contact", "1", {FORMS.spec(field).property: comes_back}, None, None))  # type: ignore[union-attr]  # mapped above
    terms = Terms(WriteBack({field: WriteRule(field)}), "live", timedelta(days=30), "cx_")

    def found(value: Value) -> Difference:
        ours = {FORMS.spec(field).property: frozenset((written,))}  # type: ignore[union-attr]  # the same
        return diff(decided(**{field: value}), facts, ours=ours, holds={}, fields=FORMS, terms=terms, as_of=NOW)

    assert found(wanted).held == ()
    assert found(wanted).change is not None
    assert FORMS.alike(field, written, comes_back)


def test_lesson_27_another_value_is_an_edit_however_it_is_spelt() -> None:
    """Numbers that only look like telephone numbers, and telephone numbers that are others, differ."""
    assert not FORMS.alike("phone", "+48 600 100 200", "+48 600 100 201")
    assert not FORMS.alike("phone", "600 100 200", "+48 600 100 200")
    assert not FORMS.alike("reasons", "12 34", "1234")
    assert not FORMS.alike("reasons", "", "x")


def test_a_hold_ends_when_agreed_and_not_before() -> None:
    """Thirty days later the agreement's value is written, and with that the hold is over."""
    first = compared({"grade": "A1"}, {"grade": "mine"}, ours={"cx_grade": "B2"}).held[0]
    assert first.until == NOW + timedelta(days=30)
    holds = {"cx_grade": first}
    arguments: dict[str, Any] = {"ours": {"cx_grade": "B2"}, "holds": holds}

    during = compared({"grade": "A1"}, {"grade": "mine"}, as_of=NOW + timedelta(days=29), **arguments)
    after = compared({"grade": "A1"}, {"grade": "mine"}, as_of=NOW + timedelta(days=30), **arguments)

    assert (during.change, during.held) == (None, (first,))
    assert (properties(after), after.retaken, after.released) == ({"cx_grade": "A1"}, ("cx_grade",), ())


def test_a_hold_is_for_good_as_soon_as_the_agreement_says_so() -> None:
    """never_after_human was signed while a rep's value was on hold: its day comes and it stays."""
    hold = Held("cx_grade", "mine", "B2", NOW, NOW + timedelta(days=30), by="person")
    later: dict[str, Any] = {"holds": {"cx_grade": hold}, "as_of": NOW + timedelta(days=31), "ours": {"cx_grade": "B2"}}
    terms = with_rule("grade", policy="never_after_human")

    found = compared({"grade": "A1"}, {"grade": "mine"}, terms=terms, **later)

    assert (found.change, [one.until for one in found.held]) == (None, [None])


def test_never_after_human_is_for_good() -> None:
    """No end, whatever the connection's hold says."""
    found = compared(
        {"grade": "A1"},
        {"grade": "mine"},
        ours={"cx_grade": "B2"},
        terms=with_rule("grade", policy="never_after_human"),
    )

    assert found.held[0].until is None


def test_mode_scores_leaves_their_properties_alone() -> None:
    """Only our prefix is written."""
    found = compared({"stage": "mql", "grade": "A1"}, {"stage": "lead"}, terms=replace(TERMS, mode="scores"))

    assert properties(found) == {"cx_grade": "A1"}


def test_a_change_survives_the_ledger() -> None:
    """JSON there and back is the same change."""
    task = TaskDraft("t", "new_business", 1, "stages.mql", "Call", "Who and why", NOW, urgency=2.5)
    move = Move("stage", "lead", "mql", "stages.mql", "fit and interest", ("lead",))
    change = Change("1", (Set("stage", "their_stage", "L", "M"),), (task,), (move,), "stages.mql", "77", by_time=True)

    assert from_json(to_json(change)) == change


# -- the guard ------------------------------------------------------------------------------------------------


def test_small_causes_go_through_and_the_flood_waits() -> None:
    """Ten places: three demo requests and five of another cause pass, four thousand of one rule do not."""
    causes = [CauseCount("flood", 4200, 0, 4200), CauseCount("demo", 3, 0, 3), CauseCount("other", 5, 0, 5)]

    parked = guard(causes, Limits(10, 100), looked_at=10_000, written_today=0)

    assert [one.cause for one in parked] == ["flood"]
    assert "4,200" in parked[0].message


def test_a_thousand_deals_are_one_cause() -> None:
    """An import of deals is a flood by itself, though each person is moved by another deal."""
    assert {guarded_by("deal:17"), guarded_by("deal:18")} == {"deal"}
    assert (guarded_by("stages.mql.enter_when"), guarded_by("")) == ("stages.mql.enter_when", "scores")


def test_the_last_24_hours_count() -> None:
    """What was written today is gone from the day's budget."""
    causes = [CauseCount("rule", 5, 0, 5)]

    assert guard(causes, Limits(10, 100), looked_at=10, written_today=95) == []
    assert [one.code for one in guard(causes, Limits(10, 100), looked_at=10, written_today=96)] == ["change_budget"]


@pytest.mark.parametrize(("looked_at", "parked"), [(199, 0), (200, 1), (400, 0)])
def test_overwriting_a_large_share_is_refused_from_200_people_on(looked_at: int, parked: int) -> None:
    """A renamed property that makes every score zero is caught; a handful of people is no statistic."""
    causes = [CauseCount("scores", 0, 100, 100)]

    assert len(guard(causes, Limits(max_share=0.3), looked_at=looked_at, written_today=0)) == parked


def test_tasks_over_budget_wait_the_least_urgent_first() -> None:
    """Two a day per owner, three in all; one was sent before."""
    wanted = [("a", "77", 1), ("b", "77", 1), ("c", "78", 1), ("d", None, 1)]

    assert over_task_budget(wanted, {"77": 1}, TaskBudget(2, 3)) == ["b", "d"]


# -- leads -------------------------------------------------------------------------------------------------------------

WITH_LEADS = FieldMap(
    replace(
        FIELDS.wiring,
        fields={
            **FIELDS.wiring.fields,
            "lead": {
                "stage": FieldSpec("stage", "lead_stage", values={"lead": ("L",), "mql": ("M",)}),
                "grade": FieldSpec("grade", "cx_grade"),
                "score_reasons": FieldSpec("score_reasons", "cx_reasons"),
            },
        },
    ),
    {"contact": tuple(RULES), "lead": ("stage", "grade", "score_reasons")},
    {},
)


def on_leads(
    said: dict[str, dict[str, Value]],
    live: dict[str, dict[str, Any]],
    *,
    ours: dict[str, str] | None = None,
    holds: dict[str, Held] | None = None,
    terms: Terms = TERMS,
) -> Difference:
    """The same decision of a person who has leads: lead -> field -> value."""
    return diff(
        replace(decided(grade="A1", score_reasons="new"), leads=said),
        {"f": {"grade": "A1", "score_reasons": "old"}},
        ours={name: frozenset((value,)) for name, value in (ours or {}).items()},
        holds=holds or {},
        fields=WITH_LEADS,
        terms=terms,
        as_of=NOW,
        leads=live,
    )


def test_each_open_lead_is_compared_by_itself_and_named_in_its_place() -> None:
    """One that says all of it is left alone; a text goes along on that lead alone."""
    said: dict[str, Value] = {"stage": "mql", "score_reasons": "new"}
    found = on_leads({"7": said, "8": said}, {"7": {"f": {"stage": "lead"}}, "8": {"f": {"stage": "mql"}}})

    assert properties(found) == {"lead:7:lead_stage": "M", "lead:7:cx_reasons": "new"}
    assert found.change is not None
    assert found.change.counted
    assert from_json(to_json(found.change)) == found.change


def test_g4_an_edit_on_a_lead_is_held_there_and_nowhere_else() -> None:
    """What we wrote on the other lead is ours, and is written again."""
    live = {"7": {"f": {"grade": "Z"}}, "8": {"f": {"grade": "B2"}}}
    ours = {"lead:7:cx_grade": "B2", "lead:8:cx_grade": "B2"}
    found = on_leads({"7": {"grade": "A1"}, "8": {"grade": "A1"}}, live, ours=ours)

    assert properties(found) == {"lead:8:cx_grade": "A1"}
    (held,) = found.held
    assert (held.property, held.live, held.ours) == ("lead:7:cx_grade", "Z", "A1")
    later = on_leads({"7": {"grade": "Z"}}, live, ours=ours, holds={held.property: held})
    assert (later.change, later.released) == (None, ("lead:7:cx_grade",))


def test_nothing_is_written_to_a_record_that_takes_no_writes() -> None:
    """Be it a lead or the person's own; a task is made all the same."""
    closed = {"7": {"f": {"grade": "Z"}, "x": True}}
    assert on_leads({"7": {"grade": "A1"}}, closed).change is None
    found = diff(
        decided(grade="A1"),
        {"f": {"grade": "Z"}, "x": True},
        ours={},
        holds={},
        fields=FIELDS,
        terms=TERMS,
        as_of=NOW,
    )
    assert found == Difference(None)


def test_mode_scores_writes_our_own_properties_of_leads_alone() -> None:
    """By what the property is called, wherever it stands."""
    terms = replace(TERMS, mode="scores")
    found = on_leads({"7": {"stage": "mql", "grade": "A1"}}, {"7": {"f": {}}}, terms=terms)

    assert properties(found) == {"lead:7:cx_grade": "A1"}
