"""The writing half of the CRM contract on Dynamics, over real sockets against the sandbox, and Dynamics' own traps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from connector.crm import Outcome, Update
from connector.crm.dynamics import Dynamics, Reading, Writing
from connector.crm.dynamics.api import Call
from connector.crm.dynamics.batch import Missing
from connector.crm.dynamics.limits import Places
from connector.crm.wire import Answer
from connector.errors import Denied, OutcomeUnknown
from connector.sandbox.clock import to_ms
from connector.sandbox.dataverse.known import SOMEBODY, TEAM
from connector.sandbox.dataverse.rows import Value
from connector.sandbox.dataverse.schema import Ref
from tests.crm.asking_dynamics import Open, one
from tests.crm.contract import WritingContract
from tests.crm.organisation import Organisation

BATCH = r"\$batch"


@pytest.fixture
def world(organisation: Organisation) -> Organisation:
    return organisation


@pytest.fixture
def crm(dynamics: Dynamics, world: Organisation) -> Dynamics:
    world.inside.auditing = True
    return dynamics


class TestDynamicsWrites(WritingContract):
    """Every promise of the protocol about writing, on Dynamics."""

    text, other = "jobtitle", "address1_city"
    refused = ("accountrolecode", "987654")


def met(crm: Dynamics, world: Organisation, many: int = 1) -> list[str]:
    """So many contacts, all of them read."""
    return met_again(crm, *world.people(many))


def met_again(crm: Dynamics, *ids: str) -> list[str]:
    list(crm.read("contact", ids, ["jobtitle"]))
    return list(ids)


def set_(crm: Dynamics, id: str, **properties: str) -> Outcome:
    (outcome,) = crm.write("contact", [Update(id, properties)])
    return outcome


def titles(crm: Dynamics, ids: list[str], title: str = "new") -> list[Outcome]:
    return crm.write("contact", [Update(id, {"jobtitle": title}) for id in ids])


def states(outcomes: list[Outcome]) -> list[str]:
    return [outcome.state for outcome in outcomes]


def values(world: Organisation, table: str, id: str) -> dict[str, Value]:
    return dict(world.inside.get(table, id).values)


# -- only what is as it was read -------------------------------------------------------------------------


def test_g5_dataverse_trap_10_a_row_that_somebody_changed_meanwhile_is_not_overwritten(
    dynamics: Dynamics, world: Organisation
) -> None:
    """Even by an edit of another column; read again it is written."""
    ids = met(dynamics, world, 3)
    world.edit("contact", ids[1], {"department": "edited"})

    outcomes = titles(dynamics, ids)

    assert states(outcomes) == ["written", "moved", "written"]
    assert outcomes[1].code == "moved_meanwhile"
    assert values(world, "contact", ids[1])["jobtitle"] == "title 1"
    met_again(dynamics, ids[1])
    assert states(titles(dynamics, [ids[1]])) == ["written"]
    assert world.inside.writes["contact"] == 3


def test_dataverse_trap_17_what_was_never_read_is_not_written_and_what_is_gone_does_not_come_back(
    dynamics: Dynamics, world: Organisation
) -> None:
    """No ETag, no write; and a deleted row is never made anew, however its absence is told."""
    (unread,) = world.people(1)
    deleted, told_otherwise = met(dynamics, world, 2)
    world.remove("contact", deleted)

    assert set_(dynamics, unread, jobtitle="x").state == "moved"
    assert set_(dynamics, deleted, jobtitle="x").state == "gone"
    world.sandbox.switch(missing_row="412")
    world.remove("contact", told_otherwise)
    assert set_(dynamics, told_otherwise, jobtitle="x").state == "moved"  # the next read tells
    assert world.inside.row("contact", deleted) is world.inside.row("contact", told_otherwise) is None
    assert world.inside.writes["contact"] == 0


def test_our_own_write_is_known_and_what_is_stored_is_told(dynamics: Dynamics, world: Organisation) -> None:
    """Written three times in a row without a read; each time the answer tells what stands there."""
    (id,) = met(dynamics, world)

    for title in ("a", "b", "c"):
        outcome = set_(dynamics, id, jobtitle=title, donotbulkemail="true")
        assert (outcome.state, outcome.properties) == ("written", {"jobtitle": title, "donotbulkemail": "true"})
    assert dynamics.calls.by_class["write"] == 3


def test_a_table_without_etags_is_not_written_at_all(dynamics: Dynamics, world: Organisation) -> None:
    """Nobody's change could be noticed there: the run ends, and says which table it is."""
    world.sandbox.do("table", {"table": "contact", "versions": False})
    (id,) = met(dynamics, world)

    with pytest.raises(Denied, match="contact") as caught:
        set_(dynamics, id, jobtitle="x")
    assert caught.value.code == "no_versions"


