"""
Every code by which the connector says how something ended, with what it means and what to do about it.

A code is stable: scripts may compare it, `docs/errors.md` explains it, and no other is ever put into a reject, an
outcome, a run or an alert. What the CRM itself called it stands in the message beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from connector.errors import ConnectorError, CrmError, Deferred, Denied, NotFound, OutcomeUnknown, Rejected, Transient


@dataclass(frozen=True, slots=True)
class Code:
    """One code: what it means to whoever meets it, and the sentence that says what to do."""

    name: str
    meaning: str
    fix: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """Codes that are met in the same place."""

    title: str
    about: str
    codes: tuple[Code, ...]


_ITSELF = "Nothing to do: the next run goes on by itself."

CHAPTERS: tuple[Chapter, ...] = (
    Chapter(
        "Refused for what was written",
        "The CRM took everybody else and refused this record, or this one property of it. It is kept under"
        " `connector rejects` and not sent again until something about it changes.",
        (
            Code(
                "value_not_allowed",
                "The property does not take this value: the option is missing, or was renamed or archived.",
                "Add the option in the CRM (connector setup does it for properties of our own), or name another value"
                " in the mapping file.",
            ),
            Code(
                "value_invalid",
                "The property does not take a value of this form: a date, a number, an address, or a text too long.",
                "Look with connector check whether the property still has the type that the mapping file expects.",
            ),
            Code(
                "property_missing",
                "The CRM has no property of this name any more.",
                "Run connector check: it names the line. A property of our own is created by connector setup.",
            ),
            Code(
                "property_read_only",
                "The property cannot be written: the CRM calculates it, or keeps it read-only.",
                "Map the field to a property of our own, or take it out of write_back.toml.",
            ),
            Code(
                "required_missing",
                "A rule of the account demands another property to be filled first.",
                "Fill the property that the message names in the CRM, or relax the rule there.",
            ),
            Code(
                "collision",
                "The write collides with another record, for example with a value that may stand once only.",
                "Look at the record in the CRM; two records of one person are merged there.",
            ),
            Code(
                "target_missing",
                "A record that the property points to, such as an owner or a company, is not there any more.",
                "Look in the CRM which record that was; name another one in the mapping file or the configuration.",
            ),
            Code(
                "record_closed",
                "The record is closed in the CRM, as a qualified lead or a won deal is, and takes no change.",
                "Nothing to do, unless the record was closed by mistake: reopen it in the CRM.",
            ),
            Code(
                "plugin",
                "A plug-in or workflow of the environment refused the record, or failed on it.",
                "Change the record by hand: the form shows the plug-in's own message. Whoever wrote it can exempt us by"
                " the tag agreement-connector.",
            ),
            Code(
                "not_supported",
                "The CRM does not do this with records of this kind.",
                "Take the field out of write_back.toml, or map it to a property of our own.",
            ),
            Code(
                "server_fails",
                "The CRM's server fails whenever this record is written, alone as well, and takes all others.",
                "Change the record by hand: if the CRM fails there as well, report it to its support.",
            ),
            Code(
                "refused",
                "The CRM refused the record and gave no reason that we know.",
                "Open the record in the CRM and change the property by hand: it shows the reason there.",
            ),
            Code(
                "keeps_moving",
                "Each time it was to be written somebody else had just changed the record, three times in a row.",
                "Look in the CRM which automation or integration changes the record again and again.",
            ),
            Code(
                "not_taken",
                "The CRM said yes and kept another value.",
                'If it is an earlier stage, allow the move in lifecycle.toml with backwards = "clear_then_set"; else'
                " look for an automation on this property.",
            ),
        ),
    ),
    Chapter(
        "Rejected for what was read",
        "The record cannot be understood, so nothing is decided on it. It is kept under `connector rejects` and"
        " looked at again as soon as it changes in the CRM.",
        (
            Code(
                "malformed_value",
                "A property of the record does not hold what its type says, for example a word instead of a number.",
                "Correct the value of the property that the message names in the CRM, or its type in the mapping file.",
            ),
            Code(
                "malformed_record",
                "The record as a whole cannot be understood.",
                "Open it in the CRM and look for values that nobody typed; if it looks well there, report it.",
            ),
            Code(
                "undecidable",
                "The agreement could not be applied to this person.",
                "Look with connector explain ID at where it ends, and report it: no agreement should do that.",
            ),
        ),
    ),
    Chapter(
        "Not known yet",
        "The request went out and no usable answer came. It is never sent again blindly: the next run reads what"
        " stands in the CRM and does only what is missing.",
        (
            Code("no_answer", "The connection broke, or the answer did not end in time.", _ITSELF),
            Code("server_error", "The CRM's server failed, and nobody knows how far it had come.", _ITSELF),
            Code(
                "not_json",
                "The answer was no JSON object, as of a proxy's error page.",
                "If it stays so, look for a proxy between here and the CRM.",
            ),
            Code("no_id", "A task was created, and the answer does not say which.", _ITSELF),
            Code("not_in_answer", "The answer to a batch passes this record over.", _ITSELF),
            Code("cut_off", "The program ended while this was written; the next run reads what arrived.", _ITSELF),
            Code("not_applied", "The answer was lost, and the values are not there.", _ITSELF),
            Code(
                "task_unconfirmed", "A task may have been created; it is looked for before it is made again.", _ITSELF
            ),
            Code("stage_moved_meanwhile", "Somebody set the stage while it stood cleared.", _ITSELF),
            Code(
                "stage_still_blank",
                "The stage was cleared and could not be set; the next run does that first.",
                _ITSELF,
            ),
            Code(
                "stage_set_back",
                "Another system set the old stage again at once.",
                "If it stays so, connector holds names the writer, and nothing more is written until you decide.",
            ),
        ),
    ),
    Chapter(
        "Gone, moved on, or not sent",
        "Nothing is wrong with these: the next run takes them up as they are then.",
        (
            Code("gone", "The record was deleted or merged away.", "Nothing to do: it is never written again."),
            Code("plan_moved", "The record is no longer as it was when the plan was reviewed.", "Make a new plan."),
            Code(
                "moved_meanwhile",
                "Somebody changed the record between our reading and our writing; it is read and decided again.",
                _ITSELF,
            ),
            Code("quota", "The share of the CRM's quota that this connection may use is spent.", _ITSELF),
            Code(
                "throttled",
                "The CRM asked for patience more often than we may try.",
                "If it stays so, lower budget.burst_share, or look who else uses the account's quota.",
            ),
            Code("unavailable", "The CRM answered with errors of its own, after every retry.", _ITSELF),
        ),
    ),
    Chapter(
        "Waiting",
        "Decided and not written yet, shown by `connector status --waiting`.",
        (
            Code(
                "change_budget",
                "More people would change for one cause than the guard allows.",
                "Look with connector plan; let them go with connector apply --run N --yes.",
            ),
            Code(
                "max_share",
                "A larger share of the people looked at would have a value overwritten than the guard allows.",
                "Look with connector plan; let them go with connector apply --run N --yes.",
            ),
            Code(
                "emptied",
                "A field that many people had is suddenly empty for them; nothing is decided on that until you agree.",
                "Look whether a property was deleted or a scope was lost; else: connector apply --run N --yes.",
            ),
            Code("task_budget", "The day's places for tasks are taken; the most urgent go first.", _ITSELF),
            Code("quiet", "Quiet hours or a freeze hold stages and tasks back.", _ITSELF),
        ),
    ),
    Chapter(
        "Held",
        "A value that somebody else set stands in place of ours, shown by `connector holds`.",
        (
            Code(
                "edit",
                "Somebody set another value by hand; it is left alone until its time.",
                "connector holds release ID lets the agreement write at once.",
            ),
            Code(
                "conflict",
                "Another system set our value back more than once, so nothing more is written there.",
                "Look at the automation that the alert names, then: connector holds release ID.",
            ),
            Code(
                "undone",
                "A run was undone, and what it had written is left out until something new is known.",
                "connector holds release ID lets the agreement write at once.",
            ),
        ),
    ),
    Chapter(
        "How a run ends",
        "The `code` of a run that did not end well; the message beside it names the setting, the scope or the file.",
        (
            Code("token", "The CRM does not accept the token.", "Check that it is complete and was not rotated."),
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
            Code(
                "tenant",
                "Microsoft Entra knows no such tenant, or the tenant no such environment.",
                "Correct the setting that the message names: tenant_id, authority or environment_url.",
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
            Code(
                "scope",
                "The token lacks a scope, or the application user a privilege, perhaps since the run began. Nothing was"
                " decided without what it hides.",
                "Add the scope that the message names to the app or service key, or the privilege to the user's role;"
                " connector check proves them all.",
            ),
            Code(
                "wrong_account",
                "The token opens another account than the configuration or the state names.",
                "Use the token of the right account, or correct account in the configuration.",
            ),
            Code("denied", "The CRM closed the door for another reason.", "Do what the message says."),
            Code("tls", "There is no trusted TLS connection.", "Check the CRM's address and SSL_CERT_FILE."),
            Code("unreachable", "Nobody answers at the CRM's address.", "Check the address, network and proxy."),
            Code("not_found", "What was asked for is not in this account.", "Run connector check."),
            Code("source", "A signal names a source that this CRM does not have.", "Correct the line in the mapping."),
            Code("list", "A signal or the scope names a list that is not there.", "Create it, or correct its name."),
            Code("form", "A signal names a form that is not there.", "Correct its id in the mapping."),
            Code(
                "cursor", "The stored place in the changes cannot be read.", "Run connector backfill: it sets it anew."
            ),
            Code(
                "cursor_lost",
                "The CRM tells no more what changed since the last time: too long ago, or its link is refused.",
                "Nothing to do: everything of that kind is read once more.",
            ),
            Code("search_incomplete", "A search gave fewer records than it announced.", _ITSELF),
            Code("search_stuck", "A search does not get on from page to page.", "If it stays so, report it."),
            Code("search_id", "A search gave a record without a usable id.", "If it stays so, report it."),
            Code("list_stuck", "A list does not get on from page to page.", "If it stays so, report it."),
            Code(
                "links_stuck", "A list of associations does not get on from page to page.", "If it stays so, report it."
            ),
            Code(
                "stalled", "Nothing came from the CRM for too long, and the run gave up.", "Run it again; it goes on."
            ),
            Code("closed", "The connection to the CRM was closed while work was left.", _ITSELF),
            Code("crm_error", "The CRM did not do what was asked.", "Do what the message says."),
            Code("config", "A file or the account does not fit.", "Do what each message says: it names file and line."),
            Code("guard", "A guard refused the run.", "Look at the plan, then decide."),
            Code("busy", "Another run works on this connection.", _ITSELF),
            Code("usage", "The command asks for something that cannot be.", "See its --help."),
            Code("stopped", "The program was asked to stop.", _ITSELF),
            Code(
                "paused", "Somebody paused the connection, or quiet hours began.", "connector resume NAME ends a pause."
            ),
            Code("state", "The state cannot be read or written.", "Check disk space and rights, or restore a backup."),
            Code(
                "unaccounted",
                "An answer was counted and did not add up, so nothing of it was recorded. This is a mistake of ours.",
                "Report it; the next run reads back what arrived.",
            ),
            Code("error", "Something else went wrong.", "Do what the message says."),
        ),
    ),
)

CODES: dict[str, Code] = {code.name: code for chapter in CHAPTERS for code in chapter.codes}


def of(error: ConnectorError) -> str:
    """The documented code of an error; what the CRM calls it otherwise is told by the kind of the error."""
    if error.code in CODES:
        return error.code
    kinds: tuple[tuple[type[ConnectorError], str], ...] = (
        (OutcomeUnknown, "server_error" if error.code == "http_500" else "no_answer"),
        (Transient, "throttled" if _is_throttling(error.code) else "unavailable"),
        (Denied, "denied"),
        (NotFound, "not_found"),
        (Rejected, "refused"),
        (CrmError, "crm_error"),
        (Deferred, "quota"),
    )
    return next((name for kind, name in kinds if isinstance(error, kind)), "error")


def _is_throttling(code: str) -> bool:
    """The name of one of the CRM's rate limits, or a bare 429."""
    return code == "http_429" or (code.isupper() and not code.startswith("HTTP"))


