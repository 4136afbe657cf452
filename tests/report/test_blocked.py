"""Why people are not handed over; nobody is in two rows, and nobody's score changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from connector.agreement import Agreement
from connector.decide.facts import Observer
from connector.ledger.history import Standing
from connector.model import Person
from connector.report.blocked import blocked
from connector.report.sheet import Setting, Sheet
from tests.decide.conftest import NOON, days_ago
from tests.report.conftest import ago, someone
from tests.report.house import people, value

Made = Callable[..., Sheet]

HOT = tuple(days_ago(kind, 0.1) for kind in ("pricing_page", "webinar_attended", "case_study", "comparison_guide"))
WARM = (days_ago("pricing_page", 0.1), days_ago("webinar_attended", 0.1))


@pytest.fixture
def made(agreement: Agreement) -> Made:
    def make(found: Iterable[Person], standings: dict[str, Standing] | None = None) -> Sheet:
        return blocked(Setting(agreement, NOON), [(one, (standings or {}).get(one.id)) for one in found])

    return make


def test_everybody_has_one_reason(made: Made) -> None:
    """One of each: ready, missing, below, excluded, waiting, away; the MQL is in no row."""
    waiting = Standing("5", "new_business", "nurture", adopted=False, wait_until=ago(-3))
    away = Standing("6", "new_business", "disqualified", adopted=False)
    sheet = made(
        [
            someone("1", *HOT),
            someone("2", *HOT, fields={"company_size": None}),
            someone("3"),
            someone("4", *HOT, fields={"email": "anna@gmail.com"}),
            someone("5", *HOT, stage="mql"),
            someone("6", *HOT, stage="mql"),
            someone("7", *HOT, stage="mql"),
        ],
        {"5": waiting, "6": away},
    )
    found = {figure.key: figure.people.ids for figure in sheet.figures() if figure.key.startswith("blocked.")}
    assert found == {
        "blocked.ready": ("1",),
        "blocked.missing": ("2",),
        "blocked.below": ("3",),
        "blocked.excluded": ("4",),
        "blocked.waiting": ("5",),
        "blocked.away": ("6",),
    }
    assert people(sheet, "excluded.private_mailbox") == ("4",)
    assert people(sheet, "field.company_size") == ("2",)


def test_near_is_told_apart_from_far(made: Made) -> None:
    """Everything of today makes 40 points; with prices looked at six days ago it is 38.06, two short."""
    older = (days_ago("pricing_page", 6), *HOT[1:])
    sheet = made([someone("1", *older), someone("2", *WARM)])
    assert [people(sheet, key) for key in ("blocked.near", "blocked.below")] == [("1",), ("2",)]


def test_case_17_excluded_but_asked_for_a_demo(made: Made) -> None:
    """Gambling asks for a demo: the hard exclusion beats the fast track, and a list says so."""
    fields = {"industry": "gambling"}
    sheet = made([someone("1", days_ago("demo_request", 2), fields=fields), someone("2", fields=fields)])
    assert people(sheet, "asked.industry_outside_ICP.demo_request") == ("1",)
    assert any("1 excluded person asked for it all the same" in text for text in sheet.headlines)


def test_case_37_several_people_of_one_company_make_a_surge(made: Made, agreement: Agreement) -> None:
    """Five people, none of them MQL alone: the company is listed with all five; each keeps their own score."""
    five = [replace(someone(str(n), *WARM), company_id="900") for n in range(1, 6)]
    own = Observer(agreement).observe(five[0], NOON).score.engagement
    sheet = made(five)
    assert 20 < own < 40
    assert people(sheet, "company.900") == ("1", "2", "3", "4", "5")
    assert value(sheet, "company.900.points") == pytest.approx(5 * own)
    assert people(sheet, "blocked.below") == ("1", "2", "3", "4", "5")


def test_a_company_with_an_mql_or_two_people_is_no_surge(made: Made) -> None:
    """Somebody is being talked to already; two are a coincidence."""
    three = [replace(someone(str(n), *WARM), company_id="900") for n in range(1, 4)]
    known = replace(someone("9", *HOT, stage="mql"), company_id="900")
    for found in ([*three, known], three[:2]):
        assert not any(part.name == "companies" for part in made(found).parts)


def test_an_agreement_without_scores_keeps_nobody(agreement: Agreement) -> None:
    """No stage is decided by a score: one sentence, no table."""
    plain = replace(agreement, stages=tuple(replace(stage, enter=None) for stage in agreement.stages))
    sheet = blocked(Setting(plain, NOON), [(someone("1"), None)])
    assert sheet.parts == ()
    assert len(sheet.unknown) == 1
