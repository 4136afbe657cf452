"""Which CRMs there are, how each is opened, and which setting a refusal points to."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from connector.cli.adapters import ADAPTERS, open_crm
from connector.cli.adapters.dynamics import app_token_of
from connector.cli.opening import _setting
from connector.codes import CODES
from connector.config import Connection, load_config
from connector.config.shape import Connection as Shape
from connector.crm.dynamics import Dynamics, Writing
from connector.crms import CRMS
from connector.errors import ConfigError, Denied

NORDIC = """\
[connections.nordic]
crm = "dynamics"
environment_url = "https://contoso.crm4.dynamics.com"
tenant_id = "t-1"
client_id = "c-1"
mapping = "shipped"
"""


def nordic(folder: Path, more: str) -> Connection:
    path = folder / "config.toml"
    path.write_text(NORDIC + more, encoding="utf-8")
    return load_config(path, {}).connections["nordic"]


def test_every_crm_of_the_configuration_has_its_line_in_the_table() -> None:
    """And every setting that its declaration names is one, every code documented."""
    known = {field.name for field in fields(Shape)}

    assert set(ADAPTERS) == set(CRMS) == set(get_args(get_type_hints(Shape)["crm"]))
    for crm in CRMS.values():
        assert {crm.address, *crm.settings.values(), *crm.usual} <= known
        assert {key.partition(".")[0] for key in (*crm.own, *crm.called, *crm.opened_by)} <= known
        assert set(crm.settings) | {code.name for code in crm.codes} <= set(CODES)


def test_a_refused_app_is_told_by_its_id_and_a_refused_token_by_its_reference(tmp_path: Path) -> None:
    """What stands in the file is named, and nothing that is secret."""
    app = nordic(tmp_path, 'client_secret = "env:S"\n')
    trial = nordic(tmp_path, 'token = "env:T"\n')

    assert _setting(app, CRMS["dynamics"].settings["token"]) == "connections.nordic.client_id (c-1)"
    assert _setting(app, CRMS["dynamics"].settings["user_disabled"]) == "connections.nordic.client_id (c-1)"
    assert _setting(trial, CRMS["dynamics"].settings["token"]) == "connections.nordic.token (env:T)"


@pytest.mark.parametrize(
    ("said", "wired"),
    [
        ("", Writing()),
        ("write = { states = true }\n", Writing(states=True)),
        ('write = { bulk = "cx_" }\n', Writing(bulk="cx_")),
        (
            'write = { predictive_score = "cx_fit_score", predictive_grade = "cx_score_grade" }\n',
            Writing(predictive_score="cx_fit_score", predictive_grade="cx_score_grade"),
        ),
    ],
    ids=["nothing", "states", "bulk", "scores"],
)
def test_how_a_connection_writes_reaches_its_adapter_switch_by_switch(
    tmp_path: Path, said: str, wired: Writing
) -> None:
    """Whatever nobody turns on is off, and one switch turns no other."""
    (tmp_path / "token").write_text("t", encoding="utf-8")
    crm = open_crm(nordic(tmp_path, f'token = "file:{tmp_path / "token"}"\n{said}'), f"sqlite:///{tmp_path}/state.db")

    assert isinstance(crm, Dynamics)
    assert crm._env.writing == wired
    crm.close()


def test_connections_of_one_app_share_its_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often the connection is opened; another environment, app or proof has one of its own."""
    monkeypatch.setenv("NORDIC_SECRET", "s3cret")
    monkeypatch.setenv("OTHER_SECRET", "s3cret")
    secret = 'client_secret = "env:NORDIC_SECRET"\n'
    first = app_token_of(nordic(tmp_path, secret))

    assert app_token_of(nordic(tmp_path, secret + 'mode = "scores"\n')) is first
    assert first.whose == "t-1 c-1"
    for other in (
        'client_secret = "env:OTHER_SECRET"\n',
        secret + 'authority = "https://login.partner.microsoftonline.cn"\n',
        'certificate = { file = "nordic.pem" }\n',
    ):
        assert app_token_of(nordic(tmp_path, other)) is not first


def test_a_secret_that_is_not_there_is_said_before_the_first_call(tmp_path: Path) -> None:
    """By its reference; a certificate's passphrase likewise, and its file by the setting."""
    with pytest.raises(ConfigError, match="NOBODY_SET_THIS"):
        app_token_of(nordic(tmp_path, 'client_secret = "env:NOBODY_SET_THIS"\n'))
    with pytest.raises(ConfigError, match="NOBODY_SET_THIS"):
        app_token_of(nordic(tmp_path, 'certificate = { file = "a.pem", passphrase = "env:NOBODY_SET_THIS" }\n'))
    with pytest.raises(Denied, match=r"connections\.nordic\.certificate: .*a\.pem cannot be read"):
        app_token_of(nordic(tmp_path, 'certificate = { file = "a.pem" }\n')).now()
