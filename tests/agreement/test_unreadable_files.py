"""Files as editors, disks and accidents leave them: told by name and line, and never a crash."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.agreement.source import LARGEST

from .conftest import Folder


def about(problems: list[str], file: str) -> list[str]:
    """The complaints about one file."""
    return [each for each in problems if each.startswith(f"mappings/{file}")]


def test_a_letter_saved_the_old_way_is_told_with_its_line(folder: Folder) -> None:
    """Latin-1 in the middle of a file."""
    path = folder.path / "icp.toml"
    path.write_bytes(path.read_bytes() + b"\n# Gr\xf6\xdfe\n")
    line = path.read_bytes().count(b"\n")

    assert about(folder.problems(), "icp.toml")[0].startswith(f"mappings/icp.toml:{line}: is not UTF-8 text")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("file", ["personas.toml", "lists/competitors.txt"])
def test_utf16_is_called_by_its_name(folder: Folder, file: str, encoding: str) -> None:
    """What some spreadsheets and editors write as "Unicode"."""
    path = folder.path / file
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))

    assert "is saved as UTF-16. Save it as UTF-8" in about(folder.problems(), file)[0]


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b"])
def test_a_character_that_does_not_print_is_told_with_its_line(folder: Folder, character: str) -> None:
    """A file from a broken disk, or a terminal's leftovers."""
    folder.change("scoring.toml", "case_study = {", f"case_study = {character}{{")
    line = folder.line("scoring.toml", "case_study")
    problems = folder.problems()

    assert problems[0].startswith(f"mappings/scoring.toml:{line}: there is a character that does not print (code ")
    assert len(problems) == 1


@pytest.mark.parametrize("space", ["\u00a0", "\u2003", "\u200b"])
def test_a_space_of_another_kind_is_told(folder: Folder, space: str) -> None:
    """Copied from a web page."""
    folder.change("scoring.toml", "case_study = {", f"case_study{space}= {{")

    assert "a space of another kind on this line" in folder.problems()[0]


def test_a_folder_in_the_place_of_a_file_is_told(folder: Folder) -> None:
    """mkdir scoring.toml."""
    (folder.path / "scoring.toml").unlink()
    (folder.path / "scoring.toml").mkdir()

    assert about(folder.problems(), "scoring.toml") == [
        "mappings/scoring.toml: is a folder. It should be a text file; move the folder away."
    ]


def test_a_link_that_leads_nowhere_or_to_itself_is_told(folder: Folder) -> None:
    """A checkout without its files, and a loop."""
    for name, target in (("icp.toml", "nowhere.toml"), ("signals.toml", "signals.toml")):
        (folder.path / name).unlink()
        (folder.path / name).symlink_to(target)
    problems = folder.problems()

    assert "is a link to a file that is not there" in about(problems, "icp.toml")[0]
    assert "cannot be read: Too many levels of symbolic links" in about(problems, "signals.toml")[0]


def test_a_file_nobody_may_read_is_told(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rights that are too narrow; who runs the tests may be allowed everything, so the refusal is played."""
    real = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == "lifecycle.toml":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)

    assert about(folder.problems(), "lifecycle.toml") == [
        "mappings/lifecycle.toml: cannot be read: Permission denied. Check that it is a file and that you may read it."
    ]


def test_a_file_that_is_far_too_large_is_not_read(folder: Folder) -> None:
    """Fifty megabytes of something else."""
    with (folder.path / "personas.toml").open("ab") as handle:
        handle.truncate(50_000_000)

    assert about(folder.problems(), "personas.toml") == [
        "mappings/personas.toml: is 50 MB large. Is this the right file?"
    ]
    assert LARGEST < 50_000_000


@pytest.mark.parametrize("text", ["[" * 1000 + "]" * 1000, "{ a = " * 1000 + "1" + " }" * 1000])
def test_brackets_a_thousand_deep_are_refused(folder: Folder, text: str) -> None:
    """Neither the parser nor anything behind it runs out of room."""
    folder.add("scoring.toml", f"\ndeep = {text}\n")

    assert "on and on" in folder.problems()[0] or "within" in folder.problems()[0]


def test_a_name_a_thousand_deep_is_refused(folder: Folder) -> None:
    """Dotted keys make tables, too."""
    folder.add("agreement.toml", f"\n[{'.'.join('a' * 1000)}]\nx = 1\n")

    assert "tables within tables" in folder.problems()[0]


def test_a_number_of_thousands_of_digits_is_refused(folder: Folder) -> None:
    """Python itself refuses to read it."""
    folder.change("scoring.toml", "case_study = { points = 6", f"case_study = {{ points = {'9' * 5000}")
    line = folder.line("scoring.toml", "case_study")

    assert folder.problems()[0].startswith(f"mappings/scoring.toml:{line}: there is a number with thousands of digits")


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
@pytest.mark.parametrize("every", [1, 2])
def test_line_endings_of_any_kind_and_mixed_ones_read_alike(folder: Folder, ending: str, every: int) -> None:
    """Windows, old Macs, and files that two of them have edited; tabs are spaces."""
    before = folder.load().fingerprint
    for path in [*folder.path.glob("*.toml"), *folder.path.glob("lists/*.txt")]:
        lines = path.read_text(encoding="utf-8").replace(" = ", "\t=\t").split("\n")
        text = "".join(line + (ending if number % every == 0 else "\n") for number, line in enumerate(lines))
        path.write_bytes(b"\xef\xbb\xbf" + text.encode())

    assert folder.load().fingerprint == before


def test_an_empty_list_is_a_list(folder: Folder) -> None:
    """Nobody is a competitor yet; remarks, blank lines and spaces are nothing."""
    (folder.path / "lists/competitors.txt").write_text("# none yet\n\n   \n", encoding="utf-8")
    folder.add("lists/employees.txt", "  Other.Example  # with a remark\r\n")
    conditions = {each.name: each.condition for each in folder.load().exclusions}

    assert conditions["competitor"].entries == frozenset()
    assert "other.example" in conditions["employee"].entries


@pytest.mark.parametrize(
    ("entry", "says"),
    [("a.example\tb.example", "several entries"), ("@a.example", "matches nobody"), ("*.a.example", "matches nobody")],
)
def test_a_line_of_a_list_that_matches_nobody_is_told(folder: Folder, entry: str, says: str) -> None:
    """With the file and the line of the list."""
    folder.add("lists/competitors.txt", f"{entry}\n")
    line = folder.line("lists/competitors.txt", entry)

    assert folder.problems()[0].startswith(f"mappings/lists/competitors.txt:{line}: ")
    assert says in folder.problems()[0]


@pytest.mark.parametrize("name", ["../employees", "/etc/passwd", "a/b"])
def test_a_list_is_only_ever_in_the_folder_of_lists(folder: Folder, name: str) -> None:
    """A name is no path."""
    folder.change("lifecycle.toml", 'in_list = "competitors"', f'in_list = "{name}"')

    assert any("does not exist" in each and "exclusions.competitor" in each for each in folder.problems())


def test_a_file_in_the_place_of_the_folder_is_told(folder: Folder) -> None:
    """mapping = "mappings/scoring.toml"."""
    with pytest.raises(Exception, match="is a file; an agreement is a folder of files"):
        Folder(folder.path / "scoring.toml").load()
