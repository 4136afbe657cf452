"""
Drives a Dataverse sandbox over https with Microsoft's PowerPlatform-Dataverse-Client and msal; prints what it saw.

Runs in an environment of its own, where those two are installed. Arguments: the sandbox's address, tenant, client id,
secret.
"""

import json
import sys
import time

import msal
from azure.core.credentials import AccessToken
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.errors import HttpError


class Credential:
    """A token by msal's client credentials flow."""

    def __init__(self, address, tenant, client_id, secret):
        self._scope = f"{address}/.default"
        self._app = msal.ConfidentialClientApplication(
            client_id, authority=f"{address}/{tenant}", client_credential=secret, instance_discovery=False
        )

    def get_token(self, *scopes, **more):
        told = self._app.acquire_token_for_client(scopes=[self._scope])
        return AccessToken(told["access_token"], int(time.time()) + told["expires_in"])


def refused(address, tenant, client_id, secret):
    """What msal says to a wrong secret and to a wrong tenant."""
    app = msal.ConfidentialClientApplication(
        client_id, authority=f"{address}/{tenant}", client_credential=secret + "x", instance_discovery=False
    )
    told = app.acquire_token_for_client(scopes=[f"{address}/.default"])
    try:
        msal.ConfidentialClientApplication(
            client_id, authority=f"{address}/nowhere", client_credential=secret, instance_discovery=False
        )
    except ValueError:
        return [told["error"], "no such tenant"]
    return [told["error"], "some tenant"]


def records(client):
    """Reading in pages, single writes, bulk writes."""
    pages = [len(page) for page in client.records.list_pages("contact", select=["lastname"], page_size=20)]
    one = client.records.create("contact", {"lastname": "Python", "accountrolecode": 1})
    many = client.records.create("contact", [{"lastname": f"Many {n}"} for n in range(3)])
    client.records.update("contact", one, {"jobtitle": "single"})
    client.records.update("contact", many, {"jobtitle": "bulk"})
    found = client.records.list("contact", filter="jobtitle eq 'bulk'", select=["jobtitle"])
    row = client.records.retrieve("contact", one, select=["jobtitle", "accountrolecode"])
    client.records.delete("contact", one)
    gone = client.records.retrieve("contact", one, select=["jobtitle"])
    return {
        "pages": pages,
        "bulk": len(list(found)),
        "single": row["jobtitle"],
        "etag": bool(row.etag),
        "gone": gone is None,
    }


def batch(client):
    """Operations on their own with one that fails, then a change set."""
    ids = [row["contactid"] for row in list(client.records.list("contact", select=["lastname"], top=3))]
    request = client.batch.new()
    request.records.update("contact", ids[0], {"jobtitle": "batch"})
    request.records.update("contact", "00000000-0000-4000-8000-00000000dead", {"jobtitle": "batch"})
    request.records.retrieve("contact", ids[0], select=["jobtitle"])
    told = request.execute(continue_on_error=True)
    request = client.batch.new()
    with request.changeset() as changes:
        changes.records.create("account", {"name": "Acme"})
        changes.records.update("contact", ids[1], {"jobtitle": "set"})
    made = request.execute()
    return {
        "statuses": [one.status_code for one in told.responses],
        "set": [one.status_code for one in made.responses],
        "title": client.records.retrieve("contact", ids[1], select=["jobtitle"])["jobtitle"],
    }


def throttled(client):
    """Its own error for a 429, which the sandbox is scripted to answer now."""
    try:
        client.records.retrieve("lead", "00000000-0000-4000-8000-00000000dead", select=["lastname"])
    except HttpError as error:
        return [error.status_code, error.is_transient, error.details.get("retry_after")]
    return []


def main():
    address, tenant, client_id, secret = sys.argv[1:]
    with DataverseClient(address, Credential(address, tenant, client_id, secret)) as client:
        seen = {"records": records(client), "batch": batch(client), "throttled": throttled(client)}
        seen["table"] = client.tables.get("contact")["entity_set_name"]
    seen["refused"] = refused(address, tenant, client_id, secret)
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    main()
