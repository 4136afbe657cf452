"""Phrases are found as whole words in a row, and domains as who they belong to, however many there are."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.agreement.terms import Condition
from connector.agreement.words import fold
from connector.decide.conditions import compile_condition, domain_names

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


HOSTS = st.lists(
    st.sampled_from(["mail", "gmail", "hotmail", "acme", "GMAIL", "com", "co", "uk", "com:80", "", "gmail\u3002com"]),
    min_size=1,
    max_size=5,
).map(".".join)  # fmt: skip
LISTED = st.frozensets(st.sampled_from(["gmail", "hotmail", "acme.com", "acme.co.uk", "co.uk", "mail.acme.com", "com"]))


@settings(deadline=None)  # whoever asks first loads the list of suffixes
@given(host=HOSTS, listed=LISTED)
def test_a_domain_is_listed_by_who_it_belongs_to(host: str, listed: frozenset[str]) -> None:
    """The registrable domain or the family, or the very text; how the host is written and what stands before does not
    matter, nor whether there is anything to look up."""
    holds = compile_condition(Condition("email_domain", "in_list", entries=listed))
    registrable, family = domain_names(host)
    domains = {each for each in listed if "." in each}

    assert holds({"email_domain": host}) is (registrable in domains or family in listed - domains or host in domains)
