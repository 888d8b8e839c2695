"""Marts on no rows, on one, on ten times as many, and with each export missing in turn: its KPIs say so, all others stand."""

import shutil
from collections.abc import Callable
from datetime import date
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dashboard import builds
from dashboard.builds import Build
from dashboard.catalogue import Metric, catalogue
from dashboard.metrics import Question, ask
from dashboard.topics import meta, missing
from ingest.build import BuildResult
from ingest.entities import Entity, entities
from ingest.publish import publish
from settings import Settings
from tests.dbt.conftest import Manifest, Warehouse, make_warehouse

# Tables of more rows than this are cut to every fiftieth person, product or row.
SMALL, EVERY = 20_000, 50
# What compares or checks whatever systems and mixes there are.
AUDIT = ("*disagreement*", "agreement_checks", "*orphan_rate", "amount_gap_rate", "duplicate_record_rate", "clock_fault_rate")
AUDIT += ("coverage_rate", "sales_at_risk*", "handover*")
# Amounts without VAT, and stock that places hold until they close.
MONEY = ("sales*", "net_sales*", "gross_sales*", "markdown*", "discount_depth*", "average_*", "return_rate*", "ltv_*")
MONEY += ("identified_sales_rate", "conversion_path_sales", "rollout_effect", "causal_sales_effect", "*_savings")
MONEY += ("sales_at_risk*", "returned_sales*", "retained_revenue_rate*", "return_to_sale_uplift*")
STOCK = ("stock_on_hand*", "stock_without_demand", "stock_turn", "stock_out_rate", "days_of_supply", "gmroi")
STOCK += ("lost_sales_estimate",)
# What the one test of trends judges, on margin, logistics and service together; where it refuses, a KPI says so itself.
LEDGER = ("causal_margin_gain", "*_savings", "counted_*_cost")
# What some KPIs are not made of but rest on where rows leave a fact out: without it they are told all the same.
REFINING: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("payments", "customers", "stock_movements"), AUDIT),
    "returns": (*AUDIT, "pickup_add_on_*"),  # that a ticket is an exchange
    "sessions": (*AUDIT, "web_visits", "web_conversion_rate"),  # a report counts them instead
    "web_traffic": ("web_visits", "web_conversion_rate"),  # days of a channel without a session
    **dict.fromkeys(("contacts", "shipments"), (*AUDIT, *LEDGER)),
    "costs": LEDGER,
    "fulfilments": (*AUDIT, *LEDGER, "undelivered_orders"),  # orders sent of which no parcel tells
    "locations": (
        *STOCK,  # the day a place closed
        "baseline_demand",  # foreseen apart in each, though asked for as a whole
    ),
    "products": (
        *LEDGER,
        *MONEY,  # the VAT rate and the list price of lines that bring none
        "baseline_demand",  # foreseen apart in each category
        "drift_*",  # the mix of categories is one of those checked
    ),
    "price_changes": (
        *("markdown*", "discount_depth*", "gross_sales*"),  # the original price of lines that bring none
        "drift_*",  # the mix of markdowns is one of those checked
    ),
    # the VAT rate of the sale; whether an order that a session names is worth anything
    "order_lines": ("returned_sales*", "retained_revenue_rate*", "session_conversion_rate"),
    "orders": (
        # the VAT rate of the sale; whether an order that a session names counts
        *("returned_sales*", "retained_revenue_rate*", "session_conversion_rate"),
        # whose a contact is that names an order alone
        *("repeat_contact_rate*", "first_contact_resolution_rate*", "avoidable_contact_cost"),
    ),
    # work is done for an order in another currency as for any, and none for a test
    "fx_rates": (*AUDIT, "sales_at_risk*", "fulfilment_cost_per_order", "rejection_rate"),
    "stock_levels": ("baseline_*",),  # days that sold nothing because nothing was there
}
# Days are local to locations: without them some events fall on the day before or after, which moves a figure by so much at most.
NEIGHBOURING = {"locations": 0.05}
# Without rates, orders in another currency count as little as tests do.
LEFT_OUT = {"fx_rates": "update raw.orders set is_test = true where currency <> 'EUR'"}
# Records of what happened: ten retailers like this one have ten times as many.
HAPPENINGS = ("orders", "order_lines", "returns", "payments", "customers", "sessions", "fulfilments", "shipments", "contacts")
NUMBERS = {
    *("identity_key", "order_id", "return_id", "fulfilment_id", "shipment_id"),
    *("session_id", "visitor_id", "contact_id", "customer_ref"),
}

Answers = dict[str, Any]


