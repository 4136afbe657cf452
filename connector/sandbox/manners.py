"""
How an account behaves by itself: forward-only stages, stage dates, appended choices, computed properties, automation.

Each manner is a function over the world, so that another one is another function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from connector.sandbox.clock import iso
from connector.sandbox.records import Row, Source
from connector.sandbox.schema import KINDS

if TYPE_CHECKING:
    from connector.sandbox.world import World

Compute = Callable[["World", Row, Mapping[str, str]], str | None]


def appended(current: str | None, value: str) -> str:
    """ ";C" adds a choice to a multiple-choice property; anything else replaces it."""
    if not value.startswith(";"):
        return value
    return ";".join(dict.fromkeys([*filter(None, (current or "").split(";")), *filter(None, value.split(";"))]))


def stage_rank(world: World, kind: str, stage: str) -> int:
    """The place of a lifecycle stage in the account's order."""
    options = [option.value for option in world.definitions[kind]["lifecyclestage"].options]
    return options.index(stage) if stage in options else len(options)


def is_backward(world: World, kind: str, current: str | None, wanted: str) -> bool:
    """Whether a write would move the lifecycle stage to an earlier one; clearing is not that."""
    if not current or not wanted:
        return False
    return stage_rank(world, kind, wanted) < stage_rank(world, kind, current)


def stage_dates(world: World, kind: str, current: Mapping[str, str], stage: str, now: int) -> dict[str, str]:
    """
    The dates that follow a stage: "became a ..." is set on entering and cleared for stages it fell behind, the newer
    "date entered" (of accounts that have it) moves with each entry and is never cleared.
    """
    dates: dict[str, str] = {}
    entered = f"hs_v2_date_entered_{stage}"
    if entered in world.definitions[kind]:
        dates[entered] = iso(now)
    for option in world.definitions[kind]["lifecyclestage"].options:
        name = f"hs_lifecyclestage_{option.value}_date"
        if stage and option.value == stage and not current.get(name):
            dates[name] = iso(now)
        elif stage and current.get(name) and is_backward(world, kind, option.value, stage):
            dates[name] = ""
    return dates


def deal_moves_stage(world: World, deal_id: str) -> None:
    """Portal automation: a deal makes its contacts opportunities, a won one customers; never backwards."""
    deal = world.get("deals", deal_id)
    stage = world.pipeline_stage(deal.get("pipeline", ""), deal.get("dealstage", ""))
    wanted = "customer" if stage and stage[1] else "opportunity"
    for contact_id in world.links.of("deals", deal_id, "contacts"):
        if world.living("contacts", contact_id) is None:
            continue
        current = world.get("contacts", contact_id).get("lifecyclestage")
        if current != wanted and not is_backward(world, "contacts", current, wanted):
            world.write("contacts", contact_id, {"lifecyclestage": wanted}, Source("DEALS", deal_id))


def _merged_ids(world: World, row: Row, values: Mapping[str, str]) -> str | None:
    return ";".join(row.merged) or None


def _merged_with_times(world: World, row: Row, values: Mapping[str, str]) -> str | None:
    """HubSpot's own list forgets the ids of earlier merges where merges come in chains."""
    return ";".join(f"{id}:{at}" for id, at in row.merges) or None


def _primary_company(world: World, row: Row, values: Mapping[str, str]) -> str | None:
    return world.links.primary("contacts", row.id, "companies")


def _email_domain(world: World, row: Row, values: Mapping[str, str]) -> str | None:
    return (values.get("email") or "").rpartition("@")[2].lower() or None


def _deals_of(world: World, row: Row, values: Mapping[str, str]) -> str | None:
    return (
        str(len(world.links.of("contacts", row.id, "deals"))) if world.links.of("contacts", row.id, "deals") else None
    )


def _stage_of(world: World, values: Mapping[str, str]) -> tuple[bool, bool, str]:
    known = world.pipeline_stage(values.get("pipeline", ""), values.get("dealstage", ""))
    return known or (False, False, "")


def _is_closed(world: World, row: Row, values: Mapping[str, str]) -> str | None:
    return str(_stage_of(world, values)[0]).lower()


def _is_won(world: World, row: Row, values: Mapping[str, str]) -> str | None:
    return str(_stage_of(world, values)[1]).lower()


def _probability(world: World, row: Row, values: Mapping[str, str]) -> str | None:
    return _stage_of(world, values)[2] or None


_EVERYWHERE: dict[str, Compute] = {"hs_merged_object_ids": _merged_ids}
_ONLY: dict[str, dict[str, Compute]] = {
    "contacts": {
        "associatedcompanyid": _primary_company,
        "hs_calculated_merged_vids": _merged_with_times,
        "hs_email_domain": _email_domain,
        "num_associated_deals": _deals_of,
    },
    "deals": {
        "hs_is_closed": _is_closed,
        "hs_is_closed_won": _is_won,
        "hs_deal_stage_probability": _probability,
    },
}
#: Properties nobody stores, by kind: HubSpot works them out when they are asked for.
COMPUTED: dict[str, dict[str, Compute]] = {kind: _EVERYWHERE | _ONLY.get(kind, {}) for kind in KINDS}
