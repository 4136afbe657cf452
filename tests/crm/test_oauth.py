"""OAuth against the sandbox's token endpoint: renewed ahead, once after a 401, one at a time, rotated and kept."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connector.cli.keeping_tokens import InFiles, InMemory
from connector.crm.desk import Desk
from connector.crm.hubspot import HubSpot, oauth_token
from connector.crm.hubspot.oauth import OAuthToken
from connector.errors import Denied, Transient
from connector.log import configure
from connector.sandbox import Sandbox, World
from connector.sandbox.clock import Clock
from connector.sandbox.tokens import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN

NINE = datetime(2026, 11, 21, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(lambda: World(clock=Clock(NINE)), token="") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    """An account that only OAuth opens, with one contact, at nine o'clock."""
    running.reset()
    running.switch(rate_limits=False)
    running.world.add("contacts", {"email": "ada@company.example"}, id="1")
    return running


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "refresh-token"
    path.write_text(REFRESH_TOKEN + "\n")
    return path


def keeper(path: Path) -> InFiles:
    return InFiles(path, lambda: path.read_text().strip())


def token(sandbox: Sandbox, keeper: Any, secret: str = CLIENT_SECRET, base_url: str = "", **more: Any) -> OAuthToken:
    return oauth_token(
        CLIENT_ID,
        lambda: secret,
        keeper,
        where="connections.acme.oauth",
        base_url=base_url or sandbox.url,
        api_version=more.pop("api_version", "2026-03"),
        sleep=lambda _: None,
        wall=lambda: sandbox.world.clock.now() / 1000,
        timeout=5.0,
    )


def adapter(sandbox: Sandbox, token: OAuthToken, **more: Any) -> HubSpot:
    clock = lambda: sandbox.world.clock.now() / 1000  # noqa: E731 - twice the same
    desk = Desk(clock=clock, sleep=sandbox.world.clock.advance, wall=clock)
    return HubSpot(token, base_url=sandbox.url, desk=desk, **more)


def read(crm: HubSpot) -> list[str]:
    return [record.id for record in crm.read("contact", ["1"], ["email"])]


def refreshes(sandbox: Sandbox) -> int:
    return sandbox.hubspot.tokens.refreshes


def test_lesson_44_trap_19_five_minute_tokens_carry_a_run_of_an_hour(sandbox: Sandbox, file: Path) -> None:
    """A call every half minute: renewed each four minutes, ahead of the end, and no call ever meets a 401."""
    sandbox.switch(token_life_s=300)
    crm = adapter(sandbox, token(sandbox, keeper(file)))
    for _ in range(120):
        assert read(crm) == ["1"]
        sandbox.world.clock.advance(30)
    crm.close()

    assert refreshes(sandbox) == 15
    assert crm.calls.retries == 0
    assert sandbox.hubspot.calls["batch_read"] == 120


def test_lesson_44_a_token_that_ended_early_is_renewed_once(sandbox: Sandbox, file: Path) -> None:
    """HubSpot ends every token: the call meets a 401, one renewal, and goes through."""
    crm = adapter(sandbox, token(sandbox, keeper(file)))
    read(crm)
    sandbox.hubspot.tokens.end_all()

    assert read(crm) == ["1"]
    assert refreshes(sandbox) == 2
    crm.close()


def test_lesson_44_a_401_that_a_new_token_does_not_help_ends_the_work(sandbox: Sandbox, file: Path) -> None:
    """One renewal, not one for each try: the account refuses the app."""
    crm = adapter(sandbox, token(sandbox, keeper(file)))
    read(crm)
    sandbox.fault("answer", path="contacts", times=0, status=401, body={"category": "INVALID_AUTHENTICATION"})
    try:
        with pytest.raises(Denied, match="answered 401"):
            read(crm)
    finally:
        sandbox.faults.clear()
        crm.close()

    assert refreshes(sandbox) == 2


def test_lesson_44_one_renewal_at_a_time_across_threads_and_processes(sandbox: Sandbox, file: Path) -> None:
    """Sixteen threads of two processes find the token ended: one of them renews it, all of them go on."""
    sandbox.switch(latency_ms=5)
    processes = [token(sandbox, keeper(file)) for _ in range(2)]
    given: list[str] = []
    start = threading.Barrier(16)

    def ask(one: OAuthToken) -> None:
        start.wait()
        given.append(one.now())

    threads = [threading.Thread(target=ask, args=(processes[number % 2],)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(given), len(set(given)), refreshes(sandbox)) == (16, 1, 1)


def test_lesson_44_a_rotated_refresh_token_is_stored_for_its_owner_alone(sandbox: Sandbox, file: Path) -> None:
    """0600, replaced as a whole, a link stays a link; the next process renews with it."""
    sandbox.switch(rotate_refresh_token=True, token_life_s=300)
    link = file.with_name("link")
    link.symlink_to(file)
    token(sandbox, keeper(link)).now()
    sandbox.world.clock.advance(300)

    assert token(sandbox, keeper(file)).now()
    assert link.is_symlink()
    assert file.read_text().strip() == f"{REFRESH_TOKEN}-2"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir() if path.suffix != ".lock"}
    assert set(modes.values()) == {0o600}
    assert len(list(file.parent.glob(".refresh-token*"))) == 0


