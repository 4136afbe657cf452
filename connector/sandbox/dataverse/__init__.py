"""
A Dynamics 365 Sales environment on loopback, for trials and tests: the Dataverse Web API with its traps.

`DataverseSandbox` runs it in a thread, `python -m connector.sandbox --crm dynamics` as a process; `Environment` is what
stands behind it. It knows what it is told in `stock.py` and refuses what it does not understand.
"""

from connector.sandbox.dataverse.environment import Environment
from connector.sandbox.dataverse.server import DataverseSandbox
from connector.sandbox.dataverse.switches import Switches

__all__ = ["DataverseSandbox", "Environment", "Switches"]
