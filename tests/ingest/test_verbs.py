"""The verbs that change which rows an entity takes: filled, unpacked, one per key; and what becomes of their faults."""

import pytest

from ingest import loading

SHOP = """
source: web
files: "orders*"
timezone: UTC
fill: {by: Name, columns: [Email]}
entities:
  orders:
    per: Name
    order_id: {from: Name, strip: {start: "#"}}
    ordered_at: {from: Created at, format: "%Y-%m-%d %H:%M:%S %z"}
    channel: {value: web}
    status: {from: Financial Status, values: {paid: paid, voided: voided}}
    currency: Currency
    shipping_amount: Shipping
  order_lines:
    order_id: {from: Name, strip: {start: "#"}}
    line_number: {sequence: Name}
    sku: {from: Lineitem sku, strip: {start: "'", end: ".0"}}
    quantity: Lineitem quantity
    unit_price: Lineitem price
    includes_vat: {value: true}
  customers:
    when: {Email: {present: true}}
    customer_ref: Email
    email: Email
ignore: [Cancelled at]
"""
ORDERS = "Name,Email,Financial Status,Created at,Currency,Shipping,Cancelled at,Lineitem quantity,Lineitem sku,Lineitem price\n"
FIRST = "#1001,a@b.fr,paid,2026-01-02 10:00:00 +0100,EUR,4.90,,1,'007,19.90\n"
SECOND = "#1001,,,,,,,2,17850.0,5.00\n"


@pytest.fixture(params=[-1, 1000], ids=["streamed", "held"])
def web(installation, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest):
    """The installation with a web shop's mapping, read both ways a file can be."""
    monkeypatch.setattr(loading, "HELD_RECORDS", request.param)
    installation.map("web", SHOP)
    return installation


def test_columns_written_on_the_first_row_of_an_order_hold_for_all_its_rows(web) -> None:
    web.drop("web/orders.csv", ORDERS + FIRST + SECOND + FIRST.replace("1001", "1002").replace("a@b", "c@d"))
    load = web.ingest().loads[0]
    assert (load.verdict, load.rows_in, load.rows_loaded, load.entities["orders"]) == ("loaded", 3, 3, 2)
    orders = "select order_id, ordered_at::varchar, shipping_amount::double, _line from raw.orders order by 1"
    assert web.ask(orders) == [("1001", "2026-01-02 09:00:00", 4.9, 2), ("1002", "2026-01-02 09:00:00", 4.9, 4)]
    lines = "select order_id, line_number, sku, quantity::integer from raw.order_lines order by _line"
    assert web.ask(lines) == [("1001", 1, "007", 1), ("1001", 2, "17850", 2), ("1002", 1, "007", 1)]
    assert web.ask("select email, count(*) from customers group by 1 order by 1", "vault") == [("a@b.fr", 2), ("c@d.fr", 1)]


def test_a_faulty_row_leaves_the_others_of_its_key_and_the_ledger_balances(web) -> None:
    web.drop("web/orders.csv", ORDERS + FIRST + SECOND.replace("5.00", "five") + FIRST.replace("1001", "1002"))
    load = web.ingest().loads[0]
    assert (load.rows_in, load.rows_loaded, load.rows_rejected, load.entities["orders"]) == (3, 2, 1, 2)
    assert web.ask("select line, column_name, value from ledger.rejects") == [(3, "unit_price", "•••")]


def test_a_key_none_of_whose_rows_holds_what_is_required_is_rejected_whole(web) -> None:
    lacking = SECOND.replace("1001", "1002")
    web.drop("web/orders.csv", ORDERS + FIRST + SECOND + lacking + lacking)
    load = web.ingest().loads[0]
    assert (load.rows_in, load.rows_loaded, load.rows_rejected, load.entities["orders"]) == (4, 2, 2, 1)
    rejects = set(web.ask("select line, column_name from ledger.rejects"))
    assert rejects == {(line, column) for line in (4, 5) for column in ("ordered_at", "status", "currency")}


def test_a_sum_too_large_for_its_column_rejects_its_key_saying_so(web) -> None:
    web.map("web", SHOP.replace("shipping_amount: Shipping", "shipping_amount: {from: Shipping, take: sum}"))
    half = FIRST.replace("4.90", "50000000000000")
    others = "".join(FIRST.replace("1001", number) for number in ("1002", "1003", "1004"))
    web.drop("web/orders.csv", ORDERS + half + SECOND + half + others)
    load = web.ingest().loads[0]
    assert (load.rows_in, load.rows_loaded, load.rows_rejected, load.entities["orders"]) == (6, 3, 3, 3)
    rejects = web.ask("select line, column_name, reason from ledger.rejects order by line")
    assert [(line, column) for line, column, _ in rejects] == [(line, "shipping_amount") for line in (2, 3, 4)]
    assert all("too large a sum" in reason for *_, reason in rejects)


