"""A small retailer's two years as they reach the warehouse: in loads, some rows late, some corrected, some persons merged."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

Row = dict[str, Any]
FIRST_DAY = date(2024, 1, 15)
LOADS = (date(2025, 9, 30), date(2025, 12, 29), date(2025, 12, 30), date(2025, 12, 31))
# Many people and products, few visits and changes: an order is seldom recomputed for another reason than the one at hand.
PEOPLE = 40
ORDERS = 240
SESSIONS = 90
SKUS = [f"sku{number}" for number in range(40)]
STORES = {"S1": "Europe/Paris", "S2": "Europe/London", "S3": "Atlantic/Canary"}


@dataclass
class Load:
    """What one file of each system brings, and the identity keys whose person it settles."""

    file_id: int
    systems: dict[str, dict[str, list[Row]]] = field(default_factory=dict)
    persons: dict[str, str] = field(default_factory=dict)

    def add(self, system: str, entity: str, row: Row) -> None:
        self.systems.setdefault(system, {}).setdefault(entity, []).append(row)


def loads(seed: int) -> Iterator[Load]:
    """The loads in their order; the same seed gives the same rows."""
    random = Random(seed)
    made = [Load(number + 1) for number in range(len(LOADS))]
    _master_data(random, made)
    for number in range(ORDERS):
        _order(random, made, number)
    for number in range(SESSIONS):
        _session(random, made, number)
    _persons(made)
    yield from made


def _instant(random: Random, days: int) -> datetime:
    """A UTC instant, often near midnight so that local days differ."""
    return datetime.combine(FIRST_DAY + timedelta(days), time(random.choice([0, 9, 14, 22, 23]), random.randrange(60)))


def _deliveries(random: Random, made: list[Load], happened: datetime) -> list[Load]:
    """The load that first brings a row, sometimes a late one, and at times a later one that corrects it."""
    first = next(number for number, day in enumerate(LOADS) if happened.date() <= day)
    if random.random() < 0.15:
        first = min(first + 1, len(made) - 1)
    corrected = [number for number in range(first + 1, len(made)) if random.random() < 0.15]
    return [made[number] for number in [first, *corrected]]


def _master_data(random: Random, made: list[Load]) -> None:
    for load in made:
        for store, timezone in STORES.items():
            late_or_moved = store == "S3" and load.file_id < 3
            place = {"name": store, "kind": "store", "region": f"R{store}", "country": "FR", "opened_on": date(2010, 1, 1)}
            if not (late_or_moved and load.file_id == 1):
                zone = "Europe/Madrid" if late_or_moved else timezone
                load.add("erp", "locations", {"location_id": store, "timezone": zone, **place})
        for sku in SKUS[:-1]:
            changes = sku == f"sku{load.file_id}"
            product: Row = {"sku": sku, "name": sku, "category": f"C{int(sku[-1]) % 3 if not changes else 9}"}
            product |= {"unit_cost": 4 + changes, "original_unit_price": 30 + 2 * changes, "vat_rate": 0.055 if changes else None}
            load.add("erp", "products", product)
        for store, live in (("S1", date(2025, 3, 10)), ("S2", date(2025, 9, load.file_id))):
            load.add("erp", "rollouts", {"location_id": store, "capability": "click_and_collect", "live_on": live})
        for _ in range(3):
            starts = FIRST_DAY + timedelta(random.randrange(700))
            price: Row = {"sku": random.choice(SKUS), "location_id": random.choice([None, "S1"]), "valid_from": starts}
            price |= {"valid_to": random.choice([None, starts + timedelta(20)]), "kind": random.choice(["soldes", "promotion"])}
            load.add("erp", "price_changes", price | {"price": 25, "original_price": random.choice([35, 40])})
        for _ in range(60 if load.file_id == 1 else 4):
            rate = {"currency": "GBP", "rate_date": FIRST_DAY + timedelta(random.randrange(716))}
            load.add("treasury", "fx_rates", rate | {"rate": random.choice([1.15, 1.2])})


def _order(random: Random, made: list[Load], number: int) -> None:
    days = random.choice([random.randrange(716), random.randrange(690, 716)])
    happened = _instant(random, days)
    system = random.choice(["shop", "till"])
    store = random.choice([*STORES, "S9"]) if system == "till" else None
    name = f"{number % 150}" if number % 5 == 0 else f"{system}{number}"
    for load in _deliveries(random, made, happened):
        order: Row = {"order_id": name, "channel": "store" if store else random.choice(["web", "app"]), "location_id": store}
        order |= {"ordered_at": happened, "identity_key": random.choice([None, f"k{random.randrange(PEOPLE)}"])}
        order |= {"status": random.choice(["paid"] * 5 + ["cancelled"]), "is_staff": random.random() < 0.05}
        order |= {"currency": random.choice(["EUR", "EUR", "GBP"]), "is_test": None, "shipping_amount": 4.9}
        load.add(system, "orders", order)
        if random.random() < 0.2:
            continue
        for line in range(random.randrange(4)):
            sold: Row = {"order_id": name, "line_number": line, "sku": random.choice(SKUS), "quantity": random.choice([1, 2])}
            sold |= {"unit_price": random.choice([20, 24.9, 0]), "includes_vat": random.random() < 0.8, "vat_rate": None}
            sold |= {"original_unit_price": random.choice([None, None, 30]), "discount_amount": random.choice([None, 2])}
            load.add(system, "order_lines", sold | {"is_gift_card": random.random() < 0.1})
    if random.random() < 0.4:
        returned = happened + timedelta(random.randrange(1, 40))
        if returned.date() > LOADS[-1]:
            return
        for load in _deliveries(random, made, returned):
            back: Row = {
                "return_id": f"r{number}",
                "line_number": 1,
                "order_id": random.choice([name, name, name, "elsewhere", None]),
            }
            back |= {"sku": random.choice(SKUS), "quantity": 1, "refund_amount": 20, "returned_at": returned}
            back |= {"resolution": "refund", "location_id": random.choice([None, *STORES])}
            back |= {"identity_key": random.choice([None, f"k{random.randrange(PEOPLE)}"])}
            load.add(random.choice(["till", "shop"]), "returns", back)


def _session(random: Random, made: list[Load], number: int) -> None:
    happened = _instant(random, random.choice([random.randrange(716), random.randrange(690, 716)]))
    for load in _deliveries(random, made, happened):
        visit: Row = {"session_id": f"s{number}", "visitor_id": f"v{number}", "started_at": happened}
        visit |= {"channel": random.choice(["web", "app"]), "source": random.choice([None, "search"])}
        visit |= {"identity_key": random.choice([None, f"k{random.randrange(PEOPLE)}", f"k{random.randrange(PEOPLE)}"])}
        load.add("analytics", "sessions", visit | {"order_id": random.choice([None, None, f"shop{number}"])})


def _persons(made: list[Load]) -> None:
    """Every key is a person of its own at first; each later load merges two, and tells more of one."""
    made[0].persons = {f"k{number}": f"k{number}" for number in range(PEOPLE)}
    made[1].persons = {"k1": "k0"}
    made[2].persons = {"k2": "k0", "k5": "k4"}
    made[3].persons = {"k4": "k3", "k5": "k3"}
    for load in made:
        for number in range(load.file_id, PEOPLE, 3):
            record: Row = {"customer_ref": f"c{number}", "identity_key": f"k{number}", "created_at": datetime(2024, 1, 1)}
            record |= {"home_location_id": [None, "S1", "S2", "S9"][(number + load.file_id) % 4]}
            load.add("crm", "customers", record | {"country": [None, "FR", "GB"][(number + load.file_id) % 3]})
