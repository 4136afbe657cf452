"""When tasks and stage writes wait, in local time, through midnight and clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from connector.config import Freeze
from connector.config import Quiet as Hours
from connector.quiet import Quiet

WARSAW = ZoneInfo("Europe/Warsaw")
NIGHTS = Quiet(Hours(begins=time(18), ends=time(8), days=("sat", "sun")), (), WARSAW)


@pytest.mark.parametrize(
    ("local", "until"),
    [
        ("2026-11-24 17:59", None),  # a Tuesday
        ("2026-11-24 18:00", "2026-11-25 08:00"),
        ("2026-11-25 07:59", "2026-11-25 08:00"),
        ("2026-11-25 08:00", None),
        ("2026-11-28 12:00", "2026-11-29 00:00"),  # a Saturday, all of it
        ("2026-03-28 23:30", "2026-03-29 08:00"),  # the night in which the clocks go forward
    ],
)
def test_quiet_hours_run_through_midnight_in_local_time(local: str, until: str | None) -> None:
    """Evening to morning, whole days, and the night of the clock change."""
    silence = NIGHTS.at(datetime.fromisoformat(local).replace(tzinfo=WARSAW))

    wanted = None if until is None else datetime.fromisoformat(until).replace(tzinfo=WARSAW)
    assert (silence.until if silence else None) == wanted


def test_a_freeze_of_days_ends_after_the_last_one() -> None:
    """From the first midnight to the one behind the last day, in local time."""
    freeze = Freeze(begins=date(2026, 12, 24), ends=date(2026, 12, 26), reason="holidays")
    quiet = Quiet(Hours(), (freeze,), WARSAW)
    first, last = datetime(2026, 12, 23, 23, tzinfo=UTC), datetime(2026, 12, 26, 22, 59, tzinfo=UTC)

    assert quiet.at(first) is not None
    assert quiet.at(last) is not None
    assert quiet.at(datetime(2026, 12, 23, 22, 59, tzinfo=UTC)) is None
    assert quiet.at(datetime(2026, 12, 26, 23, tzinfo=UTC)) is None


def test_the_strictest_silence_speaks() -> None:
    """A freeze that lets no fast track pass stands above quiet hours that do."""
    freeze = Freeze(begins=date(2026, 11, 24), ends=date(2026, 11, 24), reason="audit")
    quiet = Quiet(Hours(begins=time(18), ends=time(8)), (freeze,), WARSAW)

    silence = quiet.at(datetime(2026, 11, 24, 20, tzinfo=WARSAW))

    assert silence is not None
    assert (silence.reason, silence.except_fast_track, silence.frozen) == ("freeze (audit)", False, True)
