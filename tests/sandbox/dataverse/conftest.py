"""One Dataverse sandbox on a real port for all tests of this folder; each begins with an empty environment at nine."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import requests

from connector.sandbox.clock import Clock
from connector.sandbox.dataverse import DataverseSandbox, Environment
from connector.sandbox.shell import Tls

NINE = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ROOT = "/api/data/v9.2/"


def guid(number: int) -> str:
    """An id that is easy to tell from others."""
    return str(UUID(int=number))


class Api:
    """A client without manners of its own: one connection, no retries, no cookies kept but those of a test."""

    def __init__(self, sandbox: DataverseSandbox) -> None:
        self._sandbox = sandbox
        self._session = requests.Session()
        self._session.cookies.set_policy(_NoCookies())

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        """A call below the service root, or of a whole address; headers with _ for -."""
        url = path if path.startswith("http") else self._sandbox.url + (path if path.startswith("/") else ROOT + path)
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._session.request(method, url, json=body, headers=self._sandbox.headers | told, timeout=10)

    def get(self, path: str, **headers: str) -> Any:
        """The body of an answer that must be 200."""
        answer = self("GET", path, **headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def values(self, path: str, column: str, **headers: str) -> list[Any]:
        """One column of all rows of a page."""
        return [row[column] for row in self.get(path, **headers)["value"]]

    def pages(self, path: str, **headers: str) -> tuple[list[dict[str, Any]], str | None]:
        """All rows of all pages, and the delta link of the last one."""
        rows: list[dict[str, Any]] = []
        link: str | None = path
        page: dict[str, Any] = {}
        while link:
            page = self.get(link, **headers)
            rows += page["value"]
            link = page.get("@odata.nextLink")
        return rows, page.get("@odata.deltaLink")

    def close(self) -> None:
        self._session.close()


class _NoCookies(requests.cookies.cookielib.DefaultCookiePolicy):  # type: ignore[misc,name-defined]  # untyped in requests
    def set_ok(self, cookie: Any, request: Any) -> bool:
        return False


def refusal(answer: requests.Response) -> tuple[int, str]:
    """Status and code of an answer in Dataverse's error shape."""
    told = answer.json()["error"]
    assert set(told) == {"code", "message"}
    return answer.status_code, told["code"]


@pytest.fixture(scope="session")
def _running() -> Iterator[DataverseSandbox]:
    with DataverseSandbox(lambda: Environment(clock=Clock(NINE))) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(_running: DataverseSandbox) -> DataverseSandbox:
    _running.reset()
    return _running


@pytest.fixture
def world(sandbox: DataverseSandbox) -> Environment:
    return sandbox.world


@pytest.fixture
def api(sandbox: DataverseSandbox) -> Iterator[Api]:
    client = Api(sandbox)
    yield client
    client.close()


@pytest.fixture
def ada(world: Environment) -> str:
    """One contact."""
    values = {"firstname": "Ada", "lastname": "Byron", "emailaddress1": "ada@company.example"}
    return world.add("contact", values, id=guid(1)).id


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """A certificate of our own for this machine."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the sandbox's certificate, is missing")
    folder = tmp_path_factory.mktemp("tls")
    made = Tls(folder / "certificate.pem", folder / "key.pem")
    asked = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    asked += ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*asked, "-keyout", made.key, "-out", made.certificate], capture_output=True, check=True)
    return made
