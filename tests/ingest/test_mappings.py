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
        ("date", "{from: date, format: DD/MM/YYYY}", "entities.orders.ordered_at", "write one such as %d/%m/%Y %H:%M"),
        ("date", "{from: date, format: '%Q'}", "entities.orders.ordered_at", "`format: %Q` cannot be read"),
        ("source: shop", "source: shop\nevery: 99999999999w", "every", "write one such as 12h, 1d or 1w"),
        ("source: shop", "source: {{ shop }}", "not YAML", "a key is a text"),
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
        ("ok: paid", "", "entities.orders.status.values", "list what each text means"),
        ("{value: EUR}", "{from: c, strip: {begin: x}}", "entities.orders.currency.strip.begin", "known keys: start, end"),
        ("{value: EUR}", "{from: c, strip: {}}", "entities.orders.currency.strip", "write `start` or `end`"),
        ("{value: EUR}", "{value: EUR, strip: {end: x}}", "entities.orders.currency", "`blank` need `from`"),
        ("{value: EUR}", "{sum: [a, b]}", "entities.orders.currency", "`share` are for numbers"),
        ("{value: EUR}", "{from: c, share: {per: number, by: p}}", "entities.orders.currency", "`share` give decimals"),
        (
            "{value: EUR}",
            "{from: c, share: {per: number, over: p}}",
            "entities.orders.currency.share.over",
            "known keys: per, by, beyond",
        ),
        ("{value: EUR}", "{from: c, share: {per: number}}", "entities.orders.currency.share.by", "missing; write it"),
        (
            "{value: EUR}",
            "EUR\n    shipping_amount: {sum: [a, b], share: {per: number, by: p}}",
            "entities.orders.shipping_amount",
            "`share` needs `from`",
        ),
        (
            "  orders:",
            "  orders:\n    per: number\n    shipping_amount: {from: a, share: {per: number, by: p}}",
            "entities.orders.shipping_amount",
            "`share` gives each row its part",
        ),
        ("{value: EUR}", "{from: c, take: last}", "entities.orders.currency", "needs the entity's `per`"),
        ("{value: EUR}", "{from: c, take: newest}", "entities.orders.currency.take", "'first', 'last'"),
        ("{value: EUR}", "{from: c, when: {state: {isnt: x}}}", "entities.orders.currency.when.state.isnt", "known keys: is"),
        ("{value: EUR}", "EUR\n    shipping_amount: {sum: [a]}", "entities.orders.shipping_amount", "two columns or more"),
        (
            "{value: EUR}",
            "EUR\n    shipping_amount: {from: a, number: {decimals: ','}}",
            "entities.orders.shipping_amount.number.decimals",
            "did you mean `decimal`?",
        ),
        ("date", "{from: date, timezone: {form: z}}", "entities.orders.ordered_at.timezone.form", "did you mean `from`?"),
        ("date", "{from: date, timezone: {values: {a: UTC}}}", "entities.orders.ordered_at.timezone", "`from` with its column"),
        ("date", "{from: date, timezone: {from: z, values: {a: Pari}}}", "timezone.values", "IANA name such as Europe/Paris"),
        ("entities:", "clock_changes: {repeated: later}\nentities:", "clock_changes.repeated", "'first' or 'second'"),
        ("entities:", "clock_changes: {repeat: first}\nentities:", "clock_changes.repeat", "did you mean `repeated`?"),
        ("entities:", "csv: {}\nworkbook: {}\nentities:", "the file", "write one of csv, workbook, ndjson, parquet"),
        ("entities:", "workbook: {sheets: A}\nentities:", "workbook.sheets", "did you mean `sheet`?"),
        ("entities:", "csv: {skip_lines: '('}\nentities:", "csv.skip_lines", "not a regular expression"),
        ("entities:", "fill: {by: number, columns: [stat]}\nentities:", "fill.columns: 'stat'", "did you mean `state`?"),
        ("entities:", "aliases: {number: [no, state]}\nentities:", "aliases: 'state'", "read the column's first name"),
        ("entities:", "aliases: {number: no, date: no}\nentities:", "aliases: 'no'", "is written twice"),
        ("entities:", "unpack: {column: p, on: ',', item: '(a)', into: [x, y]}\nentities:", "unpack", "has 1 groups"),
        (
            "entities:",
            "unpack: {column: p, on: ',', item: '(a', into: [x]}\nentities:",
            "unpack.item",
            "not a regular expression",
        ),
        ("entities:", "unpack: {column: p, on: ',', item: '(a)', into: [x]}\nentities:", "unpack.into", "no column reads 'x'"),
        (
            "  orders:",
            "  orders:\n    per: number\n    is_test: {from: t, take: sum}",
            "entities.orders.is_test",
            "`take: sum` gives a number",
        ),
        (
            "  orders:",
            "  orders:\n    per: number\n    location_id: {from: t, take: any}",
            "entities.orders.location_id",
            "whether one is true",
        ),
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


def test_a_mapping_saved_in_another_encoding_is_refused_naming_its_line(tmp_path: Path) -> None:
    (tmp_path / "till.yaml").write_bytes(ORDERS.replace("number", "Numéro").encode("cp1252"))
    with pytest.raises(ConfigurationError, match=r"till.yaml: line 6: not UTF-8 text; save the file as UTF-8"):
        load_mappings(Settings(sources=tmp_path, _env_file=None))  # pyright: ignore[reportCallIssue]


def test_a_required_column_may_be_absent_where_it_is_said_what_holds_then(tmp_path: Path) -> None:
    path = tmp_path / "shop_orders.yml"
    path.write_text(ORDERS.replace("{value: EUR}", "{from: currency, optional: true, empty: EUR}"), encoding="utf-8")
    assert read_mapping(path, "Europe/Paris").feeds["orders"].cells["currency"].optional


def test_the_shipped_mappings_are_sound() -> None:
    assert "olist_orders" in load_mappings(Settings(sources=None, _env_file=None))  # pyright: ignore[reportCallIssue]


def test_every_entity_has_its_key_among_its_columns() -> None:
    for entity in entities().values():
        assert set(entity.key) <= {column.name for column in entity.columns}, entity.name


def test_raw_tables_hold_hashes_of_identifiers_and_no_personal_column() -> None:
    customers = entities()["customers"].raw_columns
    assert {"email_hash", "phone_hash", "loyalty_id_hash", "identity_key"} <= set(customers)
    assert not {column.name for column in entities()["customers"].personal} & set(customers)


def test_every_key_of_a_mapping_is_explained() -> None:
    from ingest import mappings

    page = (Path(mappings.__file__).parents[1] / "docs" / "writing-mappings.md").read_text(encoding="utf-8")
    models = (mappings._Document, mappings.Condition, mappings.Feed, mappings.Cell, *mappings._PARTS.values())
    keys = {key for model in models for key in mappings._keys(model)} - {"cells", "name"}
    assert not {key for key in keys if f"`{key}`" not in page and f"{key}:" not in page}
