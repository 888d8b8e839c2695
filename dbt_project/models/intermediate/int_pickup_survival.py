"""The survival of pick-up waits, for each scope and month: what SQL cannot estimate."""

import numpy as np
import polars as pl

from estimators.survival import kaplan_meier, share_within, time_of_share

# Every minute of the first hour, then every fifth, and the promise itself.
MINUTES = {*range(61), *range(65, 241, 5)}
SCOPE = {"scope": pl.String, "place": pl.String, "month_start": pl.Date}
SHARES = ("ready_share", "ready_share_low", "ready_share_high")
QUANTILES = {"ready_minutes_p50": 0.5, "ready_minutes_p90": 0.9}


def model(dbt, _session):
    waits = dbt.ref("int_pickup_waits").pl()
    minutes = np.array(sorted(MINUTES | set(waits["promise_minutes"].unique())))
    scoped = pl.concat(
        waits.select(
            "wait_minutes", "is_ready", "month_start", scope=pl.lit(scope), place=pl.lit(scope) if column is None else column
        )
        for scope, column in {"all": None, "region": "region", "location": "location_id"}.items()
    )
    found = [
        dict(zip(SCOPE, key, strict=True)) | estimates(group["wait_minutes"].to_numpy(), group["is_ready"].to_numpy(), minutes)
        for key, group in scoped.group_by(*SCOPE)
    ]
    lists = {"minute": pl.List(pl.Int32), "waiting_count": pl.List(pl.Int32)} | dict.fromkeys(SHARES, pl.List(pl.Float64))
    wholes = dict.fromkeys(("pickup_count", "ready_count"), pl.Int32)
    limits = {f"{name}{limit}": pl.Float64 for name in QUANTILES for limit in ("", "_low", "_high")}
    rows = pl.DataFrame(found, schema=SCOPE | wholes | limits | lists)
    return rows.explode(*lists).with_columns(pl.col(*limits).fill_nan(None)).to_arrow()


def estimates(lasted: np.ndarray, is_ready: np.ndarray, minutes: np.ndarray) -> dict[str, object]:
    """What is known of some waits: lists by minute for the share ready by then, one value for what holds for them all."""
    curve = kaplan_meier(lasted, is_ready)
    within = share_within(curve, minutes)
    known: dict[str, object] = dict(zip(SHARES, (within.value, within.low, within.high), strict=True))
    for name, share in QUANTILES.items():
        time = time_of_share(curve, share)
        known |= {name: time.value[0], f"{name}_low": time.low[0], f"{name}_high": time.high[0]}
    waiting = len(lasted) - np.searchsorted(np.sort(lasted), minutes, side="right")
    return known | {"minute": minutes, "waiting_count": waiting, "pickup_count": len(lasted), "ready_count": int(is_ready.sum())}
