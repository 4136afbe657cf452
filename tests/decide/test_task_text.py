"""The hand-off task as sales reads it: who, why, what to say and ask, until when, how to answer; in three languages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from connector.agreement import Agreement, load_agreement
from connector.decide import Decider, Office
from connector.model import ALWAYS, Person, TaskDraft, Value

from .conftest import NOON, SHIPPED, V1, Desk, edit, person, signal

OFFICE = Office("https://app.hubspot.example/contacts/1/record/0-1/{id}", {"7": ZoneInfo("Asia/Jakarta")})
DEMO = signal("demo_request", "03-31 11:30")


def task(
    who: Person | None = None, *, language: str = "en", office: Office = OFFICE, agreement: Agreement | None = None
) -> TaskDraft:
    """The task of Anna's hand-off."""
    decider = Decider(agreement or load_agreement(SHIPPED, language=language), office)
    return decider.decide(who or person(*V1), (), as_of=NOON, run=1, go_live=ALWAYS).tasks[0]


def _plain(draft: TaskDraft) -> str:
    return draft.body.replace("\N{MULTIPLICATION SIGN}", "x")


ENGLISH = """\
Anna Kowalska, Director of Operations, Northmill
Persona: Economic buyer
Grade: A2 (fit 85, engagement 45)

Interested and fitting: fit 85, engagement 45
pricing page x3 +34
industry in ICP +25

What hurts: Tools that nobody uses after the first month.
What they need: A figure for what waiting costs, and a plan that does not stop the plant.
What to say: Name a company of the same size and what it saved in the first year.
Ask next: On which number can they be reached?
First attempt due: Wednesday 2026-04-01 19:00 (Asia/Jakarta)

You take it: set "Sales answer" to "Accepted".
Not ready yet: set "Sales answer" to "Returned, not ready"; if you agreed on a day, put it into "Call back on".
Not for us: set "Sales answer" to "Rejected" and choose a "Rejection reason".
Open the record: https://app.hubspot.example/contacts/1/record/0-1/42"""

POLISH = """\
Anna Kowalska, Director of Operations, Northmill
Persona: Economic buyer
Ocena: A2 (dopasowanie 85, zaangażowanie 45)

Pasuje i jest zainteresowanie: dopasowanie 85, zaangażowanie 45
pricing page x3 +34
industry in ICP +25

Co boli: Tools that nobody uses after the first month.
Czego potrzebuje: A figure for what waiting costs, and a plan that does not stop the plant.
Co powiedzieć: Name a company of the same size and what it saved in the first year.
O co zapytać: Pod jakim numerem można się skontaktować?
Pierwszy kontakt najpóźniej: środa 2026-04-01 19:00 (Asia/Jakarta)

Przyjmujesz: ustaw „Odpowiedź sprzedaży” na „Accepted”.
Jeszcze za wcześnie: ustaw „Odpowiedź sprzedaży” na „Returned, not ready”; jeśli umówiono dzień rozmowy, \
wpisz go w „Ponowny kontakt dnia”.
Nie dla nas: ustaw „Odpowiedź sprzedaży” na „Rejected” i wybierz „Powód odrzucenia”.
Otwórz rekord: https://app.hubspot.example/contacts/1/record/0-1/42"""

INDONESIAN = """\
Anna Kowalska, Director of Operations, Northmill
Persona: Economic buyer
Nilai: A2 (kecocokan 85, minat 45)

Cocok dan berminat: kecocokan 85, minat 45
pricing page x3 +34
industry in ICP +25

Masalahnya: Tools that nobody uses after the first month.
Yang dibutuhkan: A figure for what waiting costs, and a plan that does not stop the plant.
Yang perlu disampaikan: Name a company of the same size and what it saved in the first year.
Tanyakan berikutnya: Di nomor berapa bisa dihubungi?
Kontak pertama paling lambat: Rabu 2026-04-01 19:00 (Asia/Jakarta)

Diterima: ubah "Jawaban penjualan" menjadi "Accepted".
Belum siap: ubah "Jawaban penjualan" menjadi "Returned, not ready"; jika sudah sepakat harinya, \
isi "Hubungi lagi pada".
Bukan untuk kita: ubah "Jawaban penjualan" menjadi "Rejected" dan pilih "Alasan penolakan".
Buka kontak: https://app.hubspot.example/contacts/1/record/0-1/42"""


