"""The configuration file: what a good one becomes, and what a bad one is told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import pytest

from connector.config import Config, Connection, load_config, proxy_url, resolve_secret
from connector.errors import ConfigError, Problem
from connector.model import ALWAYS
from connector.toml_file import parse_toml

NOTHING: Mapping[str, str] = MappingProxyType({})
EXAMPLE = Path(__file__).parents[1] / "config.example.toml"
SECRET = "pat-na1-0a1b2c3d"
ACME = """\
[connections.acme]
crm = "hubspot"
token = "env:HUBSPOT_TOKEN"
mapping = "shipped"
"""
NORDIC = """\
[connections.nordic]
crm = "dynamics"
environment_url = "https://Contoso.crm4.dynamics.com/"
tenant_id = "t"
client_id = "c"
client_secret = "env:DYNAMICS_SECRET"
"""


def load(folder: Path, text: str, environ: Mapping[str, str] = NOTHING) -> Config:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8", newline="")
    return load_config(path, environ)


def acme(folder: Path, more: str = "", environ: Mapping[str, str] = NOTHING) -> Connection:
    return load(folder, ACME + more, environ).connections["acme"]


def problems(folder: Path, text: str, environ: Mapping[str, str] = NOTHING) -> list[Problem]:
    """What loading complains about, with the folder taken out of the places."""
    with pytest.raises(ConfigError) as caught:
        load(folder, text, environ)
    return [Problem(p.where.replace(f"{folder}/", ""), p.what, p.fix) for p in caught.value.problems]


def places(folder: Path, text: str, environ: Mapping[str, str] = NOTHING) -> list[str]:
    return [problem.where for problem in problems(folder, text, environ)]


# -- a good file -----------------------------------------------------------------------------------------


def test_the_example_in_the_repository_loads() -> None:
    """config.example.toml is runnable as it stands and observes only."""
    config = load_config(EXAMPLE, NOTHING)

    assert list(config.connections) == ["acme"]
    assert config.connections["acme"].mode == "observe"
    assert config.connections["acme"].mapping == EXAMPLE.parent / "mappings"


def test_every_commented_setting_of_the_example_is_valid_too(tmp_path: Path) -> None:
    """Removing the hash signs gives a file that loads: the comments do not lie about names and values."""
    lines = []
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        setting = line.removeprefix("# ")
        code = setting.startswith("[") or setting.partition(" ")[2].startswith("= ")
        lines.append(setting if code and not setting.startswith(("oauth", "certificate")) else line)
    text = "\n".join(lines).replace('mapping = "mappings"', 'mapping = "shipped"')
    config = load(tmp_path, text)

    assert config.connections["acme"].scope == {"country": ("DE", "AT")}
    assert config.connections["acme"].hold == timedelta(days=30)
    assert config.connections["nordic"].environment_url == "https://contoso.crm4.dynamics.com"


def test_the_documented_defaults_are_the_defaults(tmp_path: Path) -> None:
    """A connection of three lines observes HubSpot every five minutes, gently."""
    connection = acme(tmp_path)

    assert (connection.name, connection.mode, connection.go_live) == ("acme", "observe", None)
    assert (connection.base_url, connection.api_version) == ("https://api.hubapi.com", "2026-03")
    assert (connection.every, connection.cron) == (timedelta(minutes=5), None)
    assert (connection.read.settle, connection.read.search_page) == (timedelta(seconds=60), 200)
    assert (connection.guard.changes_per_run, connection.guard.max_share) == (200, 0.3)
    assert connection.require_approval


@pytest.mark.parametrize("name", ["reconcile", "associations", "archived"])
def test_a_sweep_has_its_time_or_is_off(tmp_path: Path, name: str) -> None:
    """Often enough by default, never where somebody says so, and not all the time."""
    usual = acme(tmp_path).read
    (told,) = problems(tmp_path, ACME + f'read.{name} = "5m"\n')

    assert (usual.reconcile, usual.associations, usual.archived) == (
        timedelta(hours=24),
        timedelta(hours=24),
        timedelta(hours=6),
    )
    assert getattr(acme(tmp_path, f'read.{name} = "off"\n').read, name) is None
    assert told.where.endswith(f"connections.acme.read.{name}")
    assert (told.what, told.fix) == ("is too often.", 'Write "24h", or "off" for never; ten minutes are the least.')


def test_a_dynamics_connection_loads(tmp_path: Path) -> None:
    """Its keys are known and checked; the address loses its trailing slash."""
    connection = load(tmp_path, NORDIC).connections["nordic"]

    assert connection.environment_url == connection.address == "https://contoso.crm4.dynamics.com"
    assert connection.api_version == "v9.2"
    assert connection.authority == "https://login.microsoftonline.com"


def test_what_is_usual_differs_by_crm_and_is_said_otherwise_key_by_key(tmp_path: Path) -> None:
    """Dataverse gives larger pages, takes longer over a batch and does not say how many calls a day there are."""
    usual = load(tmp_path, NORDIC).connections["nordic"]
    said = load(
        tmp_path, NORDIC + 'timeout = "45s"\nread = { threads = 3 }\nbudget = { daily_quota = 1_000_000 }\n'
    ).connections["nordic"]

    assert (usual.read.page, usual.read.batch, usual.timeout) == (1000, 50, timedelta(seconds=120))
    assert (said.read.page, said.read.threads, said.timeout) == (1000, 3, timedelta(seconds=45))
    assert (usual.budget.daily_quota, said.budget.daily_quota) == (None, 1_000_000)
    bulk = load(tmp_path, NORDIC + 'write = { bulk = "cx_" }\n').connections["nordic"]
    assert (usual.write.bulk, bulk.write.bulk, bulk.write.states) == (None, "cx_", False)
    shown = load(
        tmp_path, NORDIC + 'write = { predictive_score = "cx_fit_score", predictive_grade = "cx_score_grade" }\n'
    )
    assert usual.write.predictive_score is usual.write.predictive_grade is None
    assert shown.connections["nordic"].write.predictive_grade == "cx_score_grade"
    assert (acme(tmp_path).read.page, acme(tmp_path).read.batch, acme(tmp_path).timeout) == (
        100,
        100,
        timedelta(seconds=30),
    )


def test_a_certificate_takes_the_place_of_a_secret(tmp_path: Path) -> None:
    """Its file is found from the config's folder, its passphrase is a reference, its thumbprint is read in any form."""
    text = NORDIC.replace(
        'client_secret = "env:DYNAMICS_SECRET"',
        'certificate = { file = "nordic.pem", passphrase = "env:KEY",'
        ' thumbprint = "a1:b2:c3:d4:e5:a1:b2:c3:d4:e5:a1:b2:c3:d4:e5:a1:b2:c3:d4:e5" }',
    )
    certificate = load(tmp_path, text).connections["nordic"].certificate

    assert certificate is not None
    assert certificate.file == tmp_path / "nordic.pem"
    assert certificate.passphrase == "env:KEY"
    assert certificate.thumbprint == "A1B2C3D4E5" * 4


