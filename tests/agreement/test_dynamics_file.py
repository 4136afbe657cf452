"""The shipped mapping for Dynamics 365: it loads, says nothing odd, means what HubSpot's means, reads rows right."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.agreement import Agreement, load_agreement
from connector.agreement.examples import load_examples, run_examples
from connector.agreement.lint import lint
from connector.agreement.places import read_places
from connector.agreement.vocabulary import OF_TRACK, OUTPUTS
from connector.decide import Decider
from connector.decide.attempts import AttemptCounter
from connector.errors import ConfigError
from connector.fields import FieldMap, Linked
from connector.fields.owning import never_alone, ours_alone
from connector.model import Record
from connector.sandbox.dataverse import Environment

from .conftest import SHIPPED, Folder

NOW = datetime(2026, 11, 28, tzinfo=UTC)


@pytest.fixture(scope="module")
def dynamics() -> Agreement:
    return load_agreement(SHIPPED, "dynamics")


@pytest.fixture(scope="module")
def hubspot() -> Agreement:
    return load_agreement(SHIPPED)


@pytest.fixture(scope="module")
def fields(dynamics: Agreement) -> FieldMap:
    return FieldMap(dynamics.wiring, dynamics.fields_used, {})


def facts(fields: FieldMap, kind: str, **properties: str) -> dict[str, object]:
    return dict(fields.facts(Record(kind, "1", properties))["f"])


def test_it_is_the_same_agreement_with_another_wiring(dynamics: Agreement, hubspot: Agreement) -> None:
    """Whoever signed the rules signed them for both."""
    assert dynamics.fingerprint == hubspot.fingerprint
    assert dynamics.wiring.fingerprint != hubspot.wiring.fingerprint


def test_what_hubspot_delivers_dynamics_delivers_too(dynamics: Agreement, hubspot: Agreement) -> None:
    """Every output is mapped, every signal is seen or its reason given, every field a rule asks for is there."""
    for kind, used in hubspot.fields_used.items():
        assert set(used) - {"source_first", "company_domain"} <= {*dynamics.fields_used[kind], "sequence"}
    assert {one.signal for one in dynamics.wiring.signals} | set(dynamics.wiring.unseen) == set(dynamics.signals)
    assert set(hubspot.write_back.rules) <= set(dynamics.wiring.fields["contact"])


def test_g4_what_people_set_is_never_ours_alone_and_the_rest_of_what_we_write_is(dynamics: Agreement) -> None:
    """Though all of these columns begin alike: the first kind is never written in bulk."""
    peoples = {"cx_lifecyclestage", "cx_leadstatus", "cx_lead_type"}
    peoples |= {"cx_sales_answer", "cx_rejection_reason", "cx_call_back_on"}
    written = {
        spec.property
        for kind in ("contact", "lead")
        for spec in dynamics.wiring.fields[kind].values()
        if spec.field in dynamics.write_back.rules
    }

    assert never_alone(dynamics) == peoples
    assert ours_alone(dynamics) == written - peoples
    assert {"cx_fit_score", "cx_icp_band", "cx_score_reasons", "cx_sla_due", "cx_cycle"} < ours_alone(dynamics)


@pytest.mark.parametrize(
    ("rule", "theirs"),
    [
        ({"policy": "if_empty"}, True),
        ({"policy": "never_after_human"}, True),
        ({"leads": "people"}, True),
        ({"leads": "crm"}, True),
        ({"smallest_change": 3.0}, False),
    ],
)
def test_whose_value_an_output_may_be_decides_whether_it_is_ours_alone(
    dynamics: Agreement, rule: dict[str, Any], theirs: bool
) -> None:
    """Whatever the agreement lets others say first, or for good."""
    rules = dict(dynamics.write_back.rules)
    rules["persona"] = replace(rules["persona"], **rule)
    changed = replace(dynamics, write_back=replace(dynamics.write_back, rules=rules))

    assert ("cx_persona" in never_alone(changed), "cx_persona" in ours_alone(changed)) == (theirs, not theirs)


def test_every_example_comes_out_as_agreed_here_too(dynamics: Agreement) -> None:
    """Also those that speak of outcomes which Dynamics never tells."""
    verdicts = run_examples(load_examples(SHIPPED, dynamics), Decider(dynamics))

    assert {verdict.name: verdict.differences for verdict in verdicts if verdict.differences} == {}


def test_lint_has_no_more_to_say_than_of_hubspots(dynamics: Agreement, hubspot: Agreement) -> None:
    """No error, no warning of its own."""
    told = [
        {(one.severity, one.what) for one in lint(each, read_places(SHIPPED, each.wiring.crm), as_of=NOW)}
        for each in (dynamics, hubspot)
    ]

    assert told[0] <= told[1]


def test_every_choice_of_ours_has_numbers_and_no_number_twice(dynamics: Agreement) -> None:
    """A number that two values of one of our outputs share would be read as the upper one."""
    own = {one.property for one in dynamics.wiring.own}
    for kind, specs in dynamics.wiring.fields.items():
        for spec in specs.values():
            if spec.property in own and spec.values:
                numbers = [number for them in spec.values.values() for number in them]
                assert all(number.isdecimal() for number in numbers), spec.where
                if spec.field not in ("stage", "status"):
                    assert len(set(numbers)) == len(numbers), (kind, spec.field)


def test_every_value_of_ours_comes_back_as_it_was_written(dynamics: Agreement, fields: FieldMap) -> None:
    """Into the number and out of it, for every choice that we write."""
    for field in OUTPUTS:
        spec = dynamics.wiring.fields["contact"].get(field)
        for value in spec.values if spec and field not in ("stage", "status") else ():
            assert fields.decode(field, fields.encode(field, value)) == value


def test_a_choice_of_ours_without_numbers_is_a_text(dynamics: Agreement) -> None:
    """The next question is a field's name, of which there may be any."""
    own = {one.property: one for one in dynamics.wiring.own}

    assert (own["cx_ask_next"].type, own["cx_ask_next"].options) == ("string", ())
    assert (own["cx_sla_state"].type, own["cx_demo_request_on"].type) == ("enumeration", "datetime")
    assert own["cx_demo_request_on"].label == "Last time: demo request"
    assert (own["cx_lifecyclestage"].options[2], len(own["cx_lifecyclestage"].options)) == (("710000002", "MQL"), 6)