def test_rows_without_versions_end_the_run_although_their_table_claims_to_have_them(
    dynamics: Dynamics, world: Organisation
) -> None:
    """Or each of them would be read again and again, as one that somebody keeps changing."""
    (id,) = met(dynamics, world)
    world.sandbox.do("table", {"table": "contact", "versions": False})
    one(dynamics, "contact", id)  # the table itself is known as it was

    with pytest.raises(Denied, match="contact tells no versions of its rows") as caught:
        set_(dynamics, id, jobtitle="x")
    assert caught.value.code == "no_versions"


def test_merged_and_closed_rows_are_never_written(dynamics: Dynamics, world: Organisation) -> None:
    """Merged, deactivated or qualified after they were read, and once more after that was read: nothing is stored."""
    survivor, loser, inactive = met(dynamics, world, 3)
    (lead,) = met_again(dynamics, world.lead())
    world.merge("contact", survivor, loser)
    world.set("contact", inactive, statecode=1, statuscode=2)
    world.set("lead", lead, statecode=1, statuscode=3)
    ids = [loser, inactive, lead]

    assert states(titles(dynamics, ids)) == ["moved"] * 3
    met_again(dynamics, *ids)
    # Two are no people to be read any more; the lead is one, and is refused.
    assert states(titles(dynamics, ids)) == ["moved", "moved", "rejected"]
    assert world.inside.writes == {}


def test_what_a_closed_row_refuses_is_set_aside_with_a_code_of_its_own(dynamics: Dynamics, world: Organisation) -> None:
    """A deal that is won is still read; a write to it is refused and says why."""
    deal = world.add("deal", {"name": "Big"})
    world.set("opportunity", deal, statecode=1, statuscode=3)
    list(dynamics.read("deal", [deal], ["name"]))

    (outcome,) = dynamics.write("deal", [Update(deal, {"name": "Bigger"})])

    assert (outcome.state, outcome.code, outcome.refused) == ("rejected", "record_closed", ())


def test_state_and_status_are_nobodys_but_those_who_ask_for_it(open_dynamics: Open, world: Organisation) -> None:
    """Else a lead would be qualified or reopened by a line of a mapping."""
    plain, daring = open_dynamics(), open_dynamics(write=Writing(states=True))
    (lead,) = met_again(plain, world.lead())
    met_again(daring, lead)

    outcome = set_(plain, lead, statuscode="2", jobtitle="x")

    assert (outcome.state, outcome.code, outcome.refused) == ("rejected", "property_read_only", ("statuscode",))
    assert set_(daring, lead, statuscode="2").state == "written"
    assert values(world, "lead", lead)["statuscode"] == 2