def test_a_token_for_a_trial_takes_the_place_of_the_app(tmp_path: Path) -> None:
    """Nothing of an app registration is needed then."""
    text = """\
[connections.trial]
crm = "dynamics"
environment_url = "http://127.0.0.1:8080"
token = "env:TRIAL"
"""

    assert load(tmp_path, text).connections["trial"].token == "env:TRIAL"


@pytest.mark.parametrize(
    ("line", "where", "what", "fix"),
    [
        (
            'environment_url = "https://contoso.crm4.dynamics.com/main.aspx"',
            "environment_url",
            "holds a path.",
            "the host",
        ),
        (
            'environment_url = "https://contoso.crm4.dynamics.com/api/data/v9.2/"',
            "environment_url",
            "holds a path.",
            "added",
        ),
        (
            'environment_url = "http://contoso.crm4.dynamics.com"',
            "environment_url",
            "is not an https address.",
            "127.0.0.1",
        ),
        ('environment_url = "contoso.crm4.dynamics.com"', "environment_url", "is not an https address.", "https://"),
        ('authority = "https://login.microsoftonline.com/t"', "authority", "holds a path.", "tenant_id"),
        ('tenant_id = "common"', "tenant_id", "names no tenant but all of them.", "Entra"),
        ('tenant_id = "a/b"', "tenant_id", "is no tenant's id.", "onmicrosoft.com"),
        ('certificate = { file = "a.pem" }', "certificate", "stands beside client_secret.", "Keep one"),
        ('token = "env:T"', "client_secret", "stands beside token.", "Keep one"),
        ('api_version = "2026-03"', "api_version", "is none of dynamics's.", '"v9.2"'),
        ('base_url = "https://api.hubapi.com"', "base_url", "means nothing to dynamics.", '"environment_url"?'),
        ("read = { search_page = 100 }", "read.search_page", "means nothing to dynamics.", '"read.page"?'),
        ("read = { pgae = 100 }", "read.pgae", "is an unknown key.", '"page"?'),
        ("budget = { daily_quota = 0 }", "budget.daily_quota", "is too small.", "1 or more"),
    ],
)
def test_a_dynamics_setting_that_cannot_be_is_told_with_its_line(
    tmp_path: Path, line: str, where: str, what: str, fix: str
) -> None:
    """A path, plain http, a key of the other CRM, two proofs: file, line, key, what to do."""
    key = line.partition(" ")[0]
    text = "\n".join(one for one in NORDIC.splitlines() if not one.startswith(f"{key} =")) + f"\n{line}\n"
    (told,) = problems(tmp_path, text)
    number = 1 + next(n for n, one in enumerate(text.splitlines()) if one.startswith(f"{where.partition('.')[0]} ="))

    assert told.where == f"config.toml:{number}, connections.nordic.{where}"
    assert told.what == what
    assert fix in told.fix


