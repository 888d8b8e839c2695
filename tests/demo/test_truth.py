"""The truth beside the exports: an independent reading of the files gives the generator's own figures."""

import csv
from collections import defaultdict
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import phonenumbers
import pytest

Kpi = dict[str, str]


def table(path: Path, delimiter: str = ",", encoding: str = "utf-8-sig") -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as text:
        return list(csv.DictReader(text, delimiter=delimiter))


def number(text: str) -> Decimal:
    return Decimal(text.replace(",", "."))


@pytest.fixture(scope="module")
def kpis(tiny: Path) -> list[Kpi]:
    return table(tiny / "truth" / "kpis.csv")


def kpi(kpis: list[Kpi], metric: str, month: str = "", channel: str = "all", basis: str = "") -> Kpi:
    (found,) = [
        row
        for row in kpis
        if (row["metric"], row["metric_time"], row["channel"], row["person_basis"]) == (metric, month, channel, basis)
    ]
    return found


@pytest.fixture(scope="module")
def lines(tiny: Path) -> list[dict]:
    """Lines of valid orders as the exports tell them: order, channel, day, paid and gross including VAT, VAT rate."""
    bad = {row["value"] for row in table(tiny / "truth" / "faults.csv") if row["fault"] == "reject"}
    vat = {row["Article"]: number(row["TVA %"]) for row in table(tiny / "inbox" / "erp/articles.csv", ";", "cp1252")}
    listed = {
        row["Article"]: number(row["Prix de vente TTC"]) for row in table(tiny / "inbox" / "erp/articles.csv", ";", "cp1252")
    }
    found = []
    for path in (tiny / "inbox" / "pos").glob("*.csv"):
        if "(1)" in path.name:
            continue
        for row in table(path, ";", "cp1252"):
            if row["Type"] != "VENTE" or row["Statut"] != "VAL" or "O" in (row["Personnel"], row["Pro"]):
                continue
            if bad & set(row.values()) or row["Nature"] == "CADEAU":
                continue
            quantity = number(row["Qté"])
            paid = quantity * number(row["PU TTC"]) - number(row["Remise ligne"])
            found.append(
                {"order": row["N° ticket"], "channel": "store", "at": datetime.strptime(row["Date"], "%d/%m/%Y %H:%M"),
                 "quantity": quantity, "paid": paid, "gross": quantity * number(row["PU catalogue"]), "vat": number(row["TVA %"])}
            )  # fmt: skip
    orders = {}
    for path in sorted((tiny / "inbox" / "shop").glob("shop_orders_*.csv"), key=lambda p: p.stat().st_mtime):
        orders |= {row["order_number"]: row for row in table(path) if not bad & set(row.values())}
    channels = {"web": "web", "mobile_app": "app", "call_center": "phone"}
    for path in (tiny / "inbox" / "shop").glob("shop_order_lines_*.csv"):
        for row in table(path):
            order = orders.get(row["order_number"])
            if order is None or order["status"] in ("canceled", "fraud") or "true" in (order["test"], order["business"]):
                continue
            if row["is_gift_card"] == "true":
                continue
            quantity = number(row["quantity"])
            paid = quantity * number(row["unit_price"]) - number(row["discount"])
            found.append(
                {"order": row["order_number"], "channel": channels[order["platform"]],
                 "at": datetime.fromisoformat(order["created_at"][:19]), "quantity": quantity, "paid": paid,
                 "gross": quantity * number(row["list_price"]), "vat": number(row["tax_percent"])}
            )  # fmt: skip
    rates = {}
    for path in (tiny / "inbox" / "treasury").glob("cours_*.csv"):
        booked = table(path, ";", "cp1252")
        rates |= {datetime.strptime(row["Date"], "%d/%m/%Y").date(): number(row["Cours EUR"]) for row in booked}
    for path in (tiny / "inbox" / "marketplace").glob("commandes_*.csv"):
        for row in table(path, ";"):
            if row["Statut"] in ("Annulée", "Fraude") or bad & set(row.values()):
                continue
            quantity, sku = number(row["Qté"]), row["Réf. vendeur"]
            at = datetime.strptime(row["Créée le"], "%d/%m/%Y %H:%M")
            rate = {"EUR": Decimal(1), "HUF": rates[max(day for day in rates if day <= at.date())]}[row["Devise"]]
            found.append(
                {"order": row["N° commande"], "channel": "marketplace",
                 "at": at, "quantity": quantity, "paid": quantity * number(row["Prix unitaire TTC"]) * rate,
                 "gross": quantity * listed[sku], "vat": vat[sku]}
            )  # fmt: skip
    paid = defaultdict(Decimal)
    for line in found:
        paid[line["order"]] += line["paid"]
    return [line for line in found if paid[line["order"]] > 0]


def without_vat(amount: Decimal, percent: Decimal) -> Decimal:
    return (amount / (1 + percent / 100)).quantize(Decimal("0.0001"), ROUND_HALF_UP)