def sample(demonstration: Path, warehouse: Warehouse) -> None:
    """Fills a warehouse with every fiftieth person of the demonstration retailer, what they did, and its small tables."""
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(f"attach '{demonstration / 'warehouse.duckdb'}' as retailer (read_only)")
        persons = f"from retailer.ledger.identities where hash(person_id) % {EVERY} = 0"
        connection.execute(f"insert into ledger.identities {persons}")
        connection.execute("insert into ledger.files from retailer.ledger.files")
        for entity in sorted(entities().values(), key=lambda entity: entity.name != "orders"):
            table = f"retailer.raw.{entity.name}"
            rows = connection.execute(f"select count(*) from {table}").fetchall()[0][0]
            kept = _part(entity) if rows > SMALL else "true"
            connection.execute(f"insert into raw.{entity.name} by name select * from {table} where {kept}")


def _part(entity: Entity) -> str:
    """SQL that is true for the rows of a large table to keep: those of the persons and orders kept, or any one in fifty."""
    columns = entity.raw_columns
    drawn = f"hash({'sku' if 'sku' in columns else ', '.join(entity.key)}) % {EVERY} = 0"
    if "order_id" in columns and entity.name not in ("orders", "sessions"):
        return f"case when order_id is null then {drawn} else order_id in (select order_id from raw.orders) end"
    if "identity_key" in columns:
        known = "identity_key in (select identity_key from ledger.identities)"
        return f"case when identity_key is null then {drawn} else {known} end"
    return drawn


def copied(warehouse: Warehouse, folder: Path) -> Path:
    """A folder with a copy of the warehouse: dbt, run in this process, keeps the original open."""
    folder.mkdir(parents=True)
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("checkpoint")
    shutil.copyfile(warehouse.path, folder / warehouse.path.name)
    return folder


def published(warehouse: Warehouse) -> Build:
    """The warehouse as readers find it."""
    folder = copied(warehouse, warehouse.folder / "published")
    settings = Settings(data_dir=folder, _env_file=None)  # pyright: ignore[reportCallIssue]
    publish(settings, BuildResult((), warehouse.folder / "target"))
    current = builds.current(folder)
    assert current
    return current


def answers(build: Build) -> Answers:
    """Every metric's value over all the data."""
    return ask(build, Question(metrics=tuple(shown(build)))).frame.row(0, named=True)


def shown(build: Build) -> dict[str, Metric]:
    return {name: metric for name, metric in catalogue(build).items() if not metric.is_hidden}


