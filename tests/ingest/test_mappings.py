"""Mapping files: what is wrong is named with file, key and fix."""

from pathlib import Path

import pytest

from ingest import ConfigurationError
from ingest.entities import entities
from ingest.mappings import load_mappings, read_mapping
from settings import Settings

ORDERS = """
source: shop
files: "orders*.csv"
entities:
  orders:
    order_id: number
    ordered_at: date
    channel: {value: web}
    status: {from: state, values: {ok: paid}}
    currency: {value: EUR}
"""


def problems(tmp_path: Path, text: str) -> str:
    path = tmp_path / "shop_orders.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as error:
        read_mapping(path, "Europe/Paris")
    return str(error.value)


def test_a_sound_mapping_is_read(tmp_path: Path) -> None:
    path = tmp_path / "shop_orders.yml"
    path.write_text(ORDERS, encoding="utf-8")
    mapping = read_mapping(path, "Europe/Paris")
    assert (mapping.name, mapping.source, mapping.customer_space, mapping.timezone) == (
        "shop_orders",
        "shop",
        "shop",
        "Europe/Paris",
    )
    assert mapping.feeds["orders"].cells["order_id"].from_ == ("number",)


@pytest.mark.parametrize(
    ("before", "after", "key", "fix"),
    [
        ("source: shop", "sourse: shop", "sourse", "did you mean `source`?"),
        ("  orders:", "  ordres:", "entities.ordres", "did you mean `orders`?"),
        ("order_id: number", "order_ids: number", "entities.orders.order_ids", "did you mean `order_id`?"),
        ("{from: state,", "{fro: state,", "entities.orders.status.fro", "did you mean `from`?"),
        ("ok: paid", "ok: payd", "entities.orders.status", "did you mean `paid`?"),
        ("{value: web}", "{value: webb}", "entities.orders.channel", "did you mean `web`?"),
        ("    ordered_at: date\n", "", "entities.orders.ordered_at", "required, but not mapped"),
        ("date", "{from: date, timezone: Paris}", "entities.orders.ordered_at.timezone", "Europe/Paris"),
        ("{value: EUR}", "{value: EUR, from: c}", "entities.orders.currency", "exactly one of from, value, join, sum, sequence"),
        ("{value: EUR}", "{from: c, unit: 2}", "entities.orders.currency", "are for numbers"),
        ("{value: EUR}", "{from: c, format: iso8601}", "entities.orders.currency", "for timestamps, dates and times"),
        ("number", "{from: number, optional: true}", "entities.orders.order_id", "cannot be `optional`"),
        ("{value: EUR}", "{from: c, split: {on: x, part: 0}}", "entities.orders.currency.split.part", "count from 1"),
        ("entities:", "csv: {delimeter: ';'}\nentities:", "csv.delimeter", "did you mean `delimiter`?"),
        ("entities:", "csv: {decimal: ',', thousands: ','}\nentities:", "csv", "the same character"),
        ("  orders:", "  orders:\n    when: {state: {isnot: x}}", "entities.orders.when.state.isnot", "did you mean `is_not`?"),
        (
            "  orders:",
            "  orders:\n    when: {state: {matches: '('}}",
            "entities.orders.when.state.matches",
            "not a regular expression",
        ),
        ("order_id: number", "order_id: number\n    order_id: again", "`order_id` is written twice", "line"),
        ("order_id: number", "order_id: number\n    email: mail\n    location_id: mail", "location_id", "personal"),
    ],
)
def test_a_faulty_mapping_is_refused_naming_file_key_and_fix(tmp_path: Path, before: str, after: str, key: str, fix: str) -> None:
    assert before in ORDERS
    told = problems(tmp_path, ORDERS.replace(before, after, 1))
    assert "shop_orders.yml" in told
    assert key in told
    assert fix in told


def test_every_fault_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "one.yml").write_text(ORDERS.replace("order_id: number", "order_idd: number"), encoding="utf-8")
    (tmp_path / "two.yml").write_text(ORDERS.replace("date", "{fro: date}"), encoding="utf-8")
    with pytest.raises(ConfigurationError) as error:
        load_mappings(Settings(sources=tmp_path, _env_file=None))  # pyright: ignore[reportCallIssue]
    told = str(error.value)
    assert "one.yml: entities.orders.order_idd" in told
    assert "one.yml: entities.orders.order_id: required" in told
    assert "two.yml: entities.orders.ordered_at.fro" in told


def test_the_shipped_mappings_are_sound() -> None:
    assert "olist_orders" in load_mappings(Settings(sources=None, _env_file=None))  # pyright: ignore[reportCallIssue]


def test_every_entity_has_its_key_among_its_columns() -> None:
    for entity in entities().values():
        assert set(entity.key) <= {column.name for column in entity.columns}, entity.name


def test_raw_tables_hold_hashes_of_identifiers_and_no_personal_column() -> None:
    customers = entities()["customers"].raw_columns
    assert {"email_hash", "phone_hash", "loyalty_id_hash", "identity_key"} <= set(customers)
    assert not {column.name for column in entities()["customers"].personal} & set(customers)
