"""The buying group: which role nobody on the deal has, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from connector.agreement import Agreement
from connector.model import Colleague, Deal, Value

from .conftest import V1, Desk, at, person

OPEN = Deal("9", "open", "discovery", opened_at=at("03-01 09:00"))
ENGINEER: dict[str, Value] = {"job_title": "Process Engineer"}


def _beside(fields: Mapping[str, Value] | None, *labels: str, deal: str = "9", id_: str = "43") -> Colleague:
    return Colleague(id_, fields, {deal: labels})


def _missing(desk: Desk, *others: Colleague, deals: tuple[Deal, ...] = (OPEN,), **fields: Value) -> object:
    who = replace(person(deals=deals, fields={**ENGINEER, **fields}), colleagues=others)
    return desk.decide(who).outputs["buying_group_missing"]


def test_a_user_alone_has_nobody_who_pays(desk: Desk) -> None:
    """Named in words, never as a percentage."""
    assert _missing(desk) == "no economic buyer"


def test_a_colleague_fills_a_role(desk: Desk) -> None:
    """An executive and a user: nothing is missing."""
    assert _missing(desk, _beside({"job_title": "CFO"})) is None


def test_every_missing_role_is_named_in_the_agreed_order(desk: Desk) -> None:
    """An assistant is somebody, and in none of the roles."""
    assert _missing(desk, job_title="Assistant to the CFO") == "no economic buyer, no user"


@pytest.mark.parametrize("fields", [None, {}, {"city": "Oslo"}], ids=["never read", "nothing known", "no title"])
def test_unknown_is_not_no(desk: Desk, fields: dict[str, Value] | None) -> None:
    """Somebody on the deal cannot be judged: perhaps they are the one."""
    assert _missing(desk, _beside(fields)) == "economic buyer not known"


def test_a_title_that_no_persona_knows_is_an_answer(desk: Desk) -> None:
    """A lawyer was judged, and holds none of the roles."""
    assert _missing(desk, _beside({"job_title": "Legal counsel"})) == "no economic buyer"


@pytest.mark.parametrize(
    "colleague",
    [
        _beside({"job_title": "Plant Manager", "buying_role": ("BUDGET_HOLDER", "BLOCKER")}),
        _beside({"job_title": "Plant Manager"}, "Decision maker"),
        _beside({}, "Economic buyer"),
        _beside(None, "decision maker"),
    ],
    ids=["buying role", "label", "label with the role's own name", "label of somebody never read"],
)
def test_what_was_said_of_somebody_goes_before_the_title(desk: Desk, colleague: Colleague) -> None:
    """A manager is a user by title, and here was named the one who pays."""
    assert _missing(desk, colleague) is None


def test_whoever_was_named_otherwise_is_not_what_the_title_says(desk: Desk) -> None:
    """A director who was named an end user decides nothing on this deal."""
    assert _missing(desk, job_title="Director", buying_role=("END_USER",)) == "no economic buyer"


def test_a_label_on_another_deal_says_nothing_here(desk: Desk) -> None:
    """Roles are per deal."""
    assert _missing(desk, _beside(ENGINEER, "Decision maker", deal="8")) == "no economic buyer"


def test_without_an_open_deal_nothing_is_asked(desk: Desk) -> None:
    """Nobody is missing where there is nothing to decide."""
    won = Deal("8", "won", "won", closed_at=at("03-01 09:00"))

    assert _missing(desk, deals=()) is None
    assert _missing(Desk(desk.decider), deals=(won,)) is None


def test_a_customer_s_next_deal_needs_its_group_too(desk: Desk) -> None:
    """Won before, open again."""
    won = Deal("8", "won", "won", closed_at=at("03-01 09:00"))

    assert _missing(desk, deals=(won, OPEN)) == "no economic buyer"


def test_an_agreement_without_a_group_asks_nothing(agreement: Agreement, desk_with: Callable[..., Desk]) -> None:
    """No [buying_group] roles."""
    assert _missing(desk_with(audience=replace(agreement.audience, buying_group=()))) is None


def test_case_37_colleagues_change_nobody_s_score_or_stage(desk: Desk) -> None:
    """Whoever else is there, a person's own score is their own."""
    alone = desk.decide(person(*V1, deals=(OPEN,)))
    crowd = tuple(_beside({"job_title": "CFO"}, id_=str(number)) for number in range(50, 55))
    together = Desk(desk.decider).decide(replace(person(*V1, deals=(OPEN,)), colleagues=crowd))

    assert together.score == alone.score
    assert together.tracks[0].stage == alone.tracks[0].stage


def test_the_next_deal_of_a_customer_is_heard_whichever_track_the_record_speaks_of(desk: Desk) -> None:
    """The first interest was won, the second has an open deal: its missing role stands on the record."""
    won = Deal("8", "won", "won", opened_at=at("01-05 09:00"), closed_at=at("02-01 09:00"))
    decision = desk.decide(person(deals=(won, OPEN), fields=ENGINEER))

    assert len(decision.tracks) == 2
    assert decision.outputs["buying_group_missing"] == "no economic buyer"
