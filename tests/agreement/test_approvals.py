"""Signatures: who has signed which meaning, and what that is worth at which instant."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.agreement.approvals import (
    EMERGENCY,
    Approval,
    Side,
    Standing,
    last_signed,
    last_wiring,
    may_sign,
    other_side,
    same_person,
    standing,
)
from connector.agreement.approvals_file import (
    add_approval,
    digest_of,
    keep_signed,
    read_approvals,
    signed_folder,
)
from connector.agreement.carrying import approvals_of
from connector.agreement.saving import replace_files
from connector.errors import ConfigError
from tests.agreement.conftest import Folder

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
RULES, WIRES = "d" * 16, "f" * 16


def signed(side: Side, name: str, at: datetime = AT, *, by: str | None = None, why: str = "") -> Approval:
    """A signature of the usual fingerprints; with `why` it is an emergency."""
    meaning = by or (WIRES if side == "admin" else RULES)
    return Approval(side, name, at, meaning, "1.0", "hubspot" if side == "admin" else "", bool(why), why)


ANN, BEN, CY = signed("marketing", "Ann Lee"), signed("sales", "Ben Ode"), signed("admin", "Cy Park")


def test_all_three_signatures_make_an_agreement_that_may_be_followed() -> None:
    found = standing((BEN, CY, ANN), RULES, WIRES, AT)

    assert (found.signed, found.missing, found.emergency_until) == (True, (), None)
    assert found.by == (ANN, BEN, CY)


@pytest.mark.parametrize("absent", [ANN, BEN, CY])
def test_without_one_of_them_it_is_unsigned_and_says_whose_is_missing(absent: Approval) -> None:
    found = standing([one for one in (ANN, BEN, CY) if one != absent], RULES, WIRES, AT)

    assert (found.signed, found.missing) == (False, (absent.side,))


def test_a_signature_is_worth_nothing_for_another_meaning() -> None:
    assert standing((ANN, BEN, CY), "e" * 16, WIRES, AT).missing == ("marketing", "sales")
    assert standing((ANN, BEN, CY), RULES, "e" * 16, AT).missing == ("admin",)


@pytest.mark.parametrize("name", ["ann lee", "ANN  LEE", " Ánn Lee", "Ann-Lee", "AnnLee"])
def test_one_person_never_signs_for_both_sides_however_the_name_is_typed(name: str) -> None:
    found = standing((ANN, signed("sales", name), CY), RULES, WIRES, AT)

    assert (found.signed, found.missing) == (False, ("sales",))
    assert other_side((ANN,), "sales", RULES, name) == ANN
    assert other_side((ANN,), "sales", "e" * 16, name) is None
    assert other_side((ANN,), "admin", RULES, name) is None


def test_letters_that_unicode_does_not_split_are_one_too() -> None:
    assert same_person("Łukasz Żak", "lukasz zak")
    assert not same_person("Ann Lee", "Anne Lee")


def test_an_emergency_stands_in_for_the_other_side_for_five_days_to_the_second() -> None:
    alone = signed("sales", "Ben Ode", why="the form was renamed")
    end = AT + EMERGENCY

    for moment, enough in ((AT, True), (end - timedelta(seconds=1), True), (end, False), (AT - EMERGENCY, False)):
        found = standing((alone, CY), RULES, WIRES, moment)
        assert (found.signed, found.missing, found.emergency_until) == (enough, ("marketing",), end), moment
        assert found.emergency == (alone if enough else None)


def test_an_emergency_does_not_stand_in_for_the_administrator() -> None:
    assert standing((signed("sales", "Ben Ode", why="urgent"),), RULES, WIRES, AT).missing == ("marketing", "admin")
    assert not standing((signed("sales", "Ben Ode", why="urgent"),), RULES, WIRES, AT).signed


def test_a_second_emergency_makes_it_no_longer() -> None:
    first = signed("sales", "Ben Ode", why="urgent")
    again = signed("sales", "Bea Ode", AT + timedelta(days=4), why="still urgent")

    found = standing((again, first, CY), RULES, WIRES, AT + EMERGENCY)

    assert (found.signed, found.emergency_until) == (False, AT + EMERGENCY)


def test_the_other_side_signing_ends_the_emergency() -> None:
    found = standing((signed("sales", "Ben Ode", why="urgent"), ANN, CY), RULES, WIRES, AT + 2 * EMERGENCY)

    assert (found.signed, found.missing, found.emergency_until, found.emergency) == (True, (), None, None)


def test_the_last_signed_version_is_the_one_that_both_signed() -> None:
    day = timedelta(days=1)
    old = [replace(one, fingerprint="a" * 16, at=AT - 9 * day) for one in (ANN, BEN)]
    newer = [replace(one, fingerprint="b" * 16, at=AT - 5 * day) for one in (ANN, BEN)]
    half = replace(ANN, fingerprint="c" * 16)

    assert last_signed([]) is None
    assert last_signed([half]) == "c" * 16
    assert last_signed([half, *old, *newer]) == "b" * 16
    assert last_signed([half, *newer, *old], but="b" * 16) == "a" * 16
    at_once = [replace(one, at=AT) for one in (*old, *newer)]
    assert last_signed(at_once) == "b" * 16  # the second is the same: the one further down is later
    assert last_wiring([CY, *old], "hubspot") == WIRES
    assert last_wiring([CY], "dynamics") is None


def test_who_may_sign_is_anybody_where_nobody_is_named() -> None:
    signers = {"marketing": ("Ann Lee", "Eve Ng")}

    assert may_sign("eve ng", "marketing", signers)
    assert not may_sign("Ben Ode", "marketing", signers)
    assert may_sign("Ben Ode", "sales", signers)


def test_the_agreement_says_who_may_sign_and_a_side_that_does_not_exist_is_refused(folder: Folder) -> None:
    before = folder.load().fingerprint
    folder.change("agreement.toml", 'marketing = { name = "" }', 'marketing = { name = ["Ann Lee", "Eve Ng"] }')

    assert folder.load().paper.signers == {"marketing": ("Ann Lee", "Eve Ng")}
    assert folder.load().fingerprint == before

    folder.change("agreement.toml", 'sales = { name = "" }', 'seles = { name = "Ben Ode", on = 2026-01-01 }')
    line = folder.line("agreement.toml", "seles =")
    assert folder.problems() == [
        f'mappings/agreement.toml:{line}, approvals.seles: unknown side "seles". Did you mean "sales"?'
    ]


# -- the file -----------------------------------------------------------------------------------------------------


def test_what_is_written_is_read_back_whatever_stands_in_it(folder: Folder) -> None:
    odd = signed("marketing", 'Ann "Żółw" \\ Lee', why='a "quote", a # and a \x7f\nline')
    for one in (odd, BEN, CY):
        add_approval(folder.path, one)

    assert read_approvals(folder.path) == (odd, BEN, CY)
    assert (folder.path / "approvals.toml").stat().st_mode & 0o777 == 0o644
    folder.load()  # the file is no stray


def test_what_stands_in_the_file_is_kept_byte_for_byte(folder: Folder) -> None:
    add_approval(folder.path, ANN)
    file = folder.path / "approvals.toml"
    by_hand = file.read_bytes().replace(b"\n", b"\r\n") + b"# seen by the works council\r\n"
    file.write_bytes(b"\xef\xbb\xbf" + by_hand)

    add_approval(folder.path, BEN)

    assert file.read_bytes().startswith(b"\xef\xbb\xbf" + by_hand)
    assert b"\n" not in file.read_bytes().replace(b"\r\n", b"")
    assert read_approvals(folder.path) == (ANN, BEN)


def test_a_linked_file_stays_a_link(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.toml").write_text("")
    (folder.path / "approvals.toml").symlink_to(tmp_path / "elsewhere.toml")

    add_approval(folder.path, ANN)

    assert (folder.path / "approvals.toml").is_symlink()
    assert read_approvals(folder.path) == (ANN,)


GOOD = '[[approval]]\nside = "sales"\nname = "Ben Ode"\nat = 2026-03-02T09:30:00Z\ndefinitions = "dd"\n\n'


@pytest.mark.parametrize(
    ("bad", "place", "what"),
    [
        ('[[approval]]\nside = "sales\n', ":8", "is not valid TOML"),
        ('[[approval]]\nside = "legal"\nname = "A"\nat = 2026-03-02T09:30:00Z\n', ":8, approval.1.side", "'marketing'"),
        ('[[approval]]\nside = "sales"\nname = ""\nat = 2026-03-02T09:30:00Z\n', ":9, approval.1.name", "not be empty"),
        ('[[approval]]\nside = "sales"\nname = "A"\nat = 2026-03-02T09:30:00\n', ":10, approval.1.at", "with its zone"),
        ('[[approval]]\nside = "sales"\nname = "A"\n', ":7, approval.1.at", "is missing."),
        ('[[approval]]\nside = "sales"\nname = "A"\nat = 2026-03-02T09:30:00Z\n', ":7, approval.1", "no fingerprint"),
        (GOOD.replace("definitions", "wiring"), ":7, approval.1", "names no fingerprint of the definitions."),
        (GOOD + 'wiring = "ff"\n', ":7, approval.1", "sales signs the definitions, not the wiring."),
        (GOOD + "emergency = true\n", ":7, approval.1", "an emergency says no why."),
        (GOOD + 'nmae = "B"\n', ":13, approval.1.nmae", 'unknown key "nmae". Did you mean "name"?'),
        ("[[aproval]]\n", ":7, aproval", 'unknown key "aproval". Did you mean "approval"?'),
    ],
)
def test_a_broken_file_is_told_with_its_line_and_what_to_do(folder: Folder, bad: str, place: str, what: str) -> None:
    (folder.path / "approvals.toml").write_text(GOOD + bad)

    with pytest.raises(ConfigError) as caught:
        read_approvals(folder.path)

    told = str(caught.value.problems[0])
    assert told.startswith(f"mappings/approvals.toml{place}")
    assert what in told
    with pytest.raises(ConfigError):  # and nobody signs on top of it
        add_approval(folder.path, ANN)
    assert (folder.path / "approvals.toml").read_text() == GOOD + bad


def test_two_branches_that_both_signed_are_told_apart_from_a_slip_of_the_pen(folder: Folder) -> None:
    """Git leaves its marks where both added a signature: to keep both is what is wanted."""
    ours, theirs = (GOOD.replace('"B"', f'"{name}"') for name in ("Ben Ode", "Bea Orr"))
    merged = f"{GOOD}\n<<<<<<< HEAD\n{ours}=======\n{theirs}>>>>>>> sales\n"
    (folder.path / "approvals.toml").write_text(merged)
    line = merged.split("\n").index("<<<<<<< HEAD") + 1

    with pytest.raises(ConfigError) as caught:
        read_approvals(folder.path)

    assert str(caught.value.problems[0]) == (
        f"mappings/approvals.toml:{line}: holds the marks of a merge (<<<<<<<, =======, >>>>>>>) that nobody has"
        " resolved. Keep what is to stay of both sides, and remove the three lines."
    )


def test_the_signed_copy_is_an_agreement_of_the_same_meaning(folder: Folder) -> None:
    agreement = folder.load()

    kept = keep_signed(folder.path, agreement.fingerprint)
    folder.change("scoring.toml", "points = 15", "points = 14")

    assert signed_folder(folder.path, agreement.fingerprint) == kept
    assert Folder(kept).load().fingerprint == agreement.fingerprint != folder.load().fingerprint
    keep_signed(folder.path, agreement.fingerprint)  # what was kept is not overwritten
    assert Folder(kept).load().fingerprint == agreement.fingerprint
    assert signed_folder(folder.path, "0" * 16) is None


def signed_by_an_older_program(folder: Folder, *, files: str | None = None) -> None:
    """All three signed what is there now, under fingerprints that only an older program would compute."""
    for one in (ANN, BEN, CY):
        kept = keep_signed(folder.path, one.fingerprint)
        add_approval(folder.path, replace(one, files=digest_of(kept) if files is None else files))


def stands(folder: Folder) -> Standing:
    agreement = folder.load()
    approvals = approvals_of(folder.path, agreement, "hubspot", None)
    return standing(approvals, agreement.fingerprint, agreement.wiring.fingerprint, AT)


def test_a_new_program_that_counts_the_same_rules_otherwise_needs_no_new_signature(folder: Folder) -> None:
    signed_by_an_older_program(folder)

    assert stands(folder).signed
    for path in folder.path.rglob("*.toml"):  # as another machine checks it out
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert stands(folder).signed


def test_a_rule_that_changed_since_is_not_carried_over(folder: Folder) -> None:
    signed_by_an_older_program(folder)
    folder.change("scoring.toml", "points = 15", "points = 14")

    assert stands(folder).missing == ("marketing", "sales")


def test_a_copy_that_was_touched_carries_nothing_over(folder: Folder) -> None:
    """Editing rule and copy alike, as an editor's search through all files does, is no way around the signature."""
    signed_by_an_older_program(folder)
    for place in (folder.path, folder.path / "signed" / RULES):
        Folder(place).change("scoring.toml", "points = 15", "points = 14")

    assert stands(folder).missing == ("marketing", "sales")


