"""HubSpot, as far as it must be known without its adapter."""

from __future__ import annotations

from collections.abc import Iterator, Set

from connector.crms.product import Code, Costs, Product, Versions, Wrong


def _credentials(has: Set[str]) -> Iterator[Wrong]:
    """A private app's token, or an OAuth app."""
    if "token" in has and "oauth" in has:
        yield "oauth", "stands beside token.", "Keep one of the two."
    if not {"token", "oauth"} & has:
        yield "token", "is missing.", 'Write token = "env:HUBSPOT_TOKEN", or oauth = { ... }.'


HUBSPOT = Product(
    "hubspot",
    "HubSpot",
    address="base_url",
    opened_by=("oauth.refresh_token", "token"),
    secret="HUBSPOT_TOKEN",
    versions=Versions("2026-03", r"v3|20\d\d-\d\d", 'Write a dated version such as "2026-03", or "v3".'),
    costs=Costs(calls_a_second=10.0, linked=1000),  # 100 in ten seconds; inputs of a read of associations
    credentials=_credentials,
    usual={"base_url": "https://api.hubapi.com"},
    own=("oauth", "base_url", "read.search_page"),
    called={
        "environment_url": "base_url",
        "client_id": "oauth.client_id",
        "client_secret": "oauth.client_secret",
    },
    settings={"token": "token", "tls": "base_url"},
    codes=(
        Code(
            "oauth_client",
            "The CRM does not know the OAuth app by these credentials.",
            "Copy client_id and client_secret once more from the app's page.",
        ),
        Code(
            "oauth_refresh",
            "The refresh token is not accepted: revoked, of another app, or the app was uninstalled.",
            "Install the app in the account again and store the new refresh token where the setting names it.",
        ),
    ),
    secret_forms=(r"\bpat-[a-z]{2,3}\d-[\w-]+",),  # a private app's token
    secret_names=("hapikey",),
    recipes={
        "list": 'active list (segment) "{key}": contacts with "{label}"; being added is the signal',
        "form": 'form "{key}": a submission is "{label}"; put the form\'s id into {file}',
    },
)
