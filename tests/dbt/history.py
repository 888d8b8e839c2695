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
VISITS = 60
CONTACTS = 120
VISITED_HOURS = 400
REPORTED_DAYS = 60
PICKUPS = 40
HOURS = 60
RESERVATIONS = 40
MOVEMENTS = 160
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
    _work_hours(Random(f"hours {seed}"), made)
    _persons(made)
    after_sale = Random(seed + 7)
    for number in range(VISITS):
        _visit(after_sale, made, number)
    for number in range(CONTACTS):
        _contact(after_sale, made, number)
    _costs(after_sale, made)
    _handovers(Random(seed + 1), made)
    _predictions(Random(seed + 2), made)
    _traffic(Random(f"traffic {seed}"), made)
    _web_traffic(Random(f"web traffic {seed}"), made)
    # A stream of their own, so that what is above stays as it is.
    random = Random(seed + 100)
    _fulfilments(random, made)
    for _ in range(HOURS):
        _counted_hour(random, made)
    for number in range(RESERVATIONS):
        _reservation(random, made, number)
    _stock(random, made)
    _turned(made)
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
            # a closing that is told long after the day
            place |= {"closed_on": date(2025, 11, 20) if store == "S2" and load.file_id > 2 else None}
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
            # Some refunds are an amount of no units.
            back |= {"sku": random.choice(SKUS), "quantity": min(number % 5, 1), "refund_amount": 20, "returned_at": returned}
            back |= {"resolution": "refund", "location_id": random.choice([None, *STORES])}
            back |= {"identity_key": random.choice([None, f"k{random.randrange(PEOPLE)}"])}
            load.add(random.choice(["till", "shop"]), "returns", back)


def _session(random: Random, made: list[Load], number: int) -> None:
    happened = _instant(random, random.choice([random.randrange(716), random.randrange(690, 716)]))
    for load in _deliveries(random, made, happened):
        visit: Row = {"session_id": f"s{number}", "visitor_id": f"v{number}", "started_at": happened}
        visit |= {"channel": random.choice(["web", "app"]), "source": random.choice([None, "search"])}
        visit |= {"identity_key": random.choice([None, f"k{random.randrange(PEOPLE)}", f"k{random.randrange(PEOPLE)}"])}
        # Some exports cut their sessions by day, and write one part or the other again.
        visit |= {"part": random.choice(["1", "2"]) if number % 3 == 0 else None, "page_views": random.randrange(9)}
        load.add("analytics", "sessions", visit | {"order_id": random.choice([None, None, f"shop{number}"])})


def _visit(random: Random, made: list[Load], number: int) -> None:
    """A web order brought back to a store, with tickets around the hour after: any of them late or corrected."""
    happened = _instant(random, random.choice([random.randrange(700), random.randrange(690, 710)]))
    store = random.choice([*STORES])
    sold: Row = {"line_number": 1, "sku": random.choice(SKUS), "quantity": 1, "unit_price": 30, "includes_vat": True}
    for load in _deliveries(random, made, happened):
        order: Row = {"order_id": f"v{number}", "channel": "web", "ordered_at": happened, "currency": "EUR"}
        order |= {"status": random.choice(["paid"] * 5 + ["cancelled"]), "identity_key": f"k{random.randrange(6)}"}
        load.add("shop", "orders", order)
        load.add("shop", "order_lines", {"order_id": f"v{number}", **sold})
    returned = happened + timedelta(random.randrange(1, 5))
    for part in range(random.choice([1, 2])):
        for load in _deliveries(random, made, returned):
            back: Row = {"return_id": f"v{number}-{part}", "line_number": 1, "order_id": f"v{number}", "quantity": 1}
            back |= {"sku": random.choice(SKUS), "refund_amount": 20, "resolution": random.choice(["refund", "credit"])}
            when = returned + timedelta(minutes=5 * part)
            load.add("till", "returns", back | {"returned_at": when, "location_id": store})
    for ticket in range(random.choice([1, 2])):
        for load in _deliveries(random, made, returned):
            bought: Row = {"order_id": f"t{number}-{ticket}", "channel": "store", "status": "paid", "currency": "EUR"}
            bought |= {"ordered_at": returned + timedelta(minutes=random.choice([5, 30, 59, 70])), "location_id": store}
            load.add("till", "orders", bought | {"identity_key": f"k{random.randrange(6)}"})
            load.add("till", "order_lines", {"order_id": f"t{number}-{ticket}", **sold})