def test_a_contact_and_a_lead_read_alike(fields: FieldMap) -> None:
    """Where one has no column of its own, the other's stands in; who decides is said in either's words."""
    contact = facts(fields, "contact", telephone1="1", mobilephone="2", accountrolecode="1", industrycode="")
    lead = facts(fields, "contact", mobilephone="2", decisionmaker="true", industrycode="12", companyname="Northmill")

    assert (contact["phone"], contact["buying_role"]) == ("1", ["DECISION_MAKER"])
    assert (lead["phone"], lead["buying_role"]) == ("2", ["DECISION_MAKER"])
    assert (lead["industry"], lead["company_name"]) == ("durable_manufacturing", "Northmill")
    assert "buying_role" not in facts(fields, "contact", decisionmaker="")


@pytest.mark.parametrize(
    ("code", "fits"), [("12", True), ("18", True), ("30", True), ("33", True), ("17", False), ("25", False)]
)
def test_industries_are_words_that_the_rules_ask_for(
    dynamics: Agreement, fields: FieldMap, code: str, fits: bool
) -> None:
    """Food is no tobacco, though Microsoft counts them as one."""
    word = str(facts(fields, "company", industrycode=code)["industry"])
    words = set(word.split("_"))

    (wanted,) = [need.values for band in dynamics.bands[:1] for need in band.needs if need.field == "industry"]
    assert bool(words & set(map(str, wanted))) is fits
    assert not words & {"tobacco", "gambling"}