@pytest.mark.parametrize("state", [1, 2], ids=["qualified", "disqualified"])
def test_no_closed_lead_is_reopened_unless_that_is_asked_for(
    open_dynamics: Open, world: Organisation, state: int
) -> None:
    """By its state, by its status, or by both; where it is asked for, one write does it."""
    plain, daring = open_dynamics(), open_dynamics(write=Writing(states=True))
    lead = world.lead(parent=world.people(1)[0], statecode=state, statuscode=3 if state == 1 else 4)
    before = world.inside.get("lead", lead).version
    list(plain.read("lead", [lead], []))
    list(daring.read("lead", [lead], []))

    for properties in ({"statecode": "0"}, {"statuscode": "1"}, {"statecode": "0", "statuscode": "1"}):
        (outcome,) = plain.write("lead", [Update(lead, properties)])
        assert (outcome.state, outcome.code, outcome.refused) == ("rejected", "property_read_only", tuple(properties))
    assert (values(world, "lead", lead)["statecode"], world.inside.get("lead", lead).version) == (state, before)

    (outcome,) = daring.write("lead", [Update(lead, {"statecode": "0", "statuscode": "1"})])
    assert outcome.state == "written"
    assert (values(world, "lead", lead)["statecode"], values(world, "lead", lead)["statuscode"]) == (0, 1)


# -- values ----------------------------------------------------------------------------------------------


def test_lesson_30_values_of_every_type_are_written_and_read_alike(dynamics: Dynamics, world: Organisation) -> None:
    """Choices by number, flags, money digit by digit, dates; and everything can be emptied again."""
    for line in ("cx_Weight decimal", "cx_Topics choices accountrole", "cx_Shown localdate"):
        world.sandbox.do("column", {"table": "contact", "add": line})
    (id,) = met(dynamics, world)
    sent = {
        "jobtitle": "Żółć €",
        "accountrolecode": "2",
        "donotphone": "true",
        "annualincome": "12345.67",
        "cx_weight": "-0.25",
        "cx_topics": "1;3",
        "birthdate": "1980-02-29",
        "cx_shown": "2026-11-22",
        "lastonholdtime": "2026-11-22T09:30:00Z",
    }

    outcome = set_(dynamics, id, **sent)

    assert (outcome.state, outcome.properties) == ("written", sent)
    assert dict(one(dynamics, "contact", id, *sent).properties) == sent
    kept = values(world, "contact", id)
    assert (kept["accountrolecode"], kept["donotphone"], kept["annualincome"]) == (2, True, Decimal("12345.67"))
    assert (kept["cx_topics"], kept["birthdate"]) == ((1, 3), "1980-02-29")
    assert kept["cx_shown"] == to_ms(datetime(2026, 11, 22, 10, tzinfo=UTC))
    assert set_(dynamics, id, **dict.fromkeys(sent, "")).state == "written"
    assert not any(values(world, "contact", id).get(name) for name in sent)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("accountrolecode", "987654", "value_not_allowed"),
        ("accountrolecode", "decision maker", "value_invalid"),
        ("donotphone", "perhaps", "value_invalid"),
        ("annualincome", "much", "value_invalid"),
        ("annualincome", "-1", "value_invalid"),
        ("birthdate", "soon", "value_invalid"),
        ("jobtitle", "x" * 101, "value_invalid"),
        ("no_such_column", "x", "property_missing"),
        ("fullname", "x", "value_invalid"),
        ("derived.outcome", "x", "property_missing"),
    ],
)
def test_what_a_column_does_not_take_is_refused_by_name_and_never_quoted(
    dynamics: Dynamics, world: Organisation, name: str, value: str, code: str
) -> None:
    """So that whoever decides can leave it out; the rest of the update is not stored, others' updates are."""
    id, other = met(dynamics, world, 2)

    outcome, fine = dynamics.write(
        "contact", [Update(id, {"department": "y", name: value}), Update(other, {"department": "y"})]
    )

    assert (outcome.state, outcome.code, outcome.refused) == ("rejected", code, (name,))
    assert name in outcome.message
    assert value == "x" or value not in outcome.message
    assert fine.state == "written"
    assert not values(world, "contact", id).get("department")


def test_a_column_that_was_made_a_moment_ago_is_found(dynamics: Dynamics, world: Organisation) -> None:
    """What is known of the table is asked once more before a column counts as missing."""
    (id,) = met(dynamics, world)
    world.sandbox.do("column", {"table": "contact", "add": "cx_New string 20"})

    assert set_(dynamics, id, cx_new="x").state == "written"


