"""What the agreement asks of records: whoever asks for more, or reads it otherwise, is answered for everybody (54)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from connector.agreement import Agreement
from connector.agreement.wiring import FieldSpec
from connector.ledger import Ledger
from connector.sync import Order, Report, run
from connector.sync.asking import must_read_everything
from tests.sync.world import World


def _as_the_daemon(world: World, ledger: Ledger) -> Report:
    world.clock.pass_by(hours=1)
    session = world.session(ledger)
    return run(session, Order("sync", world.clock(), everything=must_read_everything(session)))


def _settled(world: World) -> Ledger:
    ledger = world.ledger()
    _as_the_daemon(world, ledger)
    _as_the_daemon(world, ledger)
    return ledger


def _with_contact_fields(agreement: Agreement, fields: Mapping[str, FieldSpec]) -> Agreement:
    wiring = replace(agreement.wiring, fields={**agreement.wiring.fields, "contact": fields})
    return replace(agreement, wiring=replace(wiring, fingerprint="another"))


def _title(ledger: Ledger, id: str) -> object:
    return ledger.mirror.facts("contact", [id])[id]["f"].get("job_title")


def test_a_counter_that_is_first_asked_for_has_risen_for_nobody(tmp_path: Path) -> None:
    """What stood there before anybody asked is where counting begins; only what comes after it is a signal."""
    world = World(tmp_path)
    shipped = world.agreement
    counter = replace(next(one for one in shipped.wiring.signals if one.how == "counter"), date=None)
    without = tuple(one for one in shipped.wiring.signals if one.key != counter.key)
    whole = replace(shipped, wiring=replace(shipped.wiring, signals=(*without, counter), fingerprint="whole"))
    world.agreement = replace(shipped, wiring=replace(shipped.wiring, signals=without, fingerprint="without"))
    for id in ("1", "2"):
        world.person(id, **{counter.key: "40"})
    ledger = _settled(world)

    world.agreement = whole
    _as_the_daemon(world, ledger)
    assert not ledger.mirror.around(["1"])["1"].occurrences

    world.edit("1", {counter.key: "41"})
    _as_the_daemon(world, ledger)
    assert [len(ledger.mirror.around([id])[id].occurrences) for id in ("1", "2")] == [1, 0]


def test_lesson_54_a_look_at_one_person_does_not_stand_for_everybody(tmp_path: Path) -> None:
    """The mapping gains a field, and its admin looks at somebody first: the next run still reads it of all."""
    world = World(tmp_path)
    whole = world.agreement
    used = tuple(name for name in whole.fields_used["contact"] if name != "job_title")
    world.agreement = replace(whole, fields_used={**whole.fields_used, "contact": used})
    for id in ("1", "2"):
        world.person(id)
    ledger = _settled(world)
    assert _title(ledger, "2") is None

    world.agreement = whole
    run(world.session(ledger), Order("explain", world.clock(), only=("1",), write=False))
    _as_the_daemon(world, ledger)

    assert _title(ledger, "2") == "Director of Operations"
    assert not must_read_everything(world.session(ledger))


def test_lesson_54_values_in_other_words_are_read_anew(tmp_path: Path) -> None:
    """Another word for a value of the CRM: nobody is decided on by the word it had before."""
    world = World(tmp_path)
    fields = world.agreement.wiring.fields["contact"]
    stage = fields["stage"]
    world.person("1", lifecyclestage="evangelist")
    ledger = _settled(world)
    assert ledger.mirror.facts("contact", ["1"])["1"]["u"] == {"stage": "evangelist"}

    worded = replace(stage, values={**stage.values, "customer": (*stage.values["customer"], "evangelist")})
    world.agreement = _with_contact_fields(world.agreement, {**fields, "stage": worded})
    _as_the_daemon(world, ledger)

    assert ledger.mirror.facts("contact", ["1"])["1"]["f"]["stage"] == "customer"
    assert not must_read_everything(world.session(ledger))


def test_what_is_asked_for_no_more_costs_no_reading(tmp_path: Path) -> None:
    """To take a field out of the mapping is no reason to read anybody; to take it in again is."""
    world = World(tmp_path)
    whole = world.agreement
    world.person("1")
    ledger = _settled(world)
    used = tuple(name for name in whole.fields_used["contact"] if name != "job_title")

    world.agreement = replace(whole, fields_used={**whole.fields_used, "contact": used})
    assert not must_read_everything(world.session(ledger))
    _as_the_daemon(world, ledger)

    world.agreement = whole
    assert must_read_everything(world.session(ledger))
