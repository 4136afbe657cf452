"""One reading of the message is enough to mend a folder, whatever kinds its mistakes are of."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from connector.agreement import load_agreement
from connector.config import shipped_mappings
from connector.errors import ConfigError

MISTAKES = {
    "scoring.toml": [
        ("pricing_page = { points = 15", "pricing_page = { pionts = 15"),  # a key
        ("times_at_most = 4", "times_at_most = -4"),  # a value
        ("case_study = {", "case_studi = {"),  # a signal
        ("A = 70", "A = 20"),  # an order
    ],
    "lifecycle.toml": [('"company_name", "company_size"]', '"company_name", "company_sise"]')],  # a field
}


def test_mistakes_of_shape_do_not_hide_mistakes_of_meaning(tmp_path: Path) -> None:
    """Five mistakes of five kinds in two files are told in one go, each with its file and line."""
    folder = tmp_path / "mappings"
    shutil.copytree(shipped_mappings(), folder, ignore=shutil.ignore_patterns("examples"))
    for name, changes in MISTAKES.items():
        text = (folder / name).read_text(encoding="utf-8")
        for before, after in changes:
            assert before in text
            text = text.replace(before, after, 1)
        (folder / name).write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError) as caught:
        load_agreement(folder)

    said = [str(problem) for problem in caught.value.problems]
    for what in ("pionts", "times_at_most", "case_studi", "A begins at 20, below B at 40", "company_sise"):
        assert any(what in one for one in said), what
    assert all(".toml:" in one for one in said)
    assert len(said) <= 7  # and nothing that only follows from another one
