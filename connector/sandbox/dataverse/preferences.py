"""The Prefer header: several preferences in one line, some with values."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ONE = re.compile(r'([\w.\-]+)\s*(?:=\s*("[^"]*"|[^,;\s]+))?')
FORMATTED = "OData.Community.Display.V1.FormattedValue"
LOOKUP_TABLE = "Microsoft.Dynamics.CRM.lookuplogicalname"
SCHEMA_VERSION = "Microsoft.Dynamics.CRM.globalmetadataversion"
NAVIGATION = "Microsoft.Dynamics.CRM.associatednavigationproperty"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a caller prefers."""

    page: int | None = None
    track_changes: bool = False
    representation: bool = False
    continue_on_error: bool = False
    annotations: tuple[str, ...] = ()

    def wants(self, annotation: str) -> bool:
        """Whether an annotation is asked for, by name, by its family or by everything."""
        return any(
            one in ("*", annotation) or (one.endswith("*") and annotation.startswith(one[:-1]))
            for one in self.annotations
        )

    def applied(self) -> dict[str, str]:
        """The header that says which of them were heeded."""
        told = [f"odata.maxpagesize={self.page}"] if self.page else []
        told += ["odata.track-changes"] if self.track_changes else []
        told += ["return=representation"] if self.representation else []
        told += [f'odata.include-annotations="{",".join(self.annotations)}"'] if self.annotations else []
        return {"Preference-Applied": ",".join(told)} if told else {}


def preferences(header: str) -> Preferences:
    """The preferences of a header; those that are not known are passed over, as the standard says."""
    told = {name.lower(): value.strip('"') for name, value in _ONE.findall(header)}
    page = told.get("odata.maxpagesize", "")
    annotations = tuple(part.strip() for part in told.get("odata.include-annotations", "").split(",") if part.strip())
    return Preferences(
        int(page) if page.isdigit() and int(page) > 0 else None,
        "odata.track-changes" in told,
        told.get("return") == "representation",
        "odata.continue-on-error" in told and told["odata.continue-on-error"] != "false",
        annotations,
    )
