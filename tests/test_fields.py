"""Their words into ours and back: every value survives the way through the map."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.agreement.terms import Condition
from connector.agreement.wiring import FieldSpec, SignalSource, Wiring
from connector.decide.conditions import compile_condition
from connector.errors import MalformedRecord
from connector.fields import FieldMap, Linked, email_hash
from connector.ledger.database import pack, unpack
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
    person = FIELDS.people.person(
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
    found = FieldMap(wiring, {"contact": ()}, {}).people.person(
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


ZONES = sorted(zone for zone in available_timezones() if "/" in zone)


@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 - the zone is the other argument
)
def test_lesson_32_a_day_is_the_account_s_own_and_midnight_utc_in_the_crm(zone: str, local: datetime) -> None:
    """Whatever the zone: a date property gets the calendar day people there would name, without a time part; it reads
    back as midnight UTC, and writing that again changes nothing."""
    there = ZoneInfo(zone)
    moment = local.replace(tzinfo=there, microsecond=0)
    day = moment.astimezone(UTC).astimezone(there).date()  # an hour that a change of clocks left out has moved on
    fields = FieldMap(WIRING, {"contact": ("wait_until",)}, {}, ["wait"], there)

    written = fields.encode("wait_until", moment)
    if moment.astimezone(UTC).timetz() == time(tzinfo=UTC):
        day = moment.astimezone(UTC).date()  # this is how the CRM itself spells a bare day

    assert written == day.isoformat()
    read = fields.facts(Record("contact", "1", {"wait": written}))["f"]["wait_until"]
    assert read == f"{day.isoformat()}T00:00:00Z"
    assert fields.encode("wait_until", datetime.fromisoformat(read)) == written


def test_lesson_33_four_in_the_afternoon_in_arizona_is_the_same_day() -> None:
    """16:00 in Phoenix is 23:00 UTC, and 17:30 is the next day there: the day on the record is the one on the wall."""
    fields = FieldMap(WIRING, {"contact": ("wait_until",)}, {}, ["wait"], ZoneInfo("America/Phoenix"))

    for hour, minute in ((16, 0), (17, 30), (23, 59)):
        moment = datetime(2026, 3, 31, hour, minute, tzinfo=ZoneInfo("America/Phoenix"))
        assert fields.encode("wait_until", moment.astimezone(UTC)) == "2026-03-31"


def test_lesson_32_an_instant_keeps_its_time_where_the_property_has_one() -> None:
    """Date or datetime is decided by the property, never by the value."""
    moment = datetime(2026, 3, 31, 16, tzinfo=ZoneInfo("America/Phoenix"))

    assert FIELDS.encode("wait_until", moment) == "2026-03-31T23:00:00Z"


def test_numbers_that_stand_for_choices_are_shown_in_our_words() -> None:
    """A plan that says 710000001 would have to be believed; names and plain numbers stay what they are."""
    specs = {
        "stage": FieldSpec("stage", "their_stage", values={"lead": ("710",), "mql": ("711",)}),
        "buying_role": FieldSpec("buying_role", "role", "list", values={"user": ("1",), "buyer": ("2",)}),
        "company_size": FieldSpec("company_size", "size", "number"),
    }
    fields = FieldMap(Wiring("any", {"contact": specs}), {"contact": tuple(specs)}, {})

    assert [fields.in_words("stage", raw) for raw in ("711", "799", "")] == ["mql", "799", ""]
    assert sorted(fields.in_words("buying_role", "1;2").split(";")) == ["buyer", "user"]
    assert fields.in_words("company_size", "420") == "420"
    assert fields.in_words("unheard_of", "711") == "711"
    assert FIELDS.in_words("stage", "M") == "M"


@pytest.mark.parametrize(
    ("field", "name", "ours", "theirs"),
    [
        ("company_size", "size", "12", ("12", "12.0", "12.00", " 12 ", "1.2e1", "+12")),
        ("company_size", "size", "0.1", ("0.10", ".1", "1e-1")),
        ("wait_until", "wait", "2026-03-31T12:00:00Z", ("1774958400000", "2026-03-31T12:00:00.000Z")),
        ("wait_until", "wait", "2026-03-31T12:00:00Z", ("2026-03-31T14:00:00+02:00", "2026-03-31T12:00:00")),
        ("opted_in", "opt", "true", ("True", "TRUE", "yes", "1")),
        ("buying_role", "role", "A;B", ("B;A", "A; B", "A;B;", ";A;B")),
        ("job_title", "title", "Head of Sales", (" Head of Sales ", "Head of Sales\n")),
        ("stage", "their_stage", "M", ("m",)),
    ],
)
def test_lesson_27_a_value_in_another_form_is_the_same_value(
    field: str, name: str, ours: str, theirs: tuple[str, ...]
) -> None:
    """The CRM keeps numbers, dates, choices and texts as it likes: no form of a value is an edit, drift or new fact."""
    assert {str(FIELDS.decode(field, raw)) for raw in theirs} == {str(FIELDS.decode(field, ours))}
    assert all(facts(**{name: raw}) == facts(**{name: ours}) for raw in theirs)


@pytest.mark.parametrize(
    ("theirs", "same"),
    [
        ("2026-11-28T09:00:05Z", True),
        ("1795856405123", True),
        ("2026-11-28T09:00:05.123Z", True),
        ("2026-11-28T09:00:05.124Z", False),
        ("2026-11-28T09:00:06Z", False),
        ("2026-11-28", False),
        ("", False),
    ],
)
def test_lesson_27_an_instant_that_is_kept_to_the_second_is_the_same_instant(theirs: str, same: bool) -> None:
    """What was written before to the millisecond as well; two instants that both have fractions are as they say."""
    ours = "2026-11-28T09:00:05.123Z"

    assert FIELDS.alike("wait_until", ours, theirs) is same
    assert FIELDS.same("wait_until", "wait", ours, theirs) is same
    assert FIELDS.same("dropped", "was_here", ours, theirs) is same
    assert FIELDS.encode("wait_until", datetime(2026, 11, 28, 9, 0, 5, 123_456, UTC)) == "2026-11-28T09:00:05Z"


@pytest.mark.parametrize(
    "raw",
    ["9" * 400, "1e400", "-1e400", "nan", "1_000", "0x10", "12,5", "\u0000", "1" * 5000],
)
def test_lesson_53_no_number_breaks_more_than_its_record(raw: str) -> None:
    """Too large, not finite, spelled for programmers: malformed, not a crash."""
    with pytest.raises(MalformedRecord):
        facts(size=raw)


NO_DATES = (
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "9" * 30,
    "-" + "9" * 18,
    "1774958400000000",  # microseconds
    "2026-02-30",
    "2026-13-01T00:00:00Z",
    "24:00",
    "²",
    "--5",
    "\ud800",
)


@pytest.mark.parametrize("raw", NO_DATES)
def test_lesson_33_lesson_53_no_date_breaks_more_than_its_record(raw: str) -> None:
    """Years that no calendar has, microseconds, days that do not exist: malformed, not garbage."""
    with pytest.raises(MalformedRecord):
        facts(wait=raw)


@given(st.dictionaries(st.sampled_from(["size", "opt", "wait", "role", "title", "their_stage", "clicks"]), st.text()))
def test_lesson_53_whatever_stands_in_a_record_it_is_facts_or_malformed(properties: dict[str, str]) -> None:
    """Nothing else, and facts can always be kept: as JSON they read back as they were."""
    try:
        found = facts(**properties)
    except MalformedRecord:
        return
    assert unpack(pack(found)) == found


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**30), 10**30))
def test_lesson_53_every_number_can_be_kept(number: float) -> None:
    """Whole numbers beyond what JSON holds exactly are kept as they can be."""
    found = facts(size=str(number))

    assert unpack(pack(found)) == found
    assert found["f"].get("company_size", 0) == float(number)


@pytest.mark.parametrize(("raw", "meant"), [("1774958400000", AT), ("1774958400", AT), ("2026-03-31T12:00:00Z", AT)])
def test_lesson_33_an_instant_is_the_same_in_every_spelling(raw: str, meant: datetime) -> None:
    """Seconds, milliseconds and ISO are told apart by their size."""
    person = FIELDS.people.person(
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
    person = FIELDS.people.person(
        Linked("1", {"f": {}}),
        created_at=None,
        company=None,
        deals=(Linked("9", deal),),
        activities=(),
        occurrences=(),
        edits={},
    )

    assert (person.deals[0].state, person.deals[0].deal_stage) == (state, ours)


def test_choices_are_read_word_by_word() -> None:
    """Of several choices each has a word of ours, or stays as it is; one alone is still a list."""
    specs = {
        "buying_role": FieldSpec("buying_role", "role", "list", {"champion": ("C",), "decision_maker": ("D", "d2")})
    }
    fields = FieldMap(Wiring("any", {"contact": specs}), {"contact": ("buying_role",)}, {})

    read = {raw: fields.facts(Record("contact", "1", {"role": raw}))["f"]["buying_role"] for raw in ("C", "d2; X ;c")}

    assert read == {"C": ["champion"], "d2; X ;c": ["X", "champion", "decision_maker"]}
    assert fields.encode("buying_role", ("champion", "decision_maker")) == "C;D"
    assert fields.alike("buying_role", "C;D", "d2;C")


def test_a_rise_of_a_counter_is_one_signal_and_a_fall_is_none() -> None:
    """Identified by the value reached, dated by its companion, else by the read."""
    before, after = facts(clicks="3", visits="1"), facts(clicks="5", visits="2", last_click="2026-03-30T08:00:00Z")

    rises = FIELDS.counting.rises("1", before, after, AT)

    assert [(one.id, one.source) for one in rises] == [("1:5", "counter:clicks"), ("1:2", "counter:visits")]
    assert [one.at.day for one in rises] == [30, 31]
    assert FIELDS.counting.rises("1", after, before, AT) == []
    assert FIELDS.counting.rises("1", after, after, AT) == []


def test_at_first_sight_only_a_dated_counter_speaks() -> None:
    """Ten visits that happened some time are a baseline; a click of yesterday is a fact."""
    found = FIELDS.counting.rises("1", None, facts(clicks="5", visits="10", last_click="2026-03-30T08:00:00Z"), AT)

    assert [one.source for one in found] == ["counter:clicks"]


def test_an_address_is_recognised_in_any_spelling() -> None:
    """Submissions carry only an address; case and blanks do not matter."""
    assert email_hash(" Anna@Northmill.Example ") == email_hash("anna@northmill.example")
    assert email_hash("nobody") is None


def test_history_dates_the_steps_of_a_counter() -> None:
    """Every rise is a signal with the id that later reads would give them; a fall is none."""
    days = [AT.replace(day=day) for day in (30, 20, 10, 5)]
    history = {"visits": list(zip(["4", "2", "3", None], days, strict=True)), "clicks": []}

    steps = FIELDS.counting.steps("1", history)

    assert [(one.id, one.at.day, one.source) for one in steps] == [
        ("1:3", 10, "counter:visits"),
        ("1:4", 30, "counter:visits"),
    ]