@pytest.fixture(scope="module")
def whole(demonstration: Path, manifest: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A sample of the demonstration retailer, built."""
    made = make_warehouse(tmp_path_factory.mktemp("whole") / "data", manifest)
    sample(demonstration, made)
    made.build()
    return made


@pytest.fixture(scope="module")
def complete(whole: Warehouse) -> Build:
    """The sample where nothing is missing."""
    return published(whole)


@pytest.fixture(scope="module")
def usual(complete: Build) -> Answers:
    """Every metric's value where nothing is missing."""
    return answers(complete)


@pytest.fixture
def changed(whole: Warehouse, tmp_path: Path) -> Callable[..., Build]:
    """Builds the sample once more after some SQL on its raw tables, the models downstream of some entities alone."""

    def again(sql: str, *changed: str) -> Build:
        warehouse = Warehouse(copied(whole, tmp_path / f"data{len(list(tmp_path.iterdir()))}"), whole.manifest)
        with duckdb.connect(str(warehouse.path)) as connection:
            connection.execute(sql)
        warehouse.build("run", "--full-refresh", "--select", *(f"source:raw.{entity}+" for entity in changed))
        return published(warehouse)

    return again


def _is_near(found: Any, usual: Any, share: float | None) -> bool:
    """Whether a value is the usual one, within a share of it where one is given; nothing is near nothing alone."""
    if found is None or usual is None:
        return found is usual
    return float(found) == pytest.approx(float(usual), rel=share)


@pytest.mark.parametrize("entity", sorted(entities()))
def test_without_an_export_its_kpis_say_so_and_no_other_changes(
    entity: str, whole: Warehouse, complete: Build, usual: Answers, changed: Callable[..., Build]
) -> None:
    source = f"source.omnikpi.raw.{entity}"
    if not whole.manifest.child_map.get(source):
        assert not [name for name, metric in shown(complete).items() if entity in metric.needs + metric.needs_one_of]
        return
    usual = answers(changed(LEFT_OUT[entity], "orders")) if entity in LEFT_OUT else usual
    build = changed(f"delete from raw.{entity}", entity)
    found, wrong = answers(build), []
    for name, metric in shown(build).items():
        is_missing = entity in missing(build, metric)
        is_last = entity in metric.needs_one_of and not any(build.info["entities"].get(other) for other in metric.needs_one_of)
        if is_missing != (is_last or entity in metric.needs):
            wrong.append(f"{name}: says {missing(build, metric)} is missing")
        is_told = found[name] is not None or meta(build, name).get("refusal")
        is_refined = any(fnmatch(name, pattern) for pattern in REFINING.get(entity, ())) and is_told
        if not is_missing and not is_refined and not _is_near(found[name], usual[name], NEIGHBOURING.get(entity)):
            wrong.append(f"{name}: {usual[name]} → {found[name]}, although it does not need {entity}")
    assert not wrong, "\n".join(wrong)


def test_where_only_a_report_counts_sessions_visits_are_known_and_visitors_are_not(
    usual: Answers, changed: Callable[..., Build]
) -> None:
    day = "cast(timezone('Europe/Paris', timezone('UTC', started_at)) as date)"
    report = f"select {day} as traffic_date, channel, count(*) as sessions, 'ga4' as _source, 1 as _file_id from raw.sessions"
    reported = f"delete from raw.web_traffic; insert into raw.web_traffic by name {report} group by all; delete from raw.sessions"
    build = changed(reported, "sessions", "web_traffic")
    found = answers(build)
    assert not missing(build, shown(build)["web_visits"]) + missing(build, shown(build)["web_conversion_rate"])
    assert found["web_visits"] == usual["sessions"]
    assert found["web_conversion_rate"] > 0
    assert found["sessions"] is None
    assert missing(build, shown(build)["web_to_store_conversion_rate"]) == ["sessions"]


def test_a_report_of_sessions_alone_is_enough_to_know_the_visits(manifest: Manifest, tmp_path: Path) -> None:
    warehouse = make_warehouse(tmp_path / "data", manifest)
    counts = {date(2026, 1, 9): 700, date(2026, 1, 10): 34}
    warehouse.load(1, "ga4", web_traffic=[{"traffic_date": day, "channel": "web", "sessions": n} for day, n in counts.items()])
    warehouse.build("run")
    build = published(warehouse)
    assert build.span == (date(2026, 1, 9), date(2026, 1, 10))
    found = answers(build)
    assert not missing(build, shown(build)["web_visits"])
    assert found["web_visits"] == 734
    assert {name.split("__")[0] for name, value in found.items() if value} == {"web_visits", "web_conversion_rate"}


def test_a_retailer_without_a_row_has_marts_and_every_kpi_is_empty(manifest: Manifest, tmp_path: Path) -> None:
    warehouse = make_warehouse(tmp_path / "data", manifest)
    warehouse.build("build", "--exclude-resource-type", "unit_test")
    build = published(warehouse)
    assert build.span is None
    assert not {name: value for name, value in answers(build).items() if value}
    assert all(missing(build, metric) for metric in shown(build).values() if metric.needs)


def test_one_row_of_each_export_is_enough(whole: Warehouse, changed: Callable[..., Build]) -> None:
    known = entities()
    is_ticket = "status = 'completed' and channel = 'store' and not coalesce(is_test or is_staff or is_b2b, false)"
    order = f"(select min(order_id) from raw.orders where {is_ticket} and order_id in (select order_id from raw.order_lines))"
    cut = [
        f"delete from raw.{name} where order_id is distinct from {order};"
        for name in ("orders", "order_lines")
    ] + [
        f"delete from raw.{name} where rowid <> (select min(rowid) from raw.{name});"
        for name in known if name not in ("orders", "order_lines")
    ]  # fmt: skip
    build = changed("\n".join(cut), *(name for name in known if whole.manifest.child_map.get(f"source.omnikpi.raw.{name}")))
    assert answers(build)["orders"] == 1


@pytest.mark.proof
def test_ten_times_the_retailer_sells_ten_times_as_much_at_the_same_rates(usual: Answers, changed: Callable[..., Build]) -> None:
    numbered = {f"raw.{name}": [column for column in entities()[name].raw_columns if column in NUMBERS] for name in HAPPENINGS}
    copies = []
    for table, numbers in (numbered | {"ledger.identities": ["identity_key", "person_id"]}).items():
        twins = ", ".join(f"{number} || twin as {number}" for number in numbers)
        of_nine = f"from {table}, (select '#' || unnest(range(9)) as twin)"
        copies.append(f"insert into {table} by name select * exclude (twin) replace ({twins}) {of_nine};")
    build = changed("\n".join(copies), *HAPPENINGS, "locations")
    found, wrong = answers(build), []
    for name, metric in shown(build).items():
        if set(metric.needs) <= {*HAPPENINGS, *REFINING, "opening_hours"} and (metric.is_additive or metric.quotient):
            factor = 10 if metric.is_additive else 1
            if float(found[name] or 0) != pytest.approx(float(usual[name] or 0) * factor):
                wrong.append(f"{name}: {usual[name]} → {found[name]}")
    assert not wrong, "\n".join(wrong)
