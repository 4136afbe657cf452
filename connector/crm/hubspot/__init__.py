"""
HubSpot behind the CRM protocol.

`names` holds HubSpot's vocabulary and paths, `transport` sends one request, `verdict` turns an answer into our
errors, `allowance` says what may go out when, `api` adds retries and the tally, `oauth` renews an app's tokens. On
top of these each room knows one part of HubSpot: `reading`, `changing` (what changed since), `linking`, `dating`
(lists and forms), `writing`, `tasking`, `history`, `describing`. `adapter` puts them together.
"""

from connector.crm.hubspot.adapter import HubSpot
from connector.crm.hubspot.names import Reading
from connector.crm.hubspot.oauth import oauth_token

__all__ = ["HubSpot", "Reading", "oauth_token"]
