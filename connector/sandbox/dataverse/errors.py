"""
What Dataverse says when something is wrong: one code, one status and one sentence for each reason.

Codes and names are those of Microsoft's list of web service error codes; which status goes with a code is documented
for few of them (401, 403, 405, 412, 429), the others stand where the HTTP standard would put them.
"""

from __future__ import annotations

from typing import NamedTuple

from connector.sandbox.exchange import Answer, Refusal


class Reason(NamedTuple):
    """A kind of error: the code in the body and the status of the answer."""

    code: str
    status: int


REASONS = {
    # the request itself
    "Malformed": Reason("0x8006088a", 400),  # CrmHttpError: what the Web API itself cannot read
    "BadPayload": Reason("0x80048d19", 400),
    "NoRoute": Reason("0x80060888", 404),
    "InvalidArgument": Reason("0x80040203", 400),
    "NoAttribute": Reason("0x80041103", 400),
    "TooManyConditions": Reason("0x8004430c", 400),
    "TooManyValues": Reason("0x8004430e", 400),
    "NotSupported": Reason("0x80040315", 405),
    "NoSuchMessage": Reason("0x80040800", 501),
    # values
    "StringTooLong": Reason("0x80044331", 400),
    "OptionOutOfRange": Reason("0x8004431a", 400),
    "IntegerOutOfRange": Reason("0x8004432f", 400),
    "DecimalOutOfRange": Reason("0x80044330", 400),
    "BadStatus": Reason("0x80048408", 400),
    "InvalidState": Reason("0x80040233", 400),
    "ReadOnlyRow": Reason("0x8004022e", 400),
    "NoSuchTransition": Reason("0x8004f857", 400),
    # rows
    "NotFound": Reason("0x80040217", 404),
    "KeyNotFound": Reason("0x80060891", 404),
    "VersionMismatch": Reason("0x80060882", 412),
    "NoVersions": Reason("0x8006088d", 400),
    "DuplicateRow": Reason("0x80040237", 412),
    "DuplicateKey": Reason("0x80060892", 412),
    "DuplicateFound": Reason("0x80040333", 412),
    # change tracking
    "NotTracked": Reason("0x80072491", 400),
    "ExpiredVersion": Reason("0x80044352", 400),
    # custom code
    "PluginRefused": Reason("0x80040265", 400),
    "PluginCrashed": Reason("0x80040224", 500),
    # access
    "NoToken": Reason("0x80044300", 401),
    "TokenExpired": Reason("0x8005f101", 401),
    "PrivilegeDenied": Reason("0x80040220", 403),
    "SecuredRead": Reason("0x8004f504", 403),
    "SecuredUpdate": Reason("0x8004f507", 403),
    "UserDisabled": Reason("0x8004a112", 403),
    "NoRoles": Reason("0x80042f09", 403),
    "NotMember": Reason("0x80072560", 403),
    # limits
    "TooManyRequests": Reason("0x80072322", 429),
    "TooMuchTime": Reason("0x80072321", 429),
    "TooConcurrent": Reason("0x80072326", 429),
    "Throttled": Reason("0x8005f103", 429),
    # the machine
    "Unexpected": Reason("0x80040216", 500),
    "SqlError": Reason("0x80044150", 500),
    "SqlTimeout": Reason("0x80044151", 500),
    "TryAgain": Reason("0x80154b53", 500),
    "NoPluginHost": Reason("0x8004418d", 500),
}


def refused(reason: str, message: str, *, status: int = 0, headers: dict[str, str] | None = None) -> Refusal:
    """An answer in Dataverse's error shape; the status goes with the reason unless given."""
    known = REASONS[reason]
    return Refusal(Answer(status or known.status, body(known.code, message), headers or {}))


def body(code: str, message: str) -> dict[str, dict[str, str]]:
    """The one shape that errors have."""
    return {"error": {"code": code, "message": message}}


def malformed(message: str) -> Refusal:
    """A 400 of the Web API's own, before any row was looked at."""
    return refused("Malformed", message)


def no_such_row(table: str, id: str) -> Refusal:
    """The 404 of a row that is not there, or not for us."""
    return refused("NotFound", f"{table} With Id = {id} Does Not Exist")
