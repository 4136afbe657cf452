"""Lists (segments) with their members, and forms with what was submitted: where dated signals come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connector.sandbox.population import Population


@dataclass(slots=True)
class ContactList:
    """One list of contacts. `members` maps record id to (first added, last added)."""

    id: str
    name: str
    members: dict[str, tuple[int, int]] = field(default_factory=dict)
    changed_at: int = 0
    _joined: list[tuple[int, int]] = field(default_factory=list, repr=False, compare=False)
    _ids: list[int] = field(default_factory=list, repr=False, compare=False)

    def by_join_order(self) -> list[tuple[int, int]]:
        """Members as (last added, record id), in the order in which they joined."""
        if not self._joined:
            self._joined = sorted((last, int(contact_id)) for contact_id, (_, last) in self.members.items())
        return self._joined

    def by_id(self) -> list[int]:
        """Their record ids in order."""
        if not self._ids:
            self._ids = sorted(map(int, self.members))
        return self._ids

    def resort(self) -> None:
        """Whoever changed `members` says so."""
        self._joined, self._ids = [], []

    def join(self, contact_id: str, at: int) -> None:
        """Add a contact; one who comes back keeps the first added-time and gets a new last one."""
        first, _ = self.members.get(contact_id, (at, at))
        self.members[contact_id] = (first, at)
        self.changed_at = max(self.changed_at, at)
        self.resort()

    def leave(self, contact_id: str, at: int) -> None:
        self.members.pop(contact_id, None)
        self.changed_at = max(self.changed_at, at)
        self.resort()


@dataclass(frozen=True, slots=True)
class Submission:
    """One submission of a form; it knows an e-mail address, never a contact id."""

    id: str
    at: int
    values: tuple[tuple[str, str], ...]
    page_url: str


class Audience:
    """The account's lists and forms."""

    def __init__(self, population: Population) -> None:
        self._population = population
        self._lists: dict[str, ContactList] | None = None
        self._forms: dict[str, list[Submission]] | None = None

    @property
    def lists(self) -> dict[str, ContactList]:
        """Every list by its name in lower case; the generated ones are counted out at first sight."""
        if self._lists is None:
            self._lists = {}
            for name, members in self._population.members().items():
                self._fill(self.add_list(name), members)
        return self._lists

    @property
    def forms(self) -> dict[str, list[Submission]]:
        """Submissions by form id, oldest first."""
        if self._forms is None:
            self._forms = {}
            for form, submissions in self._population.submissions().items():
                self._forms[form] = []
                for at, values in sorted(submissions, key=lambda pair: pair[0]):
                    self.submit(form, values, at)
        return self._forms

    def add_list(self, name: str, *, id: str | None = None) -> ContactList:
        """Create an empty list; an existing name gives the list there is."""
        lists = self.lists
        return lists.setdefault(name.casefold(), ContactList(id or str(len(lists) + 1), name))

    def list_of_id(self, id: str) -> ContactList | None:
        return next((one for one in self.lists.values() if one.id == id), None)

    def lists_of(self, contact_id: str) -> list[ContactList]:
        return [one for one in self.lists.values() if contact_id in one.members]

    def add_form(self, form: str) -> None:
        """Create a form without submissions."""
        self.forms.setdefault(form, [])

    def submit(self, form: str, values: Mapping[str, str], at: int, page_url: str = "") -> Submission:
        """Somebody fills in a form; late arrivals are sorted in."""
        kept = self.forms.setdefault(form, [])
        url = page_url or f"https://www.company.example/{form}"
        submission = Submission(f"{form}-{len(kept) + 1:08}", at, tuple(values.items()), url)
        kept.append(submission)
        if len(kept) > 1 and kept[-2].at > at:
            kept.sort(key=lambda one: one.at)
        return submission

    def move(self, loser: str, survivor: str) -> None:
        """The survivor of a merge takes over the memberships."""
        for one in self.lists_of(loser):
            _, at = one.members.pop(loser)
            one.members.setdefault(survivor, (at, at))
            one.resort()

    def erase(self, contact_id: str, email: str) -> None:
        """Forget a contact's memberships and everything submitted under the e-mail address."""
        for one in self.lists_of(contact_id):
            del one.members[contact_id]
            one.resort()
        if email:
            for kept in self.forms.values():
                kept[:] = [one for one in kept if dict(one.values).get("email", "").lower() != email.lower()]

    @staticmethod
    def _fill(one: ContactList, members: Mapping[str, int]) -> None:
        one.members = {contact_id: (at, at) for contact_id, at in members.items()}
        one.changed_at = max(members.values(), default=0)
