"""Same stores: those that traded in a period and in the one it is compared with, so that openings and closures move no figure.

A whole period is asked for here, for a rate over some of a store's days would compare with other days; like-for-like growth,
an amount, is judged day by day. Web shops, warehouses and what names no location stay in, as they do among the drivers.
"""

from datetime import date
from functools import lru_cache

from dashboard.builds import Build
from dashboard.periods import compared_range

SAME_STORES = "same_stores"


@lru_cache(maxsize=256)
def same_stores(build: Build, comparison: str, since: date, until: date) -> tuple[str, ...]:
    """The locations open on every day of a period and of the compared one, with no day of either left out by hand, sorted."""
    before = compared_range(build, comparison, since, until) or (since, until)
    rows = build.sql(
        """
        select location_id
        from marts.locations as stores
        where
            coalesce(opened_on <= least($since, $since_before), true)
            and coalesce(closed_on >= greatest($until, $until_before), true)
            and not exists (
                from marts.location_exclusions as excluded
                where
                    excluded.location_id = stores.location_id
                    and (
                        (starts_on <= $until and ends_on >= $since)
                        or (starts_on <= $until_before and ends_on >= $since_before)
                    )
            )
        order by location_id
        """,
        {"since": since, "until": until, "since_before": before[0], "until_before": before[1]},
    )
    return tuple(rows["location_id"])
