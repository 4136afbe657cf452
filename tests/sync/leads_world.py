"""A world whose CRM keeps leads beside contacts: the memory CRM, with a mapping that reads and writes them."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from connector.agreement import Agreement, load_agreement
from connector.config import shipped_mappings
from connector.ledger import Ledger
from connector.sync import Report
from tests.sync.world import World

#: Some properties are called otherwise on leads, and what sales answers may stand in another one.
LEADS = """
[lead.fields]
stage = "lifecyclestage"
status = "hs_lead_status"
current_stage = "lead_stage"
furthest_stage = "lead_furthest_stage"
stage_reason = "cx_stage_reason"
lead_type = "cx_lead_type"
cycle = "cx_cycle"
wait_until = "cx_wait_until"
returned_count = "cx_returned_count"
sla_state = "cx_sla_state"
scored_at = "cx_scored_at"
sales_answer = { property = "cx_sales_answer", otherwise = "closed_as" }
rejection_reason = "cx_rejection_reason"
"""

ANSWER = 'sales_answer = "cx_sales_answer"\n'


@cache
def agreement_with_leads() -> Agreement:
    """The shipped agreement, whose CRM has leads."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(shutil.copytree(shipped_mappings(), Path(folder) / "mappings"))
        text = (path / "hubspot.toml").read_text(encoding="utf-8")
        assert ANSWER in text
        text = text.replace(ANSWER, 'sales_answer = { property = "cx_sales_answer", otherwise = "closed_as" }\n')
        (path / "memory.toml").write_text(text + LEADS, encoding="utf-8")
        loaded = load_agreement(path, "memory")
    rules = {name: replace(rule, smallest_change=0) for name, rule in loaded.write_back.rules.items()}
    return replace(loaded, write_back=replace(loaded.write_back, rules=rules))


@dataclass
class LeadsWorld(World):
    """People with leads."""

    agreement: Agreement = field(default_factory=agreement_with_leads)

    def lead(self, id: str, contact: str, **properties: str) -> None:
        """A lead of a contact, made just now."""
        self.crm.add("lead", id, properties)
        self.crm.link("contact", contact, "lead", id)

    def on(self, lead: str) -> dict[str, str]:
        """A lead's filled properties."""
        return self.crm.properties("lead", lead)

    def later(self, ledger: Ledger, as_of: datetime | None = None, **time: float) -> Report:
        """The next run."""
        self.clock.pass_by(**(time or {"minutes": 10}))
        return self.sync(ledger, as_of=as_of)

    def tracks(self, ledger: Ledger, person: str) -> dict[str, Any]:
        """What is remembered of a person's tracks, by lead type."""
        return {one["lead_type"]: one for one in ledger.people.remember([person])[person].tracks}
