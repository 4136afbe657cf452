"""The codes of a run: how one ends that does not end well. Each CRM has some of its own."""

from __future__ import annotations

from connector.codes.chapter import ITSELF, Chapter
from connector.crms import CRMS, Code

RUNS = Chapter(
    "How a run ends",
    "The `code` of a run that did not end well; the message beside it names the setting, the scope or the file.",
    (
        Code("token", "The CRM does not accept the token.", "Check that it is complete and was not rotated."),
        *(code for crm in CRMS.values() for code in crm.codes),
        Code(
            "scope",
            "The token lacks a scope, or the user behind it a privilege, perhaps since the run began. Nothing was"
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
        Code("cursor", "The stored place in the changes cannot be read.", "Run connector backfill: it sets it anew."),
        Code(
            "cursor_lost",
            "The CRM tells no more what changed since the last time: too long ago, or its link is refused.",
            "Nothing to do: everything of that kind is read once more.",
        ),
        Code("search_incomplete", "A search gave fewer records than it announced.", ITSELF),
        Code("search_stuck", "A search does not get on from page to page.", "If it stays so, report it."),
        Code("search_id", "A search gave a record without a usable id.", "If it stays so, report it."),
        Code("list_stuck", "A list does not get on from page to page.", "If it stays so, report it."),
        Code("links_stuck", "A list of associations does not get on from page to page.", "If it stays so, report it."),
        Code("stalled", "Nothing came from the CRM for too long, and the run gave up.", "Run it again; it goes on."),
        Code("closed", "The connection to the CRM was closed while work was left.", ITSELF),
        Code("crm_error", "The CRM did not do what was asked.", "Do what the message says."),
        Code("config", "A file or the account does not fit.", "Do what each message says: it names file and line."),
        Code("guard", "A guard refused the run.", "Look at the plan, then decide."),
        Code("busy", "Another run works on this connection.", ITSELF),
        Code("usage", "The command asks for something that cannot be.", "See its --help."),
        Code("stopped", "The program was asked to stop.", ITSELF),
        Code("paused", "Somebody paused the connection, or quiet hours began.", "connector resume NAME ends a pause."),
        Code("state", "The state cannot be read or written.", "Check disk space and rights, or restore a backup."),
        Code(
            "unaccounted",
            "An answer was counted and did not add up, so nothing of it was recorded. This is a mistake of ours.",
            "Report it; the next run reads back what arrived.",
        ),
        Code("error", "Something else went wrong.", "Do what the message says."),
    ),
)