def _contact(random: Random, made: list[Load], number: int) -> None:
    happened = _instant(random, random.choice([random.randrange(700), random.randrange(690, 716)]))
    for load in _deliveries(random, made, happened):
        contact: Row = {"contact_id": f"c{number}", "channel": random.choice(["phone", "email", "bot"]), "created_at": happened}
        contact |= {"identity_key": random.choice([None, f"k{random.randrange(6)}"]), "reason": random.choice(["refund", None])}
        contact |= {"order_id": random.choice([None, f"shop{random.randrange(ORDERS)}", f"v{random.randrange(VISITS)}"])}
        contact |= {"direction": random.choice([None, "inbound", "outbound"]), "is_transfer": random.choice([None, False, True])}
        load.add("desk", "contacts", contact | {"handle_minutes": random.choice([None, 3, 7.5])})


def _costs(random: Random, made: list[Load]) -> None:
    for load in made:
        for number in range(24):
            booked: Row = {"cost_id": f"b{number}", "month": date(2024 + number // 12, 1 + number % 12, 1), "area": "service"}
            load.add(
                "erp", "costs", booked | {"amount": random.randrange(100, 900), "location_id": random.choice([None, "S1", "S9"])}
            )


def _handovers(random: Random, made: list[Load]) -> None:
    """What other systems say of the orders: payments, work, parcels, calls and stock, at times late, corrected or wrong."""
    for number in range(ORDERS):
        name, happened = f"shop{number}", _instant(random, random.randrange(700))
        for load in _deliveries(random, made, happened):
            paid: Row = {"order_id": name, "payment_number": random.choice([1, 1, 2]), "method": random.choice(["card", "cash"])}
            load.add(random.choice(["shop", "till"]), "payments", paid | {"amount": random.choice([20, 24.9, 40])})
            work: Row = {
                "fulfilment_id": f"f{number}",
                "order_id": random.choice([name, name, "elsewhere"]),
                "created_at": happened,
            }
            work |= {"mode": random.choice(["home_delivery", "click_and_collect"]), "location_id": random.choice([*STORES, "S9"])}
            work |= {"lines_requested": random.randrange(1, 4), "shipped_at": random.choice([None, happened + timedelta(1)])}
            load.add("oms", "fulfilments", work | {"cancelled_at": random.choice([None, None, happened])})
            parcel: Row = {"shipment_id": f"p{number}", "order_id": random.choice([name, "elsewhere"]), "carrier": "C"}
            parcel |= {
                "fulfilment_id": random.choice([None, f"f{number}"]),
                "shipped_at": happened + timedelta(random.choice([1, 3])),
            }
            load.add("tms", "shipments", parcel | {"status": random.choice(["in_transit", "delivered"])})
            call: Row = {"contact_id": f"c{number}", "order_id": random.choice([None, name, "elsewhere"]), "created_at": happened}
            load.add("desk", "contacts", call | {"channel": "phone", "identity_key": f"k{random.randrange(PEOPLE)}"})
            move: Row = {"movement_id": f"m{number}", "location_id": random.choice([*STORES]), "sku": random.choice(SKUS)}
            load.add("wms", "stock_movements", move | {"moved_at": happened, "kind": "sale", "quantity": -1})


def _predictions(random: Random, made: list[Load]) -> None:
    """Forecasts of products and of categories, stock that ran out, and recommendations."""
    for number in range(ORDERS):
        happened = _instant(random, random.randrange(680, 716))
        for load in _deliveries(random, made, happened):
            day = happened.date()
            told: Row = {
                "model": "plan",
                "made_on": day - timedelta(random.choice([1, 8])),
                "location_id": random.choice([*STORES]),
            }
            told |= {"sku": random.choice(["C1", "C2", *SKUS[:3]]), "forecast_date": day, "quantity": random.randrange(3)}
            load.add("planning", "forecasts", told)
            left: Row = {"location_id": random.choice([*STORES]), "sku": random.choice(SKUS[:3]), "stock_date": day}
            load.add("wms", "stock_levels", left | {"on_hand": random.randrange(2)})
            shown: Row = {"recommendation_id": f"r{number}", "session_id": f"s{number % SESSIONS}", "sku": random.choice(SKUS)}
            shown |= {"shown_at": happened, "clicked_at": random.choice([None, happened]), "is_holdout": random.random() < 0.3}
            load.add("recommender", "recommendations", shown | {"order_id": random.choice([None, f"shop{number}"])})


def _traffic(random: Random, made: list[Load]) -> None:
    """Hours that the stores' counters worked, some delivered late and some corrected."""
    for _ in range(VISITED_HOURS):
        hour = _instant(random, random.randrange(716)).replace(minute=0)
        counted: Row = {"location_id": random.choice(list(STORES)), "hour_start": hour}
        for load in _deliveries(random, made, hour):
            load.add("counters", "store_traffic", counted | {"entries": random.randrange(9)})


def _web_traffic(random: Random, made: list[Load]) -> None:
    """Days of which a report counts the sessions, with and without sessions of their own."""
    days = [row["started_at"] for load in made for row in load.systems["analytics"]["sessions"]]
    for _ in range(REPORTED_DAYS):
        day = random.choice([*days, _instant(random, random.randrange(716))])
        counted: Row = {"traffic_date": day.date(), "channel": random.choice(["web", "app"])}
        for load in _deliveries(random, made, day):
            load.add("analytics", "web_traffic", counted | {"sessions": random.randrange(50)})


def _work_hours(random: Random, made: list[Load]) -> None:
    for number in range(60):
        worked_on = FIRST_DAY + timedelta(random.randrange(716))
        place = random.choice([*STORES, "S9"])
        for load in _deliveries(random, made, datetime.combine(worked_on, time(20))):
            hours: Row = {"location_id": place, "work_date": worked_on, "activity": random.choice(["preparation", "cash_desk"])}
            hours |= {"hours": random.choice([1, 2.5, 8]), "lines_handled": random.choice([None, 12, number])}
            load.add("clock", "work_hours", hours)


def _fulfilments(random: Random, made: list[Load]) -> None:
    """Some web orders are collected in a store, at times soon before or after another purchase, or moved to another order."""
    orders = [(number, row) for number, load in enumerate(made) for row in load.systems["shop"]["orders"]]
    for number, (first, order) in enumerate(random.sample(orders, PICKUPS)):
        collected = order["ordered_at"] + timedelta(days=random.randrange(3), hours=random.randrange(20))
        for load in made[first:]:
            if load is not made[first] and random.random() < 0.7:
                continue
            work: Row = {"fulfilment_id": f"f{number}", "order_id": order["order_id"], "created_at": order["ordered_at"]}
            if random.random() < 0.2:
                work["order_id"] = random.choice(orders)[1]["order_id"]
            work |= {"mode": random.choice(["click_and_collect", "click_and_collect", "home_delivery"])}
            work |= {"location_id": random.choice([*STORES]), "collected_at": random.choice([None, collected, collected])}
            load.add("oms", "fulfilments", work)


def _counted_hour(random: Random, made: list[Load]) -> None:
    """People counted in the hour of a ticket, or in the one after it."""
    tickets = [row for load in made for row in load.systems["till"]["orders"]]
    ticket = random.choice(tickets)
    hour = ticket["ordered_at"].replace(minute=0) + timedelta(hours=random.choice([0, 0, 0, 1]))
    for load in _deliveries(random, made, hour):
        counted: Row = {"location_id": ticket["location_id"], "hour_start": hour, "entries": random.randrange(4)}
        load.add("counters", "store_traffic", counted)


def _reservation(random: Random, made: list[Load], number: int) -> None:
    """A hold that may have ended in a ticket, by its number or by its customer, or in none."""
    lines = [row for load in made for row in load.systems["till"].get("order_lines", [])]
    tickets = {row["order_id"]: row for load in made for row in load.systems["till"]["orders"]}
    bought = random.choice(lines)
    ticket = tickets[bought["order_id"]]
    reserved = ticket["ordered_at"] - timedelta(hours=random.choice([2, 20, 40, 60]))
    for load in _deliveries(random, made, max(reserved, datetime.combine(FIRST_DAY, time()))):
        hold: Row = {"reservation_id": f"h{number}", "location_id": ticket["location_id"], "sku": bought["sku"]}
        hold |= {"quantity": 1, "reserved_at": reserved, "expires_at": random.choice([None, reserved + timedelta(2)])}
        hold |= {"identity_key": random.choice([None, ticket["identity_key"], ticket["identity_key"]])}
        hold |= {"order_id": random.choice([None, None, bought["order_id"], "elsewhere"])}
        load.add("oms", "reservations", hold | {"status": random.choice(["open", "bought", "expired", "cancelled"])})


def _turned(made: list[Load]) -> None:
    """What was ordered online turns out to be handed over in a store, a ticket a pick-up, and a visit to have led to no order."""
    told, later = made[0].systems, made[2]
    for ticket in [ticket for ticket in told["till"]["orders"] if ticket["identity_key"]][:19]:
        later.add("till", "orders", ticket | {"fulfilment_mode": "reserve_and_collect"})
    for order in told["shop"]["orders"][:9]:
        later.add("shop", "orders", order | {"fulfilment_mode": "in_store"})
    for visit in [visit for visit in told["analytics"]["sessions"] if visit["order_id"]][:9]:
        later.add("analytics", "sessions", visit | {"order_id": None, "identity_key": None})


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


def _stock(random: Random, made: list[Load]) -> None:
    """A stock book of few products: levels, movements that may turn out to be another day's or place's, counts, ranges."""
    places, skus = [*STORES, "S9"], SKUS[:4]
    for number in range(MOVEMENTS):
        happened = _instant(random, random.choice([random.randrange(716), random.randrange(690, 716)]))
        kind = random.choice(["sale", "sale", "return", "receipt", "loss", "adjustment", "transfer_out", "transfer_in"])
        for load in _deliveries(random, made, happened):
            moved: Row = {"movement_id": f"m{number}", "location_id": random.choice(places), "sku": random.choice(skus)}
            moved |= {"moved_at": happened - timedelta(random.choice([0, 0, 0, 3])), "kind": kind, "unit_cost": None}
            moved |= {"quantity": random.choice([1, 2, 5]) * (1 if kind in ("receipt", "return", "transfer_in") else -1)}
            moved |= {"reason": random.choice([None, "stock_count", "breakage"]), "transfer_id": f"t{random.randrange(12)}"}
            load.add("wms", "stock_movements", moved)
    for _ in range(30):
        looked_up = _instant(random, random.randrange(716))
        for load in _deliveries(random, made, looked_up):
            level: Row = {"location_id": random.choice(places), "sku": random.choice(skus), "stock_date": looked_up.date()}
            level |= {"on_hand": random.randrange(9), "reserved": random.choice([None, 1]), "unit_cost": random.choice([None, 3])}
            load.add("wms", "stock_levels", level)
    for number in range(20):
        counted = _instant(random, random.randrange(716))
        for load in _deliveries(random, made, counted):
            line: Row = {"count_id": f"i{number}", "location_id": random.choice(places), "sku": random.choice(skus)}
            line |= {"counted_at": counted, "book_quantity": 5, "counted_quantity": random.randrange(8), "unit_cost": None}
            load.add("wms", "stock_counts", line)
    for load in made:
        for _ in range(4):
            starts = FIRST_DAY + timedelta(random.randrange(700))
            carried: Row = {"location_id": random.choice(places), "sku": random.choice(skus), "valid_from": starts}
            load.add("erp", "assortment", carried | {"valid_to": random.choice([None, starts + timedelta(90)])})
