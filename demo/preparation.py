"""How the work on orders went: what stores refused, and lines nobody found."""

import numpy as np
import polars as pl

from demo.people import People
from demo.retailer import APP, COLLECT, FROM_STORE, HOME, WEB, draw, stores

REASONS = ("not_found", "damaged", "no_time")
# Stores that say no three times as often as the others.
REFUSING = ("0007", "0021", "0044")


def preparation(people: People, orders: pl.DataFrame, fulfilments: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """All work on orders: the fulfilments, a line short here and there, and before some of them a store that refused.

    What a store refuses the warehouse sends, at once and as promised: the orders themselves stay as they were.
    """
    s = stores()
    buyers = fulfilments.select("order").join(
        orders.select("order", "person", "day", "channel"), on="order", how="left", maintain_order="left"
    )
    home, day = people.home[buyers["person"].to_numpy()], buyers["day"].to_numpy()
    mode, requested = fulfilments["mode"].to_numpy(), fulfilments["requested"].to_numpy()
    open_work = fulfilments["cancelled"].is_null().to_numpy() & (requested > 0)
    u = rng.random((len(fulfilments), 4))

    # Of several lines one is not found, or is not fit to be sold.
    short = open_work & (requested > 1) & (fulfilments["reason"].to_numpy() == "")
    short &= u[:, 0] < np.select([mode == FROM_STORE, mode == COLLECT], [0.03, 0.012], 0.002)
    missing = np.array(REASONS[:2])[(u[:, 1] < 0.3).astype(int)]
    told = fulfilments.with_columns(
        fulfilled=pl.Series(fulfilments["fulfilled"].to_numpy() - short),
        reason=pl.Series(np.where(short, missing, fulfilments["reason"].to_numpy())),
    )

    names = s.frame["location_id"].to_numpy()
    asked = open_work & (mode == HOME) & np.isin(buyers["channel"].to_numpy(), [WEB, APP])
    asked &= (day >= s.ship_day[home]) & (day <= s.last_day[home])
    refused = np.flatnonzero(asked & (u[:, 2] < 0.022 * np.where(np.isin(names, REFUSING)[home], 3, 1)))
    why = draw(rng, np.array([[0.5, 0.18, 0.32]]), np.zeros(len(refused), int))
    attempts = told[refused].with_columns(
        fulfilment=pl.Series(np.arange(len(refused)) + fulfilments["fulfilment"].to_numpy().max() + 1),
        mode=pl.lit(FROM_STORE, pl.Int8),
        store=pl.Series(home[refused].astype(np.int16)),
        location=pl.Series(names[home[refused]]),
        accepted=pl.lit(None, pl.Int64),
        shipped=pl.lit(None, pl.Int64),
        delivered=pl.lit(None, pl.Int64),
        cancelled=pl.Series(fulfilments["created"].to_numpy()[refused] + rng.integers(20 * 60, 200 * 60, len(refused))),
        reason=pl.Series(np.array(REASONS)[why]),
        fulfilled=pl.lit(0, fulfilments.schema["fulfilled"]),
        cost=pl.Series(rng.integers(60, 150, len(refused))),
    )
    return pl.concat([told, attempts.cast(told.schema)])
