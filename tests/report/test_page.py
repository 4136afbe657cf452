"""The page can be mailed around: nothing is fetched, nothing runs, nothing hostile gets through."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from connector.agreement import Agreement
from connector.crm import Automation, PropertyVersion
from connector.report.baseline import Baseline
from connector.report.observed import observations
from connector.report.page import as_json, baseline_page, observed_page
from connector.report.writers import Sample
from connector.survey import Automations
from tests.decide.conftest import NOON, days_ago
from tests.report.conftest import ACCOUNT, ago, call, someone
from tests.report.test_observed import noted

HOSTILE = "\"><script>alert('x')</script>"


def outside(html: str) -> list[str]:
    """Every address in the page."""
    return re.findall(r"(?:https?:)?//[^\s\"'<]+", html)


def test_the_page_asks_nobody_for_anything(stand: Callable[..., Baseline], agreement: Agreement) -> None:
    """No address but those of the records, no script, no import, no image; the browser is told to fetch nothing."""
    html = baseline_page(stand([someone("1", days_ago("demo_request", 1), stage="mql")]), agreement.zone)
    assert set(outside(html)) == {"https://crm.example/contacts/4242/record/0-1/1"}
    assert not re.search(r"<(script|img|link|iframe|object|embed)|@import|url\(|\son\w+=", html, re.IGNORECASE)
    assert "default-src 'none'" in html
    assert "What these numbers do not know" in html


def test_a_stage_is_called_by_its_label_wherever_it_stands(
    stand: Callable[..., Baseline], agreement: Agreement
) -> None:
    """Also beside the requests that nobody answered, not by our key for it."""
    html = baseline_page(stand([someone("1", days_ago("demo_request", 1), stage="mql")]), agreement.zone)
    assert '<td class="narrow">MQL</td>' in html
    assert ">mql<" not in html


def test_what_comes_from_outside_is_escaped(stand: Callable[..., Baseline], agreement: Agreement) -> None:
    """A stage label, an automation's name, a source and a value that would all like to run."""
    contact = ACCOUNT.properties["contact"]
    stage = replace(contact["lifecyclestage"], options={"4711": HOSTILE})
    account = replace(ACCOUNT, properties={"contact": {**contact, "lifecyclestage": stage}}, account=HOSTILE)
    told = (PropertyVersion(HOSTILE, ago(1), "unknown", HOSTILE),)
    one = stand(
        [someone("1", stage=None, unmapped={"stage": "4711"})],
        account=account,
        automations=Automations((Automation("7", HOSTILE, "contact", "lifecyclestage"),)),
        histories={"1": {"lifecyclestage": told}},
        sample=Sample(1, 1, ago(2)),
        holders={"lifecyclestage": {"4711": 1}},
        warnings=(HOSTILE,),
    )
    html = baseline_page(one, agreement.zone)
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_a_record_of_another_form_is_opened_on_its_own_page(
    stand: Callable[..., Baseline], agreement: Agreement
) -> None:
    """A lead's page is not a contact's; whose form nobody says has the usual one."""
    account = replace(ACCOUNT, contact_page="https://crm.example/main?etn={form:contact}&id={id}")
    lead = replace(someone("1", days_ago("demo_request", 1)), form="lead")

    one = stand([lead, someone("2", days_ago("demo_request", 1))], account=account)

    assert one.page_of("1") == "https://crm.example/main?etn=lead&id=1"
    assert one.page_of("2") == "https://crm.example/main?etn=contact&id=2"
    assert "etn=lead&amp;id=1" in baseline_page(one, agreement.zone)
    assert "forms" not in as_json(one)


def test_the_page_of_what_was_observed_is_as_quiet(agreement: Agreement) -> None:
    """The same promises for the other report, hostile reason included."""
    page = "https://crm.example/{id}"
    found = [replace(noted("1", 3), reason=HOSTILE)]
    people = [someone("1", activities=(call(2.9),))]
    one = observations(found, people, agreement, since=ago(14), as_of=NOON, contact_page=page)
    html = observed_page(one, agreement.zone)
    assert set(outside(html)) == {"https://crm.example/1"}
    assert "<script" not in html
    empty = observed_page(observations([], [], agreement, since=ago(14), as_of=NOON), agreement.zone)
    assert "Nobody would have been handed over" in empty


def test_an_account_that_does_not_say_where_it_lives_gets_no_links(
    stand: Callable[..., Baseline], agreement: Agreement
) -> None:
    """Ids stand as they are."""
    one = stand([someone("1", days_ago("demo_request", 1))], account=replace(ACCOUNT, contact_page=""))
    html = baseline_page(one, agreement.zone)
    assert outside(html) == []
    assert "<code>1</code>" in html


def test_a_list_of_thousands_is_cut_and_counted(stand: Callable[..., Baseline], agreement: Agreement) -> None:
    """1,200 requests: 1,000 are named, the newest; all are counted."""
    people = [someone(str(number), days_ago("demo_request", number / 100)) for number in range(1200)]
    one = stand(people)
    assert (one.requests.ever.unanswered, len(one.requests.unanswered)) == (1200, 1000)
    assert {each.person_id for each in one.requests.unanswered} == {str(number) for number in range(1000)}
    assert "1,200" in baseline_page(one, agreement.zone)


def test_json_is_plain(stand: Callable[..., Baseline]) -> None:
    """Every dataclass is a table, every set a list in order."""
    told = as_json(stand([someone("1")]))
    assert told["stages"][0]["label"] == "Lead"
    assert told["delivered"]["names"] == sorted(told["delivered"]["names"])
