"""
HubSpot behind the CRM protocol.

`names` holds HubSpot's vocabulary and paths, `transport` sends one request, `verdict` turns an answer into our
errors, `api` adds pacing, the daily budget, retries and the tally. On top of these each room knows one part of
HubSpot: `reading`, `changing` (what changed since), `linking`, `dating` (lists and forms), `writing`, `tasking`,
`history`, `describing`. `adapter` puts them together.
"""

from connector.crm.hubspot.adapter import HubSpot
from connector.crm.hubspot.names import Reading

__all__ = ["HubSpot", "Reading"]
