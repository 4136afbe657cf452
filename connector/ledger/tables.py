"""
The tables of the ledger. Every row belongs to a connection, but for those about quotas, which connections share; ids
are the CRM's, as text; instants are seconds.

Portable by construction: text, doubles, integers and JSON bytes; no server-side functions but the one that unfolds a
list of ids (`database.among`).
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData()

_text, _number, _instant, _blob = sa.Text, sa.BigInteger, sa.Double, sa.LargeBinary


#: Why somebody is to be looked at: a fact changed, the day's hour of displayed scores, the time of a decision.
CHANGED, SCORES_DUE, ROUTE_DUE = 1, 2, 3

#: Literally in an index and in the queries that it serves: no database sees that a bound number fulfils it.
DIRTY, COUNTED, BEING_UNDONE = sa.text("dirty > 0"), sa.text("counted = 1"), sa.text("state = 'undoing'")


def _table(name: str, *columns: sa.Column[object] | sa.Index) -> sa.Table:
    return sa.Table(name, metadata, sa.Column("connection", _text, primary_key=True), *columns)


def _index_where(name: str, table: sa.Table, columns: str, condition: sa.TextClause) -> None:
    """An index of the few rows that fulfil a condition, in words both databases know. (SQLAlchemy has an option per
    database for it, which loads the drivers of each.)"""
    create = sa.DDL(f"CREATE INDEX {name} ON {table.name} ({columns}) WHERE {condition}")  # type: ignore[no-untyped-call]  # SQLAlchemy's gap
    sa.event.listen(table, "after_create", create)


def _key(name: str, kind: Any = _text) -> sa.Column[object]:
    return sa.Column(name, kind, primary_key=True)


connections = _table(
    "connections",
    sa.Column("account", _text),
    sa.Column("confirmed_at", _instant),  # when a person said yes to the first run
    sa.Column("circumstances", _text),  # agreement, wiring, mode and go_live that everyone was last looked at under
    sa.Column("reads", _blob),  # kind -> properties whose values the mirror holds
    sa.Column("described", _blob),  # what offline verbs must know of the account: deal states, owners, day properties
    sa.Column("observed_since", _instant),  # the first run that only observed: history before it is taken as given
    sa.Column("paused_at", _instant),
    sa.Column("paused_until", _instant),  # None while paused: until somebody resumes
    sa.Column("pause_reason", _text),
    sa.Column("schedule", _blob),  # what the daemon last said of this connection: when next, who, what it missed
    sa.Column("lease_owner", _text),
    sa.Column("lease_until", _instant),
    sa.Column("fence", _number, nullable=False, server_default="0"),
    sa.Column("salt", _text),  # of the digests by which those who were forgotten are known again
)

cursors = _table("cursors", _key("name"), sa.Column("value", _text), sa.Column("complete_until", _instant))

records = _table(
    "records",
    _key("kind"),
    _key("id"),
    sa.Column("facts", _blob),
    sa.Column("read_at", _instant),
    sa.Column("created_at", _instant),
    sa.Column("seen", _number),  # the run that last saw its facts change
    sa.Column("scan", _number),  # the run whose full scan last met it
    sa.Column("dirty", _number),  # to be looked at: one of the reasons below
    sa.Column("gone", _number),
    sa.Column("email_hash", _text),  # contacts only: finds the person behind a form submission
    sa.Index("records_email", "connection", "email_hash"),
)

_index_where("records_dirty", records, "connection, kind, id", DIRTY)

links = _table(
    "links",
    _key("kind"),
    _key("id"),
    _key("other_kind"),
    _key("other_id"),
    sa.Column("labels", _text),
    sa.Column("seen", _number),
    sa.Index("links_back", "connection", "other_kind", "other_id", "id"),
)

occurrences = _table(
    "occurrences",
    _key("source"),
    _key("id"),
    sa.Column("person_id", _text),
    sa.Column("email_hash", _text),
    sa.Column("at", _instant),
    sa.Column("details", _blob),
    sa.Column("seen", _number),
    sa.Index("occurrences_person", "connection", "person_id"),
    sa.Index("occurrences_email", "connection", "email_hash"),
)


def _memory(name: str) -> sa.Table:
    """What is remembered of each person."""
    return _table(
        name,
        _key("id"),
        sa.Column("tracks", _blob),
        sa.Column("base", _blob),  # property -> value as we last wrote it, or as it stood at first sight
        sa.Column("intended", _blob),  # property -> value whose write was about to go out
        sa.Column("route_next_at", _instant),
        sa.Column("score_next_at", _instant),
        sa.Index(f"{name}_route", "connection", "route_next_at"),
        sa.Index(f"{name}_score", "connection", "score_next_at"),
    )


people = _memory("people")

#: The same as it would be, had everything been written that was only observed. Forgotten when the mode changes.
shadows = _memory("shadows")

transitions = sa.Table(
    "transitions",
    metadata,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("connection", _text, nullable=False),
    sa.Column("person_id", _text, nullable=False),
    sa.Column("track_id", _text),
    sa.Column("run", _number),
    sa.Column("at", _instant),
    sa.Column("what", _text),
    sa.Column("before", _text),
    sa.Column("after", _text),
    sa.Column("cause", _text),
    sa.Column("because", _text),
    sa.Column("passed_through", _blob),
    sa.Column("fingerprint", _text),
    sa.Column("lead_type", _text),  # of the track; None in rows of before it was kept
    sa.Column("source", _text),  # where the person first came from
    sa.Index("transitions_person", "connection", "person_id"),
)

#: What became of each hand-off, as one row for everything that was learned of it: the last row of a cycle is what is
#: known, the last one up to an instant is what was known then. Nothing is ever changed or taken out.
handoffs = sa.Table(
    "handoffs",
    metadata,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("connection", _text, nullable=False),
    sa.Column("person_id", _text, nullable=False),
    sa.Column("track_id", _text, nullable=False),
    sa.Column("cycle", _number, nullable=False),
    sa.Column("run", _number),
    sa.Column("at", _instant),  # when it was learned
    sa.Column("body", _blob),  # connector.ledger.handoffs.HandOff
    sa.Index("handoffs_person", "connection", "person_id"),
)

changes = _table(
    "changes",
    _key("run", _number),
    _key("person_id"),
    sa.Column("state", _text),
    sa.Column("cause", _text),
    sa.Column("counted", _number),  # 1: counts toward the change budget
    sa.Column("overwrites", _number),  # 1: replaces a value that was not empty
    sa.Column("urgency", _instant),
    sa.Column("body", _blob),
    sa.Column("code", _text),
    sa.Column("message", _text),
    sa.Column("at", _instant),
    sa.Index("changes_next", "connection", "run", "state", sa.text("urgency DESC"), "person_id"),
    sa.Index("changes_person", "connection", "person_id", "run"),
)

_index_where("changes_counted", changes, "connection, at", COUNTED)
_index_where("changes_undoing", changes, "connection, run, person_id", BEING_UNDONE)

tasks = _table(
    "tasks",
    _key("marker"),
    sa.Column("person_id", _text),
    sa.Column("track_id", _text),
    sa.Column("cycle", _number),
    sa.Column("rule", _text),
    sa.Column("run", _number),
    sa.Column("owner_id", _text),
    sa.Column("state", _text),  # intended, sending, created
    sa.Column("task_id", _text),
    sa.Column("at", _instant),
    sa.Index("tasks_person", "connection", "person_id"),
)

clears = _table(
    "clears",
    _key("person_id"),
    _key("property"),
    sa.Column("before", _text),
    sa.Column("target", _text),
    sa.Column("run", _number),
    sa.Column("at", _instant),
)

aside = _table(
    "aside",
    _key("person_id"),
    sa.Column("run", _number),  # that last decided on it
    sa.Column("cause", _text),
    sa.Column("code", _text),  # change_budget, max_share, task_budget, quiet
    sa.Column("owner_id", _text),
    sa.Column("urgency", _instant),
    sa.Column("tasks", _number),
    sa.Column("since", _instant),  # when it was first set aside for this cause
    sa.Column("until", _instant),  # when it goes on by itself, where that is known
    sa.Index("aside_cause", "connection", "code", "cause"),
)

alerts = _table(
    "alerts",
    _key("key"),
    sa.Column("message", _text),
    sa.Column("people", _number),
    sa.Column("run", _number),
    sa.Column("opened_at", _instant),
    sa.Column("closed_at", _instant),
)

observed = _table(
    "observed",
    _key("person_id"),
    _key("track_id"),
    _key("cycle", _number),
    sa.Column("run", _number),
    sa.Column("at", _instant),
    sa.Column("cause", _text),
    sa.Column("reason", _text),
    sa.Column("owner_id", _text),
    sa.Column("stage", _text),
    sa.Column("due_at", _instant),
)

rejects = _table(
    "rejects",
    _key("kind"),
    _key("id"),
    sa.Column("code", _text),
    sa.Column("message", _text),
    sa.Column("payload", _blob),  # the properties refused, each with a digest of the value; whether all stands back
    sa.Column("attempts", _number),
    sa.Column("run", _number),
    sa.Column("at", _instant),  # of the last attempt
    sa.Column("fingerprint", _text),  # agreement, wiring and the account's definitions it was refused under
    sa.Column("first_at", _instant),
    sa.Column("next_at", _instant),  # when it is tried again, even if nothing changes
)

holds = _table(
    "holds",
    _key("person_id"),
    _key("property"),
    sa.Column("live", _text),
    sa.Column("ours", _text),
    sa.Column("since", _instant),
    sa.Column("until", _instant),
    sa.Column("run", _number),
    sa.Column("code", _text),  # edit, conflict
    sa.Column("by", _text),  # who set it: person, import, automation ...
    sa.Column("source", _text),  # the same in the CRM's own words
    sa.Column("name", _text),
    sa.Column("set_at", _instant),
)

reversals = _table(
    "reversals",
    _key("person_id"),
    _key("property"),
    sa.Column("times", _number),  # how often another system set our value back
    sa.Column("standing", _number),  # 1: ours has not been written again since
    sa.Column("by", _text),
    sa.Column("source", _text),
    sa.Column("name", _text),
    sa.Column("last_at", _instant),
    sa.Column("run", _number),
)

#: Which record became part of which. Chains are followed by whoever asks.
merges = _table(
    "merges",
    _key("kind"),
    _key("id"),
    sa.Column("survivor", _text),
    sa.Column("run", _number),
    sa.Column("at", _instant),
    sa.Index("merges_survivor", "connection", "kind", "survivor"),
)

#: Values and links that a record held and holds no more, for as long as that is news: when they are many at once, it
#: is the reading that changed, and not the people.
losses = _table(
    "losses",
    _key("kind"),
    _key("id"),
    _key("field"),  # one of ours, or "links:<kind>"
    sa.Column("run", _number),
    sa.Column("at", _instant),
    sa.Index("losses_field", "connection", "kind", "field", "at"),
)

#: Further e-mail addresses of contacts, as hashes: forms know people by any of them.
addresses = _table(
    "addresses",
    _key("email_hash"),
    _key("person_id"),
    sa.Index("addresses_person", "connection", "person_id"),
)

runs = _table(
    "runs",
    _key("number", _number),
    sa.Column("verb", _text),
    sa.Column("mode", _text),
    sa.Column("status", _text),
    sa.Column("as_of", _instant),
    sa.Column("started_at", _instant),
    sa.Column("finished_at", _instant),
    sa.Column("fingerprint", _text),
    sa.Column("report", _blob),
)

#: What is known of a quota of the CRM: limits, pauses, how much of the day is used. Pools are named by hashes of a
#: token or an account, because connections, and processes, may share one.
quotas = sa.Table("quotas", metadata, _key("pool"), sa.Column("facts", _blob))

#: What each process has of a quota, until when. One that does not come back loses it then.
quota_leases = sa.Table(
    "quota_leases",
    metadata,
    _key("pool"),
    _key("holder"),
    sa.Column("body", _blob),
    sa.Column("until", _instant),
)

#: What a revert took back of a person, and what the agreement would say again: left alone until that is over.
undone = _table(
    "undone",
    _key("person_id"),
    sa.Column("run", _number),  # that was undone
    sa.Column("by", _number),  # the run that undid it
    sa.Column("at", _instant),
    sa.Column("fingerprint", _text),  # of the agreement in force then: another one is a reason to decide anew
    sa.Column("body", _blob),  # connector.ledger.undone.Undone: values and tracks
)

#: Salted digests of record ids and addresses that are never to be kept again.
forgotten = _table("forgotten", _key("digest"), sa.Column("at", _instant))
