"""
An agreement compiled once for all sessions of a process: a daemon's connections share one or two, and look often.

What a decider keeps beside the agreement it works out from that alone, and it remembers nobody: sessions may share it.
"""

from __future__ import annotations

import threading
from collections import deque

from connector.agreement import Agreement
from connector.decide import Decider, Office

#: How many are kept.
_KEPT = 4

_known: deque[tuple[Agreement, Office, Decider]] = deque(maxlen=_KEPT)
_compiling = threading.Lock()


def compiled(agreement: Agreement, office: Office) -> Decider:
    """The decider of this agreement for this office, made when it is asked for the first time."""
    with _compiling:
        found = next((one for one in _known if one[0] is agreement and one[1] == office), None)
        if found is None:
            found = agreement, office, Decider(agreement, office)
            _known.appendleft(found)
        return found[2]
