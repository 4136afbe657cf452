"""
A HubSpot account on loopback, for trials and tests: real HTTP, invented people, its own clock, scripted trouble.

`Sandbox` runs it in a thread, `python -m connector.sandbox` as a process; `World` is the account behind it.
"""

from connector.sandbox.server import Sandbox
from connector.sandbox.switches import Switches
from connector.sandbox.world import World

__all__ = ["Sandbox", "Switches", "World"]
