"""
One person's years in an old account: when they came, which stages and statuses they were given and by whom, and when
they were last heard of. Read off 64 bytes of chance, so that nothing is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from connector.sandbox.clock import DAY_MS, iso
from connector.sandbox.records import Source, Version, app, person
from connector.sandbox.spread import HOUR_MS, share
from connector.sandbox.stock import STAGES
from connector.sandbox.workflows import automation

OLDEST_DAYS = 3_280  # nine years
MQL, SQL = "marketingqualifiedlead", "salesqualifiedlead"

#: What the account added to HubSpot's own options; custom stages get numbers as values.
PARTNER, CHURNED = "1846021177", "1846021178"
CUSTOM_STAGES = {PARTNER: "Partner", CHURNED: "Churned customer"}
PARKED, CALL_BACK_2017 = "PARKED_BY_ANA", "OLD_2017"
CUSTOM_STATUSES = {CALL_BACK_2017: "Callback list 2017", PARKED: "Parked by Ana"}

#: Workflows of the account by what they do; the last one was deleted, only history knows it.
MQL_TO_NEW, STAMP_STATUS, OPEN_TO_MQL, DELETED_FLOW = "44100001", "44100002", "44100003", "43870555"
FOREIGN_APP = "1160213"

ACTIVE_OWNERS = ("501", "502", "503", "504", "505")
FORMER_OWNERS = ("506", "507", "508")
_ANA = person(7007)
_PEOPLE = (*(person(7001 + n) for n in range(4)), person(7006), _ANA, person(7008))
_IMPORTS = tuple(Source("IMPORT", id) for id in ("2210433", "5518020", "9034417"))

#: Where people stand today, one line per byte: those who never had a deal, and those who had one.
_WITHOUT_DEAL = (
    *["subscriber"] * 70,
    *["lead"] * 96,
    *[MQL] * 40,
    *[SQL] * 10,
    *["opportunity"] * 6,
    *["customer"] * 12,
    *[PARTNER] * 8,
    *[CHURNED] * 5,
    *["evangelist"] * 2,
    *["other"] * 3,
    *[""] * 4,
)
_WITH_DEAL = (
    *["customer"] * 104,
    *["opportunity"] * 50,
    *["lead"] * 36,
    *[MQL] * 24,
    *[SQL] * 20,
    *[CHURNED] * 14,
    *[PARTNER] * 4,
    *["evangelist"] * 4,
)

_FROM_LEAD_TO_SQL = ("lead", MQL, SQL)
#: How people came where they stand; the fifth lead was qualified too early and put back by hand.
_PATHS: dict[str, tuple[tuple[str, ...], ...]] = {
    "": ((),),
    "subscriber": (("subscriber",),),
    "lead": (("lead",), ("lead",), ("subscriber", "lead"), ("lead",), ("lead", MQL, "lead")),
    MQL: (("lead", MQL), ("subscriber", "lead", MQL), ("subscriber", MQL), (MQL,)),
    SQL: (_FROM_LEAD_TO_SQL, ("lead", SQL), (MQL, SQL), (SQL,)),
    "opportunity": ((*_FROM_LEAD_TO_SQL, "opportunity"), ("lead", "opportunity"), (MQL, "opportunity")),
    "customer": ((*_FROM_LEAD_TO_SQL, "opportunity", "customer"), ("lead", "opportunity", "customer"), ("customer",)),
    "evangelist": (("opportunity", "customer", "evangelist"), ("customer", "evangelist")),
    "other": (("other",), ("lead", "other")),
    PARTNER: ((PARTNER,), ("lead", PARTNER)),
    CHURNED: (("lead", "opportunity", "customer", CHURNED), ("customer", CHURNED)),
}
#: Lead statuses found on people of a stage, sixteen equal chances each.
_STATUSES: dict[str, tuple[str, ...]] = {
    "lead": (
        *("", "", "", "", "", "", "", "NEW", "NEW", "OPEN", "ATTEMPTED_TO_CONTACT", "UNQUALIFIED", "UNQUALIFIED"),
        *("BAD_TIMING", PARKED, PARKED),
    ),
    MQL: (
        *("", "", "NEW", "NEW", "NEW", "NEW", "NEW", "NEW", "OPEN", "OPEN", "ATTEMPTED_TO_CONTACT"),
        *("ATTEMPTED_TO_CONTACT", "ATTEMPTED_TO_CONTACT", "CONNECTED", "BAD_TIMING", PARKED),
    ),
    SQL: (
        *("", "NEW", "OPEN", "OPEN", "IN_PROGRESS", "IN_PROGRESS", "IN_PROGRESS", "IN_PROGRESS", "CONNECTED"),
        *("CONNECTED", "CONNECTED", "ATTEMPTED_TO_CONTACT", "BAD_TIMING", "BAD_TIMING", "UNQUALIFIED", PARKED),
    ),
    "opportunity": (*["OPEN_DEAL"] * 8, *["IN_PROGRESS"] * 3, *["CONNECTED"] * 2, *[""] * 3),
    "customer": (*[""] * 10, *["OPEN_DEAL"] * 3, *["CONNECTED"] * 2, "NEW"),
}
_RARELY_ANY = (*[""] * 15, PARKED)
#: Statuses before which sales tried to reach the person.
_WORKED = ("CONNECTED", "IN_PROGRESS", "BAD_TIMING", "UNQUALIFIED", "OPEN_DEAL")
_RANK = {stage: place for place, stage in enumerate((*STAGES, *CUSTOM_STAGES))}


class Life(NamedTuple):
    """What happened to one person; stages and statuses with the oldest first."""

    chance: bytes
    created: int
    modified: int
    stages: tuple[Version, ...]
    statuses: tuple[Version, ...]
    owner: str
    lively: bool
    last_heard: int  # of their own accord they did nothing after this

    @property
    def stage(self) -> str:
        return self.stages[-1].value if self.stages else ""

    @property
    def status(self) -> str:
        return self.statuses[-1].value if self.statuses else ""

    @property
    def settled(self) -> int:
        """When the stage of today was set."""
        return self.stages[-1].at if self.stages else self.created

    def moment(self, chance: bytes, place: int) -> int:
        """An instant at which the person did something: every other one of a lively person within thirty days."""
        if self.lively and chance[place + 1] % 2:
            return max(self.created, self.last_heard - int(30 * DAY_MS * share(chance, place)))
        return self.created + int((self.last_heard - self.created) * share(chance, place))

    def stage_dates(self) -> dict[str, str]:
        """
        When each stage was entered, as HubSpot dates it; unknown for a fifth of the people.

        Whoever was put back below a stage has no "became a ..." date of it any more.
        """
        dates: dict[str, str] = {}
        if self.chance[18] >= 205:
            return dates
        for stage, at, _ in self.stages:
            text = iso(at)
            dates["hs_v2_date_entered_" + stage] = text
            if _RANK[stage] <= _RANK[self.stage]:
                dates.setdefault("hs_lifecyclestage_" + stage + "_date", text)
        return dates


def lived(chance: bytes, now: int, deal_id: str | None) -> Life:
    """The life that these bytes of chance tell of a person; `deal_id` where they ever had a deal."""
    latest = now - HOUR_MS
    created = latest - HOUR_MS - int((OLDEST_DAYS * DAY_MS - 2 * HOUR_MS) * share(chance, 0))
    stage = (_WITH_DEAL if deal_id else _WITHOUT_DEAL)[chance[2]]
    stages = _stages(stage, chance, created, latest, deal_id)
    settled = stages[-1].at if stages else created
    statuses = _statuses(stages, chance, created, latest)
    lively = chance[19] < (26 if stage == MQL else 77)
    touched = max(settled, statuses[-1].at) if statuses else settled
    modified = touched + int(max(0, latest - touched) * share(chance, 22))
    return Life(chance, created, modified, stages, statuses, _owner(chance), lively, latest if lively else settled)


def _stages(stage: str, chance: bytes, created: int, latest: int, deal_id: str | None) -> tuple[Version, ...]:
    """The stages on the way, the first on the day they came, the last at most two years later."""
    paths = _PATHS[stage]
    path = paths[chance[3] % len(paths)]
    if not path:
        return ()
    room = latest - created
    span = min(room, int(min(700 * DAY_MS, room) * share(chance, 5) ** 2) + len(path) * 60_000)
    steps = max(1, len(path) - 1)
    return tuple(
        [
            Version(one, created + span * place // steps, _stage_writer(one, place, chance[7 + place], deal_id))
            for place, one in enumerate(path)
        ]
    )


def _stage_writer(stage: str, place: int, chance: int, deal_id: str | None) -> Source:
    """Deals move what deals move; the rest is done by hand, by lists that were loaded, and by other machines."""
    if deal_id and stage in ("opportunity", "customer") and chance < 192:
        return Source("DEALS", deal_id)
    by_hand = 64 if place == 0 else 160
    if chance < by_hand:
        return _PEOPLE[chance % len(_PEOPLE)]
    if chance < by_hand + 32:
        return _FOREIGN
    if chance >= 224:
        return automation(OPEN_TO_MQL if stage == MQL else DELETED_FLOW)
    return _IMPORTS[chance % len(_IMPORTS)]


def _statuses(stages: Sequence[Version], chance: bytes, created: int, latest: int) -> tuple[Version, ...]:
    """The lead statuses in order, the workflow's NEW at qualification among them."""
    told: list[Version] = []
    if created < latest - (OLDEST_DAYS - 400) * DAY_MS and chance[17] < 90:
        told.append(Version(CALL_BACK_2017, created, _IMPORTS[0]))
    qualified = next((one.at for one in stages if one.value == MQL), None)
    if qualified is not None and chance[16] < 192:
        told.append(Version("NEW", qualified + 2_000, _MQL_FLOW))
    stage = stages[-1].value if stages else ""
    final = _STATUSES.get(stage, _RARELY_ANY)[chance[12] % 16]
    if final == (told[-1].value if told else ""):
        return tuple(told)
    since = max(told[-1].at if told else created, stages[-1].at if stages else created)
    until = since + int(min(120 * DAY_MS, max(0, latest - since)) * share(chance, 14))
    if final in _WORKED and chance[13] < 128:
        told.append(Version("ATTEMPTED_TO_CONTACT", (since + until) // 2, _PEOPLE[chance[13] % len(_PEOPLE)]))
    told.append(Version(final, until, _status_writer(final, chance[15])))
    return tuple(told)


def _status_writer(status: str, chance: int) -> Source:
    if status == PARKED:
        return _ANA
    if chance < 200:
        return _PEOPLE[chance % len(_PEOPLE)]
    return _FOREIGN if chance < 230 else _IMPORTS[chance % len(_IMPORTS)]


def _owner(chance: bytes) -> str:
    """A quarter belongs to nobody, another to people who have left."""
    if chance[20] < 64:
        return ""
    owners = FORMER_OWNERS if chance[20] < 126 else ACTIVE_OWNERS
    return owners[chance[21] % len(owners)]


_FOREIGN = app(FOREIGN_APP)
_MQL_FLOW = automation(MQL_TO_NEW)
