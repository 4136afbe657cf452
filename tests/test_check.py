"""G11: what does not fit is told with file and line before anything is written."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from connector.agreement import Agreement, load_agreement
from connector.check import check_account, find_owner, reachable, unmapped_options
from connector.config import shipped_mappings
from connector.crm import Description, Finding, Owner, PropertyDefinition
from connector.crm.hubspot import HubSpot
from connector.sandbox import Sandbox


@cache
def agreement() -> Agreement:
    return load_agreement(shipped_mappings())


@cache
def _stock() -> Description:
    """A stock account, described by the sandbox once."""
    with Sandbox() as sandbox:
        crm = HubSpot(sandbox.hubspot.token, base_url=sandbox.url)
        told = crm.describe(("contact", "company", "deal", "call", "email", "meeting"))
        crm.close()
    return told


def account(kind: str = "contact", **changed: PropertyDefinition | None) -> Description:
    """The stock account with own properties, and some properties changed or (None) taken away."""
    told = _stock()
    own = {
        one.property: PropertyDefinition(one.property, one.type, one.label, dict(one.options))
        for one in agreement().wiring.own
    }
    properties = {**told.properties, "contact": {**told.properties["contact"], **own}}
    properties[kind] = {name: one for name, one in {**properties[kind], **changed}.items() if one is not None}
    return replace(told, properties=properties)


def complaints(told: Description, *, writes: bool = True, of: Agreement | None = None) -> list[str]:
    return [str(one) for one in check_account(of or agreement(), told, writes=writes).problems]


def changed(name: str, **changes: Any) -> PropertyDefinition:
    return replace(account().properties["contact"][name], **changes)


def test_the_shipped_agreement_fits_a_stock_account() -> None:
    """Nothing to complain about once setup has run."""
    assert complaints(account()) == []


def test_a_property_that_is_not_there_is_told_with_its_line_and_what_was_meant() -> None:
    """The file, the line, the property and a guess."""
    (said,) = complaints(account(jobtitle=None, job_title=PropertyDefinition("job_title", "string")))

    assert "hubspot.toml:" in said
    assert "contact has no property jobtitle" in said
    assert "Did you mean job_title?" in said


def test_a_missing_own_property_asks_for_setup_and_stops_writing_only() -> None:
    """While observing, setup need not have run."""
    told = account(cx_fit_score=None)

    assert ["Run: connector setup" in one for one in complaints(told)] == [True]
    assert complaints(told, writes=False) == []


def test_an_optional_property_may_be_missing() -> None:
    """It is a remark, since not every account has it."""
    found = check_account(agreement(), account(hs_buying_role=None), writes=True)

    assert found.problems == ()
    assert any("hs_buying_role" in str(one) for one in found.remarks)


#: The statuses of ours that the shipped file writes as BAD_TIMING.
SHARED = ("bad_timing", "returned_not_ready")


def line_of(text: str) -> str:
    """The place of a line of the shipped hubspot.toml, as messages tell it."""
    lines = (shipped_mappings() / "hubspot.toml").read_text(encoding="utf-8").splitlines()
    (number,) = [number for number, line in enumerate(lines, 1) if text in line]
    return f"hubspot.toml:{number},"


def test_case_59_lesson_28_an_option_that_was_renamed_stops_the_run() -> None:
    """The value with its own line, the property and the options there are."""
    told = account(hs_lead_status=changed("hs_lead_status", options={"NEW": "New", "CALLED": "Called"}))

    said = [one for one in complaints(told) if "'BAD_TIMING', which is no option of hs_lead_status" in one]
    assert [line_of(f'{ours} = "BAD_TIMING"') in one for ours, one in zip(SHARED, said, strict=True)] == [True, True]
    assert any("Its options: NEW, CALLED." in one for one in complaints(told, writes=False))


def test_lesson_28_a_label_in_place_of_a_value_is_told_as_one() -> None:
    """People read the label, the API takes the value: whoever confused them is told which is which."""
    options = {"BT": "Bad_timing", "NEW": "New"}
    told = account(hs_lead_status=changed("hs_lead_status", options=options))

    said = next(one for one in complaints(told) if "'BAD_TIMING', which" in one)
    assert "That is what people read; the value behind it is 'BT'." in said


def test_lesson_29_a_calculated_property_is_refused_before_it_is_written() -> None:
    """Scores of the CRM's own cannot be written."""
    told = account(cx_fit_score=changed("cx_fit_score", calculated=True))

    assert any("is calculated by the CRM and cannot be written" in one for one in complaints(told))
    assert complaints(told, writes=False) == []


