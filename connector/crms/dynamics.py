"""Dynamics 365, as far as it must be known without its adapter."""

from __future__ import annotations

from collections.abc import Iterator, Set

from connector.crms.product import Code, Costs, Product, Versions, Wrong


def _credentials(has: Set[str]) -> Iterator[Wrong]:
    """An app registration with one proof, or a token for a trial."""
    if "environment_url" not in has:
        yield "environment_url", "is missing.", 'Write for example "https://contoso.crm4.dynamics.com".'
    proofs = [key for key in ("client_secret", "certificate") if key in has]
    if "token" in has:
        for key in proofs:
            yield key, "stands beside token.", "Keep one of the two."
        return
    for key in ("tenant_id", "client_id"):
        if key not in has:
            yield key, "is missing.", "Take it from the app registration in Entra; or write a token."
    if not proofs:
        fix = "Take one from the app registration in Entra; or write certificate = { ... }, or a token."
        yield "client_secret", "is missing.", fix
    if len(proofs) > 1:
        yield "certificate", "stands beside client_secret.", "Keep one of the two."


DYNAMICS = Product(
    "dynamics",
    "Dynamics 365",
    address="environment_url",
    opened_by=("token", "client_id"),
    secret="DYNAMICS_SECRET",
    is_alone=False,
    versions=Versions("v9.2", r"v9\.\d", 'Write "v9.2".'),
    # 6,000 in 300 seconds; a page's questions about links go out in one batch.
    costs=Costs(calls_a_second=20.0, linked=2000),
    credentials=_credentials,
    # Dataverse gives pages of up to 5,000, of which several are held at once; it does a batch's requests one after the
    # other.
    usual={"timeout": "120s", "authority": "https://login.microsoftonline.com"},
    usual_read={"page": 1000, "batch": 50},
    own=(
        "environment_url",
        "tenant_id",
        "client_id",
        "client_secret",
        "certificate",
        "authority",
        "budget.daily_quota",
        "write",
    ),
    called={
        "oauth": "client_id and client_secret",
        "base_url": "environment_url",
        "read.search_page": "read.page",
    },
    settings={
        "token": "token",
        "tls": "environment_url",
        "login": "authority",
        "user_missing": "client_id",
        "user_disabled": "client_id",
        "user_without_roles": "client_id",
    },
    codes=(
        Code(
            "tenant",
            "Microsoft Entra knows no such tenant, or the tenant no such environment.",
            "Correct the setting that the message names: tenant_id, authority or environment_url.",
        ),
        Code(
            "login",
            "Microsoft Entra, which hands out the token, is not reached or has trouble.",
            "Nothing, if it passes; else check authority, network and proxy.",
        ),
        Code(
            "app",
            "Microsoft Entra does not accept the app registration, or what proves that we are it.",
            "Correct the setting that the message names: client_id, client_secret or certificate.",
        ),
        Code(
            "user_missing",
            "The environment has no application user for the app registration.",
            "Add one with a security role in the Power Platform admin center, or correct environment_url.",
        ),
        Code(
            "user_disabled",
            "The application user is disabled in the environment.",
            "Activate it in the Power Platform admin center.",
        ),
        Code(
            "user_without_roles",
            "The application user has no security role in the environment.",
            "Give it one in the Power Platform admin center.",
        ),
        Code(
            "publisher",
            "The solution that our columns belong to is not there, or its publisher has another prefix.",
            "Create the solution, or correct own_group and own_prefix in the mapping, as the message says.",
        ),
        Code(
            "no_versions",
            "A table has no optimistic concurrency, so nobody's change could be noticed before it is overwritten.",
            "Let the environment's administrator enable it for the table; connector check names it.",
        ),
        Code(
            "not_tracked",
            "A table has no change tracking.",
            "Let the environment's administrator enable it; until then changes are found by their time.",
        ),
        Code(
            "foreign_link",
            "An answer points to another host than the configured one, and the token is not sent there.",
            "Set environment_url to the address that the environment itself uses; look for a proxy that rewrites.",
        ),
    ),
    leads=True,
)
