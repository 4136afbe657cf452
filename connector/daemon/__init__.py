"""
The daemon: every connection on its schedule, in one process, until somebody says stop.

    ticking.py    what happens when: planned runs, due timers, reload, stop
    line.py       a connection under service, and what it waits for
    telling.py    what the log is told of runs
    schedule.py   when a connection's runs are planned
    notice.py     what the daemon leaves word of in the ledger, for `connector status`
    serving.py    signals, the watchdog, and how long a stop may take
    systemd.py    telling the service manager how things are

A run is an ordinary one, with a session of its own that is opened and closed around it. Nothing here is needed for
correctness: two daemons on one ledger are kept apart by its lease, and whatever a dead one missed the next run does.
"""

from connector.daemon.line import Served
from connector.daemon.schedule import Schedule
from connector.daemon.serving import serve
from connector.daemon.ticking import Daemon

__all__ = ["Daemon", "Schedule", "Served", "serve"]