@pytest.mark.parametrize(
    ("properties", "state", "stage"),
    [
        ({"derived.stage": "1"}, "open", "proposal_in_preparation"),
        ({"derived.stage": "won"}, "won", "won"),
        ({"derived.stage": "lost"}, "lost", "lost"),
        ({"derived.stage": "on_hold"}, "on_hold", "on_hold"),
        ({"derived.stage": "9"}, "open", None),
    ],
)
def test_a_deal_is_what_it_says_itself(
    fields: FieldMap, properties: dict[str, str], state: str, stage: str | None
) -> None:
    """Won and lost count before the sales stage it was left in; money as it ended, or as it was expected."""
    record = Record("deal", "1", {"derived.pipeline": "default", "estimatedvalue": "10", **properties})
    person = fields.people.person(
        Linked("1", {"f": {}}), created_at=NOW, company=None, deals=[Linked("1", fields.facts(record))],
        activities=[], occurrences=[], edits={},
    )  # fmt: skip

    assert [(deal.state, deal.deal_stage, deal.amount) for deal in person.deals] == [(state, stage, 10)]


def test_why_a_deal_was_lost_is_what_sales_says_or_how_it_was_closed(fields: FieldMap) -> None:
    """A text is taken as it is; "out-sold" is a competitor."""
    said = facts(fields, "deal", cx_lostreason="Bad timing", statuscode="5")
    closed = facts(fields, "deal", statuscode="5")

    assert (said["lost_reason"], closed["lost_reason"]) == ("Bad timing", "a competitor")


def test_another_column_may_hold_the_deal_stage(folder: Folder) -> None:
    """Then its name stands where the pipeline would, and the deal says itself how it ended."""
    folder.change(
        "dynamics.toml", 'deal_stage = "derived.stage" ', 'deal_stage = "cx_phase"\nis_won = "derived.is_won" '
    )
    folder.change("dynamics.toml", 'pipeline = "derived.pipeline"\n', 'is_closed = "derived.is_closed"\n')
    folder.change("dynamics.toml", "[deal.stages.default]", "[deal.stages.cx_phase]")
    agreement = load_agreement(folder.path, "dynamics")
    fields = FieldMap(agreement.wiring, agreement.fields_used, {("cx_phase", "1"): "open"})

    def deal(**properties: str) -> tuple[str, str | None]:
        record = Record("deal", "1", properties)
        person = fields.people.person(
            Linked("1", {"f": {}}), created_at=NOW, company=None, deals=[Linked("1", fields.facts(record))],
            activities=[], occurrences=[], edits={},
        )  # fmt: skip
        return person.deals[0].state, person.deals[0].deal_stage

    assert deal(cx_phase="1") == ("open", "proposal_in_preparation")
    assert deal(cx_phase="1", **{"derived.is_won": "true"})[0] == "won"
    assert deal(cx_phase="1", **{"derived.is_closed": "true"})[0] == "lost"


# -- activities --------------------------------------------------------------------------------------------------------

#: Microsoft's status reasons of e-mails and appointments -> what became of them, in the agreement's words.
EMAILS = {
    "1": "scheduled",  # draft
    "2": "sent",  # completed
    "3": "sent",
    "4": "received",
    "5": "failed",  # canceled
    "6": "scheduled",  # pending send
    "7": "scheduled",  # sending
    "8": "failed",
}
MEETINGS = {
    "1": "scheduled",  # free
    "2": "scheduled",  # tentative
    "3": "completed",
    "4": "canceled",
    "5": "scheduled",  # busy
    "6": "scheduled",  # out of office
}


@pytest.mark.parametrize(
    ("kind", "status", "outcome"),
    [
        (kind, status, outcome)
        for kind, all_of in (("email", EMAILS), ("meeting", MEETINGS))
        for status, outcome in all_of.items()
    ],
)
def test_what_became_of_an_email_or_a_meeting_is_told_by_its_status(
    fields: FieldMap, kind: str, status: str, outcome: str
) -> None:
    """Pending and sending are not gone yet, though Microsoft counts both as completed."""
    assert facts(fields, kind, statuscode=status)["outcome"] == outcome


