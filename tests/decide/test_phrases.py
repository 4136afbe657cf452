"""Phrases are found as whole words in a row, however many there are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connector.agreement.terms import Condition
from connector.agreement.words import fold
from connector.decide.conditions import compile_condition

WORDS = st.lists(
    st.sampled_from(["head", "of", "vp", "assistant", "to", "sales", "VP", "Heäd"]), min_size=1, max_size=5
)
PHRASES = st.lists(WORDS.map(" ".join), min_size=1, max_size=6)


@given(title=WORDS.map(" ".join), wanted=PHRASES, unless=PHRASES)
def test_a_phrase_holds_where_its_words_stand_in_a_row(title: str, wanted: list[str], unless: list[str]) -> None:
    """The same as looking for " phrase " in " title ", one after the other."""
    condition = Condition("job_title", "contains_any_of", tuple(wanted), tuple(map(fold, unless)))
    text = f" {fold(title)} "
    naive = any(f" {fold(each)} " in text for each in wanted) and not any(f" {fold(each)} " in text for each in unless)

    assert compile_condition(condition)({"job_title": title}) is naive


def test_thousands_of_phrases_are_told_apart() -> None:
    """Twenty thousand job titles in one rule: each is found, and nothing beside them."""
    condition = Condition("job_title", "contains_any_of", tuple(f"clerk number {each}" for each in range(20_000)))
    holds = compile_condition(condition)

    assert holds({"job_title": "Senior Clerk, number 19999"})
    assert not holds({"job_title": "clerk number 20000"})
