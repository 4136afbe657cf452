"""
Property updates: a hundred a call, and one outcome for every id whatever HubSpot answers.

A batch update is the same done twice as done once, but it is never repeated blindly: after a lost answer we look
what arrived and send only what did not. A batch refused as a whole is halved until the poisoned record stands
alone; what that says of a property or an option is remembered, so that a thousand others with the same value cost
no call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connector import codes
from connector.crm import Outcome, Update
from connector.crm.hubspot.api import Api, Call, in_parts, listed, type_of
from connector.crm.hubspot.reading import batch_read
from connector.crm.hubspot.records import ident, instant, texts
from connector.crm.hubspot.refusals import OF_THE_PROPERTY, Refusal
from connector.crm.hubspot.verdict import Complaint, Refused, complaint
from connector.crm.lost_answers import NOT_APPLIED, settle
from connector.errors import Deferred, NotFound, OutcomeUnknown, Transient

Outcomes = dict[str, Outcome]

GONE = "not in HubSpot any more"


def write(api: Api, kind: str, updates: Sequence[Update]) -> list[Outcome]:
    """Set properties, several batches at once; outcomes in the order of the updates."""
    if len({update.id for update in updates}) < len(updates):
        raise ValueError("an id stands twice in one write; HubSpot applies the rows of a batch in any order")
    parts = in_parts(updates, lambda: api.sizes["write"])
    outcomes: Outcomes = {}
    for settled in api.each(lambda part: _settle(api, kind, part), parts, writing=True):
        outcomes |= settled
    return [outcomes[update.id] for update in updates]


def _settle(api: Api, kind: str, updates: Sequence[Update]) -> Outcomes:
    """Write one batch and account for every id in it."""
    return settle(
        updates,
        send=lambda part: _send(api, kind, part),
        look=lambda left, _: _look(api, kind, left),
        rest=lambda vain: api.policy.sleep(api.policy.wait(vain)),
    )


def _send(api: Api, kind: str, updates: Sequence[Update]) -> Outcomes:
    """One batch update, halved as often as HubSpot refuses it as a whole."""
    outcomes = _foreseen(api, kind, updates)
    updates = [update for update in updates if update.id not in outcomes]
    if not updates:
        return outcomes
    try:
        answer = _update(api, kind, updates)
    except OutcomeUnknown as error:
        return outcomes | _all(updates, "unknown", codes.of(error), "the answer was lost")
    except (Deferred, Transient) as error:  # retried already, and certainly not applied
        return outcomes | _all(updates, "deferred", codes.of(error), str(error))
    except NotFound as error:  # one of them is gone, or the call is not there: who can still be read is not gone
        return outcomes | _all(updates, "unknown", codes.of(error), "HubSpot knows no such record, or no such call")
    except Refused as error:
        return outcomes | _isolate(api, kind, updates, error)
    return outcomes | _account(api, kind, updates, answer)


def _update(api: Api, kind: str, updates: Sequence[Update]) -> dict[str, Any]:
    # The id serves as trace id: unique within the batch, and errors that name it need no look-up.
    inputs = [
        {"id": update.id, "objectWriteTraceId": update.id, "properties": dict(update.properties)} for update in updates
    ]
    call = Call("batch_update", "write", params=type_of(kind), body={"inputs": inputs}, repeatable=False)
    return api.ask(call)


def _isolate(api: Api, kind: str, updates: Sequence[Update], error: Refused) -> Outcomes:
    """A batch was refused as a whole: find who is meant, in as few calls as the answer allows."""
    if error.allowed is not None and api.sizes.shrink("write", len(updates), error.allowed):
        pieces = in_parts(updates, lambda: min(api.sizes["write"], len(updates) - 1))
        return _merged(_send(api, kind, piece) for piece in pieces)
    if error.code in OF_THE_PROPERTY and any(_names(update, error) for update in updates):
        for name in error.properties:
            api.refusals[kind, name, None] = Refusal(error.code, error.sentence, of_the_property=True)
        return _send(api, kind, updates)
    if len(updates) > 1:
        return _halves(api, kind, updates)
    _learn(api, kind, updates[0], error)
    return {update.id: _rejected(update, error) for update in updates}


def _learn(api: Api, kind: str, update: Update, said: Refused | Complaint) -> None:
    """An option that is not there is not there for anybody."""
    names = _names(update, said)
    if said.ours == "value_not_allowed" and len(names) == 1:
        key = (kind, names[0], update.properties[names[0]])
        api.refusals.setdefault(key, Refusal(said.ours, said.sentence)).ids.add(update.id)


def _unlearn(api: Api, kind: str, updates: Iterable[Update]) -> None:
    """Taken after all: what was refused for it was refused for the record."""
    suspects = [(name, value, one) for (of, name, value), one in list(api.refusals.items()) if of == kind]
    for update in updates:
        for name, value, one in suspects:
            if value is not None and update.properties.get(name) == value:
                one.taken = True


def _foreseen(api: Api, kind: str, updates: Sequence[Update]) -> Outcomes:
    """Those of whom it is known from others what HubSpot would say."""
    known = {(name, value): one for (of, name, value), one in list(api.refusals.items()) if of == kind and one.holds}
    outcomes: Outcomes = {}
    for update in updates if known else ():
        found = {
            name: one
            for name, value in update.properties.items()
            if (one := known.get((name, None)) or known.get((name, value)))
        }
        if found:
            first = next(iter(found.values()))
            outcomes[update.id] = Outcome(update.id, "rejected", {}, first.code, first.sentence, tuple(found))
    return outcomes


def _halves(api: Api, kind: str, updates: Sequence[Update]) -> Outcomes:
    """Both halves on their own; nothing for a single update, which cannot be halved."""
    if len(updates) == 1:
        return {}
    middle = len(updates) // 2
    return _send(api, kind, updates[:middle]) | _send(api, kind, updates[middle:])


# -- reading the answer ----------------------------------------------------------------------------------


def _account(api: Api, kind: str, updates: Sequence[Update], answer: Mapping[str, Any]) -> Outcomes:
    """Results and errors of a 200 or 207, brought back to the ids that were sent."""
    sent = {update.id: update for update in updates}
    outcomes: Outcomes = {}
    for entry in listed(answer):
        id_ = ident(entry.get("id"))
        if id_ in sent:
            outcomes[id_] = Outcome(id_, "written", texts(entry.get("properties")))
    if api.refusals:
        _unlearn(api, kind, (sent[id_] for id_ in outcomes))
    nameless: Complaint | None = None
    for said in map(complaint, listed(answer, "errors")):
        meant = [id_ for id_ in said.ids if id_ in sent and id_ not in outcomes]
        outcomes |= {id_: _refusal(sent[id_], said) for id_ in meant}
        for id_ in meant:
            _learn(api, kind, sent[id_], said)
        nameless = nameless if meant else said
    silent = [update for id_, update in sent.items() if id_ not in outcomes]
    return outcomes | _silent(api, kind, silent, nameless)


def _silent(api: Api, kind: str, updates: Sequence[Update], said: Complaint | None) -> Outcomes:
    """Ids the answer passes over: with an error that names nobody they are asked again in halves until it is clear;
    without one nobody knows, and they are looked up."""
    if not updates:
        return {}
    if said is None:
        return _all(updates, "unknown", "not_in_answer", "the answer does not mention it")
    if len(updates) == 1:
        return {updates[0].id: _refusal(updates[0], said)}
    return _halves(api, kind, updates)


def _refusal(update: Update, said: Complaint) -> Outcome:
    if said.about_absence and not said.properties:
        return Outcome(update.id, "gone", code="gone", message=GONE)
    return _rejected(update, said)


def _rejected(update: Update, said: Refused | Complaint) -> Outcome:
    return Outcome(update.id, "rejected", {}, said.ours, said.sentence, _names(update, said))


def _all(updates: Sequence[Update], state: Any, code: str, message: str) -> Outcomes:
    return {update.id: Outcome(update.id, state, code=code, message=message) for update in updates}


def _names(update: Update, said: Refused | Complaint) -> tuple[str, ...]:
    """The properties of an update that HubSpot named."""
    return tuple(name for name in said.properties if name in update.properties)


def _merged(parts: Iterable[Outcomes]) -> Outcomes:
    return {id_: outcome for part in parts for id_, outcome in part.items()}


# -- looking what arrived --------------------------------------------------------------------------------


def _look(api: Api, kind: str, updates: Sequence[Update]) -> Outcomes:
    """After a lost answer: what stands in HubSpot now. Values that are not ours (yet) stay unknown; whoever is passed
    over is asked for twice before they count as gone."""
    properties = sorted({name for update in updates for name in update.properties})
    stored: dict[str, Mapping[str, str | None]] = {}
    for _ in range(2):
        missing = [update.id for update in updates if update.id not in stored]
        found = batch_read(api, kind, missing, properties) if missing else ()
        stored |= {one.id: one.properties for one in found}
    return {update.id: _seen(update, stored.get(update.id)) for update in updates}


def _seen(update: Update, stored: Mapping[str, str | None] | None) -> Outcome:
    if stored is None:
        return Outcome(update.id, "gone", code="gone", message=GONE)
    there = [same(value, stored.get(name)) for name, value in update.properties.items()]
    if all(there):
        return Outcome(update.id, "written", stored)
    code, how = ("no_answer", "all") if any(there) else (NOT_APPLIED, "there")
    return Outcome(update.id, "unknown", code=code, message=f"the answer was lost and the values are not {how}")


def same(sent: str, stored: str | None) -> bool:
    """Whether a stored value is the one that was sent, in whatever form HubSpot keeps it."""
    if sent == (stored or ""):
        return True
    if not sent or not stored:
        return False
    try:
        return float(sent) == float(stored)
    except ValueError:
        moment = instant(sent)
        return moment is not None and moment == instant(stored)
