"""
Associations, read in batches of a thousand; records with very many partners come in several pages.

A pair of labels reads differently from its two ends ("Manager" there, "Employee" here). What a person is on a deal is
said from the person's end, so whatever has a label is asked for from there as well: else the same link would seem to
change with the end from which it was read last.

A record without partners is named in the errors of a 207. Who stands neither there nor among the results fell out of
the answer and is asked after again: silence must not end a link, nor make a task twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connector.crm.hubspot.api import Api, Call, in_parts, listed, next_page, shrinking
from connector.crm.hubspot.names import PRIMARY_TYPES, TYPES
from connector.crm.hubspot.records import ident
from connector.errors import CrmError
from connector.log import get_logger
from connector.model import PRIMARY, Link

log = get_logger("connector.crm")

#: One question: a record id and, from its second page on, where to go on.
Input = dict[str, str]
#: partner id -> labels, both in the order met; the same partner comes once per label type
Partners = dict[str, dict[str, None]]


def links(api: Api, kind: str, ids: Sequence[str], to: str) -> Mapping[str, tuple[Link, ...]]:
    """Partners of each record; () where HubSpot says that there are none, nothing where it says nothing (see CRM).
    Labels are those of the person's end."""
    found = _partners(api, kind, ids, to)
    if to == "contact" and kind != "contact":
        _name_from_the_other_end(api, kind, found)
    return {
        id_: tuple(Link(to_id, tuple(labels)) for to_id, labels in partners.items()) for id_, partners in found.items()
    }


def _name_from_the_other_end(api: Api, kind: str, found: Mapping[str, Partners]) -> None:
    """Put the labels that lead from a contact in the place of those that lead to one."""
    named = {to_id for partners in found.values() for to_id, labels in partners.items() if labels}
    theirs = _partners(api, "contact", sorted(named), kind) if named else {}
    for id_, partners in found.items():
        for to_id in partners:
            partners[to_id] = theirs.get(to_id, {}).get(id_, partners[to_id])


def _partners(api: Api, kind: str, ids: Sequence[str], to: str) -> dict[str, Partners]:
    """Partners of each record, {} for none; records of which HubSpot said nothing, however often asked, are missing."""
    found: dict[str, Partners] = {id_: {} for id_ in ids}
    inputs: list[Input] = [{"id": id_} for id_ in found]
    asking = api.unlinked.asking()
    while inputs:
        more, silent = _look(api, kind, inputs, to, found)
        asked = {(one["id"], one.get("after")) for one in inputs} if more else ()
        if any((one["id"], one["after"]) in asked for one in more):
            raise CrmError(f"associations from {kind} to {to} do not advance", code="links_stuck")
        if silent and asking.is_enough(len(inputs), len(silent)):
            _given_up(api, silent, found)
            silent = []
        inputs = more + silent
    return found


def _look(
    api: Api, kind: str, inputs: Sequence[Input], to: str, found: dict[str, Partners]
) -> tuple[list[Input], list[Input]]:
    """Ask once and add what is told; the questions for following pages, and those that no answer says a word to."""
    more: list[Input] = []
    silent: list[Input] = []
    parts = in_parts(inputs, lambda: api.sizes["links"])
    for part, answers in api.each(lambda part: (part, _ask(api, kind, part, to)), parts):
        told: set[str] = set()
        unnamed = 0  # who are said to have none, without a word who they are
        for answer in answers:
            for entry in listed(answer):
                if (id_ := _source(entry)) in found:
                    told.add(id_)
                    more += _collect(id_, entry, found[id_], PRIMARY_TYPES.get((kind, to)))
            for error in filter(_says_none, listed(answer, "errors")):
                api.unlinked.named = True
                named = _named(error)
                told |= named
                unnamed += not named
        rest = [one for one in part if one["id"] not in told]
        silent += rest if len(rest) > unnamed else ()
    return more, silent


def _given_up(api: Api, silent: Sequence[Input], found: dict[str, Partners]) -> None:
    """What silence means in the end: that nobody knows, or none, in an account that names nobody who has none."""
    unknown = [one["id"] for one in silent if api.unlinked.named or "after" in one]
    for id_ in unknown:
        found.pop(id_, None)
    if unknown:
        log.warning("associations are not told, and stay as they were", records=unknown[:3], number=len(unknown))


def _ask(api: Api, kind: str, part: Sequence[Input], to: str) -> list[dict[str, Any]]:
    params = {"type": TYPES[kind], "to": TYPES[to]}

    def ask(inputs: Sequence[Input]) -> dict[str, Any]:
        return api.ask(Call("links", "links", params=params, body={"inputs": list(inputs)}, lists=True))

    return shrinking(api, "links", part, ask)


def _source(entry: Mapping[str, Any]) -> str:
    """The record that an entry is about; "" where it does not say."""
    source = entry.get("from")
    return (ident(source.get("id")) if isinstance(source, dict) else None) or ""


def _says_none(error: Mapping[str, Any]) -> bool:
    """Whether an error of a 207 says that a record has no partners, or is not there."""
    return "NO_ASSOCIATIONS" in str(error.get("subCategory")) or error.get("category") == "OBJECT_NOT_FOUND"


def _named(error: Mapping[str, Any]) -> set[str]:
    """The records that such an error is about."""
    context = error.get("context")
    ids = context.get("fromObjectId") if isinstance(context, dict) else None
    return {id_ for one in (ids if isinstance(ids, list) else [ids]) if (id_ := ident(one))}


def _collect(id_: str, entry: Mapping[str, Any], partners: Partners, primary: str | None) -> list[Input]:
    """Add one record's partners; the question for its next page, where there is one."""
    for partner in listed(entry, "to"):
        to_id = ident(partner.get("toObjectId", partner.get("id")))
        if to_id is not None:
            partners.setdefault(to_id, {}).update(dict.fromkeys(_labels(partner, primary)))
    after = next_page(entry)
    return [{"id": id_, "after": after}] if after else []


def _labels(partner: Mapping[str, Any], primary: str | None) -> list[str]:
    """Label texts; the primary type is called PRIMARY whatever the account's language calls it."""
    types = listed(partner, "associationTypes")
    names = [PRIMARY if primary and ident(type_.get("typeId")) == primary else type_.get("label") for type_ in types]
    return [name for name in names if isinstance(name, str) and name]
