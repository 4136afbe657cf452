"""
The configuration file: one checked, frozen value for the whole installation.

    config = load_config(Path("config.toml"), os.environ)
    token = resolve_secret(config.connections["acme"].token, os.environ)

`load_config` reads the file, lays the CONNECTOR_... variables over it, and either returns a complete `Config` or
raises one ConfigError with every problem, each with its line. Secrets are never loaded with it: the configuration
holds references, and `resolve_secret` follows one when the secret is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from connector.config.complaints import Complaint, complaints_of, problems
from connector.config.contradictions import contradictions
from connector.config.overrides import connection_tables, lay_over
from connector.config.shape import (
    Budget,
    Certificate,
    Config,
    Connection,
    Document,
    Freeze,
    Guard,
    Mode,
    OAuth,
    Quiet,
    Read,
    Tasks,
    Web,
)
from connector.config.values import (
    BadValueError,
    Surroundings,
    is_loopback,
    is_reference,
    look_up,
    shipped_mappings,
    split_url,
)
from connector.crms import CRMS
from connector.errors import ConfigError, Problem
from connector.toml_file import read_toml

__all__ = [
    "Budget",
    "Certificate",
    "Config",
    "Connection",
    "Freeze",
    "Guard",
    "Mode",
    "OAuth",
    "Quiet",
    "Read",
    "Tasks",
    "Web",
    "load_config",
    "proxy_url",
    "resolve_secret",
    "shipped_mappings",
]

DEFAULT_STATE = "sqlite:///state/connector.db"
DEFAULT_EVERY = timedelta(minutes=5)


def load_config(path: Path, environ: Mapping[str, str]) -> Config:
    """Read, override and check the configuration. Raises ConfigError with every problem at once."""
    file = read_toml(path)
    overlay = lay_over(file.table, environ)
    complaints = [*overlay.complaints, *contradictions(overlay)]
    document = _check(overlay.table, Surroundings(path.absolute().parent, environ), complaints)
    if complaints or document is None:
        raise ConfigError(problems(complaints, file, overlay.sources))
    return Config(document.state.url, document.connections, document.web, path)


def resolve_secret(reference: str, environ: Mapping[str, str]) -> str:
    """The secret behind "env:NAME" or "file:/path". Raises ConfigError, which names the reference only."""
    try:
        return look_up(reference, environ)
    except BadValueError as wrong:
        where = reference if is_reference(reference) else "a secret"
        raise ConfigError([Problem(where, wrong.what, wrong.fix)]) from None


def proxy_url(connection: Connection, environ: Mapping[str, str], address: str | None = None) -> str | None:
    """The proxy to use for a connection: its own, else HTTPS_PROXY unless NO_PROXY or loopback exempts the host. Of the
    CRM's address, or of another one that it needs."""
    if connection.proxy:
        return resolve_secret(connection.proxy, environ) if is_reference(connection.proxy) else connection.proxy
    host = split_url(address or connection.address).hostname or ""
    if is_loopback(host) or _exempt(host, environ.get("no_proxy") or environ.get("NO_PROXY") or ""):
        return None
    return environ.get("https_proxy") or environ.get("HTTPS_PROXY") or None


def _exempt(host: str, no_proxy: str) -> bool:
    """NO_PROXY is a comma-separated list of hosts and of domains that stand for every host below them."""
    entries = [entry.strip().lstrip(".").lower() for entry in no_proxy.split(",")]
    return any(entry in {"*", host} or (entry and host.endswith(f".{entry}")) for entry in entries)


def _check(table: dict[str, Any], around: Surroundings, complaints: list[Complaint]) -> Document | None:
    try:
        return TypeAdapter(Document).validate_python(_completed(table), context=around)
    except ValidationError as error:
        complaints.extend(complaints_of(error))
        return None


def _completed(table: dict[str, Any]) -> dict[str, Any]:
    """The table with each connection's name and the defaults that are not the same for everybody."""
    completed = dict(table)
    if isinstance(state := table.get("state", {}), dict):
        completed["state"] = {"url": DEFAULT_STATE, **state}
    if connections := connection_tables(table):
        complete = {name: _complete(name, each) for name, each in connections.items()}
        completed["connections"] = table["connections"] | complete
    return completed


def _complete(name: str, connection: dict[str, Any]) -> dict[str, Any]:
    crm, read = CRMS.get(str(connection.get("crm"))), connection.get("read", {})
    usual = {} if crm is None else {"api_version": crm.versions.usual, **crm.usual}
    completed = {**usual, **connection, "name": name}
    if "cron" not in connection:
        completed.setdefault("every", DEFAULT_EVERY)
    if crm is not None and isinstance(read, dict):
        completed["read"] = {**crm.usual_read, **read}
    return completed
