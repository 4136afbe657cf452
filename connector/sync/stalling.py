"""
A run in which nothing moves says so, says what it waits for, and ends before anybody has to kill it.
"""

from __future__ import annotations

from datetime import timedelta

from connector.errors import Transient
from connector.log import get_logger
from connector.sync.session import Report, Session

#: How long nothing may come in before whoever watches is told, and before the run ends. The longest wait that the
#: retry policy takes upon itself is two minutes.
TOLD, ENDED = timedelta(minutes=1), timedelta(minutes=15)

log = get_logger("connector.sync")


class Watch:
    """Looked at while a run waits for the CRM; `moved` whenever something came in."""

    def __init__(self, session: Session, report: Report) -> None:
        self._session, self._report = session, report
        self._since = session.now()
        self._told = False

    def moved(self) -> None:
        """Something came in."""
        self._since, self._told = self._session.now(), False

    def look(self) -> None:
        """Still nothing. Raises Deferred when the program is to stop, Transient when nothing has moved for too long."""
        self._session.go_on()
        silent = self._session.now() - self._since
        if silent >= ENDED:
            raise Transient(
                f"Nothing has come from the CRM for {_minutes(silent)}{self._for_what()}. What was committed stays; the"
                " next run goes on from there.",
                code="stalled",
            )
        if silent >= TOLD and not self._told:
            self._told = True
            told = f"nothing came from the CRM for {_minutes(silent)}{self._for_what()}"
            log.warning("nothing moves", since=self._since.isoformat(), waits_for=self._session.crm.waits_for())
            if told not in self._report.warnings:
                self._report.warnings.append(told)

    def _for_what(self) -> str:
        what = self._session.crm.waits_for()
        return f": the connector waits for {what}" if what else ""


def _minutes(time: timedelta) -> str:
    minutes = round(time / timedelta(minutes=1))
    return f"{minutes} minute{'s' * (minutes != 1)}"