def meaning_of(name: str) -> str:
    """What a code means, for people."""
    return CODES[name].meaning if name in CODES else "Written by an earlier version; see the message."


def fix_of(name: str) -> str:
    """What to do about a code."""
    return CODES[name].fix if name in CODES else "Try it again: connector rejects retry --all"


def page() -> str:
    """docs/errors.md: every code, what it means and what to do."""
    parts = [_INTRODUCTION]
    for chapter in CHAPTERS:
        rows = "\n".join(f"| `{code.name}` | {code.meaning} | {code.fix} |" for code in chapter.codes)
        head = "| code | what it means | what to do |\n| --- | --- | --- |"
        parts.append(f"## {chapter.title}\n\n{chapter.about}\n\n{head}\n{rows}\n")
    return "\n".join(parts)


_INTRODUCTION = """# Every code, and what to do

The connector says how something ended by one of the codes below: in `connector rejects`, in the `code` and
`set_aside` of a run, in what `connector status` and alerts tell. A code is stable, so scripts may compare it; what
the CRM itself called the trouble stands in the message beside it, without the values it was about. No other code
exists: a test compares this page with the program.

A run is `done` only when nothing is set aside, nothing waits, nothing is unknown and everything the agreement asks
for could be read; else it is `partial` (exit code 3), `deferred` (75), `refused` (5) or `failed` (1).

What is set aside is not sent again in every run. It is tried again as soon as the record changes in the CRM, as
another agreement or mapping holds, or as the account's definition of a mapped property changes (an option is added, a
property is created again); else an hour after the first attempt, then after 2, 4, 8 ... hours, at most a week. At
once: `connector rejects retry ID...`, `--code CODE` or `--all`. Where the CRM names the property it refuses and that
property only tells something (a persona, a score, a reason), the rest is written without it; where it is part of a
person's route (stage, status, lead type, cycle, the answers of sales), nothing of the decision counts as done.
"""


def unknown_among(names: Iterable[str]) -> list[str]:
    """Those of these that are no code."""
    return sorted({name for name in names if name and name not in CODES})
