"""
Reports: what leaders ask for, computed from what the ledger holds, as values that text, JSON and HTML only show.

    baseline.py    where an account stands before anything is changed: one value, put together person by person
    standing.py    people per stage: for how long, with which owner, with what proof
    requests.py    demo and trial requests, and who answered them
    blocking.py    which unknown fields keep people from the first stage that a score decides
    writers.py     who else writes stage and status, and which options nobody uses
    observed.py    hand-offs that were only observed, beside what people really did
    sheet.py        the shape of the reports below: tables whose every number opens the list behind it
    scorecard.py    both promises on one page
    sla.py          follow-up by class and owner
    funnel.py       entries, cohorts, time in stage, where everybody stands
    blocked.py      people by why they are not handed over
    conflicts.py    other writers, and two accounts that do not agree about a person
    entries.py, reckoning.py, promises.py   what these count: moves, hand-offs, goals
    bands.py        whether the score tells: rates by grade, and when there are too few
    around.py       what the newest look at everybody adds to a scorecard
    document.py    the agreement itself, as the document that both sides sign
    chapters.py    its chapters, with every sentence in its place
    parts.py       what a document is made of
    markdown.py    that document as Markdown
    gathering.py   what the reports are made of: people from the ledger, histories from the CRM
    numbers.py     medians, capped lists
    page.py        one self-contained HTML page out of any report

Pure except gathering.py: people, histories and `as_of` are arguments. Record ids and counts only; who they are is
looked up in the CRM, behind its own doors.
"""
