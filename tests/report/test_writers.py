"""Who else writes, who takes back, and what nobody uses."""

from __future__ import annotations

from collections.abc import Mapping

from connector.crm import Automation, PropertyVersion
from connector.report.writers import Sample, Writers, writers
from tests.decide.conftest import NOON
from tests.report.conftest import ACCOUNT, ago

FLOW = (Automation("77", "Push to MQL", "contact", "lifecyclestage"),)


def versions(*told: tuple[str, float, str, str]) -> tuple[PropertyVersion, ...]:
    """(value, days ago, by, source), newest first."""
    return tuple(PropertyVersion(value, ago(days), by, source) for value, days, by, source in told)


def found(histories: Mapping[str, Mapping[str, tuple[PropertyVersion, ...]]], **holders: int | None) -> Writers:
    kept = {"hs_lead_status": dict(holders)} if holders else {}
    return writers(histories, Sample(len(histories), len(histories)), ACCOUNT, kept, FLOW, NOON)


def test_each_writer_is_named_as_far_as_the_crm_names_it() -> None:
    """A user is an owner where we know them; an automation has a name; an enrolment or an address names nobody."""
    told = versions(
        ("a", 1, "person", "CRM_UI 12"),
        ("b", 2, "person", "CRM_UI 99"),
        ("c", 3, "person", "CONTACTS_WEB rep@seller.example"),
        ("d", 4, "person", "CONTACTS_WEB stranger@seller.example"),
        ("e", 5, "automation", "AUTOMATION_PLATFORM 77"),
        ("f", 6, "automation", "AUTOMATION_PLATFORM enrollmentId:1;actionExecutionIndex:0"),
        ("g", 7, "integration", "INTEGRATION 31337"),
        ("h", 8, "import", "IMPORT 9"),
        ("i", 9, "crm", "FORM"),
        ("j", 10, "unknown", ""),
    )
    rows = {(each.by, each.who, each.name) for each in found({"1": {"lifecyclestage": told}}).writers}
    assert rows == {
        ("person", "owner 7", ""),
        ("person", "user 99", ""),
        ("person", "a person, which one is not said", ""),
        ("automation", "automation 77", "Push to MQL"),
        ("automation", "automation, which one is not said", ""),
        ("integration", "app 31337", ""),
        ("import", "import 9", ""),
        ("crm", "form", ""),
        ("unknown", "unknown", ""),
    }


def test_changes_of_ninety_days_are_told_from_older_ones() -> None:
    """Two of three are recent; the last one is the newest."""
    old, new = versions(("a", 91, "import", "IMPORT 9")), versions(("a", 5, "import", "IMPORT 9"))
    newer = versions(("a", 2, "import", "IMPORT 9"))
    histories = {id: {"lifecyclestage": told} for id, told in (("1", old), ("2", new), ("3", newer))}
    (row,) = found(histories).writers
    assert (row.recent, row.changes, row.last_at) == (2, 3, ago(2))


def test_a_value_taken_back_by_another_writer_is_a_flip_flop() -> None:
    """The workflow raises, the rep takes back, twice on one person and once on another; one writer alone is none."""
    fight = versions(
        ("lead", 1, "person", "CRM_UI 12"),
        ("mql", 2, "automation", "AUTOMATION_PLATFORM 77"),
        ("lead", 3, "person", "CRM_UI 12"),
        ("mql", 4, "automation", "AUTOMATION_PLATFORM 77"),
        ("lead", 5, "import", "IMPORT 9"),
    )
    alone = versions(("lead", 1, "import", "IMPORT 9"), ("mql", 2, "import", "IMPORT 9"), ("lead", 3, "import", "x"))
    histories = {"1": {"lifecyclestage": fight}, "2": {"lifecyclestage": fight[:3]}, "3": {"lifecyclestage": alone}}
    flips = {(each.value, each.other, each.one, each.two): each for each in found(histories).flip_flops}
    back = flips["lead", "mql", "automation 77 (Push to MQL)", "owner 7"]
    assert (back.times, back.people.ids, back.last_at) == (3, ("1", "2"), ago(1))
    again = flips["mql", "lead", "owner 7", "automation 77 (Push to MQL)"]
    assert (again.times, again.people.ids) == (1, ("1",))
    assert len(flips) == 2


def test_an_option_is_unused_when_nobody_has_it_and_nobody_got_it() -> None:
    """Held by three; held by none and given last month; given long ago; not told by the CRM."""
    told = versions(("OPEN", 30, "person", "CRM_UI 1"), ("BAD_TIMING", 366, "person", "CRM_UI 1"))
    one = found({"1": {"hs_lead_status": told}}, NEW=3, OPEN=0, BAD_TIMING=0, IN_PROGRESS=None)
    assert {option.value: (option.people, option.given, option.unused()) for option in one.options} == {
        "NEW": (3, 0, False),
        "OPEN": (0, 1, False),
        "IN_PROGRESS": (None, 0, False),
        "BAD_TIMING": (0, 0, True),
    }