def test_a_row_without_its_key_is_rejected_saying_so(web) -> None:
    web.drop("web/orders.csv", ORDERS + FIRST + FIRST.replace("#1001", ""))
    load = web.ingest().loads[0]
    assert (load.rows_loaded, load.rows_rejected) == (1, 1)
    reasons = [reason for (reason,) in web.ask("select reason from ledger.rejects where line = 3")]
    assert "empty, but `per` takes one row for each (column 'Name')" in reasons


EVENTS = """
source: analytics
files: "events*"
timezone: UTC
entities:
  sessions:
    when: {session: {present: true}}
    per: [user, session]
    session_id: {join: {with: ".", columns: [user, session]}}
    visitor_id: user
    started_at: {from: at, format: unix_us, take: min}
    channel: {value: web}
    source: {from: source, take: first}
    campaign: {from: source, take: last}
    page_views: {value: 1, when: {event: {is: page_view}}, take: count}
    product_views: {value: 1, when: {event: {is: view_item}}, take: count}
    add_to_carts: {from: carts, take: sum}
    order_id: {from: order, take: max}
"""


def test_events_become_one_session_each(installation) -> None:
    installation.map("events", EVENTS)
    installation.drop(
        "analytics/events.csv",
        "user,session,at,event,source,carts,order\n"
        "u1,1,1767348060000000,view_item,,1,\n"
        "u1,1,1767348000000000,page_view,google,,\n"
        "u1,1,1767348120000000,purchase,mail,2,W7\n"
        "u1,2,1767434400000000,page_view,,,\n"
        "u2,1,1767348000000000,page_view,,,\n"
        "u2,,1767348000000000,page_view,,,\n",
    )
    load = installation.ingest().loads[0]
    assert (load.rows_in, load.rows_loaded, load.rows_skipped, load.entities) == (5, 5, 1, {"sessions": 3})
    columns = "session_id, started_at::varchar, source, campaign, page_views, product_views, add_to_carts, order_id"
    assert installation.ask(f"select {columns} from raw.sessions order by 1") == [
        ("u1.1", "2026-01-02 10:00:00", "google", "mail", 1, 1, 3, "W7"),
        ("u1.2", "2026-01-03 10:00:00", None, None, 1, 0, None, None),
        ("u2.1", "2026-01-02 10:00:00", None, None, 1, 0, None, None),
    ]


def test_a_later_file_writes_its_sessions_anew(installation) -> None:
    installation.map("events", EVENTS)
    header = "user,session,at,event,source,carts,order\n"
    installation.drop("analytics/events_1.csv", header + "u1,1,1767348060000000,page_view,,,\n")
    installation.drop(
        "analytics/events_2.csv", header + "u1,1,1767348000000000,page_view,,,\nu1,1,1767348060000000,page_view,,,\n"
    )
    installation.ingest()
    newest = "select page_views, started_at::varchar from raw.sessions order by _file_id desc limit 1"
    assert installation.ask(newest) == [(2, "2026-01-02 10:00:00")]


PACKED = """
source: woo
files: "orders*"
timezone: UTC
csv: {symbols: ["€"], decimal: ",", thousands: " "}
unpack: {column: Product(s), on: ", ", item: '(\\d+)[x×] (.+)', into: [Units, Product]}
entities:
  orders:
    order_id: "Order #"
    ordered_at: Date
    channel: {value: web}
    status: {value: paid}
    currency: {value: EUR}
  order_lines:
    order_id: "Order #"
    line_number: {sequence: "Order #"}
    sku: Product
    quantity: Units
    unit_price: {from: Net Sales, divided_by: Items sold, number: {decimal: "."}}
    includes_vat: {value: true}
"""
WOO = "Date,Order #,Product(s),Items sold,Net Sales\n"


def test_a_packed_cell_becomes_a_line_for_each_item(installation) -> None:
    installation.map("woo", PACKED)
    installation.drop(
        "woo/orders.csv",
        WOO + '2026-01-02 10:00:00,7,"2x Shirt, blue, 1× Socks",3,10.00\n2026-01-02 11:00:00,8,1x Scarf,1,25.00\n'
        "2026-01-02 12:00:00,9,,0,0\n",
    )
    load = installation.ingest().loads[0]
    assert (load.rows_in, load.rows_loaded, load.entities) == (3, 3, {"orders": 3, "order_lines": 3})
    lines = "select order_id, line_number, sku, quantity::integer, unit_price::double from raw.order_lines order by 1, 2"
    assert installation.ask(lines) == [
        ("7", 1, "Shirt, blue", 2, 3.3333),
        ("7", 2, "Socks", 1, 3.3333),
        ("8", 1, "Scarf", 1, 25.0),
    ]


def test_a_packed_cell_that_is_no_list_rejects_its_record_once(installation) -> None:
    installation.map("woo", PACKED)
    installation.drop("woo/orders.csv", WOO + "2026-01-02 10:00:00,7,Shirt,1,9.00\n2026-01-02 11:00:00,8,1x Scarf,1,25.00\n")
    load = installation.ingest().loads[0]
    assert (load.rows_in, load.rows_loaded, load.rows_rejected, load.entities) == (2, 1, 1, {"orders": 1, "order_lines": 1})
    assert installation.ask("select line, column_name from ledger.rejects order by 2") == [(2, "quantity"), (2, "sku")]