def test_a_hubspot_connection_is_told_what_belongs_to_dynamics(tmp_path: Path) -> None:
    """And what HubSpot calls it, where it has such a thing."""
    more = 'environment_url = "https://contoso.crm4.dynamics.com"\napi_version = "v9.2"\nbudget.daily_quota = 7\n'
    more += 'write.bulk = "cx_"\n'
    told = {problem.where.partition("acme.")[2]: problem for problem in problems(tmp_path, ACME + more)}

    assert told["environment_url"].what == "means nothing to hubspot."
    assert told["environment_url"].fix.startswith('Did you mean "base_url"?')
    assert told["api_version"].what == "is none of hubspot's."
    assert told["budget.daily_quota"].what == "means nothing to hubspot."
    assert told["write"].what == "means nothing to hubspot."


def test_oauth_takes_the_place_of_a_token(tmp_path: Path) -> None:
    """An OAuth app's secrets are references as well; a file is found from the config's folder."""
    text = ACME.replace(
        'token = "env:HUBSPOT_TOKEN"',
        'oauth = { client_id = "c", client_secret = "env:S", refresh_token = "file:state/refresh" }',
    )
    oauth = load(tmp_path, text).connections["acme"].oauth

    assert oauth is not None
    assert oauth.refresh_token == f"file:{tmp_path}/state/refresh"


def test_the_state_lies_beside_the_config_file(tmp_path: Path) -> None:
    """A relative SQLite path does not depend on where the command is started; other URLs stay as they are."""
    urls = {
        "sqlite:///state/connector.db": f"sqlite:///{tmp_path}/state/connector.db",
        "sqlite:////var/lib/connector.db?timeout=5": "sqlite:////var/lib/connector.db?timeout=5",
        "sqlite://": "sqlite://",
        "postgresql://me@db/ledger": "postgresql+psycopg://me@db/ledger",
    }

    assert load(tmp_path, ACME).state_url == f"sqlite:///{tmp_path}/state/connector.db"
    assert urls == {url: load(tmp_path, f'state.url = "{url}"\n' + ACME).state_url for url in urls}


def test_a_state_url_with_a_password_comes_from_the_environment(tmp_path: Path) -> None:
    """It may be referred to or overridden; it never shows when the configuration is printed."""
    url = "postgresql+psycopg://me:0a1b2c3d@db/ledger"
    referred = load(tmp_path, 'state.url = "env:DATABASE_URL"\n' + ACME, {"DATABASE_URL": f"{url}\n"})
    overridden = load(tmp_path, ACME, {"CONNECTOR_STATE__URL": url})

    assert referred.state_url == overridden.state_url == url
    assert "0a1b2c3d" not in repr(referred)


