"""An order's amount shared over its lines: in proportion, to the cent, none lost, and never where nobody could say how."""

from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest

from ingest import loading
from ingest.rejects import export

SHOP = """
source: web
files: "orders*"
timezone: UTC
entities:
  orders:
    per: Name
    order_id: Name
    ordered_at: {value: "2026-01-02 10:00:00"}
    channel: {value: web}
    status: {value: paid}
    currency: {value: EUR}
  order_lines:
    when: {Price: {is_not: gift}}
    order_id: Name
    line_number: {sequence: Name}
    sku: {value: sku}
    quantity: Qty
    unit_price: {value: 1}
    discount_amount: {from: Discount, absolute: ABSOLUTE, share: {per: Name, by: [Price, Qty], beyond: Own}, optional: true}
    includes_vat: {value: true}
max_rejects: 100%
"""
HEADER = "Name,Discount,Price,Qty,Own\n"


@pytest.fixture(params=[-1, 1000], ids=["streamed", "held"])
def shop(installation, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest):
    """Loads lines of (order, discount, price, quantity, own discount); gives line → discount, and line → why it was rejected."""
    monkeypatch.setattr(loading, "HELD_RECORDS", request.param)

    def load(*lines: tuple[str, ...], absolute: str = "false", header: str = HEADER):
        installation.map("web", SHOP.replace("ABSOLUTE", absolute))
        sound = ("sound", "", "1", "1", "")
        rows = [",".join(f'"{cell}"' for cell in line[: header.count(",") + 1]) for line in (*lines, sound)]
        installation.drop("web/orders.csv", header + "\n".join(rows) + "\n")
        told = installation.ingest().loads[0]
        assert told.rows_in == told.rows_loaded + told.rows_rejected == len(lines) + 1
        discounts = dict(installation.ask("select _line - 1, discount_amount::double from raw.order_lines order by _line"))
        assert discounts.pop(len(lines) + 1) is None
        rejects = installation.ask(
            "select line - 1, reason from ledger.rejects where column_name = 'discount_amount' order by line"
        )
        return discounts, dict(rejects)

    return load


def test_a_discount_of_the_order_is_shared_by_what_each_line_comes_to(shop) -> None:
    # 10 € over 60, 30 and 10: and over 3 equal lines, where a third of a cent remains each time
    lines = ("1", "10.00", "30", "2", ""), ("1", "", "30", "1", ""), ("1", "", "10", "1", "")
    thirds = ("2", "", "5", "1", ""), ("2", "10.00", "5", "1", ""), ("2", "", "5", "1", "")
    assert shop(*lines, *thirds) == ({1: 6, 2: 3, 3: 1, 4: 3.33, 5: 3.34, 6: 3.33}, {})


def test_lines_of_two_orders_may_stand_in_turns_and_each_order_shares_its_own(shop) -> None:
    lines = ("1", "4", "5", "1", ""), ("2", "2", "1", "1", ""), ("1", "4", "5", "1", ""), ("2", "2", "1", "3", "")
    assert shop(*lines) == ({1: 2, 2: 0.5, 3: 2, 4: 1.5}, {})


def test_lines_keep_their_own_discounts_and_share_what_the_order_has_beyond_them(shop) -> None:
    # 13 € of which 3 are the first line's: the 10 that remain over 27 and 63 left
    assert shop(("1", "13", "30", "1", "3"), ("1", "", "63", "1", "")) == ({1: 6, 2: 7}, {})


def test_where_lines_have_the_whole_discount_or_more_nothing_is_left_to_share(shop) -> None:
    lines = ("1", "3", "30", "1", "3"), ("1", "", "63", "1", ""), ("2", "0", "30", "1", "3"), ("2", "", "9", "1", "")
    assert shop(*lines) == ({1: 3, 2: 0, 3: 3, 4: 0}, {})


def test_an_order_of_one_line_has_it_all_and_lines_that_cost_nothing_have_none(shop) -> None:
    lines = ("1", "3.33", "9.99", "1", ""), ("2", "1", "0", "1", ""), ("2", "", "8", "1", ""), ("2", "", "8", "0", "")
    assert shop(*lines) == ({1: 3.33, 2: 0, 3: 1, 4: 0}, {})


def test_a_discount_as_large_as_the_lines_is_shared_and_a_larger_one_rejects_the_order(shop) -> None:
    lines = ("1", "9", "3", "1", ""), ("1", "", "6", "1", ""), ("2", "9.01", "3", "1", ""), ("2", "", "6", "1", "")
    discounts, rejects = shop(*lines, ("3", "5", "0", "1", ""))
    assert discounts == {1: 3, 2: 6}
    assert list(rejects) == [3, 4, 5]
    assert "it is more than 'Price' × 'Qty' comes to in all the rows" in rejects[3]


