"""
The Web API over an `Environment`: who may call, how often, and who answers.

Nothing here knows sockets: `answer` turns a `Call` into an `Answer`. Operations of a batch come through `performed`,
too, but are let in only once, with their batch.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from uuid import uuid4

from connector.sandbox.dataverse import actions, attributes, batch, metadata, multiple, reading, writing
from connector.sandbox.dataverse.environment import Environment
from connector.sandbox.dataverse.errors import body, malformed, refused
from connector.sandbox.dataverse.limits import Limits
from connector.sandbox.dataverse.login import Login
from connector.sandbox.dataverse.request import ENTITLED, Request, Segment, segments
from connector.sandbox.exchange import Answer, Call, Refusal
from connector.sandbox.traffic import Traffic

_ROOT = re.compile(r"/api/data/v9\.[012]/")
CRM = "Microsoft.Dynamics.CRM."
Answers = Callable[[Request], Answer]

#: What is answered by the shape of its path and its method. Parts: a set, a row in brackets, a word.
_ROWS: dict[tuple[str, str], tuple[Answers, str]] = {
    ("GET", "set"): (reading.several, "page"),
    ("GET", "set/$count"): (reading.count, "count"),
    ("GET", "row"): (reading.one, "read"),
    ("POST", "set"): (writing.create, "create"),
    ("POST", "set/CreateMultiple"): (multiple.create, "CreateMultiple"),
    ("POST", "set/UpdateMultiple"): (multiple.update, "UpdateMultiple"),
    ("POST", "set/UpsertMultiple"): (multiple.upsert, "UpsertMultiple"),
    ("PATCH", "row"): (writing.update, "update"),
    ("DELETE", "row"): (writing.delete, "delete"),
    ("PUT", "row/property"): (writing.put_property, "update"),
    ("DELETE", "row/property"): (writing.delete_property, "update"),
}
_METADATA: dict[tuple[str, str], Answers] = {
    ("GET", "EntityDefinitions"): metadata.definitions,
    ("GET", "EntityDefinitions()"): metadata.definition,
    ("GET", "EntityDefinitions()/Attributes"): metadata.attributes,
    ("POST", "EntityDefinitions()/Attributes"): attributes.create,
    ("GET", "EntityDefinitions()/Attributes/cast"): metadata.attributes,
    ("GET", "EntityDefinitions()/Attributes()"): metadata.attribute,
    ("GET", "EntityDefinitions()/Attributes()/cast"): metadata.attribute,
    ("GET", "EntityDefinitions()/ManyToOneRelationships"): metadata.relationships,
    ("GET", "EntityDefinitions()/Keys"): metadata.keys,
}
_UNBOUND: dict[tuple[str, str], Answers] = {
    ("GET", "WhoAmI"): actions.who_am_i,
    ("GET", "RetrieveTotalRecordCount"): actions.total_count,
    ("POST", "Merge"): actions.merge,
    ("POST", "WinOpportunity"): actions.win_opportunity,
    ("POST", "LoseOpportunity"): actions.lose_opportunity,
    ("POST", "InsertOptionValue"): attributes.insert_option,
    ("POST", "PublishXml"): actions.publish,
    ("POST", "PublishAllXml"): actions.publish,
}
#: The same for what is bound to a row, by its set.
_BOUND: dict[tuple[str, str, str], Answers] = {
    ("GET", "systemusers", "row/RetrieveUserPrivileges"): actions.privileges,
    ("GET", "audits", "row/RetrieveAuditDetails"): actions.audit_details,
    ("POST", "leads", "row/QualifyLead"): actions.qualify_lead,
}


class Dataverse:
    """The environment's door: token, limits, user, then whoever answers."""

    def __init__(self, environment: Environment, *, token: str, scheme: str = "http") -> None:
        self.environment = environment
        self.login = Login(environment)
        self.limits = Limits(environment)
        self.traffic = Traffic()
        self.counted: Counter[str] = Counter()  # rows, what counts for the day, and calls by class
        self.token = token  # the static one; "" when only the login opens the environment
        self.cookies_seen = 0
        self._scheme = scheme

    def answer(self, call: Call) -> Answer:
        """What Dataverse, or the login before it, would say."""
        root = _ROOT.match(call.path)
        if root is None:
            self.counted["login"] += 1
            return self.login.answer(call)
        self.cookies_seen += "cookie" in call.headers
        server = self.limits.server(call.headers.get("cookie", ""))
        try:
            if len(call.target) > self.environment.switches.address_limit:
                raise refused("Malformed", "The address is too long.", status=414)
            self._check_token(call)
            throttled = self.limits.admit(server, self.traffic.under_way)
            self.traffic.count("requests", self.environment.clock.now(), refused=throttled is not None)
            said = throttled or self._admitted(call, server)
        except Refusal as refusal:
            said = refusal.answer
        return self._headed(said, server)

    def performed(self, call: Call, *, in_batch: bool = False) -> Answer:
        """One operation of an admitted call; what is wrong with it comes as a Refusal."""
        root = _ROOT.match(call.path)
        path = call.path[root.end() :] if root else call.path.lstrip("/")
        service = root[0].rstrip("/") if root else "/api/data/v9.2"
        base = f"{self._scheme}://{call.headers.get('host', 'sandbox')}{service}"
        request = Request(self.environment, call, base, segments(path), self.counted, in_batch)
        if not request.segments:
            raise malformed("The service root is not served here; ask for a set or a function.")
        return self._routed(request)

    def _routed(self, request: Request) -> Answer:
        method, first = request.call.method, request.segments[0]
        if (method, first.name) == ("POST", "$batch"):
            self.counted["batch"] += 1
            return batch.answer(request, lambda call: self.performed(call, in_batch=True), self._coded)
        if first.name.startswith("EntityDefinitions"):
            return self._told(request, _METADATA.get((method, _metadata_shape(request.segments))), "metadata")
        name = first.name.removeprefix(CRM)
        if len(request.segments) == 1 and (method, name) in _UNBOUND:
            return self._told(request, _UNBOUND[method, name], name)
        shape = _shape(request.segments)
        if (method, first.name, shape) in _BOUND:
            return self._told(request, _BOUND[method, first.name, shape], shape.partition("/")[2])
        answers, counted = _ROWS.get((method, _as_property(shape)), (None, ""))
        return self._told(request, answers, counted)

    def _told(self, request: Request, answers: Answers | None, counted: str) -> Answer:
        if answers is None:
            table = self.environment.sets.get(request.segments[0].name)
            if table is None and request.segments[0].name != "EntityDefinitions":
                raise refused("NoRoute", f"Resource not found for the segment '{request.segments[0].name}'.")
            raise refused("NotSupported", f"The sandbox does not support {request.call.method} here.")
        self.counted[counted] += 1
        self.counted[ENTITLED] += 1
        return answers(request)

    def _admitted(self, call: Call, server: int) -> Answer:
        """A call that may come in, and what it costs: time for each operation, and some of the day's entitlement."""
        entitled, operations = self.counted[ENTITLED], self.counted["batch operation"]
        try:
            self._check_user()
            return self._coded(self.performed(call))
        except Refusal as refusal:
            return self._coded(refusal.answer)
        finally:
            switches = self.environment.switches
            times = max(1, self.counted["batch operation"] - operations)
            took = (switches.latency_ms + times * switches.execution_ms) / 1000
            self.limits.spend(server, took, self.counted[ENTITLED] - entitled)

    def _check_token(self, call: Call) -> None:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer" and token and token == self.token:
            return
        ends_at = self.login.ends_at(token) if scheme == "Bearer" else None
        if ends_at is not None and self.environment.clock.now() < ends_at:
            return
        where = {
            "WWW-Authenticate": f'Bearer authorization_uri="https://{call.headers.get("host", "")}/oauth2/authorize"'
        }
        if ends_at is not None:
            raise refused("TokenExpired", "The token expired.", headers=where)
        raise refused("NoToken", "The requested resource requires authentication.", headers=where)

    def _check_user(self) -> None:
        """Whether the app has a user here that may do anything at all."""
        app = self.environment.app
        if not app.is_member:
            raise refused("NotMember", "The user is not a member of the organization.")
        if app.disabled:
            raise refused("UserDisabled", "The system user was disabled therefore the ticket expired.")
        if not app.has_roles:
            raise refused("NoRoles", "The user has not been assigned any roles.")

    def _coded(self, answer: Answer) -> Answer:
        """An error without its code, where that is switched."""
        if not (self.environment.switches.blank_codes and isinstance(answer.body, dict) and "error" in answer.body):
            return answer
        return replace(answer, body=body("", answer.body["error"]["message"]))

    def _headed(self, answer: Answer, server: int) -> Answer:
        told = {"OData-Version": "4.0", "x-ms-service-request-id": str(uuid4()), "REQ_ID": str(uuid4())}
        if self.environment.switches.tells_time:
            told["Date"] = formatdate(self.environment.clock.now() / 1000, usegmt=True)
        odata = {"content-type": "application/json; odata.metadata=minimal"} if answer.body is not None else {}
        return replace(answer, headers=told | odata | self.limits.headers(server) | dict(answer.headers))


def _shape(parts: tuple[Segment, ...]) -> str:
    """A path below a set as a pattern: "set", "row", "set/$count", "row/SomeAction"."""
    first = "set" if parts[0].key is None else "row"
    return "/".join([first, *(part.name.removeprefix(CRM) for part in parts[1:])])


def _as_property(shape: str) -> str:
    """The same with a plain name behind a row as what it is: a property."""
    first, _, rest = shape.partition("/")
    return "row/property" if first == "row" and rest.islower() and "/" not in rest else shape


def _metadata_shape(parts: tuple[Segment, ...]) -> str:
    """A metadata path as a pattern, with "()" for what has a key and "cast" for a cast."""
    return "/".join(
        "cast" if part.name.startswith(CRM) else part.name + ("()" if part.key is not None else "") for part in parts
    )