def test_a_password_in_the_files_state_url_is_refused_unseen(tmp_path: Path) -> None:
    """The file is no place for it, and the message does not repeat it."""
    found = problems(tmp_path, 'state.url = "postgresql://me:0a1b2c3d@db/x"\n' + ACME)

    assert [problem.where for problem in found] == ["config.toml:1, state.url"]
    assert "0a1b2c3d" not in str(found)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('"always"', ALWAYS),
        ("2026-12-07T09:00:00+01:00", datetime(2026, 12, 7, 8, tzinfo=UTC)),
        ('"2026-12-07T09:00:00+01:00"', datetime(2026, 12, 7, 8, tzinfo=UTC)),
    ],
)
def test_go_live_is_an_instant_or_always(tmp_path: Path, written: str, meant: datetime) -> None:
    """An instant becomes UTC, "always" the beginning of time."""
    assert acme(tmp_path, f'mode = "live"\ngo_live = {written}\n').go_live == meant


@pytest.mark.parametrize("written", ["2026-12-07", "2026-12-07T09:00:00", '"soon"', "5"])
def test_a_go_live_without_zone_or_sense_is_refused(tmp_path: Path, written: str) -> None:
    """A date or a local time would mean different instants to different readers."""
    assert places(tmp_path, f"{ACME}go_live = {written}\n") == ["config.toml:5, connections.acme.go_live"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("60s", timedelta(seconds=60)),
        ("5m", timedelta(minutes=5)),
        ("24h", timedelta(hours=24)),
        ("30d", timedelta(days=30)),
        ("0s", timedelta(0)),
    ],
)
def test_durations_are_a_number_and_a_unit(tmp_path: Path, written: str, meant: timedelta) -> None:
    """ "60s", "5m", "24h", "30d"."""
    assert acme(tmp_path, f'hold = "{written}"\n').hold == meant


@pytest.mark.parametrize("written", ['"5 minutes"', '"5"', "5", '"-5m"', '"1e9d"', '"99999999999d"', '"5M"'])
def test_other_durations_are_refused(tmp_path: Path, written: str) -> None:
    """A number alone does not say of what."""
    assert places(tmp_path, f"{ACME}hold = {written}\n") == ["config.toml:5, connections.acme.hold"]


def test_a_schedule_may_be_cron(tmp_path: Path) -> None:
    """cron takes the place of every, and is checked by the scheduler itself."""
    connection = acme(tmp_path, 'cron = "*/5 8-18 * * mon-fri"\n')

    assert (connection.cron, connection.every) == ("*/5 8-18 * * mon-fri", None)
    assert places(tmp_path, ACME + 'cron = "99 * * * *"\n') == ["config.toml:5, connections.acme.cron"]
    for nonsense in ("never", "0 8 * *", "0 8 * * 1-5", "0 0 30 2 *"):
        assert places(tmp_path, f'{ACME}cron = "{nonsense}"\n') == ["config.toml:5, connections.acme.cron"]
    assert places(tmp_path, ACME + 'every = "5m"\ncron = "0 8 * * *"\n') == ["config.toml:6, connections.acme.cron"]


def test_files_saved_on_windows_read_the_same(tmp_path: Path) -> None:
    """A byte order mark and CRLF change neither the values nor the line numbers."""
    text = "\ufeff" + (ACME + 'mode = "lvie"\n').replace("\n", "\r\n")

    assert places(tmp_path, text) == ["config.toml:5, connections.acme.mode"]
    assert load(tmp_path, text.replace("lvie", "observe")) == load(tmp_path, ACME + 'mode = "observe"\n')


# -- a bad file ------------------------------------------------------------------------------------------

BAD = """\
[state]
url = "mysql://db"
[conections.other]
[connections.acme]
crm = "hubspto"
token = "pat-na1-0a1b2c3d"
mode = "lvie"
account = 12345678
every = "0s"
mapping = "nowhere"
base_url = "http://crm.example.com"
read = { settle = "60s",   threads = 0, pages = 3 }
budget.share = 2
guard = { changes_per_run = true, max_share = "0.3" }
tasks = 3
api_version = "banana"
require_approval = "yes"
name = "q"
[connections.Two]
crm = "dynamics"
oauth = { client_id = "1" }
mode = "live"
[web]
listen = "8787"
"""


