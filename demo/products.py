"""The range of the retailer and what every product costs on every day."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from demo.retailer import DAYS, EVENTS, NEVER, VAT, day_index

DISCOUNT_KINDS = ("", "permanent", "promotion", "clearance", "soldes", "coupon", "staff")
FULL_PRICE, PERMANENT, PROMOTION, CLEARANCE, SOLDES, COUPON, STAFF = range(7)


@dataclass(frozen=True)
class _Category:
    name: str
    subcategories: tuple[str, ...]
    models: int
    typical_price: int  # euros
    spread: float  # of the logarithm of prices
    cost_share: float  # of the price without VAT
    online: float  # how much likelier online than in a store
    seasonal: float  # share of models that live one season
    sizes: str
    months: tuple[int, ...]  # weight, January to December


_CATEGORIES = (
    _Category("Robes", ("Robes courtes", "Robes longues"), 30, 43, 0.30, 0.36, 1.2, 0.85, "clothes",
              (6, 6, 8, 10, 13, 14, 12, 9, 9, 8, 7, 10)),
    _Category("Hauts", ("T-shirts", "Chemises", "Blouses"), 44, 22, 0.35, 0.34, 1.0, 0.7, "clothes",
              (14, 14, 16, 17, 18, 19, 18, 16, 17, 15, 13, 13)),
    _Category("Pantalons", ("Jeans", "Pantalons droits", "Jupes"), 34, 34, 0.25, 0.37, 1.0, 0.6, "clothes",
              (10, 10, 11, 11, 11, 11, 10, 11, 13, 12, 10, 9)),
    _Category("Manteaux", ("Manteaux", "Vestes", "Trenchs"), 24, 82, 0.30, 0.40, 0.9, 0.9, "clothes",
              (9, 6, 6, 4, 2, 1, 1, 2, 6, 10, 11, 9)),
    _Category("Maille", ("Pulls", "Cardigans"), 30, 37, 0.28, 0.38, 1.0, 0.85, "clothes",
              (13, 10, 7, 5, 3, 2, 2, 3, 9, 13, 14, 15)),
    _Category("Chaussures", ("Baskets", "Bottines", "Sandales"), 32, 56, 0.30, 0.42, 1.3, 0.6, "shoes",
              (8, 8, 10, 10, 10, 10, 9, 8, 11, 10, 8, 7)),
    _Category("Accessoires", ("Sacs", "Écharpes", "Bijoux"), 70, 20, 0.45, 0.33, 0.9, 0.3, "none",
              (11, 12, 11, 11, 12, 12, 12, 12, 11, 11, 13, 18)),
    _Category("Linge de maison", ("Draps", "Serviettes", "Plaids"), 40, 31, 0.40, 0.39, 1.5, 0.1, "home",
              (14, 10, 8, 8, 8, 8, 8, 12, 12, 10, 9, 9)),
    _Category("Décoration", ("Vases", "Bougies", "Coussins"), 66, 18, 0.45, 0.35, 1.2, 0.25, "none",
              (7, 8, 9, 10, 10, 9, 8, 9, 10, 10, 12, 15)),
    _Category("Épicerie fine", ("Thés", "Chocolats", "Confitures"), 34, 11, 0.30, 0.48, 0.5, 0.0, "none",
              (3, 4, 3, 4, 3, 2, 2, 2, 3, 4, 6, 12)),
)  # fmt: skip
_SIZES = {
    "clothes": ("XS", "S", "M", "L", "XL"), "shoes": ("37", "38", "39", "40", "41"),
    "home": ("90x190", "140x200", "160x200"), "none": ("TU",),
}  # fmt: skip
_BRANDS = ("Vermillet", "Atelier Solène", "Rive Haute", "Noroît", "Petit Fauve", "Maison Ocre", "Linéa Sud", "Brume")
_NAMES = ("Alba", "Brise", "Célia", "Dune", "Elba", "Flore", "Garance", "Hélia", "Iris", "Jade", "Lola", "Marin",
          "Nour", "Olga", "Perle", "Quito", "Rosa", "Sienne", "Tess", "Urban", "Vega", "Willow", "Yuna", "Zélie")  # fmt: skip
_SEASONS = {  # on sale from, until
    "AH24": ("2024-08-15", "2025-02-20"), "PE25": ("2025-01-20", "2025-08-15"), "AH25": ("2025-07-28", "2026-02-20"),
    "PE26": ("2026-01-19", "2026-08-15"), "AH26": ("2026-07-27", "2027-02-20"),
}  # fmt: skip
GIFT_CARD = "0099999-00"


@dataclass(frozen=True)
class Products:
    """The range as parallel arrays, and every product's price on every day."""

    frame: pl.DataFrame  # sku, name, category, subcategory, brand, season, launched_on, discontinued_on
    category: np.ndarray
    list_price: np.ndarray  # cents, including VAT
    cost: np.ndarray  # cents, excluding VAT
    popularity: np.ndarray
    first_day: np.ndarray
    last_day: np.ndarray
    price: np.ndarray  # cents, [sku, day]
    kind: np.ndarray  # index into DISCOUNT_KINDS, [sku, day]


CATEGORIES = tuple(c.name for c in _CATEGORIES)
GROCERIES = CATEGORIES.index("Épicerie fine")