def test_a_refresh_token_of_the_environment_goes_on_in_memory_and_warns_once(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """It cannot be stored back: the work goes on with the new one, and the log says once what to do."""
    configure("text", "info")
    sandbox.switch(rotate_refresh_token=True, token_life_s=300)
    app = token(sandbox, InMemory(lambda: REFRESH_TOKEN))
    for _ in range(3):
        app.now()
        sandbox.world.clock.advance(300)

    said = capsys.readouterr().err
    assert refreshes(sandbox) == 3
    assert said.count("cannot be stored") == 1
    assert "connections.acme.oauth.refresh_token" in said
    assert REFRESH_TOKEN not in said


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_mounted_secret_that_cannot_be_written_is_used_all_the_same(sandbox: Sandbox, file: Path) -> None:
    """A read-only folder: no lock, no file beside it, and a token."""
    file.parent.chmod(0o500)
    try:
        assert token(sandbox, keeper(file)).now()
    finally:
        file.parent.chmod(0o700)


def test_a_wrong_client_secret_is_told_by_its_setting(sandbox: Sandbox, file: Path) -> None:
    """Which keys to correct; neither secret nor token in the message."""
    with pytest.raises(Denied, match=r"connections\.acme\.oauth: client_id or client_secret") as refused:
        token(sandbox, keeper(file), secret="wr0ng").now()

    assert "wr0ng" not in str(refused.value)
    assert REFRESH_TOKEN not in str(refused.value)


def test_a_revoked_refresh_token_is_told_with_what_to_do(sandbox: Sandbox, file: Path) -> None:
    """Uninstalled, or revoked: install again."""
    sandbox.hubspot.tokens.revoke(REFRESH_TOKEN)

    with pytest.raises(Denied, match=r"oauth\.refresh_token: .*Install the app in the account again") as refused:
        token(sandbox, keeper(file)).now()
    assert REFRESH_TOKEN not in str(refused.value)


@pytest.mark.parametrize(
    ("status", "body"), [(404, {"status": "error", "message": "resource not found"}), (403, None), (302, None)]
)
def test_whoever_is_not_hubspot_says_nothing_of_the_refresh_token(
    sandbox: Sandbox, file: Path, status: int, body: Any
) -> None:
    """A mistyped base_url or a firewall's page: nobody is sent to install the app again."""
    sandbox.fault("answer", path="/oauth/", times=0, status=status, body=body)
    try:
        with pytest.raises(Denied, match=f"answered {status}.*Check base_url and proxy") as refused:
            token(sandbox, keeper(file)).now()
    finally:
        sandbox.faults.clear()

    assert refused.value.code == "denied"


def test_without_a_network_a_token_serves_until_it_ends(sandbox: Sandbox, file: Path) -> None:
    """Renewal fails from 80 % on: the token goes on to its end, and then the error says what cannot be reached."""
    app = token(sandbox, keeper(file))
    first = app.now()
    sandbox.fault("drop_before", path="/oauth/", times=0)
    try:
        sandbox.world.clock.advance(1500)
        assert app.now() == first
        sandbox.world.clock.advance(301)
        with pytest.raises(Transient, match="POST /oauth/2026-03/token"):
            app.now()
    finally:
        sandbox.faults.clear()
    assert app.now() != first


@pytest.mark.parametrize("version", ["2026-03", "2026-09", "v3"])
def test_the_token_endpoint_follows_the_api_version(sandbox: Sandbox, file: Path, version: str) -> None:
    """Each API version has its own path; the host is that of the API."""
    assert token(sandbox, keeper(file), api_version=version).now()


def test_the_app_and_its_account_are_whose_quota_it_is(sandbox: Sandbox, file: Path) -> None:
    """A renewed token does not begin a new window."""
    app = token(sandbox, keeper(file))
    before = app.whose
    sandbox.world.clock.advance(1800)

    assert app.whose == before == f"{CLIENT_ID} 4242"