def test_a_negative_discount_rejects_the_order_unless_the_sign_is_dropped(shop) -> None:
    discounts, rejects = shop(("1", "-4", "5", "1", ""), ("1", "", "5", "1", ""))
    assert discounts == {}
    assert ["less than nothing" in reason for reason in rejects.values()] == [True, True]


def test_dropping_the_sign_makes_a_negative_discount_one(shop) -> None:
    assert shop(("1", "-4", "5", "1", "-1"), ("1", "", "5", "1", ""), absolute="true") == ({1: 2.33, 2: 1.67}, {})


def test_a_line_of_less_than_nothing_or_of_no_amount_rejects_an_order_with_something_to_share(shop) -> None:
    lines = ("1", "4", "5", "1", ""), ("1", "", "5", "-1", ""), ("2", "4", "5", "1", ""), ("2", "", "free", "1", "")
    plain = ("3", "", "5", "-1", ""), ("4", "0", "free", "1", "")
    discounts, rejects = shop(*lines, *plain)
    assert discounts == {5: None, 6: 0}
    assert ["less than nothing in one of the rows" in rejects[line] for line in (1, 2)] == [True, True]
    assert ["is no number in one of the rows" in rejects[line] for line in (3, 4)] == [True, True]


def test_a_discount_that_is_no_number_rejects_every_line_of_its_order(shop) -> None:
    lines = ("1", "some", "5", "1", ""), ("1", "", "5", "1", ""), ("2", "4", "5", "1", "much"), ("2", "", "5", "1", "")
    discounts, rejects = shop(*lines)
    assert discounts == {}
    assert list(rejects) == [1, 2, 3, 4]


def test_rows_that_the_entity_does_not_take_have_no_part(shop) -> None:
    assert shop(("1", "4", "5", "1", ""), ("1", "", "gift", "1", ""), ("1", "", "5", "1", ""))[0] == {1: 2, 3: 2}


def test_an_export_without_the_column_of_line_discounts_shares_it_all(shop) -> None:
    lines = ("1", "4", "5", "1"), ("1", "", "5", "1")
    assert shop(*lines, header="Name,Discount,Price,Qty\n") == ({1: 2, 2: 2}, {})


def test_amounts_too_large_to_multiply_reject_their_order_and_nothing_else(shop) -> None:
    huge = "99999999999999"
    discounts, rejects = shop(("1", "4", huge, huge, ""), ("2", "4", "5", "1", ""))
    assert discounts == {2: 4}
    assert "is no number in one of the rows" in rejects[1]


def test_a_line_that_is_corrected_comes_back_with_its_order_and_has_its_part(installation) -> None:
    installation.map("web", SHOP.replace("ABSOLUTE", "false").replace("sku: {value: sku}", "sku: Sku"))
    header = HEADER.replace("Own", "Own,Sku")
    lines = ("1,4,5,1,,A", "1,,5,1,,", "2,3,5,1,,B")
    installation.drop("web/orders.csv", header + "\n".join(lines) + "\n")
    installation.ingest()
    parts = "select order_id, line_number, discount_amount::double from raw.order_lines where _file_id = {} order by 1, 2"
    assert installation.ask(parts.format(1)) == [("1", 1, 2), ("2", 1, 3)]
    written = export(installation.settings, "web/orders.csv")
    assert written.read_text() == header + "1,4,5,1,,A\n1,,5,1,,\n"
    written.write_text(header + "1,4,5,1,,A\n1,,5,1,,C\n")
    installation.ingest(replay=[written])
    assert installation.ask(parts.format(2)) == [("1", 1, 2), ("1", 2, 2)]


def test_the_parts_add_up_and_none_is_a_cent_from_its_proportion(shop) -> None:
    random = Random(7)
    orders = []
    for _ in range(300):
        lines = [(random.randrange(5_000), random.randrange(4)) for _ in range(random.randrange(1, 30))]
        comes_to = [Fraction(price * units, 100) for price, units in lines]
        orders.append((lines, comes_to, Decimal(random.randint(0, int(sum(comes_to) * 100))) / 100))
    rows = [
        (str(number), str(discount), f"{price / 100:.2f}", str(units), "")
        for number, (lines, _, discount) in enumerate(orders)
        for price, units in lines
    ]
    discounts, rejects = shop(*rows)
    assert not rejects
    parts = iter(discounts.values())
    for _, comes_to, discount in orders:
        mine = [Decimal(str(next(parts))) for _ in comes_to]
        assert sum(mine) == discount
        for part, line in zip(mine, comes_to, strict=True):
            assert part * 100 % 1 == 0
            assert 0 <= part <= line
            assert not discount or abs(Fraction(part) - line * Fraction(discount) / sum(comes_to)) < Fraction(1, 100)
