"""
Associations, read in batches of a thousand; records with very many partners come in several pages.

A pair of labels reads differently from its two ends ("Manager" there, "Employee" here). What a person is on a deal is
said from the person's end, so whatever has a label is asked for from there as well: else the same link would seem to
change with the end from which it was read last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connector.crm.hubspot.api import Api, Call, in_parts, listed, shrinking
from connector.crm.hubspot.names import PRIMARY_TYPES, TYPES
from connector.crm.hubspot.records import ident
from connector.errors import CrmError
from connector.model import PRIMARY, Link

#: One question: a record id and, from its second page on, where to go on.
Input = dict[str, str]
#: partner id -> labels, both in the order met; the same partner comes once per label type
Partners = dict[str, dict[str, None]]


def links(api: Api, kind: str, ids: Sequence[str], to: str) -> Mapping[str, tuple[Link, ...]]:
    """Partners of each record; none, absent and reported-as-error all mean (). Labels are those of the person's end."""
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
    found: dict[str, Partners] = {id_: {} for id_ in ids}
    inputs: list[Input] = [{"id": id_} for id_ in found]
    while inputs:
        more: list[Input] = []
        parts = in_parts(inputs, lambda: api.sizes["links"])
        for answers in api.each(lambda part: _ask(api, kind, part, to), parts):
            for entry in (entry for answer in answers for entry in listed(answer)):
                more += _collect(entry, found, PRIMARY_TYPES.get((kind, to)))
        if more == inputs:
            raise CrmError(f"associations from {kind} to {to} do not advance", code="links_stuck")
        inputs = more
    return found


def _ask(api: Api, kind: str, part: Sequence[Input], to: str) -> list[dict[str, Any]]:
    params = {"type": TYPES[kind], "to": TYPES[to]}

    def ask(inputs: Sequence[Input]) -> dict[str, Any]:
        return api.ask(Call("links", "links", params=params, body={"inputs": list(inputs)}, lists=True))

    return shrinking(api, "links", part, ask)


def _collect(entry: Mapping[str, Any], found: dict[str, Partners], primary: str | None) -> list[Input]:
    """Add one record's partners; the question for its next page, where there is one."""
    source = entry.get("from")
    id_ = ident(source.get("id")) if isinstance(source, dict) else None
    partners = found.get(id_ or "")
    if id_ is None or partners is None:
        return []
    for partner in listed(entry, "to"):
        to_id = ident(partner.get("toObjectId", partner.get("id")))
        if to_id is not None:
            partners.setdefault(to_id, {}).update(dict.fromkeys(_labels(partner, primary)))
    paging = entry.get("paging")
    after = (paging.get("next") or {}).get("after") if isinstance(paging, dict) else None
    return [{"id": id_, "after": str(after)}] if after else []


def _labels(partner: Mapping[str, Any], primary: str | None) -> list[str]:
    """Label texts; the primary type is called PRIMARY whatever the account's language calls it."""
    types = listed(partner, "associationTypes")
    names = [PRIMARY if primary and ident(type_.get("typeId")) == primary else type_.get("label") for type_ in types]
    return [name for name in names if isinstance(name, str) and name]
