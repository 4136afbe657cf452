"""Their words into ours and back: every value survives the way through the map."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.agreement.terms import Condition
from connector.agreement.wiring import FieldSpec, SignalSource, Wiring
from connector.decide.conditions import compile_condition
from connector.errors import MalformedRecord
from connector.fields import FieldMap, Linked, email_hash
from connector.model import Occurrence, Record, Value

AT = datetime(2026, 3, 31, 12, tzinfo=UTC)
WIRING = Wiring(
    "any",
    {
        "contact": {
            "stage": FieldSpec("stage", "their_stage", values={"lead": ("L", "l2"), "mql": ("M",), "nurture": ("L",)}),
            "company_size": FieldSpec("company_size", "size", "number"),
            "opted_in": FieldSpec("opted_in", "opt", "bool"),
            "wait_until": FieldSpec("wait_until", "wait", "datetime"),
            "buying_role": FieldSpec("buying_role", "role", "list"),
            "job_title": FieldSpec("job_title", "title"),
        },
        "deal": {
            "pipeline": FieldSpec("pipeline", "pipeline"),
            "deal_stage": FieldSpec("deal_stage", "stage"),
        },
    },
    signals=(
        SignalSource("email_click", "counter", "clicks", date="last_click"),
        SignalSource("visit", "counter", "visits"),
    ),
    deal_stages={("p", "s1"): "discovery", ("p", "s4"): "on_hold"},
)
FIELDS = FieldMap(
    WIRING,
    {kind: tuple(specs) for kind, specs in WIRING.fields.items()},
    {("p", "s1"): "open", ("p", "s2"): "won", ("p", "s3"): "lost", ("p", "s4"): "open"},
)


def facts(**properties: str | None) -> dict[str, Any]:
    return FIELDS.facts(Record("contact", "1", properties))


@given(
    st.one_of(
        st.tuples(st.just("stage"), st.sampled_from(["lead", "mql"])),
        st.tuples(st.just("company_size"), st.integers(-(10**12), 10**12) | st.floats(-1e9, 1e9, width=32)),
        st.tuples(st.just("opted_in"), st.booleans()),
        st.tuples(
            st.just("wait_until"), st.integers(86_400, 7_000_000_000).map(lambda s: datetime.fromtimestamp(s, UTC))
        ),
        st.tuples(st.just("job_title"), st.text(min_size=1).map(str.strip).filter(bool)),
        st.tuples(st.just("buying_role"), st.sets(st.sampled_from("ABC"), min_size=1).map(lambda s: tuple(sorted(s)))),
    )
)
def test_what_is_written_reads_back_as_it_was_meant(pair: tuple[str, Value]) -> None:
    """Law 7: to_properties, then facts, gives the value back, to the precision the CRM keeps."""
    field, value = pair
    raw = FIELDS.encode(field, value)

    read = facts(**{WIRING.fields["contact"][field].property: raw})["f"].get(field)

    assert read == FIELDS.decode(field, raw)
    assert FIELDS.decode(field, FIELDS.encode(field, value)) == read
    if isinstance(value, str | bool):
        assert read == value
    if isinstance(value, int) and not isinstance(value, bool):
        assert read == value


def test_choices_are_a_tuple_that_rules_can_compare() -> None:
    """The ledger keeps JSON, which knows only lists; a rule about a buying role must not stumble over one."""
    person = FIELDS.person(
        Linked("1", facts(role="BUDGET_HOLDER;BLOCKER")),
        created_at=None,
        company=None,
        deals=(),
        activities=(),
        occurrences=(),
        edits={},
    )
    decides = compile_condition(Condition("buying_role", "is_any_of", ("BUDGET_HOLDER",)))

    assert person.fields["buying_role"] == ("BLOCKER", "BUDGET_HOLDER")
    assert decides(person.fields) is True


def test_a_signal_is_about_the_page_where_one_is_told() -> None:
    """Else about the list, form or property in which it was seen."""
    wiring = Wiring("any", {"contact": {}}, signals=(SignalSource("demo_request", "form", "f-1"),))
    found = FieldMap(wiring, {"contact": ()}, {}).person(
        Linked("1", {"f": {}}),
        created_at=None,
        company=None,
        deals=(),
        activities=(),
        occurrences=(
            Occurrence("a", "form:f-1", AT, "1", details={"asset": "seller.example/demo"}),
            Occurrence("b", "form:f-1", AT, "1"),
        ),
        edits={},
    )

    assert [each.asset for each in found.signals] == ["seller.example/demo", "f-1"]


def test_blanks_are_absent() -> None:
    """Null, empty and white space are no values."""
    assert facts(title="  ", size="", role=None)["f"] == {}


def test_a_stage_nobody_named_is_kept_apart() -> None:
    """A custom stage is reported with its value and never taken for another."""
    found = facts(their_stage="123456")

    assert (found["f"], found["u"]) == ({}, {"stage": "123456"})


def test_where_two_of_ours_share_one_of_theirs_the_upper_is_read() -> None:
    """Nurture shows as lead in a CRM that has no nurture; reading it back says lead."""
    assert FIELDS.encode("stage", "nurture") == "L"
    assert facts(their_stage="L")["f"]["stage"] == "lead"
    assert facts(their_stage="l2")["f"]["stage"] == "lead"


@pytest.mark.parametrize(("raw", "meant"), [("1774958400000", AT), ("1774958400", AT), ("2026-03-31T12:00:00Z", AT)])
def test_lesson_33_an_instant_is_the_same_in_every_spelling(raw: str, meant: datetime) -> None:
    """Seconds, milliseconds and ISO are told apart by their size."""
    person = FIELDS.person(
        Linked("1", facts(wait=raw)),
        created_at=None,
        company=None,
        deals=(),
        activities=(),
        occurrences=(),
        edits={},
    )

    assert person.fields["wait_until"] == meant


@pytest.mark.parametrize(("name", "raw"), [("size", "many"), ("size", "nan"), ("opt", "perhaps"), ("wait", "soon")])
def test_a_value_of_the_wrong_kind_names_the_property_and_not_the_value(name: str, raw: str) -> None:
    """The record is rejected; what stands in it is nobody's business."""
    with pytest.raises(MalformedRecord) as caught:
        facts(**{name: raw})

    assert f"property {name} does not hold" in str(caught.value)
    assert raw not in str(caught.value)