def test_a_column_has_other_names_in_other_languages(installation) -> None:
    mapping = PACKED.replace("entities:", "aliases: {Date: [Fecha, Datum], Product(s): Produit(s)}\nentities:", 1)
    installation.map("woo", mapping)
    header = WOO.replace("Date", "Datum").replace("Product(s)", "Produit(s)")
    installation.drop("woo/orders.csv", header + "2026-01-02 10:00:00,7,1x Scarf,1,25.00\n")
    assert installation.ingest().loads[0].entities == {"orders": 1, "order_lines": 1}


def test_a_column_that_has_both_its_names_is_there_twice(installation, refused) -> None:
    installation.map("woo", PACKED.replace("entities:", "aliases: {Date: Datum}\nentities:", 1))
    told = refused("woo/orders.csv", "Datum," + WOO + "2026-01-02,2026-01-02 10:00:00,7,1x Scarf,1,25.00\n")
    assert "column 'Date' is there 2 times" in told


SQUARE = """
source: square
files: "items*"
csv: {thousands: ",", symbols: ["$"]}
clock_changes: {repeated: first}
entities:
  orders:
    when: {Event Type: {is: Payment}}
    per: Transaction ID
    order_id: Transaction ID
    ordered_at:
      join: {with: " ", columns: [Date, Time]}
      format: "%m/%d/%y %H:%M:%S"
      timezone: {from: Time Zone, values: {Eastern Time (US & Canada): America/New_York}}
    channel: {value: store}
    location_id: Location
    status: {value: completed}
    currency: {value: USD}
  order_lines:
    when: {Event Type: {is: Payment}}
    order_id: Transaction ID
    line_number: {sequence: Transaction ID}
    sku: {from: SKU, empty: unknown}
    quantity: Qty
    unit_price: {from: Gross Sales, divided_by: Qty}
    discount_amount: {from: Discounts, absolute: true}
    line_amount: Net Sales
    vat_rate: {from: Tax, divided_by: Net Sales}
    includes_vat: {value: false}
  returns:
    when: {Event Type: {is: Refund}}
    return_id: Transaction ID
    line_number: {sequence: Transaction ID}
    order_id: Transaction ID
    sku: {from: SKU, empty: unknown}
    quantity: {from: Qty, absolute: true}
    refund_amount: {from: Net Sales, absolute: true}
    returned_at:
      join: {with: " ", columns: [Date, Time]}
      format: "%m/%d/%y %H:%M:%S"
      timezone: {from: Time Zone, values: {Eastern Time (US & Canada): America/New_York}}
    resolution: {value: refund}
ignore: [Item]
"""


def test_a_till_that_tells_amounts_of_lines_and_refunds_beside_sales(installation) -> None:
    installation.map("square", SQUARE)
    start, zone = "07/15/26,10:30:00", "Eastern Time (US & Canada)"
    installation.drop(
        "square/items.csv",
        "Date,Time,Time Zone,Item,Qty,SKU,Gross Sales,Discounts,Net Sales,Tax,Transaction ID,Event Type,Location\n"
        f'{start},{zone},Tea,3,A-1,"$1,000.00",-$100.00,$900.00,$90.00,X1,Payment,Main St\n'
        f"{start},{zone},Cup,1,,$8.00,$0.00,$8.00,$0.80,X1,Payment,Main St\n"
        f"07/16/26,11:00:00,{zone},Cup,-1,,-$8.00,$0.00,-$8.00,-$0.80,X1,Refund,Main St\n"
        f"{start},Mars,Cup,1,,$8.00,$0.00,$8.00,$0.80,X2,Payment,Main St\n",
    )
    load = installation.ingest().loads[0]
    assert (load.rows_loaded, load.rows_rejected) == (3, 1)
    assert load.entities == {"orders": 1, "order_lines": 2, "returns": 1}
    assert installation.ask("select order_id, ordered_at::varchar from raw.orders") == [("X1", "2026-07-15 14:30:00")]
    columns = "line_number, sku, unit_price::varchar, discount_amount::varchar, line_amount::varchar, vat_rate::varchar"
    assert installation.ask(f"select {columns} from raw.order_lines order by 1") == [
        (1, "A-1", "333.3333", "100.0000", "900.0000", "0.100000"),
        (2, "unknown", "8.0000", "0.0000", "8.0000", "0.100000"),
    ]
    returned = "select quantity::integer, refund_amount::varchar, returned_at::varchar from raw.returns"
    assert installation.ask(returned) == [(1, "8.0000", "2026-07-16 15:00:00")]
    assert "column 'Time Zone', is not one" in installation.ask("select reason from ledger.rejects")[0][0]
