"""The numbers of the rules out to a spreadsheet, and back into the files."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pytest

from tests.cli.desk import Desk, Told

PRICE = "engagement.high_intent.pricing_page.points"
LINE = "pricing_page = { points = 15,"


@pytest.fixture
def own(desk: Desk) -> Desk:
    """A desk with an agreement of its own."""
    desk.mapping()
    return desk


def rows(desk: Desk, separator: str = ",") -> list[list[str]]:
    assert desk("agreement", "export", "-o", "rules.csv", "--separator", separator).code == 0
    text = Path("rules.csv").read_text(encoding="utf-8-sig")
    return list(csv.reader(io.StringIO(text), delimiter=separator))


def change(found: list[list[str]], values: dict[str, str], separator: str = ",") -> None:
    """Edit cells as somebody with a spreadsheet would, and save."""
    for row in found:
        row[3] = values.get(row[1], row[3])
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerows(found)
    Path("rules.csv").write_text(out.getvalue(), encoding="utf-8", newline="")


def files(desk: Desk) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (desk.folder / "mappings").glob("*.toml")}


@pytest.mark.parametrize("separator", [",", ";"])
def test_an_untouched_export_changes_nothing(own: Desk, separator: str) -> None:
    before = files(own)
    rows(own, separator)

    told = own("agreement", "import", "rules.csv", "--write")

    assert (told.code, "Nothing is changed" in told.out) == (0, True)
    assert files(own) == before


def test_the_export_goes_to_stdout_too(own: Desk) -> None:
    told = own("agreement", "export", "--separator", ";")

    assert told.out.lstrip("\ufeff").splitlines()[0] == "file;path;label;value;was;means"
    assert "lifecycle.toml;stages.mql.enter_when.fit_at_least;enter when: fit at least;50;50;" in told.out
    assert "scoring.toml;combined.fit_share;combined: fit share;0,5;0,5;" in told.out
    assert own("agreement", "export", "--separator", "|").code == 64


def test_a_changed_number_is_a_diff_of_one_line_and_written_only_on_demand(own: Desk) -> None:
    before = files(own)
    change(rows(own, ";"), {PRICE: "17,5", "combined.fit_share": "0,6"}, ";")

    shown = own("agreement", "import", "rules.csv")

    assert shown.code == 0
    assert "--- a/mappings/scoring.toml\n+++ b/mappings/scoring.toml\n" in shown.out
    assert [line[:30] for line in shown.out.splitlines() if line.startswith(("-p", "+p", "-f", "+f"))] == [
        "-pricing_page = { points = 15,",
        "+pricing_page = { points = 17.",
        "-fit_share = 0.5",
        "+fit_share = 0.6",
    ]
    assert "2 numbers would change; nothing was written." in shown.out
    assert files(own) == before

    written = own("agreement", "import", "rules.csv", "--write")

    assert "2 numbers changed in scoring.toml" in written.out
    wanted = before["scoring.toml"].replace(LINE.encode(), b"pricing_page = { points = 17.5,")
    assert files(own) == {**before, "scoring.toml": wanted.replace(b"fit_share = 0.5", b"fit_share = 0.6")}
    again = own("agreement", "import", "rules.csv")
    assert "Nothing is changed" in again.out


def test_as_json_every_change_has_its_place(own: Desk) -> None:
    change(rows(own), {PRICE: "17"})

    found = own("agreement", "import", "rules.csv", "--output", "json").json

    (one,) = found["changes"]
    assert (one["file"], one["path"], one["before"], one["after"]) == ("scoring.toml", PRICE, 15, 17)
    line = (own.folder / "mappings" / "scoring.toml").read_text().splitlines()[one["line"] - 1]
    assert line.startswith(LINE)
    assert (found["written"], found["diff"].count("\n-"), found["files"]) == (False, 1, ["scoring.toml"])


def refused(desk: Desk, values: dict[str, str]) -> Told:
    before = files(desk)
    change(rows(desk), values)
    told = desk("agreement", "import", "rules.csv", "--write")
    assert (told.code, files(desk)) == (4, before)
    return told


def test_numbers_the_agreement_cannot_have_are_told_with_the_row_and_nothing_is_written(own: Desk) -> None:
    told = refused(
        own,
        {
            "engagement.high_intent.pricing_page.times_at_most": "2.5",
            "stages.mql.enter_when.fit_at_least": "900",
            "goals.mqls.at_least": "-1",
        },
    )

    found = [line for line in told.err.splitlines() if line.startswith("✗ rules.csv, line ")]
    assert len(found) == 3
    assert any("times_at_most): should be a whole number" in line for line in found)
    assert any("mappings/lifecycle.toml:19" in line for line in found)
    assert any("mappings/agreement.toml:" in line for line in found)


def test_everything_wrong_with_the_cells_is_told_in_one_go(own: Desk) -> None:
    told = refused(own, {PRICE: "=B3", "sla.fast.first_attempt_within_hours": "one", "goals.sqls.at_least": ""})

    assert "holds a formula" in told.err
    assert '"one" is no number' in told.err
    assert "has no value" in told.err
    assert "3 problems; nothing was written." in told.err


def test_a_stale_spreadsheet_does_not_take_back_what_was_agreed_since(own: Desk) -> None:
    """Only what was changed in it is taken over; what both changed is refused."""
    found = rows(own)
    own.mapping(("lifecycle.toml", "fit_at_least = 50", "fit_at_least = 55"))
    change(found, {PRICE: "17"})

    assert own("agreement", "import", "rules.csv", "--write").code == 0
    assert b"fit_at_least = 55" in files(own)["lifecycle.toml"]

    change(found, {"stages.mql.enter_when.fit_at_least": "60"})
    told = own("agreement", "import", "rules.csv", "--write")
    assert told.code == 4
    assert "is 60 here and 55 in lifecycle.toml by now; it was 50." in told.err


def test_a_file_that_is_not_there_or_not_ours_to_change_is_told(own: Desk) -> None:
    told = own("agreement", "import", "nowhere.csv")
    assert (told.code, "nowhere.csv: cannot be read: No such file or directory." in told.err) == (4, True)
    rows(own)
    own.configure(mapping='"shipped"')
    assert (
        "The agreement that comes with the program is not changed"
        in own("agreement", "import", "rules.csv", "--write").err
    )
    assert own("agreement", "import", "rules.csv").code == 0
    assert own("agreement", "export", "-o", "mappings").code == 64


def test_an_import_that_died_between_two_files_is_finished_by_running_it_again(own: Desk) -> None:
    """The power failed after the first of two files: what is there already is no change, the rest is made."""
    change(rows(own), {PRICE: "17", "goals.mqls.at_least": "44"})
    scoring = own.folder / "mappings" / "scoring.toml"
    scoring.write_text(scoring.read_text().replace(LINE, LINE.replace("15", "17")))
    before = files(own)

    told = own("agreement", "import", "rules.csv", "--write")

    after = files(own)
    assert (told.code, [name for name in after if after[name] != before[name]]) == (0, ["agreement.toml"])
    assert "1 number changed in agreement.toml" in told.out


def test_where_one_file_cannot_be_written_no_file_is_changed(own: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    change(rows(own), {PRICE: "17", "goals.mqls.at_least": "44"})
    before = files(own)
    replace = Path.replace

    def full(self: Path, target: Path) -> Path:
        if Path(target).name == "agreement.toml":
            raise OSError(28, os.strerror(28))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)

    told = own("agreement", "import", "rules.csv", "--write")

    assert (told.code, files(own)) == (4, before)
    assert "mappings/agreement.toml: cannot be written: No space left on device. Nothing was changed." in told.err
    assert not list((own.folder / "mappings").glob(".*"))