@pytest.mark.parametrize(
    ("stage", "state", "ours"),
    [
        ("s1", "open", "discovery"),
        ("s2", "won", None),
        ("s3", "lost", None),
        ("s4", "on_hold", "on_hold"),
        ("x", "open", None),
    ],
)
def test_a_deal_is_classified_by_the_mapping_else_by_the_pipeline(stage: str, state: str, ours: str | None) -> None:
    """Accounts rename stages at will; the probability does not lie."""
    deal = FIELDS.facts(Record("deal", "9", {"pipeline": "p", "stage": stage}))
    person = FIELDS.person(
        Linked("1", {"f": {}}),
        created_at=None,
        company=None,
        deals=(Linked("9", deal),),
        activities=(),
        occurrences=(),
        edits={},
    )

    assert (person.deals[0].state, person.deals[0].deal_stage) == (state, ours)


def test_a_rise_of_a_counter_is_one_signal_and_a_fall_is_none() -> None:
    """Identified by the value reached, dated by its companion, else by the read."""
    before, after = facts(clicks="3", visits="1"), facts(clicks="5", visits="2", last_click="2026-03-30T08:00:00Z")

    rises = FIELDS.rises("1", before, after, AT)

    assert [(one.id, one.source) for one in rises] == [("1:5", "counter:clicks"), ("1:2", "counter:visits")]
    assert [one.at.day for one in rises] == [30, 31]
    assert FIELDS.rises("1", after, before, AT) == []
    assert FIELDS.rises("1", after, after, AT) == []


def test_at_first_sight_only_a_dated_counter_speaks() -> None:
    """Ten visits that happened some time are a baseline; a click of yesterday is a fact."""
    found = FIELDS.rises("1", None, facts(clicks="5", visits="10", last_click="2026-03-30T08:00:00Z"), AT)

    assert [one.source for one in found] == ["counter:clicks"]


def test_an_address_is_recognised_in_any_spelling() -> None:
    """Submissions carry only an address; case and blanks do not matter."""
    assert email_hash(" Anna@Northmill.Example ") == email_hash("anna@northmill.example")
    assert email_hash("nobody") is None


def test_history_dates_the_steps_of_a_counter() -> None:
    """Every rise is a signal with the id that later reads would give them; a fall is none."""
    days = [AT.replace(day=day) for day in (30, 20, 10, 5)]
    history = {"visits": list(zip(["4", "2", "3", None], days, strict=True)), "clicks": []}

    steps = FIELDS.steps("1", history)

    assert [(one.id, one.at.day, one.source) for one in steps] == [
        ("1:3", 10, "counter:visits"),
        ("1:4", 30, "counter:visits"),
    ]
