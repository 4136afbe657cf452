"""
The agreement as a document to read and to sign: the written SLA, made of the same files that the connector follows.

Here it is sections of plain values; `page.py` makes a page of them and `markdown.py` a text. No clock: the same files,
signatures and last version make the same document.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from connector import crms
from connector.agreement.approvals import Approval, standing
from connector.agreement.differing import Changed
from connector.agreement.terms import Agreement
from connector.report.chapters import NONE, Chapters
from connector.report.parts import Document, Part, Section, Table


def document(
    agreement: Agreement,
    approvals: Sequence[Approval] = (),
    changed: Sequence[Changed] | None = None,
    since: str = "",
) -> Document:
    """The SLA document. `changed` is what is different from the version that was signed last, which is called `since`;
    None where nothing was ever signed."""
    writer = Chapters(agreement, standing(approvals, agreement.fingerprint, agreement.wiring.fingerprint, _ANY_TIME))
    used = [stage for stage in agreement.stages if stage.used]
    return Document(
        "Service level agreement of marketing and sales",
        tuple(_facts(agreement)),
        tuple(" ".join(text.split()) for text in agreement.paper.summary.split("\n\n") if text.strip()),
        tuple(stage.label for stage in used if not stage.side),
        tuple(stage.label for stage in used if stage.side),
        tuple(each for each in (_changes(changed, since), *writer.sections()) if each.parts),
    )


#: Who has signed does not depend on the time, and nothing else is asked of the standing.
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def _facts(agreement: Agreement) -> Iterator[tuple[str, str]]:
    paper = agreement.paper
    yield "Version", agreement.version
    yield "Holds from", f"{paper.effective_from:%d %B %Y}" if paper.effective_from else "not said"
    yield "Review by", f"{paper.review_by:%d %B %Y}" if paper.review_by else "not said"
    yield "Fingerprint of the rules", agreement.fingerprint
    yield f"Fingerprint of the wiring to {crms.label_of(agreement.wiring.crm)}", agreement.wiring.fingerprint


def _changes(changed: Sequence[Changed] | None, since: str) -> Section:
    title = "What changed"
    if changed is None:
        note = "No version has been signed before, so everything in this document is new."
        return Section("changes", title, (Part(note=note),))
    if not changed:
        return Section("changes", title, (Part(note=f"Nothing has changed since {since}."),))
    parts = []
    for chapter in dict.fromkeys(one.chapter for one in changed):
        rows = tuple(_changed(one) for one in changed if one.chapter == chapter)
        parts.append(Part(chapter, table=Table(("", "before", "now"), rows)))
    return Section("changes", title, tuple(parts), f"Against {since}, rule by rule.")


def _changed(one: Changed) -> tuple[str, str, str]:
    if one.kind == "order":
        return "order", ", ".join(one.before), ", ".join(one.after)
    before, after = " ".join(one.before), " ".join(one.after)
    return one.kind, before or NONE, after or NONE
