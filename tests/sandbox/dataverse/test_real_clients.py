"""
Two clients that nobody here wrote read, track changes, do batches and write against the sandbox: what it speaks is what
they understand. `.ci/clients` installs them outside the tree; where one is missing, its tests are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from connector.sandbox.dataverse import DataverseSandbox
from connector.sandbox.dataverse.known import APP_USER, CLIENT_ID, TENANT
from connector.sandbox.dataverse.login import CLIENT_SECRET
from connector.sandbox.dataverse.people import populated
from connector.sandbox.shell import Tls
from tests.sandbox.dataverse.conftest import NINE

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
INSTALLED = Path(os.environ.get("CONNECTOR_CLIENTS") or _CACHE / "connector-clients")
SCRIPTS = Path(__file__).parent / "clients"
MODULES = INSTALLED / "node" / "node_modules"
PYTHON = INSTALLED / "dataverse" / "bin" / "python"
PEOPLE = 60


def run(*command: object, **environment: object) -> dict[str, Any]:
    """What a client's script saw; its own words where it failed."""
    told = {name: str(value) for name, value in environment.items()}
    done = subprocess.run(
        [str(one) for one in command],
        env={"PATH": os.environ["PATH"], "NO_PROXY": "*"} | told,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is missing")
@pytest.mark.skipif(not (MODULES / "dynamics-web-api").is_dir(), reason="dynamics-web-api is missing; see .ci/clients")
def test_dynamics_web_api_reads_tracks_writes_and_does_batches() -> None:
    with DataverseSandbox(lambda: populated(PEOPLE, now=NINE)) as sandbox:
        contacts = sandbox.world.shelf("contact").count()
        seen = run("node", SCRIPTS / "dynamics_web_api.cjs", sandbox.url, sandbox.service.token, NODE_PATH=MODULES)
        ended = sandbox.world

    assert seen["pages"] == {"first": 10, "linked": True, "all": contacts, "counted": contacts}
    assert seen["changes"] == {"read": contacts, "changed": 1, "deleted": 1, "told": 2, "again": True}
    assert seen["conditions"] == {"fresh": 204, "stale": False, "upsert": None, "title": "A"}
    assert seen["batch"] == {"parts": 4, "failed": 412, "read": "batch", "made": 2}
    assert seen["metadata"] == {"set": "leads", "statuses": 7, "me": APP_USER}
    titles = [row.values.get("jobtitle") for row in ended.shelf("contact").written()]
    assert (titles.count("batch"), titles.count("changed")) == (2, 1)


@pytest.mark.skipif(not PYTHON.exists(), reason="PowerPlatform-Dataverse-Client is missing; see .ci/clients")
def test_microsofts_own_client_reads_writes_and_does_batches(tls: Tls) -> None:
    """Over https, with tokens that msal fetches; it knows neither change tracking nor ETags."""
    with DataverseSandbox(lambda: populated(PEOPLE, now=NINE), tls=tls) as sandbox:
        sandbox.fault("throttle", path="/leads", policy="concurrency", retry_after=7)
        about = (sandbox.url, TENANT, CLIENT_ID, CLIENT_SECRET)
        seen = run(PYTHON, SCRIPTS / "microsoft.py", *about, REQUESTS_CA_BUNDLE=tls.certificate)
        tokens = sandbox.service.login.handed_out

    assert seen["records"] == {"pages": [20, 20, 8], "bulk": 3, "single": "single", "etag": True, "gone": True}
    assert seen["batch"] == {"statuses": [204, 404, 200], "set": [204, 204], "title": "set"}
    assert seen["throttled"] == [429, True, 7]
    assert seen["table"] == "contacts"
    assert seen["refused"] == ["invalid_client", "no such tenant"]
    assert tokens == 1