def test_lesson_29_a_score_mapped_to_the_crm_s_own_is_refused_with_what_to_map_instead() -> None:
    """HubSpot's score properties are read-only: a number property of ours is named in their place."""
    wiring = agreement().wiring
    spec = replace(wiring.fields["contact"]["fit_score"], property="hubspotscore")
    contact = {**wiring.fields["contact"], "fit_score": spec}
    mapped = replace(agreement(), wiring=replace(wiring, fields={**wiring.fields, "contact": contact}))
    told = account(hubspotscore=PropertyDefinition("hubspotscore", "number", "HubSpot score", read_only=True))

    (said,) = complaints(told, of=mapped)

    assert line_of("fit_score = ") in said
    assert "hubspotscore is read-only and cannot be written" in said
    assert 'Map fit_score = "cx_fit_score" and let connector setup create cx_fit_score' in said
    assert "a property of type number" in said


def test_a_property_of_another_type_is_refused() -> None:
    """A score needs a number."""
    told = account(cx_fit_score=changed("cx_fit_score", type="string"))

    assert any("cx_fit_score is of type string, the field fit_score is a number" in one for one in complaints(told))


def test_an_own_choice_that_lacks_a_value_asks_for_setup() -> None:
    """A new persona must be an option before it can be written."""
    told = account(cx_persona=changed("cx_persona", options={"economic_buyer": "Economic buyer"}))

    assert any("cx_persona does not take" in one and "connector setup" in one for one in complaints(told))


def test_lesson_28_a_deal_stage_that_is_not_there_is_told() -> None:
    """The line, the pipeline, the stage, and the one that was meant."""
    stages = tuple(
        replace(one, id="contract_sent") if one.id == "contractsent" else one for one in _stock().deal_stages
    )

    said = complaints(replace(account(), deal_stages=stages))

    (one,) = said
    assert "pipeline default has no deal stage contractsent. Did you mean contract_sent?" in one
    assert line_of('"contractsent"') in one


def test_lesson_28_a_pipeline_that_is_gone_is_told_with_its_line() -> None:
    """Archived pipelines are no part of the account's description any more."""
    stages = tuple(replace(one, pipeline="sales") for one in _stock().deal_stages)

    (said,) = complaints(replace(account(), deal_stages=stages))

    assert "there is no pipeline default." in said
    assert "hubspot.toml:" in said


def test_of_a_choice_of_ours_only_what_is_written_has_to_be_there() -> None:
    """setup makes one option for each of our values; a further number that is understood may be one of others."""
    of = agreement()
    specs = of.wiring.fields["contact"]
    persona = specs["persona"]
    also = {ours: (*theirs, "of_others") for ours, theirs in persona.values.items()}
    fields = {**of.wiring.fields, "contact": {**specs, "persona": replace(persona, values=also)}}

    found = check_account(replace(of, wiring=replace(of.wiring, fields=fields)), account(), writes=True)

    assert not [one for one in (*found.problems, *found.remarks) if "of_others" in str(one)]


def test_live_options_that_nobody_mapped_are_found() -> None:
    """A custom stage that people stand in must be mapped or left alone."""
    stage = changed("lifecyclestage", options={**changed("lifecyclestage").options, "98765": "Partner"})

    assert [value for _, value in unmapped_options(agreement(), account(lifecyclestage=stage))] == ["98765"]


def test_a_threshold_out_of_reach_names_the_signals_that_are_missing() -> None:
    """Without lists and forms nobody ever gets to 40."""
    (problem,) = reachable(agreement(), {"email_click"})

    assert "stages.mql" in problem.where
    assert "no more than 6 can be reached" in problem.what
    assert "pricing_page" in problem.fix
    assert reachable(agreement(), agreement().signals) == []