def test_lesson_30_dataverse_trap_08_lookups_are_set_by_their_navigation_property_whatever_its_case(
    dynamics: Dynamics, world: Organisation
) -> None:
    """A custom one, an owner who is a user or a team, one that leads to several tables, a lead's own; and emptied."""
    world.sandbox.do("column", {"table": "contact", "add": "cx_FormerEmployer lookup account"})
    company = world.add("company", {"name": "Acme"})
    (id,), lead = met(dynamics, world), world.lead()
    met_again(dynamics, lead)
    list(dynamics.read("company", [company], []))

    for name, to in (
        ("cx_formeremployer", Ref("account", company)),
        ("ownerid", Ref("team", TEAM)),
        ("ownerid", Ref("systemuser", SOMEBODY)),
        ("parentcustomerid", Ref("account", company)),
    ):
        assert set_(dynamics, id, **{name: to.id}).state == "written"
        assert values(world, "contact", id)[name] == to
    assert set_(dynamics, lead, parentcustomerid=company).state == "written"
    assert values(world, "lead", lead)["parentaccountid"] == Ref("account", company)
    assert set_(dynamics, id, cx_formeremployer="", parentcustomerid="").state == "written"
    assert values(world, "contact", id)["cx_formeremployer"] is values(world, "contact", id)["parentcustomerid"] is None


def test_dataverse_trap_08_a_lookup_whose_navigation_property_changed_its_case_is_refused_once_by_name(
    dynamics: Dynamics, world: Organisation
) -> None:
    """An admin deleted the lookup and made it again; what was known of the table is asked anew."""
    world.sandbox.do("column", {"table": "contact", "add": "cx_FormerEmployer lookup account"})
    company, (id,) = world.add("company", {"name": "Acme"}), met(dynamics, world)
    assert set_(dynamics, id, cx_formeremployer=company, department="x").state == "written"
    world.sandbox.do("column", {"table": "contact", "name": "cx_formeremployer", "delete": True})
    world.sandbox.do("column", {"table": "contact", "add": "cx_formerEmployer lookup account"})

    refused = set_(dynamics, id, cx_formeremployer=company, department="y")

    assert (refused.state, refused.code, refused.refused) == ("rejected", "property_missing", ("cx_formeremployer",))
    assert values(world, "contact", id)["department"] == "x"  # nothing of it is half written
    assert set_(dynamics, id, cx_formeremployer=company, department="y").state == "written"


def test_a_column_that_is_deleted_before_the_write_is_refused_by_name(dynamics: Dynamics, world: Organisation) -> None:
    """Whoever decides can leave it out; once it is there again it is written."""
    world.sandbox.do("column", {"table": "contact", "add": "cx_New string 20"})
    (id,) = met(dynamics, world)
    assert set_(dynamics, id, cx_new="x").state == "written"
    world.sandbox.do("column", {"table": "contact", "name": "cx_new", "delete": True})

    first, second = set_(dynamics, id, cx_new="y"), set_(dynamics, id, cx_new="y")

    assert (first.code, first.refused) == (second.code, second.refused) == ("property_missing", ("cx_new",))
    world.sandbox.do("column", {"table": "contact", "name": "cx_new", "restore": True})
    assert set_(dynamics, id, cx_new="y").state == "written"


def test_a_lookup_that_cannot_be_set_says_why(dynamics: Dynamics, world: Organisation) -> None:
    """No id, an id of nobody, one that may be of two tables."""
    (id,) = met(dynamics, world)
    nobody = "00000000-0000-4000-8000-00000000dead"

    refusals = [
        set_(dynamics, id, originatingleadid="Anna"),
        set_(dynamics, id, originatingleadid=nobody),
        set_(dynamics, id, parentcustomerid=nobody),
    ]

    assert [(one.code, one.refused) for one in refusals] == [
        ("value_invalid", ("originatingleadid",)),
        ("target_missing", ()),
        ("not_supported", ("parentcustomerid",)),
    ]


# -- refusals of single rows -----------------------------------------------------------------------------


