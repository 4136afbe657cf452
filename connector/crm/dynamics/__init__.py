"""
Dynamics 365 behind the CRM protocol, by the Dataverse Web API.

`courier` carries one request over `requests`, `transport` says what it has to look like, `auth` fetches the app's
token (`pem` reads its certificate), `refusals` turns an answer into our errors, `batch` packs many requests into one
and takes the answer apart, `limits` says what may go out when, `api` adds retries and the tally, `opening` puts these
together from settings.

`names` holds the tables that our kinds are, `schema` what the environment makes of them, `versions` the ETags of what
was read last; `environment` is what all rooms share. On top of these each room knows one part: `asking` (many rows by
their ids), `kinship` (which rows are one person), `records`, `values` and `derived` (rows as records), `scanning`,
`reading`, `changing` (what changed since, with `cursors`), `linking`, `counting`, `writing` (with `drafting`: updates
as bodies, `bindings`: how lookups are set, `predicting`: scores on leads and deals, and `bulk`), `tasking`, `history`
(who changed what). `adapter` puts them together.

`describing` says what the environment is like (by `metadata`, `columns`, `owning` and `rights`), `automating` what else
changes our columns, `creating` makes those that are missing.
"""

from connector.crm.dynamics.adapter import Dynamics
from connector.crm.dynamics.opening import Reading, Writing

__all__ = ["Dynamics", "Reading", "Writing"]
