"""The audit finds the disagreements the demonstration planted, all of them and nothing else."""

from pathlib import Path

import polars as pl

from dashboard.builds import current


def test_the_audit_finds_exactly_what_was_planted(demonstration: Path) -> None:
    build = current(demonstration)
    assert build
    planted = pl.read_csv(demonstration / "truth" / "disagreements.csv", infer_schema_length=0)
    found = build.sql("select system_pair, agreement_check, record_id, order_number from marts.disagreements")
    # parcels and fulfilments are known by their own number, orders by theirs, and stock by location, product and month
    number = pl.col("record_id").str.replace("^(oms|tms):", "")
    named = pl.when(pl.col("system_pair").is_in(["sales_oms", "sales_payments"])).then("order_number").otherwise(number)
    found = found.select("system_pair", "agreement_check", record=named)
    assert planted.height > 50
    assert sorted(found.rows()) == sorted(planted.rows())
