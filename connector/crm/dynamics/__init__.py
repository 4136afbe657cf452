"""
Dynamics 365 behind the CRM protocol, by the Dataverse Web API.

`courier` carries one request over `requests`, `transport` says what it has to look like, `auth` fetches the app's
token, `refusals` turns an answer into our errors, `batch` packs many requests into one and takes the answer apart,
`limits` says what may go out when, `api` adds retries and the tally, `opening` puts these together from settings.
`describing` says what the environment is like (`columns`, `owning`, `rights`), `automating` what else changes our columns,
`creating` makes those that are missing.
"""
