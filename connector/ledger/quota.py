"""
What processes agree on about the CRM's quotas: limits and days that are known, and places leased to each of them.

The ledger keeps the pages and lets one process at a time turn them; what stands on them is the affair of the rooms
that pace (they know this class as connector.crm.quota.Book). Nothing here depends on a connection, and pools are named
by hashes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from connector.ledger.database import Database, pack, unpack
from connector.ledger.tables import quota_leases, quotas

Facts = dict[str, Any]
Entry = Callable[[Facts, Sequence[Mapping[str, Any]]], tuple[Facts, tuple[Mapping[str, Any], float] | None]]

#: How long the last lease of a process that never came back is remembered.
KEPT = 86_400.0


class QuotaBook:
    """Pages of pools in the ledger behind `url`. Safe to share between threads that take turns."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._database: Database | None = None

    def enter(self, holder: str, now: float, entries: Mapping[str, Entry]) -> None:
        """Let each entry see the page of its pool and change it: all in one transaction, and nobody in between."""
        database = self._opened()
        with database.transaction():
            self._lock(database, sorted(entries))
            for pool, entry in entries.items():
                facts, lease = entry(self.facts(pool), self._others(pool, holder, now))
                database.upsert(quotas, [{"pool": pool, "facts": pack(facts)}])
                self._keep(pool, holder, lease, now)

    def facts(self, pool: str) -> Facts:
        """What is known of a pool; nothing at first."""
        return facts_of(self._opened(), pool)

    def holders(self, now: float) -> list[str]:
        """Every process that has something of some quota."""
        query = sa.select(quota_leases.c.holder).where(quota_leases.c.until > now).distinct()
        return [row.holder for row in self._opened().rows(query)]

    def bury(self, holders: Sequence[str], now: float, seconds: float) -> None:
        """These processes are dead: what they called last is over after so many seconds, or after the window in which
        the server counts it, where the lease names a longer one."""
        database = self._opened()
        held = quota_leases.c.holder.in_(list(holders)), quota_leases.c.until > now + seconds
        for row in database.rows(sa.select(quota_leases).where(*held)):
            over = now + max(seconds, float((unpack(row.body) or {}).get("window", 0.0)))
            this = quota_leases.c.pool == row.pool, quota_leases.c.holder == row.holder
            database.execute(sa.update(quota_leases).where(*this).values(until=min(row.until, over)))

    def close(self) -> None:
        """Give the file or the connections back; a later entry opens them again."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _opened(self) -> Database:
        if self._database is None:
            self._database = Database(self._url)
        return self._database

    def _others(self, pool: str, holder: str, now: float) -> list[Mapping[str, Any]]:
        query = sa.select(quota_leases.c.body).where(
            quota_leases.c.pool == pool, quota_leases.c.holder != holder, quota_leases.c.until > now
        )
        return [unpack(row.body) for row in self._opened().rows(query)]

    def _keep(self, pool: str, holder: str, lease: tuple[Mapping[str, Any], float] | None, now: float) -> None:
        database = self._opened()
        over = sa.or_(quota_leases.c.holder == holder, quota_leases.c.until < now - KEPT)
        if lease is None:
            database.execute(sa.delete(quota_leases).where(quota_leases.c.pool == pool, over))
        else:
            row = {"pool": pool, "holder": holder, "body": pack(dict(lease[0])), "until": lease[1]}
            database.upsert(quota_leases, [row])

    def _lock(self, database: Database, pools: Sequence[str]) -> None:
        """One process at a time. SQLite lets only one write anyway; PostgreSQL is told so by the rows of the pools."""
        database.insert_missing(quotas, [{"pool": pool, "facts": pack({})} for pool in pools])
        database.rows(sa.select(quotas.c.pool).where(quotas.c.pool.in_(pools)).order_by("pool").with_for_update())


def facts_of(database: Database, pool: str) -> Facts:
    """What is known of a pool; nothing at first."""
    return unpack(database.scalar(sa.select(quotas.c.facts).where(quotas.c.pool == pool))) or {}
