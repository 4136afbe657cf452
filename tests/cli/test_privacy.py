"""
G14: whatever is typed, no person's data and no token appears where people and logs can see it.

Every value of this account is one of a kind, so that each can be looked for by itself; a verb that is added is typed
here or named as one that says nothing of people, with the reason.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import typer

from connector.cli.app import app
from connector.sandbox import World
from connector.sandbox.schema import Definition
from tests.cli.desk import TOKEN, Desk, account

#: Of each person what the agreement reads, and what the texts of tasks are made of: nobody shares a word with anybody.
FIRST = ("Anouschka", "Bartholomew", "Clementyna", "Dionizjusz", "Eleuteria", "Fryderyka")
LAST = ("Quibbleworth", "Rzepkowska", "Sahinoglu", "Thunderbird", "Uitenhage", "Voskresenska")
TITLES = (
    "Director of Quokkas",
    "Director of Rhubarb",
    "Director of Sassafras",
    "Director of Tamarinds",
    "Director of Ululation",
    "Director of Vellichor",
)
HOSTS = ("quibble", "rzepka", "sahin", "thunder", "uiten", "vosk")
REASONS = ("hip replacement", "custody hearing", "bankruptcy rumour", "maternity leave", "a feud", "an affair")
COMPANY, COMPANY_DOMAIN, DEAL = "Zygote & Daughters Looms", "zygote-looms.example", "Four hundred shuttles for Zygote"

MAIL, MAIL_TEXT = "Our visit to Ermintrude", "Kunigunde will bring the shuttle drawings on Thursday."
CALL, CALL_NOTES = "Telephoned Ethelbert", "Wilhelmina's budget was halved; Ethelbert is furious."
MEETING, MEETING_NOTES = "Lunch with Hildegarde", "Gertrude wants to resign before Michaelmas."
MESSAGE, PAGE = "Please telephone Barnabus after his chemotherapy", "https://zygote-looms.example/ask?who=barnabus"

#: Texts that an account holds and that are not a person's, and why each may be said.
NOBODYS = {
    "Poland": "a country, one of those that the rules of the agreement name",
    "MANUFACTURING": "an industry, one of those that the rules of the agreement name",
}

#: Words of personal texts that mean nobody by themselves, and why they are said.
ORDINARY = {
    "after": "a word of our own messages",
    "before": "a word of our own messages",
    "bring": "a word of our own messages",
    "budget": "quota and guard are called so",
    "company": "a kind of record",
    "director": "a title in the agreement's own rules of personas",
    "example": "a word of our own messages",
    "https": "how every address begins",
    "leave": "a word of our own messages",
    "please": "a word of our own messages",
    "request": "a form, and what a call is",
    "thursday": "a day, by which a forecast tells the end",
    "visit": "a word of our own messages",
    "wants": "a word of our own messages",
}

#: Whose words are nobody's: verbs that never meet the state of a connection nor its account.
OF_NO_PERSON = {
    "init": "writes an example, before there is an account",
    "schema": "prints the schema of the files",
    "demo": "starts an account of invented people of its own",
    "sandbox": "is an account of invented people itself",
    "agreement test": "decides on the invented people of examples.toml, in files alone",
    "agreement lint": "reads files alone",
    "agreement render": "reads files alone",
    "agreement approve": "signs files; whoever signs is named there on purpose",
    "agreement export": "reads files alone",
    "agreement import": "reads files alone",
}

#: A whole life of a connection, and everything that can be looked at on the way.
LIFE: tuple[tuple[str, ...], ...] = (
    ("check",),
    ("discover",),
    ("setup",),
    ("report", "baseline"),
    ("plan", "--show", "100", "-o", "plan.json"),
    ("apply", "plan.json", "--yes"),
    ("sync", "--yes"),
    ("backfill", "--tasks", "--output", "json"),
    ("status", "--waiting"),
    ("runs",),
    ("explain", "1"),
    ("explain", "2", "--output", "json"),
    ("explain", "3"),
    ("rejects", "list"),
    ("rejects", "show", "1"),
    ("holds", "list"),
    ("holds", "list", "--output", "json"),
    ("agreement", "diff", "mappings", "mappings"),
    ("report", "observed"),
    ("report", "scorecard"),
    ("report", "sla", "--output", "csv"),
    ("report", "funnel", "--output", "json"),
    ("report", "blocked"),
    ("report", "conflicts", "--output", "html"),
    ("pause", "acme", "--reason", "import"),
    ("sync",),
    ("resume", "acme"),
    ("revert", "RUN", "--dry-run"),
    ("revert", "RUN", "--yes", "--output", "json"),
    ("explain", "2"),
    ("holds", "release", "HELD"),
    ("rejects", "retry", "--all"),
    ("sync", "--output", "json"),
    ("explain", "99"),
    ("apply", "--run", "1", "--yes"),
    ("backfill", "--ids", "4,99", "--with-history"),
    ("forget", "5", "--yes"),
    ("sync",),
    ("runs", "--output", "json"),
)

#: What asks for something that is not there, which is a way to be told things, too.
MISTAKEN = (("explain", "99"), ("apply", "--run", "1", "--yes"))


def personal(world: World) -> tuple[str, ...]:
    """What may be said nowhere: every text that the account holds of somebody, whole and word by word, and the token.
    Numbers, dates and chosen options say nothing of whom they stand with; what we write stands there only later."""
    texts = {text for text in texts_of(world) if text not in NOBODYS}
    words = {word for text in texts for word in re.findall(r"\w{5,}", text) if not word.isdigit()}
    hosts = {text.rpartition("@")[2] for text in texts if "@" in text}
    said = {one.casefold() for one in (*texts, *words, *hosts)} - ORDINARY.keys()
    return (*sorted(said), TOKEN, TOKEN[-12:])


def texts_of(world: World) -> Iterator[str]:
    """What people have written about people: in records, activities and forms."""
    for kind, rows in world.snapshot().items():
        for values in rows.values():
            for name, value in values.items():
                known = world.definitions[kind].get(name, UNKNOWN)
                chosen = known.options and any(value == one.value for one in known.options)
                if not chosen and (known.options or known.type == "string"):
                    yield value
    for submissions in world.audience.forms.values():
        for one in submissions:
            yield from (value for _, value in one.values)
            yield one.page_url


#: What nobody has defined is a text.
UNKNOWN = Definition("unknown")


def verbs() -> Iterator[str]:
    """Every verb there is, those below others with the word before them."""

    def below(command: Any, before: tuple[str, ...]) -> Iterator[str]:
        for name, one in command.commands.items():
            if hasattr(one, "commands"):
                yield from below(one, (*before, name))
            else:
                yield " ".join((*before, name))

    return below(typer.main.get_command(app), ())


def one_of_a_kind() -> World:
    """The usual six, none like another, with a deal, a hold reason and an edit by hand."""
    world = account()
    world.edit("companies", "900", {"name": COMPANY, "domain": COMPANY_DOMAIN})
    for number, id in enumerate("123456"):
        world.edit(
            "contacts",
            id,
            {
                "email": f"p{id}@{HOSTS[number]}.example",
                "firstname": FIRST[number],
                "lastname": LAST[number],
                "phone": f"+48 699 00{id}",
                "jobtitle": TITLES[number],
                "company": COMPANY,
                "cx_hold_reason": REASONS[number],
            },
        )
    tomorrow = datetime.now(UTC) + timedelta(days=2)
    world.edit("contacts", "3", {"cx_hold_until": f"{tomorrow:%Y-%m-%d}"})
    world.edit("contacts", "4", {"cx_fit_score": "7", "hs_lead_status": REASONS[3]})
    values = {"email": f"p2@{HOSTS[1]}.example", "firstname": FIRST[1], "message": MESSAGE}
    world.audience.submit("demo-request", values, world.clock.now(), page_url=PAGE)
    world.add("deals", {"dealname": DEAL, "pipeline": "default", "dealstage": "appointmentscheduled"}, id="77")
    world.associate("deals", "77", "contacts", "5")
    for kind, texts in (
        ("emails", {"hs_email_subject": MAIL, "hs_email_text": MAIL_TEXT, "hs_email_direction": "EMAIL"}),
        ("calls", {"hs_call_title": CALL, "hs_call_body": CALL_NOTES, "hs_call_direction": "OUTBOUND"}),
        ("meetings", {"hs_meeting_title": MEETING, "hs_internal_meeting_notes": MEETING_NOTES}),
    ):
        id = world.add(kind, {**texts, "hs_timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"})
        world.associate(kind, id, "contacts", "2")
    return world


def refusals(desk: Desk) -> None:
    """Answers that quote whom they are about: refused, broken off, and in a shape nobody expects."""
    quoted = f"{FIRST[2]} {LAST[2]} <p3@{HOSTS[2]}.example> ({TITLES[2]}, +48 699 003; {MESSAGE}) is not valid"
    refusal = {
        "category": "VALIDATION_ERROR",
        "message": quoted,
        "errors": [{"message": quoted, "code": "INVALID_OPTION", "context": {"propertyName": ["cx_grade"]}}],
        "context": {"id": [quoted]},
    }
    strike = desk.sandbox.fault
    strike("answer", method="POST", path="contacts/batch/update", times=3, status=400, body=refusal)
    strike("answer", method="POST", path="objects/tasks", times=1, status=400, body=refusal)
    strike("answer", method="POST", path="contacts/batch/read", times=1, status=500, body={"message": quoted})
    strike("truncated", method="POST", path="contacts/search", times=1)


@pytest.fixture
def private(desk: Desk) -> Desk:
    """The desk on the account of people who are one of a kind."""
    desk.sandbox.begin(one_of_a_kind())
    desk.mapping()
    return desk


def nothing_of(secrets: Sequence[str], everything: str, where: str) -> None:
    """No secret stands there, whatever its case."""
    low = everything.casefold()
    for secret in secrets:
        at = low.find(secret.casefold())
        assert at < 0, f"{secret} {where}: ...{everything[max(0, at - 200) : at + 100]}"


#: Words that have verbs below them.
GROUPS = ("report", "agreement", "holds", "rejects")


def test_g14_every_verb_is_typed_here_or_says_nothing_of_people() -> None:
    """A new verb must be added to LIFE, or to those that never meet a person, with the reason."""
    typed = {" ".join(words[:2]) if words[0] in GROUPS else words[0] for words in LIFE}
    assert set(verbs()) == typed | set(OF_NO_PERSON) | {"daemon"}
    assert not typed & set(OF_NO_PERSON)


def test_g14_what_is_looked_for_is_what_the_account_holds() -> None:
    """Of every kind of record and of forms; and no exception is made for what is not there."""
    world = one_of_a_kind()
    secrets, texts = personal(world), set(texts_of(world))
    known = (*FIRST, *LAST, *REASONS, COMPANY, COMPANY_DOMAIN, DEAL, MAIL, MAIL_TEXT, CALL, CALL_NOTES, MEETING)
    known += (MEETING_NOTES, MESSAGE, PAGE, "Quokkas", "Ermintrude", "Zygote", "vosk.example", "+48 699 006")

    assert [one for one in known if one.casefold() not in secrets] == []
    assert [one for one in NOBODYS if one not in texts] == []
    assert [one for one in ORDINARY if one not in " ".join(texts).casefold()] == []


def test_g14_nothing_personal_appears_anywhere(private: Desk) -> None:
    """Names, addresses, numbers, titles, companies, reasons and the token stay out of what every verb says, with the
    chattiest logs and with answers of the CRM that quote them."""
    refusals(private)
    secrets = personal(private.world)
    for words, log in zip(LIFE, cycle(("text", "json")), strict=False):
        told = private("--log-level", "debug", "--log-format", log, *filled(private, words))
        assert told.code in (0, 3, 75) or words in MISTAKEN or words[:2] == ("rejects", "show"), (
            words,
            told.code,
            told.err,
        )
        nothing_of(secrets, told.out, f"in the answer of {' '.join(words)}")
        nothing_of(secrets, told.err, f"in the log of {' '.join(words)}")
        if words[:3] == ("revert", "RUN", "--yes"):
            assert told.json["counts"]["written"], "nothing was undone: no value was at stake"
    assert private.tasks(), "nobody was handed over: no task text was at stake"
    everything_said_of_runs = "\n".join(reports_of(private))
    nothing_of(secrets, everything_said_of_runs, "in what is remembered of runs")
    assert len(everything_said_of_runs) > 2_000


def filled(desk: Desk, words: Sequence[str]) -> list[str]:
    """The words with what only this life knows: a run that wrote, somebody who is held."""
    asked = {
        "RUN": "SELECT max(run) FROM changes WHERE state = 'written'",
        "HELD": "SELECT min(person_id) FROM holds",
    }
    with sqlite3.connect(desk.ledger) as state:
        return [str(state.execute(asked[one]).fetchone()[0]) if one in asked else one for one in words]


def reports_of(desk: Desk) -> list[str]:
    """Reports, alerts and messages as the state keeps them: texts that are shown again, here and to programs."""
    with sqlite3.connect(desk.ledger) as state:
        asked = ("SELECT report FROM runs", "SELECT message FROM alerts", "SELECT message FROM rejects")
        found = [value for text in asked for (value,) in state.execute(text)]
        return [value.decode() if isinstance(value, bytes) else str(value) for value in found]


def test_g14_values_are_shown_where_somebody_asks_for_them(private: Desk) -> None:
    """The plan file and --show-values are for that; the file, like the state, is for its owner's eyes alone."""
    private("plan", "-o", "plan.json")
    assert LAST[1] in private("plan", "--output", "json", "--show-values").out
    plan = private.folder / "plan.json"
    assert LAST[1] in plan.read_text()
    private("sync", "--yes")
    assert REASONS[2] in private("explain", "3", "--show-values").out
    for file in (plan, *private.folder.glob("connector.db*")):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_g14_a_mistake_of_ours_quotes_nobody(private: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that nobody foresaw carries the values it choked on; its kind and place are told, also at debug."""

    def choke(*_: object, **__: object) -> None:
        raise ValueError(f"{FIRST[1]} {LAST[1]} of {COMPANY}") from KeyError(f"p2@{HOSTS[1]}.example")

    secrets = personal(private.world)
    monkeypatch.setattr("connector.fields.people.People.person", choke)
    monkeypatch.setattr("connector.sync.look.Look.at", choke)
    for log in ("text", "json"):
        from connector.cli import run  # noqa: PLC0415 - past the desk, which lets no mistake of ours pass

        private.capsys.readouterr()
        code = run(["--log-level", "debug", "--log-format", log, "sync", "--yes", "--config", str(private.config)])
        said = private.capsys.readouterr()
        assert code == 1
        assert "ValueError" in said.err
        nothing_of(secrets, said.out + said.err, "in a mistake")


def test_g14_the_daemon_says_nothing_personal(private: Desk) -> None:
    """A whole tick of the real command at its chattiest, with answers that quote people."""
    secrets = personal(private.world)
    private("sync", "--yes")
    private.world.edit("contacts", "1", {"jobtitle": "Director of Quokkas and Wombats"})
    refusals(private)
    command = [sys.executable, "-m", "connector", "--log-level", "debug", "daemon", "--config", str(private.config)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "DESK_TOKEN": TOKEN}
    )
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if "run finished" in line or "run failed" in line:
            process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert any("run " in line for line in lines)
    nothing_of((*secrets, "Wombats"), out + "".join(lines), "in the daemon's log")


def test_g14_a_plan_that_is_refused_quotes_nobody(private: Desk, tmp_path: Path) -> None:
    """Moved, tampered with, or torn: the message names records and keys."""
    secrets = personal(private.world)
    private("plan", "-o", "plan.json")
    private.world.edit("contacts", "2", {"lifecyclestage": "opportunity", "jobtitle": TITLES[0]})
    moved = private("apply", "plan.json", "--yes")
    content = json.loads((private.folder / "plan.json").read_text())
    content["changes"]["2"]["tasks"] = [{"subject": f"{FIRST[1]} {LAST[1]}"}]
    (tmp_path / "torn.json").write_text(json.dumps(content))
    torn = private("apply", "torn.json", "--yes")
    assert (moved.code, torn.code) == (5, 4)
    nothing_of(secrets, moved.err + moved.out + torn.err + torn.out, "in a refusal")