def test_a_plug_in_that_refuses_a_row_is_told_without_its_words(dynamics: Dynamics, world: Organisation) -> None:
    """They may quote anybody. The others of the batch are written; once the plug-in lets it pass, so is this one."""
    ids = met(dynamics, world, 3)
    words = "Anna Nowak has no jobtitle here"
    world.sandbox.do("plugin", {"table": "contact", "ids": [ids[1]], "message": words, "times": 1})

    outcomes = titles(dynamics, ids)

    assert states(outcomes) == ["written", "rejected", "written"]
    assert (outcomes[1].code, outcomes[1].refused) == ("plugin", ())
    assert not {"Anna", "Nowak"} & set(outcomes[1].message.split())
    assert states(titles(dynamics, [ids[1]])) == ["written"]


def test_a_412_about_a_duplicate_is_a_refusal_and_no_move(dynamics: Dynamics, world: Organisation) -> None:
    """Reading again would not help."""
    (id,) = met(dynamics, world)
    world.sandbox.do("plugin", {"table": "contact", "reason": "DuplicateFound", "message": "A duplicate was found."})

    outcome = set_(dynamics, id, jobtitle="x")

    assert (outcome.state, outcome.code) == ("rejected", "collision")


def test_a_secured_column_is_refused_by_name_and_a_missing_right_ends_the_run(
    dynamics: Dynamics, world: Organisation
) -> None:
    """The first is about one column of whatever row, the second about all that is written."""
    ids = met(dynamics, world, 2)
    world.sandbox.do("column", {"table": "contact", "name": "jobtitle", "secured": True})
    world.sandbox.do("privilege", {"table": "contact", "deny": ["UpdateSecured"]})

    assert [(one.code, one.refused) for one in titles(dynamics, ids)] == [("property_read_only", ("jobtitle",))] * 2
    world.sandbox.do("privilege", {"table": "contact", "deny": ["Write"]})
    with pytest.raises(Denied, match="prvWriteContact"):
        dynamics.write("contact", [Update(id, {"department": "x"}) for id in ids])
    assert world.inside.writes["contact"] == 0


@pytest.mark.parametrize("blank", [False, True])
def test_an_error_without_a_code_is_understood_by_its_words(
    dynamics: Dynamics, world: Organisation, blank: bool
) -> None:
    """As in the vendor's samples."""
    world.sandbox.switch(blank_codes=blank)
    ids = met(dynamics, world, 3)
    world.edit("contact", ids[0], {"department": "edited"})
    world.remove("contact", ids[1])

    assert states(titles(dynamics, ids)) == ["moved", "gone", "written"]


# -- answers that do not come ----------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["drop_before", "drop_after", "malformed", "truncated", "html"])
def test_lesson_23_after_a_lost_answer_we_look_and_write_only_what_is_missing(
    dynamics: Dynamics, world: Organisation, action: str
) -> None:
    """Whatever had arrived, each row is written exactly once."""
    ids = met(dynamics, world, 3)
    world.sandbox.fault(action, path=BATCH)

    outcomes = titles(dynamics, ids)

    assert states(outcomes) == ["written"] * 3
    assert [outcome.properties for outcome in outcomes] == [{"jobtitle": "new"}] * 3
    assert world.inside.writes["contact"] == 3


def test_g6_parts_that_an_answer_leaves_out_are_not_taken_for_done(dynamics: Dynamics, world: Organisation) -> None:
    """Two of three are missing from an answer that is whole otherwise, though they were done: looked up, not resent."""
    ids = met(dynamics, world, 3)
    world.sandbox.fault("lose_rows", path=BATCH, rows=2)

    assert states(titles(dynamics, ids)) == ["written"] * 3
    assert world.inside.writes["contact"] == 3


