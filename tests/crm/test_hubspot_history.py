"""What HubSpot's history says of a writer, sorted into few, and what of it stays the same from record to record."""

from __future__ import annotations

from typing import Any

import pytest

from connector.crm.hubspot.history import _BY, _SOURCES, _parsed
from connector.ledger.writers import writer


def told(**entry: Any) -> tuple[str, str, str]:
    (version,) = _parsed([{"value": "x", "timestamp": "2026-03-31T12:00:00Z", **entry}])
    return version.by, version.source, version.name


@pytest.mark.parametrize(
    ("entry", "expected", "called"),
    [
        (
            {"sourceType": "CRM_UI", "sourceId": "userId:12", "sourceLabel": "Anna Kowalska", "updatedByUserId": 12},
            ("person", "CRM_UI 12", ""),
            "user 12",
        ),
        (
            {"sourceType": "CRM_UI", "sourceId": "anna@seller.example"},
            ("person", "CRM_UI anna@seller.example", ""),
            "a person",
        ),
        (
            {
                "sourceType": "AUTOMATION_PLATFORM",
                "sourceId": "enrollmentId:9;actionExecutionIndex:0",
                "sourceLabel": "Reset",
            },
            ("automation", "AUTOMATION_PLATFORM", "Reset"),
            'an automation "Reset"',
        ),
        (
            {"sourceType": "AUTOMATION_PLATFORM", "sourceId": "workflowId:77;enrollmentId:9"},
            ("automation", "AUTOMATION_PLATFORM 77", ""),
            "automation 77",
        ),
        ({"sourceType": "INTEGRATION", "sourceId": 4711}, ("integration", "INTEGRATION 4711", ""), "app 4711"),
        (
            {"sourceType": "IMPORT", "sourceId": "9", "sourceLabel": "fair.csv"},
            ("import", "IMPORT 9", "fair.csv"),
            'import 9 "fair.csv"',
        ),
        ({"sourceType": "DEALS", "sourceId": "50"}, ("crm", "DEALS 50", ""), "the CRM itself (deals)"),
        ({"sourceType": "NEW_IN_2027"}, ("other", "NEW_IN_2027", ""), "another system (new in 2027)"),
        ({}, ("unknown", "", ""), "somebody"),
    ],
)
def test_a_writer_is_classed_and_called_without_the_name_of_a_person(
    entry: dict[str, Any], expected: tuple[str, str, str], called: str
) -> None:
    """A name nobody has classed is no person and not us; a person has a number and no name."""
    assert told(**entry) == expected
    assert writer(*expected) == called


def test_no_source_is_classed_twice() -> None:
    """Each of the sources we know stands for one kind of writer."""
    assert sum(map(len, _SOURCES.values())) == len(_BY)