def category_weights() -> np.ndarray:
    """How much of what is bought falls in each category: [month, channel, category]."""
    by_month = np.array([c.months for c in _CATEGORIES], float).T
    tilt = np.array([c.online for c in _CATEGORIES])
    online = by_month * tilt
    return np.stack([by_month, online, online, online * tilt, online], axis=1)


def vat(country: np.ndarray, category: np.ndarray) -> np.ndarray:
    """VAT rate in thousandths, by country and category (-1 for a gift card: none)."""
    rates = np.array(list(VAT.values()))
    return np.where(category < 0, 0, rates[country, (category == GROCERIES).astype(int)])


def products(rng: np.random.Generator) -> Products:
    """About 1,200 skus in ten categories and their price history."""
    rows, category, prices, popularity = [], [], [], []
    model = 1000
    for c, line in enumerate(_CATEGORIES):
        run = _SIZES[line.sizes]
        for m in range(line.models):
            model += int(rng.integers(3, 40))
            season = list(_SEASONS)[m % len(_SEASONS)] if rng.random() < line.seasonal else "PERM"
            subcategory = line.subcategories[int(rng.integers(len(line.subcategories)))]
            price = max(490, round(line.typical_price * float(np.exp(rng.normal(0, line.spread)))) * 100 - 10)
            appeal = float(rng.pareto(2.2) + 0.35)
            brand = _BRANDS[min(int(rng.exponential(2.0)), 7)]
            launched, until = _SEASONS.get(season, ("2019-01-01", ""))
            for n, size in enumerate(run, 1):
                sku = f"{model:07d}-{n:02d}"
                label = f"{subcategory} {_NAMES[m % len(_NAMES)]} {size}"
                rows.append((sku, label, line.name, subcategory, brand, season, launched, until))
                category.append(c)
                prices.append(price)
                popularity.append(appeal * (0.6 if n in (1, len(run)) and len(run) > 3 else 1.0))
    names = ["sku", "name", "category", "subcategory", "brand", "season", "launched_on", "discontinued_on"]
    frame = pl.DataFrame(rows, schema=names, orient="row")
    list_price, categories = np.array(prices), np.array(category)
    share = np.array([c.cost_share for c in _CATEGORIES])[categories] * rng.uniform(0.9, 1.1, len(rows))
    first = np.array([day_index(date.fromisoformat(d)) for d in frame["launched_on"]])
    last = np.array([day_index(date.fromisoformat(d)) if d else NEVER for d in frame["discontinued_on"]])
    price, kind = _prices(rng, list_price, frame["season"].to_numpy() != "PERM", last)
    cost = np.round(list_price / 1.2 * share).astype(int)
    return Products(frame, categories, list_price, cost, np.array(popularity), first, last, price, kind)


def _prices(
    rng: np.random.Generator, listed: np.ndarray, seasonal: np.ndarray, last: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Each product's price and the kind of its markdown on every day; 2026 marks down more and deeper than 2025."""
    n = len(listed)
    off, kind = np.zeros((n, DAYS), np.int16), np.zeros((n, DAYS), np.int8)

    def mark(chosen: np.ndarray, first: int, until: int, percent: np.ndarray | int, why: int) -> None:
        first, until = max(first, 0), min(until, DAYS - 1)
        if first <= until:
            off[chosen, first : until + 1] = np.broadcast_to(percent, (n,))[chosen][:, None]
            kind[chosen, first : until + 1] = why

    lowered = rng.random(n) < 0.10
    for i in np.flatnonzero(lowered):
        mark(np.arange(n) == i, int(rng.integers(60, DAYS)), DAYS, int(rng.choice([10, 15, 20])), PERMANENT)
    for first in range(-3, DAYS, 14):  # offers of the fortnight
        later = max(first, 0) >= day_index(date(2026, 1, 1))
        mark(rng.random(n) < 0.07 + 0.035 * later, first, first + 13, rng.choice([15, 20, 25], n) + 5 * later, PROMOTION)
    for event in EVENTS:
        first, until = day_index(event.starts_on), day_index(event.ends_on)
        later = event.starts_on.year == 2026
        if event.kind == "promotion":
            share = {"Black Friday": 0.55, "French Days": 0.22, "Mi-saison": 0.30}[event.name] + 0.06 * later
            mark(rng.random(n) < share, first, until, rng.choice([15, 20, 25, 30], n) + 5 * later, PROMOTION)
        elif event.kind == "soldes":
            chosen = rng.random(n) < np.where(seasonal, 0.78, 0.25) + 0.06 * later
            depth = rng.choice([20, 30, 40], n) + 5 * later
            for week, more in ((0, 0), (7, 10), (14, 20)):
                mark(chosen, first + week, until, np.minimum(depth + more, 70), SOLDES)
    ending = (last < DAYS) & (rng.random(n) < 0.7)
    for end in np.unique(last[ending]):
        mark(ending & (last == end), int(end) - 16, int(end), 60, CLEARANCE)
    price = np.round(listed[:, None] * (100 - off) / 1000).astype(np.int32) * 10
    price = np.where(kind == FULL_PRICE, listed[:, None], price)
    return price.astype(np.int32), kind
