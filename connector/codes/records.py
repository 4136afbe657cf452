"""The codes of a record: why it was not written, not read, not sent, or left to somebody else."""

from __future__ import annotations

from connector.codes.chapter import ITSELF, Chapter
from connector.crms import Code

RECORDS: tuple[Chapter, ...] = (
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
            Code("no_answer", "The connection broke, or the answer did not end in time.", ITSELF),
            Code("server_error", "The CRM's server failed, and nobody knows how far it had come.", ITSELF),
            Code(
                "not_json",
                "The answer was no JSON object, as of a proxy's error page.",
                "If it stays so, look for a proxy between here and the CRM.",
            ),
            Code("no_id", "A task was created, and the answer does not say which.", ITSELF),
            Code("not_in_answer", "The answer to a batch passes this record over.", ITSELF),
            Code("cut_off", "The program ended while this was written; the next run reads what arrived.", ITSELF),
            Code("not_applied", "The answer was lost, and the values are not there.", ITSELF),
            Code("task_unconfirmed", "A task may have been created; it is looked for before it is made again.", ITSELF),
            Code("stage_moved_meanwhile", "Somebody set the stage while it stood cleared.", ITSELF),
            Code(
                "stage_still_blank",
                "The stage was cleared and could not be set; the next run does that first.",
                ITSELF,
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
                ITSELF,
            ),
            Code("quota", "The share of the CRM's quota that this connection may use is spent.", ITSELF),
            Code(
                "throttled",
                "The CRM asked for patience more often than we may try.",
                "If it stays so, lower budget.burst_share, or look who else uses the account's quota.",
            ),
            Code("unavailable", "The CRM answered with errors of its own, after every retry.", ITSELF),
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
            Code("task_budget", "The day's places for tasks are taken; the most urgent go first.", ITSELF),
            Code("quiet", "Quiet hours or a freeze hold stages and tasks back.", ITSELF),
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
)
