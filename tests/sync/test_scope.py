"""Whom a connection may write to: asked on every run, of everybody."""

from __future__ import annotations

import pytest

from connector.model import Person
from connector.scope import Scope, compile_scope
from connector.sync import Order, run
from tests.sync.conftest import Build
from tests.sync.world import World

LISTS = {"employees": frozenset({"seller.example"})}


def scope(wanted: dict[str, tuple[str, ...]], never: dict[str, tuple[str, ...]]) -> Scope:
    return compile_scope(wanted, never, LISTS.__getitem__)


@pytest.mark.parametrize(
    ("wanted", "never", "admitted"),
    [
        ({}, {}, True),
        ({"country": ("PL", "DE")}, {}, True),
        ({"country": ("AT",)}, {}, False),
        ({"country": ("pl",), "owner": ("77",)}, {}, True),
        ({"country": ("PL",), "owner": ("78",)}, {}, False),
        ({"industry": ("steel",)}, {}, False),  # unknown matches nothing
        ({}, {"email_domain_in_list": ("employees",)}, False),
        ({}, {"stage": ("customer",)}, True),
        ({}, {"stage": ("lead", "customer")}, False),
        ({"country": ("PL",)}, {"owner": ("77",)}, False),
    ],
)
def test_all_of_the_scope_and_none_of_never_touch(
    wanted: dict[str, tuple[str, ...]], never: dict[str, tuple[str, ...]], *, admitted: bool
) -> None:
    """The two questions as a table."""
    fields = {"country": "PL", "owner_id": "77", "email": "anna@mail.seller.example"}

    assert scope(wanted, never).admits(Person("1", fields, stage="lead")) == admitted


def test_a_scope_names_the_fields_that_must_be_read() -> None:
    """So that they are asked for even where no rule uses them."""
    assert scope({"owner": ("1",)}, {"email_domain_in_list": ("employees",)}).fields == {"owner_id", "email"}


def _sync_within(world: World, ledger: object, admitted: Scope) -> None:
    session = world.session(ledger)  # type: ignore[arg-type]  # a ledger
    session.scope = admitted
    try:
        run(session, Order("sync", world.clock()))
    finally:
        session.crm.close()


def test_lesson_20_who_is_outside_is_not_written_and_who_leaves_is_no_longer(build: Build) -> None:
    """The filter holds on every run, not on the first alone."""
    world = build()
    world.person("1", mail="a@inside.example")
    world.person("2", mail="b@outside.example")
    for id in ("1", "2"):
        world.interested(id)
    ledger = world.ledger()
    inside = scope({"email_domain": ("inside.example",)}, {})

    _sync_within(world, ledger, inside)

    assert world.handed_over() == ["1"]
    assert not any(name.startswith("cx_") for name in world.properties("2"))
    written = world.properties("1")
    world.clock.pass_by(days=60)
    world.edit("1", {"email": "a@outside.example"})
    world.clock.pass_by(minutes=10)
    _sync_within(world, ledger, inside)
    assert {**world.properties("1"), "email": ""} == {**written, "email": ""}


def test_a_wider_scope_looks_at_everybody_again(build: Build) -> None:
    """Nobody has to change to be seen by the new scope."""
    world = build()
    world.person("1", mail="a@inside.example")
    world.person("2", mail="b@outside.example")
    ledger = world.ledger()
    _sync_within(world, ledger, scope({"email_domain": ("inside.example",)}, {}))
    assert "cx_fit_score" not in world.properties("2")

    _sync_within(world, ledger, scope({}, {}))

    assert "cx_fit_score" in world.properties("2")
