"""Which contact has which e-mail address; found out at the first question, kept up to date from then on."""

from __future__ import annotations

from collections.abc import Mapping

from connector.sandbox.store import Store


class Addresses:
    """Contact ids by e-mail address. What it says is a hint: who asks checks that the contact still has the address."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ids: dict[str, str] | None = None

    def remember(self, kind: str, id: str, values: Mapping[str, str]) -> None:
        """A record was written; nothing to do before the first question."""
        if kind == "contacts" and self._ids is not None and values.get("email"):
            self._ids[values["email"].lower()] = id

    def find(self, email: str) -> str | None:
        """The contact that had this address last."""
        if self._ids is None:
            self._ids = self._all()
        return self._ids.get(email.lower())

    def _all(self) -> dict[str, str]:
        store = self._store
        born = enumerate(store.column("contacts", "email"))
        ids = {email.lower(): store.population.id_of("contacts", number) for number, email in born if email}
        for id, row in store.written("contacts").items():
            if email := row.values(store.born("contacts", row)).get("email"):
                ids[email.lower()] = id
        return ids
