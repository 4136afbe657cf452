"""
Whom records can belong to: users, those who are disabled included, and teams that own.
"""

from __future__ import annotations

from collections.abc import Iterator

from connector.crm import Owner
from connector.crm.dynamics.api import Call
from connector.crm.dynamics.environment import Environment
from connector.crm.dynamics.metadata import Fact, rows
from connector.crm.dynamics.plainly import plainly
from connector.crm.dynamics.refusals import Refused
from connector.errors import Denied, NotFound

#: A team that only shares access owns nothing.
_ACCESS_TEAM = 1


def owners(env: Environment) -> Iterator[Owner]:
    """Everybody, with the teams of each. Who may not read teams gets owners without them."""
    teams = {_id(one, "teamid"): one for one in _readable(env, "teams", "teamid,name,teamtype")}
    words: dict[str, list[str]] = {}
    for one in _readable(env, "teammemberships", "systemuserid,teamid") if teams else ():
        if (team := teams.get(_id(one, "teamid"))) is not None:
            words.setdefault(_id(one, "systemuserid"), []).extend(_words(team))
    users = Call("systemusers", "describe", query=(("$select", _OF_USERS),))
    for one in plainly(lambda call: list(rows(env, call)), users, _OF_ANY_USER):
        yield _user(one, tuple(words.get(_id(one, "systemuserid"), ())))
    for id, team in teams.items():
        if team.get("teamtype") != _ACCESS_TEAM:
            yield Owner(id, "", active=True, name=str(team.get("name") or ""), teams=_words(team))


_OF_ANY_USER = "systemuserid,fullname"
_OF_USERS = f"{_OF_ANY_USER},internalemailaddress,isdisabled"


def _user(row: Fact, teams: tuple[str, ...]) -> Owner:
    id = _id(row, "systemuserid")
    return Owner(
        id,
        str(row.get("internalemailaddress") or ""),
        active=row.get("isdisabled") is not True,
        name=str(row.get("fullname") or ""),
        user_id=id,
        teams=teams,
    )


def _id(row: Fact, key: str) -> str:
    """An id as records have it, in small letters; "" where there is none."""
    return str(row.get(key) or "").lower()


def _words(team: Fact) -> tuple[str, ...]:
    """What a team is called: its name and its id."""
    return tuple(str(word) for word in (team.get("name"), _id(team, "teamid")) if word)


def _readable(env: Environment, set_name: str, select: str) -> list[Fact]:
    try:
        return list(rows(env, Call(set_name, "describe", query=(("$select", select),))))
    except (Denied, NotFound, Refused) as error:
        if isinstance(error, Denied) and error.code != "scope":
            raise
        return []
