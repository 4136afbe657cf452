"""
What a CRM says of itself before its adapter is loaded: names, keys of its connections, numbers, codes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

#: A key of a connection, what is wrong with it, and what to do.
Wrong = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Code:
    """A code by which the connector says how something ended: what it means to whoever meets it, and the sentence that
    says what to do."""

    name: str
    meaning: str
    fix: str


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of an API: the one that is spoken where nobody names any, what they look like, what to write."""

    usual: str
    form: str
    fix: str


@dataclass(frozen=True, slots=True)
class Costs:
    """What reading costs, where it must be foretold: calls a second that the smallest quota allows, and the records
    whose links to one other kind are told in one call."""

    calls_a_second: float
    linked: int


@dataclass(frozen=True, slots=True)
class Product:
    """
    One CRM: its name in a configuration, which is that of its mapping file too, and what those who sell it call it.

    Of a connection: `address` is the key that holds where it answers, `opened_by` are those of what opens it, of which
    the first that is there is told; `own` are the keys that mean nothing to another
    CRM, `called` what other CRMs' keys are called here (a dot leads into an inner table); `credentials` tells what is
    wrong with the keys that are there; `usual` and `usual_read` are settings of a connection, and of its table `read`,
    that hold here in place of the general defaults. `secret` is the variable in which the configuration to start from
    looks for what opens the account, which `is_alone` where nothing else has to be filled in.

    Of refusals: `settings` names the key that one is most likely about, by its code; where none is named, the refusal
    says so itself. `codes` are those by which only runs of this CRM end.

    `secret_forms` and `secret_names` are what its secrets look like and are called, for whoever must not print one.
    `recipes` says, by how a signal is seen, what to build for it: {key} and {label} are the signal's. `leads`: whether
    a contact's leads are records of their own, which can be read and written.
    """

    name: str
    label: str
    address: str
    opened_by: tuple[str, ...]
    secret: str
    versions: Versions
    costs: Costs
    credentials: Callable[[Set[str]], Iterator[Wrong]]
    is_alone: bool = True
    usual: Mapping[str, Any] = field(default_factory=dict)
    usual_read: Mapping[str, Any] = field(default_factory=dict)
    own: tuple[str, ...] = ()
    called: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    codes: tuple[Code, ...] = ()
    secret_forms: tuple[str, ...] = ()
    secret_names: tuple[str, ...] = ()
    recipes: Mapping[str, str] = field(default_factory=dict)
    leads: bool = False

    @property
    def file(self) -> str:
        """Its mapping file in the folder of an agreement."""
        return f"{self.name}.toml"