@pytest.mark.parametrize(("kind", "table", "told"), [("email", "email", EMAILS), ("meeting", "appointment", MEETINGS)])
def test_no_stock_status_of_an_email_or_a_meeting_is_left_without_a_word(
    dynamics: Agreement, kind: str, table: str, told: dict[str, str]
) -> None:
    """Those that the stock tables have are those above, and the mapping speaks of no other."""
    stock = {str(option.value) for option in Environment().tables[table].columns["statuscode"].options}
    mapped = dynamics.wiring.fields[kind]["outcome"].values

    assert set(told) == stock == {number for numbers in mapped.values() for number in numbers}


@pytest.mark.parametrize(
    ("kind", "properties", "is_an_attempt"),
    [
        ("email", {"statuscode": "3", "directioncode": "true"}, True),
        ("email", {"statuscode": "3", "directioncode": "false"}, False),
        ("email", {"statuscode": "6", "directioncode": "true"}, False),
        ("email", {"statuscode": "7", "directioncode": "true"}, False),
        ("email", {"statuscode": "8", "directioncode": "true"}, False),
        ("email", {"statuscode": "1", "directioncode": "true"}, False),
        ("meeting", {"statuscode": "5"}, True),
        ("meeting", {"statuscode": "4"}, False),
    ],
)
def test_an_email_that_is_gone_and_a_meeting_that_stands_are_attempts(
    dynamics: Agreement, fields: FieldMap, kind: str, properties: dict[str, str], is_an_attempt: bool
) -> None:
    """By the rules of attempts.toml, which know nothing of Microsoft's numbers."""
    at = {"email": "senton", "meeting": "actualstart"}[kind]
    record = Record(kind, "1", {**properties, at: "2026-11-27T10:00:00Z", "ownerid": "7"})
    person = fields.people.person(
        Linked("1", {"f": {}}), created_at=NOW, company=None, deals=[],
        activities=[(kind, Linked("1", fields.facts(record)))], occurrences=[], edits={},
    )  # fmt: skip
    tried = AttemptCounter(dynamics.attempts).since(person, NOW - timedelta(days=7), NOW)

    assert tried.count == is_an_attempt


# -- leads -------------------------------------------------------------------------------------------------------------


def test_what_a_lead_says_has_the_values_that_a_contact_has_for_it(dynamics: Agreement) -> None:
    """They are written down once, and every output of a track that is written has its column there."""
    people, leads = dynamics.wiring.fields["contact"], dynamics.wiring.fields["lead"]

    assert {field: spec.values for field, spec in leads.items()} == {field: people[field].values for field in leads}
    assert set(leads) == {field for field in OF_TRACK if field in dynamics.write_back.rules} - {"not_mql_reason"}
    assert set(dynamics.fields_used["lead"]) == set(leads)


def test_a_lead_may_have_values_of_its_own(folder: Folder) -> None:
    """Another column, or other numbers."""
    own = '[lead.values.lead_type]\nnew_business = "9"\nexisting_customer = "10"\n\n'
    folder.change("dynamics.toml", "[lead.fields]\nlead", own + "[lead.fields]\nlead")
    changed = load_agreement(folder.path, "dynamics")

    assert changed.wiring.fields["lead"]["lead_type"].values["new_business"] == ("9",)
    assert changed.wiring.fields["contact"]["lead_type"].values["new_business"] == ("710000000",)


def test_a_lead_says_nothing_of_the_person(folder: Folder) -> None:
    """With where it belongs instead."""
    folder.change("dynamics.toml", "[lead.fields]\n", '[lead.fields]\nfit_score = "cx_fit_score"\n')
    with pytest.raises(ConfigError) as caught:
        load_agreement(folder.path, "dynamics")

    (problem,) = map(str, caught.value.problems)
    assert "dynamics.toml" in problem
    assert "fit_score is nothing that a lead says of its track. Map it under [contact.fields]" in problem


def test_a_crm_without_leads_has_none_to_map(folder: Folder) -> None:
    """It is said, rather than found out by a call."""
    folder.add("hubspot.toml", '\n[lead.fields]\nstage = "lifecyclestage"\n')

    (problem,) = folder.problems()
    assert "HubSpot keeps no leads beside contacts" in problem
    assert "Remove the section" in problem