@pytest.mark.parametrize(("language", "body"), [("en", ENGLISH), ("pl", POLISH), ("id", INDONESIAN)])
def test_the_whole_task_in_three_languages(language: str, body: str) -> None:
    """Our words are in the language; the agreement's own labels are in whatever language it was written in."""
    draft = task(language=language)

    assert draft.subject == "MQL: Anna Kowalska, Northmill"
    assert _plain(draft) == body


def test_the_due_time_is_in_the_owner_s_zone() -> None:
    """The same instant, on the clock of whoever reads it; without one, on the agreement's."""
    jakarta, nobody = task(), task(person(*V1, owner_id="8"))

    assert jakarta.due_at == nobody.due_at == datetime(2026, 4, 1, 12, tzinfo=UTC)
    assert "Wednesday 2026-04-01 12:00 (UTC)" in nobody.body


@pytest.mark.parametrize(("form", "page"), [("", "etn=contact&id=42"), ("lead", "etn=lead&id=42")])
def test_a_record_that_is_a_lead_is_opened_as_a_lead(form: str, page: str) -> None:
    """Where a CRM keeps people in several tables, each has a page of its own."""
    draft = task(replace(person(*V1), form=form), office=Office("https://crm.example/?etn={form:contact}&id={id}"))

    assert f"https://crm.example/?{page}\n" in f"{draft.body}\n"


def test_a_missing_piece_leaves_its_line_out() -> None:
    """No question marks, no dashes, no empty labels: whoever is unknown makes a short task."""
    bare: dict[str, Value] = {
        "job_title": None, "company_name": None, "first_name": None, "last_name": None, "company_size": None,
        "industry": None, "revenue": None, "country": None,
    }  # fmt: skip
    draft = task(person(DEMO, fields=bare), office=Office())

    assert draft.subject == "SAL: A contact without a name"
    assert draft.body.splitlines()[:5] == [
        "A contact without a name",
        "Grade: C2 (fit 0, engagement 40)",
        "",
        "Asked for us: demo request",
        "demo request +40",
    ]
    for absent in (
        "?\n\n",
        " - ",
        "Persona",
        "What hurts",
        "What they need",
        "What to say",
        "Open the record",
        "\n\n\n",
    ):
        assert absent not in draft.body


def test_nothing_to_ask_is_no_line() -> None:
    """Everything is known."""
    assert "Ask next" not in task(person(*V1, fields={"phone": "1"})).body


def test_why_takes_three_lines_at_most() -> None:
    """The reason and the two rules that gave the most."""
    lines = _plain(task(person(*V1, DEMO))).split("\n\n")[1].splitlines()

    assert lines == ["Asked for us: demo request", "demo request +40", "pricing page x3 +34"]


def test_a_question_and_not_a_field_is_asked() -> None:
    """Where the language has none, the field's name in words."""
    agreement = load_agreement(SHIPPED)
    plain = replace(agreement, texts=replace(agreement.texts, questions={}))

    assert "Ask next: phone" in task(agreement=plain).body


def test_without_the_property_nobody_is_told_to_use_it() -> None:
    """An account whose mapping has no sales answer: the lines that name it are not there."""
    agreement = load_agreement(SHIPPED)
    fields = {name: spec for name, spec in agreement.wiring.fields["contact"].items() if name != "sales_answer"}
    wiring = replace(agreement.wiring, fields={**agreement.wiring.fields, "contact": fields})
    body = task(agreement=replace(agreement, wiring=wiring)).body

    assert "Sales answer" not in body
    assert "Accepted" not in body


def test_a_changed_text_is_no_news(desk: Desk) -> None:
    """Another wording: whoever was handed over is left alone."""
    first = desk.decide(person(*V1))
    desk.decider = Decider(load_agreement(SHIPPED, language="pl"), OFFICE)
    second = desk.decide(person(*V1))

    assert (second.moves, second.tasks) == ((), ())
    assert {name: first.outputs[name] for name in second.outputs} == {**second.outputs}


def test_an_acceptance_after_the_task_is_no_second_task(desk: Desk) -> None:
    """The answer is taken as it was asked for."""
    desk.decide(person(*V1))
    told = edit("sales_answer", None, "accepted", "03-31 13:00")
    decision = desk.decide(replace(person(*V1, fields={"sales_answer": "accepted"}), edits={"sales_answer": told}))

    assert decision.tasks == ()