def test_a_signature_without_a_digest_is_for_its_fingerprint_alone(folder: Folder) -> None:
    signed_by_an_older_program(folder, files="")

    assert stands(folder).missing == ("marketing", "sales", "admin")


@pytest.mark.parametrize("written_before", [True, False])
def test_whoever_stops_in_the_middle_leaves_all_files_as_they_were(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, written_before: bool
) -> None:
    """Ctrl-C between two files is no failing disk, and half a change of rules is none that anybody agreed to."""
    if written_before:
        (folder.path / "approvals.toml").write_text(GOOD)
    before = {path.name: path.read_bytes() for path in folder.path.glob("*.*")}
    put = Path.replace

    def impatient(self: Path, target: Path) -> Path:
        if "scoring" in self.name:
            raise KeyboardInterrupt
        return put(self, target)

    monkeypatch.setattr(Path, "replace", impatient)
    with pytest.raises(KeyboardInterrupt):
        replace_files(folder.path, {"approvals.toml": b"# new", "scoring.toml": b"# new", "lifecycle.toml": b"# new"})

    assert {path.name: path.read_bytes() for path in folder.path.glob("*.*")} == before


def test_a_failing_disk_leaves_neither_half_a_file_nor_half_a_copy(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_approval(folder.path, ANN)
    before = (folder.path / "approvals.toml").read_bytes()

    def full(_self: Path, _target: Path) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "replace", full)

    for write in (lambda: add_approval(folder.path, BEN), lambda: keep_signed(folder.path, "d" * 16)):
        with pytest.raises(ConfigError, match=r"No space left on device.*whether the disk is full"):
            write()
    assert (folder.path / "approvals.toml").read_bytes() == before
    assert not list(folder.path.rglob("*.part"))
    assert signed_folder(folder.path, "d" * 16) is None
