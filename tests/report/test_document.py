"""The agreement as a document: all of it, as it was written, the same every time, and without the world outside."""

from __future__ import annotations

import html
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.agreement import Agreement, load_agreement
from connector.agreement.approvals import Approval
from connector.agreement.differing import versions
from connector.agreement.sentences import people, read_back
from connector.config import shipped_mappings
from connector.report.document import document
from connector.report.markdown import as_markdown, escaped
from connector.report.page import agreement_page
from connector.report.parts import Document

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
NASTY = '<script>alert("x")</script> | *b* & <img src=http://x.example/y.png> `c` [d](http://e.example)'


@pytest.fixture(scope="module")
def shipped() -> Agreement:
    """The shipped agreement, which the tests only read."""
    return load_agreement(shipped_mappings())


def page(one: Document) -> str:
    """The page of a document."""
    return agreement_page(one, "1.0")


def plain(text: str) -> str:
    """What a reader of the page sees."""
    return html.unescape(re.sub(r"<[^>]+>", " ", text))


def plain_markdown(text: str) -> str:
    """What a reader of the Markdown sees."""
    return re.sub(r"\\([^A-Za-z0-9\s])", r"\1", text)


@pytest.mark.parametrize("form", ["html", "md"])
def test_every_rule_is_in_the_document(shipped: Agreement, form: str) -> None:
    """Who signs it has read every sentence: a persona's under its name, all others word for word."""
    one = document(shipped)
    text = plain(page(one)) if form == "html" else plain_markdown(as_markdown(one))
    missing = [
        each.path
        for each in read_back(shipped)
        if (_of_persona(each.text) if each.chapter == people.PERSONAS and each.path.count(".") > 1 else each.text)
        not in text
    ]

    assert missing == []


def _of_persona(text: str) -> str:
    """Without the name of the persona, under which the document has it."""
    return text.partition(": ")[2].rstrip(".")


def test_both_forms_begin_with_version_dates_and_fingerprints(shipped: Agreement) -> None:
    """Everybody can tell which version lies on the table."""
    one = document(shipped)

    for text in (plain(page(one)), as_markdown(one)):
        for part in ("1.0", "01 January 2026", "31 December 2026", shipped.fingerprint, shipped.wiring.fingerprint):
            assert part in text


def test_a_stage_is_explained_even_where_the_glossary_forgot_it(shipped: Agreement) -> None:
    """What the glossary does not say, the stage itself does."""
    (glossary,) = (each for each in document(shipped).sections if each.key == "glossary")
    terms = dict(glossary.parts[0].facts)

    assert terms["MQL"].startswith("Marketing qualified lead")
    assert terms["Customer"] == "A deal was won."


@pytest.fixture
def nasty(tmp_path: Path) -> Agreement:
    """An agreement whose texts would like to be code."""
    folder = Path(shutil.copytree(shipped_mappings(), tmp_path / "mappings"))
    said = NASTY.replace('"', '\\"')
    for file, old in (
        ("lifecycle.toml", "Known by e-mail, nothing more."),
        ("lifecycle.toml", 'reason = "competitor"'),
        ("personas.toml", "Double entry, night calls."),
        ("agreement.toml", "There is an open deal with the person."),
        ("scoring.toml", "industry in ICP"),
        ("icp.toml", 'label = "Core"'),
    ):
        new = f'{old.split(" = ")[0]} = "{said}"' if " = " in old else said
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    return load_agreement(folder)


def test_texts_from_the_files_are_never_markup(nasty: Agreement) -> None:
    """A label is a label, whatever stands in it; in both forms, and in a signature, too."""
    signer = Approval("marketing", NASTY, AT, nasty.fingerprint)
    one = document(nasty, [signer])
    whole, text = page(one), as_markdown(one)

    assert "<script" not in whole
    assert "<img" not in whole
    assert plain(whole).count("<script>") >= 7
    assert not re.search(r"(?<!\\)[<>]", text)
    assert not re.search(r"(?<!\\)\]\(", text)
    assert {line.count(" | ") for line in text.splitlines() if line.startswith("| ---")} >= {1, 3, 4}
    assert NASTY in plain_markdown(text)


