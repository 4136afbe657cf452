"""
The loop: ids to look at, read, normalise, decide, diff, guard, apply, record.

    loop.py       one run from lease to report; the story on one page
    frame.py      how a run begins and ends
    lease.py      one run at a time, and one that slept through its lease stops
    session.py    what a run works with, what it is asked for, what it reports
    circumstances.py who must be looked at again because agreement, scope, lists or the day are others now
    asking.py     what the agreement asks of records, and what of it has been read
    pull.py       read what changed, or everything, into the mirror
    scanning.py   everything, page by page
    fetching.py   what the CRM says of records, and what belongs to them
    keeping.py    what was read, with all that follows from it being new
    assembling.py put people together from the mirror, with what others edited
    whom.py       whom a run looks at
    look.py       decide, diff
    settling.py   settle those who need no write, plan those who do
    quarantine.py what was refused and is not sent again yet
    mending.py    what is remembered of refusals
    guarding.py   who may go on, who must wait, and who is told
    apply.py      write planned changes, verify, record
    freshness.py  read and decide again, right before the write, whoever was read too long ago
    half_written.py what stands of a change, one of whose records moved before it was written
    recording.py  remember what the CRM confirmed
    handoff.py    the one task of a hand-off
    backwards.py  setting an earlier lifecycle stage without leaving anybody blank
    signing.py    whether the agreement is signed, and how that is told
    ahead.py      reading one step ahead of the work
    compiling.py  an agreement compiled once for all sessions
"""

from connector.sync.loop import run
from connector.sync.session import Order, Report, Session, Settings
from connector.sync.signing import Signatures

__all__ = ["Order", "Report", "Session", "Settings", "Signatures", "run"]
