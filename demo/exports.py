"""All exports of the retailer, written into the inbox with the faults of real life."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import polars as pl

from demo import audience, back_office, logistics, predictions, records, selling
from demo.files import Export, after, content, put
from demo.retailer import DAYS
from demo.world import World

# Kept as it came by mistake; no mapping knows it.
STRAY = "erp/Budget 2027 - brouillon.csv"
# Exported a second time under another name, byte for byte.
TWICE = {
    "pos/tickets_CET_2026-11-12.csv": "pos/tickets_CET_2026-11-12 (1).csv",
    "counters/traffic_2026-08.csv": "counters/traffic_2026-08_bis.csv",
}


def exports(world: World, daily: int) -> Iterator[Export]:
    """Every export of every system."""
    yield from back_office.store_master()
    yield from back_office.erp(world)
    yield from back_office.planning(world)
    yield from back_office.treasury(world, daily)
    yield from records.crm(world, daily)
    yield from records.accounts(world, daily)
    yield from selling.shop(world, daily)
    yield from selling.marketplace(world, daily)
    yield from selling.tills(world, daily)
    yield from logistics.oms(world, daily)
    yield from logistics.tms(world, daily)
    yield from logistics.wms(world, daily)
    yield from audience.analytics(world, daily)
    yield from audience.reports(world)
    yield from audience.counters(world, daily)
    yield from audience.service(world, daily)
    yield from predictions.planning(world)
    yield from predictions.recommender(world, daily)


def write_exports(world: World, inbox: Path, daily: int) -> tuple[list[tuple[str, int, int]], pl.DataFrame]:
    """Writes every export into the inbox; returns (path, rows, bytes) of each and the table of planted faults."""
    written, faults = [], []
    for export in exports(world, daily):
        data = content(export)
        put(inbox, export.path, data, export.delivered)
        written.append((export.path, len(export.frame) + len(export.spoiled), len(data)))
        for i, row in enumerate(export.spoiled):
            column, value = _fault(row)
            faults.append((export.path, "reject", len(export.frame) + 2 + i, column, value))
        if export.path in TWICE:
            put(inbox, TWICE[export.path], data, export.delivered + timedelta(hours=3))
            written.append((TWICE[export.path], len(export.frame), len(data)))
            faults.append((TWICE[export.path], "duplicate", None, None, None))
        if export.path == f"pos/tickets_CET_{selling.BACK_ONLINE}.csv":
            faults.append((export.path, "late rows", None, "Date", f"{selling.OFFLINE_DAY:%d/%m/%Y}"))
        if "_v2." in export.path or "_changes_" in export.path:
            faults.append((export.path, "correction", None, None, None))
    draft = "Maison;Budget 2027;à valider\nTextile;1 250 000;?\n".encode("cp1252")
    put(inbox, STRAY, draft, after(DAYS - 1, 6.4))
    written.append((STRAY, 1, len(draft)))
    faults.append((STRAY, "unmatched", None, None, None))
    names = {"file": pl.String, "fault": pl.String, "line": pl.Int64, "column": pl.String, "value": pl.String}
    return written, pl.DataFrame(faults, schema=names, orient="row")


_SPOILED_VALUES = ("31/02/", "N/C", "un", "???", "19,9O", "2025-06-31", "on_hold?", "24.9O", "deux", "2025-09-33", "13/45/")


def _fault(row: dict[str, str]) -> tuple[str, str]:
    """Column and value that no rule can take in a planted row."""
    found = [(c, v) for c, v in row.items() if v == "un" or any(v.startswith(bad) for bad in _SPOILED_VALUES if bad != "un")]
    assert len(found) == 1, row
    return found[0]