def test_every_row_of_a_markdown_table_has_as_many_cells_as_its_head(nasty: Agreement) -> None:
    """A pipe in a text ends no cell."""
    rows = [line for line in as_markdown(document(nasty)).splitlines() if line.startswith("|")]
    cells = [len(re.findall(r"(?<!\\)\|", row)) for row in rows]
    head = 0
    for row, count, below in zip(rows, cells, [*rows[1:], ""], strict=True):
        head = count if below.startswith(("| ---", "| --:")) else head
        assert count == head, row


def test_the_page_needs_nothing_from_outside(shipped: Agreement) -> None:
    """Mailed around, printed, opened in ten years: no script, no request, no link but to itself."""
    text = page(document(shipped))

    assert not re.search(r"<(script|link|img|iframe|object|embed|form)\b", text)
    assert not re.search(r"(https?:)?//[\w.]|url\(|@import", text)
    assert set(re.findall(r'href="(.)', text)) == {"#"}
    assert set(re.findall(r'href="#([^"]+)"', text)) == set(re.findall(r'<section id="([^"]+)"', text))


def test_the_same_files_make_the_same_document_wherever_they_stand(tmp_path: Path) -> None:
    """No clock, no path, no order of a set."""
    made = []
    for name in ("one", "other"):
        folder = Path(shutil.copytree(shipped_mappings(), tmp_path / name / "mappings"))
        one = document(load_agreement(folder))
        made.append((page(one), as_markdown(one)))

    assert made[0] == made[1]
    assert all(str(tmp_path) not in text for text in made[0])


def test_the_signature_block_says_who_signed_what(shipped: Agreement) -> None:
    """Name and day under the fingerprint; whoever has not signed this meaning has an empty line."""
    approvals = [
        Approval("marketing", "Ann Lee", AT, shipped.fingerprint),
        Approval("sales", "Bo Ek", AT, "an older one"),
        Approval("admin", "Cy Oh", AT, shipped.wiring.fingerprint, crm="hubspot"),
    ]
    (block,) = (each for each in document(shipped, approvals).sections if each.key == "signatures")
    table = block.parts[0].table

    assert table is not None
    assert table.rows == (
        ("marketing", "the rules", "Ann Lee", "02 March 2026", shipped.fingerprint),
        ("sales", "the rules", "", "", "not signed yet"),
        ("admin", "the wiring", "Cy Oh", "02 March 2026", shipped.wiring.fingerprint),
    )


def test_an_emergency_is_shown_with_its_reason(shipped: Agreement) -> None:
    """One side alone, and why: on the paper as everywhere."""
    alone = Approval("sales", "Bo Ek", AT, shipped.fingerprint, emergency=True, why="nobody got a task")

    assert "emergency, this side alone: nobody got a task" in as_markdown(document(shipped, [alone]))


def test_what_changed_since_the_last_signature_is_told_rule_by_rule(shipped: Agreement) -> None:
    """Before and now, side by side; without a last version everything is new."""
    stages = tuple(replace(each, stay_at_least_days=14) if each.name == "mql" else each for each in shipped.stages)
    now = replace(shipped, stages=stages)
    changed = versions(shipped, now).changed
    text = as_markdown(document(now, (), changed, "version 1.0, signed 2026-03-02"))

    assert "*Against version 1.0, signed 2026-03-02, rule by rule.*" in text
    assert "in the first 7 days. | Nobody leaves MQL by a falling score in the first 14 days. |" in text
    assert "Nothing has changed since version 1.0" in as_markdown(document(shipped, (), (), "version 1.0"))
    assert "everything in this document is new" in as_markdown(document(shipped))


def test_markdown_shows_a_text_as_it_was_written() -> None:
    """What would begin a list, a heading or a quotation begins none."""
    assert escaped("1. first") == "1\\. first"
    assert escaped("- dash") == "\\- dash"
    assert escaped("# head") == "\\# head"
    assert escaped("a_b *c* &amp; R&D") == "a\\_b \\*c\\* \\&amp; R&D"
    assert escaped("two\nlines") == "two lines"
