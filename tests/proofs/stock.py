"""Stock and shrink, proved: every place's book is opened once and carried forward by its movements, day by day."""

from collections.abc import Iterator

import polars as pl

from tests.proofs.figures import Figures, share
from tests.proofs.records import DEFAULT_VAT, Records, money, month, with_local_day

DEMAND_DAYS, LOST_SALES_DAYS = 56, 21
CELL = ["location", "sku"]


def prove(records: Records) -> Iterator[Figures]:
    days, sales, losses = _days(records), _sales(records), _losses(records)
    yield from _states(days)
    yield from _availability(days)
    yield from _turning(days, sales)
    yield from _margins(records, sales, losses)
    yield from _counts(records, sales)


def _valued(records: Records, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with their product's category and season, and one unit's value at cost and at list price, without VAT."""
    products = records.newest("products", "sku", across_systems=True).select(
        "sku",
        "category",
        "season",
        cost=pl.col("unit_cost").cast(pl.Float64),
        price=pl.col("original_unit_price").cast(pl.Float64) / (1 + pl.col("vat_rate").cast(pl.Float64).fill_null(DEFAULT_VAT)),
    )
    return rows.join(products, on="sku", how="left")


def _movements(records: Records) -> pl.DataFrame:
    moves = records.newest("stock_movements", "movement_id").rename({"location_id": "location", "kind": "move"})
    zones = records.locations.select(location="location_id", timezone="timezone")
    moves = with_local_day(moves.join(zones, on="location", how="left"), "moved_at", "day")
    return moves.with_columns(pl.col("quantity").cast(pl.Float64))


def _days(records: Records) -> pl.DataFrame:
    """One row per place, product and day from the first stock level on: the opening level and all movements since."""
    moves = _movements(records)
    levels = records.newest("stock_levels", "location_id", "sku", "stock_date").rename({"location_id": "location"})
    opening = levels.sort("stock_date").group_by(CELL).agg(opened=pl.col("stock_date").first(), base=pl.col("on_hand").first())
    grid = opening.with_columns(day=pl.date_ranges("opened", pl.lit(records.last_day))).explode("day")
    quantity, move = pl.col("quantity"), pl.col("move")
    daily = moves.group_by(*CELL, "day").agg(
        changed=quantity.sum(),
        received=quantity.filter(move.is_in(["receipt", "transfer_in", "transfer_out"])).sum(),
        sold=-quantity.filter(move == "sale").sum(),
        net_sold=-quantity.filter(move.is_in(["sale", "return"])).sum(),
    )
    told = levels.select(*CELL, pl.col("reserved").cast(pl.Float64), day="stock_date")
    flows = ["changed", "received", "sold", "net_sold"]
    grid = (
        grid.join(daily, on=[*CELL, "day"], how="left")
        .join(_on_the_way(moves), on=[*CELL, "day"], how="left")
        .join(told, on=[*CELL, "day"], how="left")
        .with_columns(pl.col(*flows, "shipped").fill_null(0.0))
        .sort(*CELL, "day")
        .with_columns(
            # the level of the first day already holds what moved that day
            on_hand=pl.col("base").cast(pl.Float64)
            + pl.when(pl.col("day") > pl.col("opened")).then("changed").otherwise(0.0).cum_sum().over(CELL),
            transit=pl.col("shipped").cum_sum().over(CELL),
            is_looked_up=pl.col("reserved").is_not_null(),
            reserved=pl.col("reserved").forward_fill().over(CELL),
        )
    )
    carried = _carried(records).with_columns(is_ranged=pl.lit(True))
    grid = grid.join(carried, on=[*CELL, "day"], how="left").with_columns(pl.col("is_ranged").fill_null(False))
    grid = grid.with_columns(opening=pl.col("on_hand") - pl.col("changed"))
    # nobody sells from a place that has closed
    closed = records.locations.select("closed_on", location="location_id")
    is_shut = (pl.col("day") > pl.col("closed_on")).fill_null(False)
    grid = grid.join(closed, on="location", how="left").with_columns(
        pl.when(is_shut).then(0.0).otherwise(pl.col("opening", "on_hand", "reserved")).name.keep(),
        is_ranged=pl.col("is_ranged") & ~is_shut,
    )
    warehouses = records.locations.filter(pl.col("kind") == "warehouse")["location_id"]
    stocked = grid.filter(pl.col("location").is_in(warehouses.implode()) & (pl.col("on_hand") > 0)).select("sku", "day").unique()
    grid = grid.join(stocked.with_columns(is_behind=pl.lit(True)), on=["sku", "day"], how="left")
    return _valued(records, grid).with_columns(
        month("day"),
        is_out=pl.col("is_ranged") & (pl.col("on_hand") <= 0),
        is_behind=pl.col("is_behind").fill_null(False),
        can_sell=(pl.col("opening") > 0) | (pl.col("on_hand") > 0) | (pl.col("sold") > 0),
    )


def _on_the_way(moves: pl.DataFrame) -> pl.DataFrame:
    """What each sender's goods on the way gain (`shipped`) when a transfer leaves and lose when it arrives."""
    left = moves.filter(pl.col("move") == "transfer_out").select("transfer_id", *CELL, "day", shipped=-pl.col("quantity"))
    came = moves.filter(pl.col("move") == "transfer_in").select("transfer_id", "sku", "day", shipped=-pl.col("quantity"))
    came = came.join(left.select("transfer_id", "location"), on="transfer_id")
    both = pl.concat([left.select(*CELL, "day", "shipped"), came.select(*CELL, "day", "shipped")])
    return both.group_by(*CELL, "day").agg(pl.col("shipped").sum())


def _carried(records: Records) -> pl.DataFrame:
    """Every day on which a place carried a product."""
    ranges = records.newest("assortment", "location_id", "sku", "valid_from", across_systems=True)
    until = pl.col("valid_to").fill_null(records.last_day)
    spans = ranges.select(pl.col("location_id").alias("location"), "sku", day=pl.date_ranges("valid_from", until))
    return spans.explode("day").unique()


def _states(days: pl.DataFrame) -> Iterator[Figures]:
    """What is there at the close of each month's last day."""
    daily = days.with_columns(
        bought=pl.when("can_sell").then("sold").otherwise(0.0),
        open_days=pl.col("can_sell").cast(pl.Float64),
    )
    lately = daily.with_columns(
        pl.col("bought", "open_days").rolling_sum(DEMAND_DAYS, min_samples=1).over(CELL, order_by="day")
    ).with_columns(demand=pl.when(pl.col("bought") > 0).then(pl.col("bought") / pl.col("open_days")).otherwise(0.0))
    # a place that neither carries a product any more nor has any does not wait for it
    holds_or_moves = pl.any_horizontal(pl.col("on_hand", "changed", "transit", "reserved") != 0)
    is_told = pl.col("is_ranged") | pl.col("is_looked_up") | holds_or_moves
    closing = lately.filter((pl.col("day") == pl.col("day").max().over("metric_time")) & is_told)
    figures = {}
    for name, units in (("stock_on_hand", "on_hand"), ("stock_in_transit", "transit"), ("stock_reserved", "reserved")):
        figures[name] = pl.col(units).sum()
        figures[f"{name}_cost"] = money(pl.col(units) * pl.col("cost")).sum()
        figures[f"{name}_retail"] = money(pl.col(units) * pl.col("price")).sum()
    is_wanted = pl.col("demand") > 0
    figures["stock_without_demand"] = pl.col("on_hand").filter(~is_wanted).sum()
    figures["days_of_supply"] = share(pl.col("on_hand").filter(is_wanted).sum(), pl.col("demand").sum())
    yield Figures(closing, figures, is_state=True)
    lost = pl.col("is_ranged") & ~pl.col("can_sell") & (pl.col("open_days") >= LOST_SALES_DAYS)
    yield Figures(lately, {"lost_sales_estimate": (pl.col("demand") * pl.col("price")).filter(lost).sum()})


def _availability(days: pl.DataFrame) -> Iterator[Figures]:
    ranged = pl.col("is_ranged").sum()
    yield Figures(
        days.filter("is_ranged"),
        {
            "stock_out_rate": share(pl.col("is_out").sum(), ranged),
            "actionable_stock_out_rate": share((pl.col("is_out") & pl.col("is_behind")).sum(), ranged),
        },
    )
    first = days.with_columns(begins=pl.col("day").min().over("metric_time"))
    opening = pl.col("opening").filter(pl.col("day") == pl.col("begins").min()).sum()
    yield Figures(first, {"sell_through_rate": share(pl.col("net_sold").sum(), opening + pl.col("received").sum())})


def _sales(records: Records) -> pl.DataFrame:
    """One row per line sold or given back of a product with a stock book, at the place whose stock it touched."""
    followed = pl.concat([records.raw["stock_levels"]["sku"], records.raw["stock_movements"]["sku"]]).unique().implode()
    works = records.newest("fulfilments", "fulfilment_id")
    named = works.join(records.order_named_by(works), on=["_source", "order_id"])
    gave_up = pl.col("cancelled_at").is_not_null() & pl.col("ready_at").is_null()
    senders = named.sort(gave_up, "fulfilment_id").unique("order", keep="first", maintain_order=True)
    senders = senders.select("order", sender="location_id")
    sold = (
        records.lines.filter(pl.col("sku").is_in(followed) & ~pl.col("is_gift_card"))
        .join(records.orders.select("order"), on="order", how="semi")
        .join(senders, on="order", how="left")
        .select(
            "sku",
            "gross",
            "sales",
            "cost",
            location=pl.coalesce("sender", "location"),
            day="order_date",
            discount_kind=pl.when(pl.col("gross") > pl.col("sales")).then("kind").otherwise(pl.lit("none")),
        )
    )
    back = records.returns.filter(pl.col("sku").is_in(followed)).select(
        "sku",
        gross=-pl.col("returned"),
        sales=-pl.col("returned"),
        cost=-money((pl.col("quantity") * pl.col("unit_cost")).cast(pl.Float64)),
        location=pl.coalesce(pl.when(pl.col("kind").is_not_null()).then("location_id"), "sold_at"),
        day="return_date",
        discount_kind=pl.lit("none"),
    )
    return _valued(records, pl.concat([sold, back]).rename({"cost": "cost_of_sales"})).with_columns(month("day"))


def _losses(records: Records) -> pl.DataFrame:
    lost = _valued(records, _movements(records).filter(pl.col("move") == "loss"))
    return lost.with_columns(
        month("day"),
        known=money(-pl.col("quantity") * pl.col("cost")),
        known_retail=money(-pl.col("quantity") * pl.col("price")),
        discount_kind=pl.lit("none"),
    )


def _turning(days: pl.DataFrame, sales: pl.DataFrame) -> Iterator[Figures]:
    stock = days.select(*CELL, "metric_time", "category", "day", worth=money(pl.col("on_hand") * pl.col("cost")))
    # a day without anything to say of a product is no day of its book
    stock = stock.filter(
        days.select(pl.col("is_ranged") | (pl.col("on_hand") != 0) | (pl.col("changed") != 0)).to_series()
        | days.select((pl.col("transit") != 0) | (pl.col("reserved") != 0)).to_series()
    )
    rows = pl.concat([stock, sales.select(*CELL, "metric_time", "category", "sales", "cost_of_sales")], how="diagonal")
    book_days = pl.col("day").filter(pl.col("worth").is_not_null()).n_unique()
    average = share(pl.col("worth").sum(), book_days)
    margin = pl.col("sales").sum() - pl.col("cost_of_sales").sum()
    has_sales = pl.col("sales").count() > 0
    yield Figures(
        rows,
        {
            "gmroi": pl.when(has_sales).then(share(margin, average)),
            "stock_turn": pl.when(has_sales).then(share(pl.col("cost_of_sales").sum(), average)),
        },
    )


def _margins(records: Records, sales: pl.DataFrame, losses: pl.DataFrame) -> Iterator[Figures]:
    """The waterfall's stairs: margin at full price, less prices, less losses, is the margin kept."""
    yield Figures(
        sales,
        {
            "margin_at_full_price": pl.col("gross").sum() - pl.col("cost_of_sales").sum(),
            "margin_markdown": pl.col("gross").sum() - pl.col("sales").sum(),
        },
    )
    yield Figures(losses, {"known_shrink": pl.col("known").sum()})
    stairs = [
        sales.select(*CELL, "metric_time", "category", margin=pl.col("sales") - pl.col("cost_of_sales")),
        losses.select(*CELL, "metric_time", "category", margin=-pl.col("known")),
        _intervals(records).select(*CELL, "metric_time", "category", margin=-pl.col("unknown").fill_null(0)),
    ]
    sold = sales.select(*CELL, "metric_time", "category", sold=pl.lit(1))
    rows = pl.concat([*stairs, sold], how="diagonal")
    yield Figures(rows, {"margin_kept": pl.when(pl.col("sold").count() > 0).then(pl.col("margin").sum())})
    worth = pl.concat(
        [
            losses.select(*CELL, "metric_time", "category", "known", "known_retail"),
            sales.select(*CELL, "metric_time", "category", "sales"),
        ],
        how="diagonal",
    )
    for suffix in ("", "_retail"):
        known = pl.col(f"known{suffix}")
        rate = share(known.sum(), pl.col("sales").sum())
        yield Figures(worth, {f"known_shrink_rate{suffix}": pl.when(known.count() > 0).then(rate)})


def _intervals(records: Records) -> pl.DataFrame:
    """One row per product counted: what had moved and been lost since the count before it, found by looking ahead."""
    counts = records.newest("stock_counts", "count_id", "sku").rename({"location_id": "location"})
    zones = records.locations.select(location="location_id", timezone="timezone")
    counts = with_local_day(counts.join(zones, on="location", how="left"), "counted_at", "counted_on").sort("counted_at")
    moves = _movements(records).filter(~((pl.col("move") == "adjustment") & (pl.col("reason") == "stock_count")))
    ahead = moves.sort("moved_at").join_asof(
        counts.select(*CELL, "counted_at"), left_on="moved_at", right_on="counted_at", by=CELL, strategy="forward",
        check_sortedness=False,
    )  # fmt: skip
    sums = ahead.group_by(*CELL, "counted_at").agg(
        moved=pl.col("quantity").sum(), lost=-pl.col("quantity").filter(pl.col("move") == "loss").sum()
    )
    rows = counts.join(sums, on=[*CELL, "counted_at"], how="left").sort(*CELL, "counted_at")
    found, book = pl.col("counted_quantity").cast(pl.Float64), pl.col("book_quantity").cast(pl.Float64)
    before = found.shift(1).over(CELL)
    missing = before + pl.col("moved").fill_null(0) - found
    rows = _valued(records, rows.with_columns(found=found, book=book, missing=missing, is_again=before.is_not_null()))
    lost = pl.when("is_again").then(pl.col("lost").fill_null(0))
    return rows.with_columns(
        month("counted_on"),
        unknown=money(pl.col("missing") * pl.col("cost")),
        unknown_retail=money(pl.col("missing") * pl.col("price")),
        all=money(pl.col("missing") * pl.col("cost")) + money(lost * pl.col("cost")),
        all_retail=money(pl.col("missing") * pl.col("price")) + money(lost * pl.col("price")),
    )


def _counts(records: Records, sales: pl.DataFrame) -> Iterator[Figures]:
    rows = _intervals(records)
    ahead = sales.sort("day").join_asof(
        rows.sort("counted_on").select(*CELL, "counted_on"), left_on="day", right_on="counted_on", by=CELL,
        strategy="forward", check_sortedness=False,
    )  # fmt: skip
    between = ahead.group_by(*CELL, "counted_on").agg(pl.col("sales").sum())
    rows = rows.join(between, on=[*CELL, "counted_on"], how="left")
    sold = pl.col("sales").filter("is_again").sum()
    figures = {"unknown_shrink": pl.col("unknown").sum()}
    for suffix in ("", "_retail"):
        figures[f"unknown_shrink_rate{suffix}"] = share(pl.col(f"unknown{suffix}").sum(), sold)
        figures[f"shrink_rate{suffix}"] = share(pl.col(f"all{suffix}").sum(), sold)
    yield Figures(rows.filter("is_again"), figures)
    yield Figures(
        rows,
        {
            "stock_accuracy_rate": share((pl.col("found") == pl.col("book")).sum(), pl.len()),
            "stock_count_error_rate": share(pl.col("found").sum() - pl.col("book").sum(), pl.col("book").sum()),
        },
    )
