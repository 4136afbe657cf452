"""Who somebody is by ordered title rules, how close the company is, and what is not scored at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from connector.agreement import Agreement
from connector.agreement.terms import Condition, Persona
from connector.model import Signal, Value

from .conftest import NOON, Desk, days_ago, person


@pytest.mark.parametrize(
    ("title", "persona"),
    [
        ("Assistant to the VP of Sales", "support_role"),
        ("VP of Sales", "economic_buyer"),
        ("Vice-President, Operations", "economic_buyer"),
        ("Sales Manager (MVP award)", "daily_user"),
        ("HEAD OF LOGISTICS", "economic_buyer"),
        ("Headhunter", None),
        ("Directrice", None),
        ("Engineering student", "support_role"),
        ("Team Lead", "daily_user"),
        ("Managing Director & Owner", "economic_buyer"),
    ],
)
def test_case_57_titles_are_tried_from_top_to_bottom_in_whole_words(
    desk: Desk, title: str, persona: str | None
) -> None:
    """Exceptions first: an assistant to a VP is no VP, and MVP holds none."""
    assert desk.decide(person(fields={"job_title": title})).outputs["persona"] == persona


@pytest.mark.parametrize(
    ("industry", "size", "band"),
    [
        ("manufacturing", 200.0, "core"),
        ("manufacturing", 1000.0, "core"),
        ("manufacturing", 1001.0, "acceptable"),
        ("software", 420.0, "acceptable"),
        ("software", 49.0, "outside"),
        ("software", 5001.0, "outside"),
        (None, 420.0, None),
        ("software", None, None),
        (None, 10.0, "outside"),
    ],
)
def test_icp_bands_are_a_priority_and_unknown_is_not_no(
    desk: Desk, industry: str | None, size: float | None, band: str | None
) -> None:
    """The first band whose needs all hold; where one that might hold cannot be judged, the band is unknown."""
    fields: dict[str, Value] = {"industry": industry, "company_size": size}

    assert desk.decide(person(fields=fields)).outputs["icp_band"] == band


def test_a_persona_may_be_told_by_the_mail_domain(agreement: Agreement, desk_with: Callable[..., Desk]) -> None:
    """Consultants write from their own firms."""
    consultant = Persona("consultant", "Consultant", (Condition("email_domain", "is", ("northmill.example",)),))
    desk = desk_with(personas=(consultant, *agreement.personas), exclusions=())

    assert desk.decide(person()).outputs["persona"] == "consultant"
    assert desk.decide(person(fields={"email": "a@acme.example"})).outputs["persona"] != "consultant"


def _visit(asset: str | None) -> Signal:
    return replace(days_ago("careers_page", 1), asset=asset)


@pytest.mark.parametrize(
    ("asset", "points"),
    [
        ("https://www.northmill.example/careers/?utm_source=newsletter#jobs", 0),
        ("NORTHMILL.example/careers", 0),
        ("https://northmill.example/careers/engineer", -20),
        ("Visited careers", -20),
        (None, -20),
    ],
)
def test_case_63_a_page_that_our_own_mails_lead_to_is_not_scored(
    agreement: Agreement, desk_with: Callable[..., Desk], asset: str | None, points: float
) -> None:
    """A newsletter about careers makes nobody a job seeker; a visit of another careers page does."""
    kind = replace(agreement.signals["careers_page"], not_scored=frozenset({"northmill.example/careers"}))
    desk = desk_with(signals={**agreement.signals, "careers_page": kind})
    decision = desk.decide(person(_visit(asset), days_ago("pricing_page", 1)), NOON)

    assert sum(line.points for line in decision.score.lines if "careers" in line.rule) == pytest.approx(points, abs=0.6)


def test_case_63_other_signals_about_the_same_page_still_count(
    agreement: Agreement, desk_with: Callable[..., Desk]
) -> None:
    """The list belongs to the line of one signal."""
    kind = replace(agreement.signals["careers_page"], not_scored=frozenset({"northmill.example/prices"}))
    desk = desk_with(signals={**agreement.signals, "careers_page": kind})
    seen = replace(days_ago("pricing_page", 0), asset="northmill.example/prices")

    assert desk.decide(person(seen)).score.engagement == 15.00