def test_g6_what_a_batch_never_comes_to_is_deferred(
    open_dynamics: Open, world: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers for its first request alone, later for none, and has done nothing of the rest: what is left after
    several tries was not attempted, and nobody takes it for done."""
    crm = open_dynamics(read=Reading(batch=5))
    ids = met(crm, world, 5)
    batch = crm._env.api.batch

    def short(calls: Sequence[Call], counted_as: str) -> list[Answer | Missing]:
        first = batch(calls[:1], counted_as) if len(calls) == 5 else []
        return [*first, *[Missing.NOT_ATTEMPTED] * (len(calls) - len(first))]

    monkeypatch.setattr(crm._env.api, "batch", short)

    outcomes = titles(crm, ids)

    assert states(outcomes) == ["written"] + ["deferred"] * 4
    assert {outcome.code for outcome in outcomes} == {"", "unavailable"}
    assert world.inside.writes["contact"] == 1


@pytest.mark.parametrize("policy", ["requests", "time", "concurrency"])
def test_a_whole_batch_that_is_refused_for_the_pace_waits_and_goes_out_once(
    dynamics: Dynamics, world: Organisation, policy: str
) -> None:
    """Each of the three limits."""
    ids = met(dynamics, world, 3)
    world.sandbox.fault("throttle", path=BATCH, policy=policy, retry_after=7)
    before = world.now()

    assert states(titles(dynamics, ids)) == ["written"] * 3
    assert (world.now() - before).total_seconds() >= 7
    assert world.inside.writes["contact"] == 3


def test_one_part_may_be_refused_for_the_pace_and_one_for_the_moment(dynamics: Dynamics, world: Organisation) -> None:
    """A 429 and a database error inside an answer of 200: both pass, and everybody is written once."""
    ids = met(dynamics, world, 3)
    world.sandbox.do("plugin", {"table": "contact", "ids": [ids[0]], "reason": "TooConcurrent", "times": 1})
    world.sandbox.do("plugin", {"table": "contact", "ids": [ids[2]], "reason": "SqlTimeout", "times": 1})

    assert states(titles(dynamics, ids)) == ["written"] * 3
    assert world.inside.writes["contact"] == 3


def test_somebody_who_edits_while_we_wonder_is_not_overwritten(dynamics: Dynamics, world: Organisation) -> None:
    """The answer was lost, nothing had arrived, and a person was faster than our second try."""
    ids = met(dynamics, world, 2)
    edit = {"table": "contact", "id": ids[0], "values": {"jobtitle": "by hand"}}
    world.sandbox.fault("drop_before", path=BATCH)
    world.sandbox.fault("do", path="/contacts", method="GET", control="edit", body=edit)

    outcomes = titles(dynamics, ids)

    assert states(outcomes) == ["moved", "written"]
    assert values(world, "contact", ids[0])["jobtitle"] == "by hand"


def test_an_environment_that_stays_away_leaves_everything_unknown(dynamics: Dynamics, world: Organisation) -> None:
    """Never "written", never "rejected": the ledger reads back."""
    ids = met(dynamics, world, 3)
    world.sandbox.fault("drop_before", times=0)

    assert set(states(titles(dynamics, ids))) == {"unknown"}


def test_lesson_21_a_row_at_which_the_server_fails_is_told_and_all_others_are_written(
    dynamics: Dynamics, world: Organisation
) -> None:
    """A database error in its part of the answer, alone as well, and its ETag says that nothing came of it."""
    ids = met(dynamics, world, 3)
    world.sandbox.do("plugin", {"table": "contact", "ids": [ids[1]], "reason": "SqlTimeout", "times": 0})

    outcomes = titles(dynamics, ids)

    assert states(outcomes) == ["written", "rejected", "written"]
    assert outcomes[1].code == "server_fails"
    assert world.inside.writes["contact"] == 2


def test_lesson_21_a_row_that_takes_the_whole_batch_with_it_is_found_by_halves(
    dynamics: Dynamics, world: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever batch it is in is answered with a 500 as a whole: after two looks in halves, until it stands alone."""
    ids, sent = met(dynamics, world, 9), list[int]()
    batch = dynamics._env.api.batch

    def fails(calls: Sequence[Call], counted_as: str) -> list[Answer | Missing]:
        sent.append(len(calls))
        if any(ids[4] in call.path for call in calls):
            raise OutcomeUnknown("POST $batch answered 500.", code="http_500")
        return batch(calls, counted_as)

    monkeypatch.setattr(dynamics._env.api, "batch", fails)

    outcomes = titles(dynamics, ids)

    assert states(outcomes) == [*["written"] * 4, "rejected", *["written"] * 4]
    assert len(sent) <= 2 + 2 * 4 + 1
    assert world.inside.writes["contact"] == 8


def test_a_batch_that_is_too_large_is_halved(dynamics: Dynamics, world: Organisation) -> None:
    """A 413 is about the batch; a row that alone is too large is refused alone."""
    ids = met(dynamics, world, 3)
    world.sandbox.switch(body_limit=900)

    outcomes = titles(dynamics, [*ids[:2]])
    (large,) = dynamics.write("contact", [Update(ids[2], {"description": "x" * 1000})])

    assert states(outcomes) == ["written"] * 2
    assert (large.state, world.inside.writes["contact"]) == ("rejected", 2)


# -- many in one transaction -----------------------------------------------------------------------------

OURS = Writing(bulk="cx_", bulk_rows=8)


@pytest.fixture
def backfill(open_dynamics: Open, world: Organisation) -> Dynamics:
    """A backfill that may write our own columns without asking."""
    world.sandbox.do("column", {"table": "contact", "add": "cx_Score integer 0 100"})
    crm = open_dynamics(write=OURS)
    crm.priority = "backfill"
    return crm


def scored(crm: Dynamics, ids: list[str], **also: str) -> list[Outcome]:
    return crm.write("contact", [Update(id, {"cx_score": "7", **also}, ours_alone=True) for id in ids])


def test_dataverse_trap_14_no_row_stands_twice_in_one_bulk_body(backfill: Dynamics, world: Organisation) -> None:
    """Dataverse would refuse the whole body, or write whichever came last: it never hears of it. And we upsert
    nothing: rows are named by their id, never by an alternate key that two could share."""
    ids = met(backfill, world, 3)

    with pytest.raises(ValueError, match="twice"):
        scored(backfill, [*ids, ids[0]])

    assert backfill.calls.by_class.get("write", 0) == 0
    assert {values(world, "contact", id).get("cx_score") for id in ids} == {None}


def test_a_backfill_into_our_own_columns_takes_few_calls_where_it_is_allowed(
    backfill: Dynamics, world: Organisation
) -> None:
    """Eleven rows in two transactions, though somebody edits them meanwhile; no other column is."""
    ids = met(backfill, world, 11)
    world.edit("contact", ids[0], {"department": "edited"})

    outcomes = scored(backfill, ids)

    assert states(outcomes) == ["written"] * 11
    assert backfill.calls.by_class["write"] == 2
    assert {values(world, "contact", id)["cx_score"] for id in ids} == {7}
    assert states(scored(backfill, ids)) == ["moved"] * 11  # no ETags came back: they are read first
    met_again(backfill, *ids)
    world.edit("contact", ids[0], {"department": "edited"})
    assert states(scored(backfill, ids, jobtitle="x")) == ["moved", *["written"] * 10]


def test_g4_what_people_set_as_well_never_goes_out_in_bulk_whatever_it_is_called(
    backfill: Dynamics, world: Organisation
) -> None:
    """A stage of ours begins like a score of ours: an edit of it is noticed, and what stands beside it waits, too."""
    ids = met(backfill, world, 3)
    world.edit("contact", ids[1], {"cx_score": "99"})

    outcomes = backfill.write("contact", [Update(id, {"cx_score": "7"}) for id in ids])

    assert states(outcomes) == ["written", "moved", "written"]
    assert [values(world, "contact", id)["cx_score"] for id in ids] == [7, 99, 7]


def test_outside_of_a_backfill_and_without_the_switch_every_row_is_asked(
    open_dynamics: Open, backfill: Dynamics, world: Organisation
) -> None:
    """An edit is noticed by whoever is not allowed to pass over it."""
    ids = met(backfill, world, 2)
    careful = open_dynamics()
    met_again(careful, *ids)
    world.edit("contact", ids[0], {"department": "edited"})
    backfill.priority, careful.priority = "incremental", "backfill"

    assert states(scored(backfill, ids)) == ["moved", "written"]
    met_again(careful, ids[1])
    assert states(scored(careful, ids)) == ["moved", "written"]


@pytest.mark.parametrize("code", ["0x80040203", "0x80041103", ""])
def test_dataverse_trap_13_a_refused_transaction_is_found_out_row_by_row_whatever_it_is_called(
    backfill: Dynamics, world: Organisation, code: str
) -> None:
    """One message calls a mistake otherwise than another does, or not at all; what it says is of no row anyway."""
    ids = met(backfill, world, 4)
    world.sandbox.fault("answer", path="UpdateMultiple", status=400, body={"error": {"code": code, "message": "no"}})

    assert states(scored(backfill, ids)) == ["written"] * 4
    assert world.inside.writes["contact"] == 4


def test_what_counts_for_the_day_is_counted_as_dataverse_counts_it(
    backfill: Dynamics, world: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page once, each part of a batch, each target of a bulk message: though that is one request of the window."""
    counted: list[int] = []
    allowance, day = backfill._env.api.allowance, world.sandbox.service.limits
    take = allowance.take

    def taken(counted_as: str, rows: int = 1) -> Places:
        counted.append(rows)
        return take(counted_as, rows)

    monkeypatch.setattr(allowance, "take", taken)
    before = day.rows_today
    ids = world.people(11)
    list(backfill.scan("contact", ["jobtitle"]))

    assert states(titles(backfill, ids)) == ["written"] * 11
    sent = len(counted)
    assert states(scored(backfill, ids)) == ["written"] * 11

    assert counted[sent:] == [8, 3]
    assert day.rows_today - before == sum(counted)
    assert len(counted) < 30


def test_one_row_that_is_refused_takes_no_other_with_it(backfill: Dynamics, world: Organisation) -> None:
    """All or nothing over there; found by halving, each told by itself, written once."""
    ids = met(backfill, world, 8)
    world.remove("contact", ids[2])
    world.sandbox.do("plugin", {"table": "contact", "ids": [ids[5]]})

    outcomes = scored(backfill, ids)

    wanted = ["written"] * 8
    wanted[2], wanted[5] = "gone", "rejected"
    assert states(outcomes) == wanted
    assert world.inside.writes["contact"] == 6


@pytest.mark.parametrize("action", ["drop_before", "drop_after"])
def test_a_transaction_whose_answer_was_lost_is_not_done_again(
    backfill: Dynamics, world: Organisation, action: str
) -> None:
    """What arrived has changed the rows, and the second try meets that."""
    ids = met(backfill, world, 4)
    world.sandbox.fault(action, path="UpdateMultiple")

    outcomes = scored(backfill, ids)

    assert states(outcomes) == ["written" if action == "drop_before" else "moved"] * 4
    assert world.inside.writes["contact"] == 4


def test_a_transaction_that_is_denied_for_one_row_stops_nobody_else(backfill: Dynamics, world: Organisation) -> None:
    """Which row it was, the rows tell one by one; where none may be written, the run ends."""
    ids = met(backfill, world, 4)
    denied = {"error": {"code": "0x80040220", "message": "prvWriteContact"}}
    world.sandbox.fault("answer", path="UpdateMultiple", status=403, body=denied, times=1)

    assert states(scored(backfill, ids)) == ["written"] * 4
    met_again(backfill, *ids)
    world.sandbox.do("privilege", {"table": "contact", "deny": ["Write"]})
    with pytest.raises(Denied, match="prvWriteContact"):
        scored(backfill, ids)


def test_a_table_without_the_message_is_written_like_any_other(backfill: Dynamics, world: Organisation) -> None:
    """It says so; nobody is lost."""
    world.sandbox.do("table", {"table": "contact", "multiple": []})

    assert states(scored(backfill, met(backfill, world, 4))) == ["written"] * 4
