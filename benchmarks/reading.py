"""The yardsticks: reading the same people without us, by a plain loop and through the official client's models."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from pathlib import Path

import orjson
from account import TOKEN
from measure import Result, Stopwatch

#: The load that DESIGN section 10 speaks of.
PROPERTIES = 25
PAGE = 100


def plain(_folder: Path, url: str, people: int) -> Result:
    """`requests` and `orjson`, one page after the other, nothing kept."""
    import requests  # noqa: PLC0415 - each yardstick pays for its own library only

    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {TOKEN}"
    session.trust_env = False
    properties = _properties(url)

    def page(after: str | None) -> tuple[int, str | None]:
        query = {"limit": str(PAGE), "properties": ",".join(properties)} | ({"after": after} if after else {})
        answer = orjson.loads(session.get(f"{url}/crm/objects/2026-03/contacts", params=query, timeout=60).content)
        return len(answer["results"]), answer.get("paging", {}).get("next", {}).get("after")

    return _all(page, people)


def models(_folder: Path, url: str, people: int) -> Result:
    """`hubspot-api-client` as its documentation shows it."""
    from hubspot.crm.contacts import ApiClient, BasicApi, Configuration  # noqa: PLC0415 - see plain

    client = ApiClient(Configuration(host=url), header_name="Authorization", header_value=f"Bearer {TOKEN}")
    api, properties = BasicApi(client), _properties(url)

    def page(after: str | None) -> tuple[int, str | None]:
        answer = api.get_page(limit=PAGE, properties=properties, **({"after": after} if after else {}))
        return len(answer.results), answer.paging.next.after if answer.paging and answer.paging.next else None

    return _all(page, people)


def _all(page: Callable[[str | None], tuple[int, str | None]], people: int) -> Result:
    """Pages until there is none, or until enough people were met."""
    watch, met, after = Stopwatch(), 0, None
    while met < people:
        found, after = page(after)
        met += found
        if after is None:
            break
    return {**watch.read(), "people": met}


def _properties(url: str) -> list[str]:
    """The first properties of the account, our own ones left out: at this point nobody has written them."""
    wanted = urllib.request.Request(
        f"{url}/crm/properties/2026-03/contacts", headers={"Authorization": f"Bearer {TOKEN}"}
    )
    with urllib.request.urlopen(wanted, timeout=60) as answer:
        names = [one["name"] for one in orjson.loads(answer.read())["results"]]
    return [name for name in names if not name.startswith("cx_")][:PROPERTIES]