def test_lesson_31_the_queue_is_found_by_id_address_or_name_and_must_be_active() -> None:
    """Never an archived owner."""
    owners = (
        Owner("1", "sdr@seller.example", active=True, name="SDR queue"),
        Owner("2", "left@x.example", active=False),
    )

    assert [find_owner(key, owners) is not None for key in ("1", "SDR@seller.example", "sdr queue")] == [True] * 3
    assert find_owner("2", owners) is None


def test_an_account_without_pipelines_is_not_complained_about() -> None:
    """A token without deals sees none; that is told by the scope, not by every stage."""
    assert complaints(replace(account(), deal_stages=())) == []


# -- what the CRM's adapter found out ------------------------------------------------------------------------


def test_what_the_adapter_found_stops_what_cannot_be_done_and_names_the_lines() -> None:
    """Reading in any mode, writing from the mode scores on, and what is merely worth knowing in none."""
    findings = (
        Finding("nobody grants Read.", "Grant it.", "deal", "reading"),
        Finding("nobody grants Write.", "Grant it.", "contact", "writing"),
        Finding("it is Tuesday."),
    )
    told = replace(account(), findings=findings)

    observing, writing = (check_account(agreement(), told, writes=writes) for writes in (False, True))

    line = agreement().wiring.kinds["deal"]
    assert [str(one) for one in observing.problems] == [f"{line}: nobody grants Read. Grant it."]
    assert line.endswith("deal.fields")
    assert [one.what for one in writing.problems] == ["nobody grants Read.", "nobody grants Write."]
    later = next(one for one in observing.remarks if one.what == "nobody grants Write.")
    assert later.fix == "Grant it. Needed from the mode scores on."
    assert next(one for one in writing.remarks if one.what == "it is Tuesday.").where == f"account {told.account}"


def test_a_property_that_a_table_of_people_lacks_asks_for_setup() -> None:
    """Where people stand in several tables; only what is written must be in all of them."""
    lacking = {name: changed(name, lacking=("lead",)) for name in ("cx_stage", "country")}

    (said,) = complaints(account(**lacking))

    assert "cx_stage is not in every table that people stand in: lead lacks it. Run: connector setup" in said


def test_a_property_behind_a_right_of_its_own_is_remarked() -> None:
    """It may read as blank without anybody saying so."""
    found = check_account(agreement(), account(email=changed("email", secured=True)), writes=True)

    assert found.problems == ()
    assert any("email is secured by a right of its own" in str(one) for one in found.remarks)


def test_what_is_read_in_place_of_a_property_must_be_there_and_brings_its_options() -> None:
    """A typing error would read as blank; a value of either property is a value of the field."""
    mine = agreement()
    specs = mine.wiring.fields["contact"]
    role = replace(
        specs["buying_role"], otherwise=("role_too",), values={"X": ("DECISION_MAKER", "yes")}, optional=False
    )
    phone = replace(specs["job_title"], otherwise=("jobtitel",))
    fields = {**mine.wiring.fields, "contact": {**specs, "buying_role": role, "job_title": phone}}
    of = replace(mine, wiring=replace(mine.wiring, fields=fields))
    too = PropertyDefinition("role_too", "bool", options={"yes": "Yes", "no": "No"})

    (said,) = complaints(account(role_too=too), of=of)
    found = check_account(of, account(role_too=replace(too, options={"no": "No"})), writes=True)

    assert "contact has no property jobtitel, so it is not read in place of jobtitle. Did you mean jobtitle?" in said
    assert any("'yes', which is no option of hs_buying_role" in str(one) for one in found.remarks)


def test_a_text_in_the_pipelines_place_may_hold_any_deal_stage() -> None:
    """Nobody lists what a text holds."""
    mine = agreement()
    of = replace(mine, wiring=replace(mine.wiring, deal_stages={("phase", "Warm"): "discovery"}))

    assert complaints(account("deal", phase=PropertyDefinition("phase", "string")), of=of) == []
    assert "there is no pipeline phase" in complaints(account(), of=of)[0]