def test_every_problem_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    """One reading of the file is enough to mend all of it."""
    assert places(tmp_path, BAD) == [
        "config.toml:2, state.url",
        "config.toml:3, conections",
        "config.toml:5, connections.acme.crm",
        "config.toml:6, connections.acme.token",
        "config.toml:7, connections.acme.mode",
        "config.toml:9, connections.acme.every",
        "config.toml:10, connections.acme.mapping",
        "config.toml:11, connections.acme.base_url",
        "config.toml:12, connections.acme.read.threads",
        "config.toml:12, connections.acme.read.pages",
        "config.toml:13, connections.acme.budget.share",
        "config.toml:14, connections.acme.guard.changes_per_run",
        "config.toml:14, connections.acme.guard.max_share",
        "config.toml:15, connections.acme.tasks",
        "config.toml:16, connections.acme.api_version",
        "config.toml:17, connections.acme.require_approval",
        "config.toml:18, connections.acme.name",
        "config.toml:19, connections.Two",
        "config.toml:19, connections.Two.environment_url",
        "config.toml:19, connections.Two.tenant_id",
        "config.toml:19, connections.Two.client_id",
        "config.toml:19, connections.Two.client_secret",
        "config.toml:21, connections.Two.oauth",
        "config.toml:21, connections.Two.oauth.client_secret",
        "config.toml:21, connections.Two.oauth.refresh_token",
        "config.toml:24, web.listen",
    ]


def test_a_problem_says_what_is_wrong_and_what_to_do(tmp_path: Path) -> None:
    """A near miss is answered with the word that was meant; every problem has a fix."""
    told = {problem.where.partition(", ")[2]: problem for problem in problems(tmp_path, BAD)}

    assert told["conections"].fix == 'Did you mean "connections"?'
    assert str(told["connections.acme.mode"]).endswith('"lvie" is unknown. Did you mean "live"?')
    assert told["connections.acme.read.pages"].fix == 'Did you mean "page"?'
    assert told["connections.acme.read.threads"].fix == "Write 1 or more."
    assert all(problem.what.endswith(".") and problem.fix for problem in told.values())


def test_a_secret_written_into_the_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    """The message tells where the secret stands, never the secret, under whatever key it was pasted."""
    keys = ("token", "mode", "account", "base_url", "every", "proxy", "go_live", "api_version", "crm", "mapping_x")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, "[connections.acme]\n" + "".join(f'{key} = "{SECRET}"\n' for key in keys))

    assert SECRET not in str(caught.value)
    assert "connections.acme.token: must not hold the secret itself." in str(caught.value)


def test_text_that_is_no_toml_is_told_by_line_and_column(tmp_path: Path) -> None:
    """The place of a syntax error is where an editor would jump to."""
    assert places(tmp_path, 'state = { url = "x" }\nmode = live\n') == ["config.toml:2, column 8"]
    assert places(tmp_path, 'a = "unfinished') == ["config.toml:1"]
    assert places(tmp_path, "a = 1\na = 2\n") == ["config.toml:2, column 6"]


def test_a_file_that_is_missing_or_not_text_is_told_so(tmp_path: Path) -> None:
    """The three ways in which there is no file to speak of."""
    (tmp_path / "utf16.toml").write_bytes(ACME.encode("utf-16"))
    for name, what in [("none.toml", "no such file"), ("utf16.toml", "not UTF-8"), (".", "cannot be read")]:
        with pytest.raises(ConfigError, match=what):
            load_config(tmp_path / name, NOTHING)


@pytest.mark.parametrize("text", ["", "[connections]\n", "connections = 3\n", "connections.acme = 3\n", "state = 3\n"])
def test_a_file_without_a_connection_is_refused(tmp_path: Path, text: str) -> None:
    """Whatever stands where the connections belong, the answer is a problem and no traceback."""
    assert any("connections" in place for place in places(tmp_path, text))


@pytest.mark.parametrize("mode", ["scores", "live"])
def test_a_mode_that_writes_may_stand_without_a_go_live(tmp_path: Path, mode: str) -> None:
    """Without it the connector only observes (G15), which is said at run time; the file is not wrong."""
    assert acme(tmp_path, f'mode = "{mode}"\n').go_live is None