@pytest.mark.parametrize("channel", ["all", "store", "web", "app", "marketplace"])
def test_sales_read_from_the_exports_are_the_truth_to_the_cent(lines: list[dict], kpis: list[Kpi], channel: str) -> None:
    mine = [line for line in lines if channel in ("all", line["channel"])]
    sales = sum(without_vat(line["paid"], line["vat"]) for line in mine)
    gross = sum(without_vat(line["gross"], line["vat"]) for line in mine)
    assert round(float(sales), 2) == round(float(kpi(kpis, "sales", channel=channel)["value"]), 2)
    assert round(float(gross), 2) == round(float(kpi(kpis, "gross_sales", channel=channel)["value"]), 2)
    assert float(sum(line["paid"] for line in mine)) == pytest.approx(
        float(kpi(kpis, "sales_ttc", channel=channel)["value"]), abs=0.005
    )
    assert len({line["order"] for line in mine}) == float(kpi(kpis, "orders", channel=channel)["value"])
    assert float(sum(line["quantity"] for line in mine)) == float(kpi(kpis, "units", channel=channel)["value"])


def test_basket_is_units_times_price_exactly(kpis: list[Kpi]) -> None:
    basket = float(kpi(kpis, "average_order_value")["value"])
    parts = float(kpi(kpis, "units_per_transaction")["value"]) * float(kpi(kpis, "average_selling_price")["value"])
    assert basket == pytest.approx(parts, rel=1e-12)


def test_returns_read_from_the_exports_are_what_net_sales_take_off(tiny: Path, kpis: list[Kpi]) -> None:
    refunds = Decimal(0)
    for path in (tiny / "inbox" / "pos").glob("*.csv"):
        if "(1)" not in path.name:
            refunds -= sum(number(row["Remboursement"]) for row in table(path, ";", "cp1252") if row["Type"] == "RETOUR")
    for source, delimiter, pattern in (("shop", ",", "shop_returns_*.csv"), ("marketplace", ";", "retours_*.csv")):
        for path in (tiny / "inbox" / source).glob(pattern):
            refunds += sum(number(row["refunded"]) for row in table(path, delimiter))
    taken_off = float(kpi(kpis, "sales_ttc")["value"]) - float(kpi(kpis, "net_sales_ttc")["value"])
    assert refunds > 0
    assert taken_off == pytest.approx(float(refunds), abs=0.005)


def test_stores_are_busier_on_saturday_than_on_tuesday(lines: list[dict]) -> None:
    tickets = {(line["order"], line["at"].weekday()) for line in lines if line["channel"] == "store"}
    count = [sum(1 for _, weekday in tickets if weekday == day) for day in range(7)]
    assert count[5] > 1.5 * count[1] > 0
    assert count[6] < count[5] / 3


def test_december_sells_more_than_february(kpis: list[Kpi]) -> None:
    for december, february in (("2024-12-01", "2025-02-01"), ("2025-12-01", "2026-02-01")):
        assert float(kpi(kpis, "sales", december)["value"]) > 1.3 * float(kpi(kpis, "sales", february)["value"])


def test_markdowns_peak_in_the_soldes(kpis: list[Kpi]) -> None:
    assert float(kpi(kpis, "markdown_rate", "2026-01-01")["value"]) > 2 * float(kpi(kpis, "markdown_rate", "2026-04-01")["value"])


def test_resolving_persons_by_equal_identifiers_merges_and_misses_some(tiny: Path) -> None:
    orders = table(tiny / "truth" / "orders.csv")
    identified = [row for row in orders if row["resolved_person"]]
    assert 0.4 < len(identified) / len(orders) < 0.9
    seen = defaultdict(set)
    for row in identified:
        seen[row["resolved_person"]].add(row["person"])
    assert any(len(people) > 1 for people in seen.values()), "a shared phone merges two people"
    parts = defaultdict(set)
    for row in identified:
        parts[row["person"]].add(row["resolved_person"])
    assert any(len(persons) > 1 for persons in parts.values()), "one person under unlinked identities"


def test_retention_starts_whole_and_the_open_month_is_left_out(kpis: list[Kpi]) -> None:
    cohorts = [row for row in kpis if row["metric"] == "cohort_retention_rate"]
    assert {float(row["value"]) for row in cohorts if row["period"] == "0"} == {1.0}
    latest = max((int(row["metric_time"][:4]) * 12 + int(row["metric_time"][5:7]) + int(row["period"])) for row in cohorts)
    assert latest == 2026 * 12 + 10


def test_lifetime_value_grows_with_the_horizon_of_a_cohort(kpis: list[Kpi]) -> None:
    values = [float(kpi(kpis, f"ltv_{days}d", "2024-10-01", "all", "true")["value"]) for days in (30, 90, 180, 365, 730)]
    assert values == sorted(values)


def test_phone_numbers_are_valid_in_every_country(tiny: Path) -> None:
    phones = [row["phone"] for row in table(tiny / "truth" / "people.csv") if row["phone"]]
    assert len({phone[:3] for phone in phones}) > 3
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(phone)) for phone in phones)
