"""The texts of the hand-off: which language speaks, where they come from, and what people's own fields are called."""

from __future__ import annotations

import shutil
import tomllib

import pytest

from connector.agreement import load_agreement
from connector.agreement.vocabulary import ALWAYS, ANSWERS, HOLDS
from connector.errors import ConfigError

from .conftest import SHIPPED, Folder

LANGUAGES = ("en", "pl", "id")
OURS = {**ANSWERS, **HOLDS}


def test_a_connection_s_language_wins_over_the_agreement_s(folder: Folder) -> None:
    """One agreement, and each account reads it in its own language."""
    folder.change("agreement.toml", 'language = "en"', 'language = "pl"')
    own, other = load_agreement(folder.path), load_agreement(folder.path, language="id")

    assert (own.language, own.texts.weekdays[0]) == ("pl", "poniedziałek")
    assert (other.language, other.texts.weekdays[0]) == ("id", "Senin")


def test_a_language_changes_no_fingerprint(folder: Folder) -> None:
    """Nobody has to sign anew because a colleague reads Polish."""
    english, polish = load_agreement(folder.path), load_agreement(folder.path, language="pl")

    assert (english.fingerprint, english.wiring.fingerprint) == (polish.fingerprint, polish.wiring.fingerprint)


def test_texts_that_a_folder_lacks_are_the_shipped_ones(folder: Folder) -> None:
    """An agreement of one's own speaks three languages at once."""
    shipped = load_agreement(SHIPPED).texts
    (folder.path / "texts.en.toml").unlink()

    assert folder.load().texts == shipped


def test_a_language_without_texts_is_told(folder: Folder) -> None:
    """With those that there are."""
    with pytest.raises(ConfigError) as caught:
        load_agreement(folder.path, language="de")

    assert "texts.de.toml: is missing" in str(caught.value)
    assert "en, id, pl" in str(caught.value)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_the_same_things(language: str) -> None:
    """The same places in the task, the same reasons and questions, seven days."""
    english = tomllib.loads((SHIPPED / "texts.en.toml").read_text(encoding="utf-8"))
    other = tomllib.loads((SHIPPED / f"texts.{language}.toml").read_text(encoding="utf-8"))

    assert other.keys() == english.keys()
    for part in ("why", "questions"):
        assert other[part].keys() == english[part].keys()
    assert other["task_body"].count("{") == english["task_body"].count("{")
    assert other["task_body"].count("\n") == english["task_body"].count("\n")
    assert len(set(other["weekdays"])) == 7


def test_people_s_fields_are_always_read_where_they_are_mapped(folder: Folder) -> None:
    """No rule names them, every decision needs them."""
    assert set(OURS) <= set(ALWAYS["contact"])
    assert set(OURS) <= set(folder.load().fields_used["contact"])
    folder.change("hubspot.toml", 'hold_until = "cx_hold_until"\n', "")
    assert "hold_until" not in folder.load().fields_used["contact"]


def test_people_s_fields_are_ours_to_create() -> None:
    """Choices with the agreement's labels, days as days."""
    own = {each.property: each for each in load_agreement(SHIPPED).wiring.own}

    assert own["cx_sales_answer"].type == "enumeration"
    assert own["cx_sales_answer"].options == (
        ("accepted", "Accepted"),
        ("returned_not_ready", "Returned, not ready"),
        ("rejected", "Rejected"),
    )
    assert ("no_timing", "Not now") in own["cx_rejection_reason"].options
    assert own["cx_rejection_reason"].type == "enumeration"
    assert (own["cx_call_back_on"].type, own["cx_hold_until"].type) == ("date", "date")
    assert (own["cx_hold_reason"].type, own["cx_hold_reason"].label) == ("string", "Hold reason")


def test_people_s_fields_are_called_what_the_language_calls_them() -> None:
    """The label that setup gives is the one the task names."""
    own = {each.property: each for each in load_agreement(SHIPPED, language="pl").wiring.own}

    assert own["cx_sales_answer"].label == "Odpowiedź sprzedaży"
    assert own["cx_fit_score"].label == "Fit score"


def test_answers_belong_to_a_mapped_property_and_the_other_way_round(folder: Folder) -> None:
    """A property that takes answers nobody agreed on is told."""
    text = (folder.path / "lifecycle.toml").read_text(encoding="utf-8")
    begin, end = text.index("[sales_answers]"), text.index("[rejection_reasons]")
    (folder.path / "lifecycle.toml").write_text(text[:begin] + text[end:], encoding="utf-8")

    assert any("says nothing of [sales_answers]" in each for each in folder.problems())


def test_values_of_an_answer_may_be_the_account_s_own(folder: Folder) -> None:
    """Mapped like a stage's: every answer needs one, and a misspelt one is told."""
    folder.add("hubspot.toml", '\n[contact.values.sales_answer]\nacepted = "YES"\nreturned_not_ready = "LATER"\n')
    problems = folder.problems()

    assert any('unknown sales_answer "acepted"' in each and '"accepted"' in each for each in problems)
    assert any('the sales_answer "rejected" has no value' in each for each in problems)


def test_the_shipped_texts_go_with_every_example(folder: Folder) -> None:
    """The agreements in mappings/examples hold no texts of their own, and load in each language."""
    for name in ("course_leads", "crm_export", "leads_10000", "marketplace_sellers"):
        for language in LANGUAGES:
            shutil.copytree(SHIPPED / "examples" / name, folder.path.parent / name, dirs_exist_ok=True)
            assert load_agreement(folder.path.parent / name, language=language).texts.body