@pytest.mark.parametrize(
    ("url", "accepted"),
    [
        ("https://crm.example.com", True),
        ("http://127.0.0.1:8080", True),
        ("http://127.8.9.1:8080/", True),
        ("http://localhost:8080", True),
        ("http://[::1]:8080", True),
        ("http://crm.example.com", False),
        ("http://localhost.example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("http://0.0.0.0", False),
        ("https://me:pw@crm.example.com", False),
        ("https://crm.example.com:port", False),
        ("https://[::1", False),
        ("ftp://127.0.0.1", False),
        ("crm.example.com", False),
    ],
)
def test_plain_http_goes_to_this_machine_only(tmp_path: Path, url: str, accepted: bool) -> None:
    """A token never travels unencrypted to another host."""
    text = f'{ACME}base_url = "{url}"\n'

    if accepted:
        assert load(tmp_path, text).connections["acme"].base_url == url.rstrip("/")
    else:
        assert places(tmp_path, text) == ["config.toml:5, connections.acme.base_url"]


def test_lines_are_found_in_every_form_that_toml_has() -> None:
    """Texts and lists over several lines, quoted and dotted keys, lists of tables: each key has its own line."""
    text = '''\
"a b".c = """
x = 1
[no.table] # still text
""" # comment
d = [ # = [
  "]", # one
  { e = 1, f.g = '#' },
]
h = 2026-12-07 09:00:00
[[t]]
i = "\\"]"
[[t]]
i = 1
[t.u]
j = 1'''
    lines = parse_toml("x.toml", text.encode()).lines

    assert {".".join(path): line for path, line in lines.items()} == {
        "a b": 1, "a b.c": 1, "d": 5, "d.0": 6, "d.1": 7, "d.1.e": 7, "d.1.f": 7, "d.1.f.g": 7, "h": 9,
        "t": 10, "t.0": 10, "t.0.i": 11, "t.1": 12, "t.1.i": 13, "t.1.u": 14, "t.1.u.j": 15,
    }  # fmt: skip


# -- the environment -------------------------------------------------------------------------------------


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    """A double underscore parts the keys; numbers, flags, lists and instants are read as TOML reads them."""
    connection = load(
        tmp_path,
        ACME.replace("acme", "acme-eu"),
        {
            "CONNECTOR_CONNECTIONS__ACME_EU__MODE": "live",
            "CONNECTOR_CONNECTIONS__ACME_EU__GO_LIVE": "2026-12-07T09:00:00+01:00",
            "CONNECTOR_CONNECTIONS__ACME_EU__ACCOUNT": "0123",
            "CONNECTOR_CONNECTIONS__ACME_EU__READ__THREADS": "4",
            "CONNECTOR_CONNECTIONS__ACME_EU__REQUIRE_APPROVAL": "false",
            "CONNECTOR_CONNECTIONS__ACME_EU__SCOPE__COUNTRY": '["DE", "PL"]',
        },
    ).connections["acme-eu"]

    assert (connection.mode, connection.go_live) == ("live", datetime(2026, 12, 7, 8, tzinfo=UTC))
    assert (connection.account, connection.read.threads, connection.require_approval) == ("0123", 4, False)
    assert connection.scope == {"country": ("DE", "PL")}


def test_a_secret_given_by_override_stays_in_the_environment(tmp_path: Path) -> None:
    """The configuration keeps the name of the variable, and the secret is read when it is needed."""
    environ = {"CONNECTOR_CONNECTIONS__ACME__TOKEN": SECRET}
    connection = acme(tmp_path, environ=environ)

    assert SECRET not in repr(connection)
    assert resolve_secret(str(connection.token), environ) == SECRET


def test_what_opens_an_environment_may_come_from_the_environment_as_well(tmp_path: Path) -> None:
    """Secret and passphrase stay where they are; what is no secret is taken as it stands."""
    environ = {
        "CONNECTOR_CONNECTIONS__NORDIC__CERTIFICATE__PASSPHRASE": SECRET,
        "CONNECTOR_CONNECTIONS__NORDIC__TENANT_ID": "contoso.onmicrosoft.com",
    }
    text = NORDIC.replace('client_secret = "env:DYNAMICS_SECRET"', 'certificate.file = "a.pem"')
    connection = load(tmp_path, text, environ).connections["nordic"]

    assert connection.certificate is not None
    assert SECRET not in repr(connection)
    assert resolve_secret(str(connection.certificate.passphrase), environ) == SECRET
    assert connection.tenant_id == "contoso.onmicrosoft.com"
    assert load(tmp_path, NORDIC, {"DYNAMICS_SECRET": SECRET}).connections["nordic"].client_secret is not None


def test_an_override_that_sets_nothing_is_a_problem(tmp_path: Path) -> None:
    """A typing error in a variable would otherwise go unnoticed; what was meant is suggested."""
    environ = {
        "CONNECTOR_CONNECTIONS__ACMEE__MODE": "live",
        "CONNECTOR_STATE_URL": "sqlite://",
        "CONNECTOR_CONNECTIONS__ACME__HOLD": "x",
    }
    found = {problem.where: problem.fix for problem in problems(tmp_path, ACME, environ)}

    assert list(found) == [f"environment variable {name}" for name in sorted(environ)]
    assert "CONNECTOR_CONNECTIONS__ACME__MODE" in found["environment variable CONNECTOR_CONNECTIONS__ACMEE__MODE"]
    assert "CONNECTOR_STATE__URL" in found["environment variable CONNECTOR_STATE_URL"]


def test_variables_of_others_that_only_look_alike_are_left_alone(tmp_path: Path) -> None:
    """A container platform's CONNECTOR_PORT and a secret's own variable are no overrides."""
    text = ACME.replace("HUBSPOT_TOKEN", "CONNECTOR_MY__TOKEN")

    assert load(tmp_path, text, {"CONNECTOR_PORT_80_TCP": "x", "CONNECTOR_MY__TOKEN": SECRET})


# -- secrets and proxies ---------------------------------------------------------------------------------


def test_a_secret_is_read_late_and_stripped(tmp_path: Path) -> None:
    """Loading needs no secret to be there; reading one takes off the line end that editors add."""
    (tmp_path / "token").write_text(f"\ufeff{SECRET}\r\n", encoding="utf-8")
    connection = acme(tmp_path)

    assert resolve_secret(str(connection.token), {"HUBSPOT_TOKEN": f" {SECRET}\n"}) == SECRET
    assert resolve_secret(f"file:{tmp_path}/token", NOTHING) == SECRET


def test_a_secret_that_is_not_there_is_told_by_its_reference(tmp_path: Path) -> None:
    """A missing or blank variable, a missing file, a folder, bytes that are no text: each has its sentence."""
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    for reference in [
        "env:GONE",
        "env:BLANK",
        f"file:{tmp_path}/gone",
        f"file:{tmp_path}",
        f"file:{tmp_path}/bytes",
    ]:
        with pytest.raises(ConfigError) as caught:
            resolve_secret(reference, {"BLANK": " \n"})
        (problem,) = caught.value.problems
        assert problem.where == reference
        assert problem.fix


def test_a_literal_given_for_a_reference_is_not_repeated() -> None:
    """Whoever passes the secret itself does not find it in the message."""
    with pytest.raises(ConfigError) as caught:
        resolve_secret(SECRET, NOTHING)

    assert SECRET not in str(caught.value)


def test_the_proxy_is_the_connections_own_or_the_environments(tmp_path: Path) -> None:
    """NO_PROXY and loopback exempt from the environment's proxy, never from one written down."""
    environ = {"HTTPS_PROXY": "http://proxy:3128"}
    written = acme(tmp_path, 'proxy = "http://own:3128"\n')
    referred = acme(tmp_path, 'proxy = "env:PROXY_URL"\n')
    local = acme(tmp_path, 'base_url = "http://127.0.0.1:1"\n')
    plain = acme(tmp_path)

    assert proxy_url(written, environ) == "http://own:3128"
    assert proxy_url(referred, {"PROXY_URL": "http://me:pw@own:1"}) == "http://me:pw@own:1"
    assert proxy_url(plain, environ) == "http://proxy:3128"
    assert proxy_url(plain, environ | {"NO_PROXY": "example.com, .hubapi.com"}) is None
    assert proxy_url(plain, environ | {"NO_PROXY": "ubapi.com"}) == "http://proxy:3128"
    assert proxy_url(local, environ) is None
    assert proxy_url(plain, NOTHING) is None


def test_the_login_may_need_another_way_than_the_environment(tmp_path: Path) -> None:
    """An environment inside, a login outside: each host is looked up in NO_PROXY by itself."""
    nordic = load(tmp_path, NORDIC).connections["nordic"]
    environ = {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": ".dynamics.com"}

    assert proxy_url(nordic, environ) is None
    assert proxy_url(nordic, environ, nordic.authority) == "http://proxy:3128"


def test_the_web_address_knows_host_and_port(tmp_path: Path) -> None:
    """HOST:PORT, an IPv6 host in brackets."""
    web = load(tmp_path, ACME + '[web]\nlisten = "[::1]:9000"\n').web

    assert (web.host, web.port) == ("::1", 9000)
