"""A till, a web shop and their mappings: small exports written by the tests themselves."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import duckdb
import pytest

from ingest.inbox import IngestSummary, ingest
from settings import Settings

MAPPINGS = {
    "till": """
source: till
files: "till_*.csv"
timezone: Europe/Paris
csv: {delimiter: ";", decimal: ",", thousands: " ", symbols: ["€"]}
skip: {when: {"Ticket": {is: "TOTAL"}}}
entities:
  orders:
    when: {"Type": {is: "VENTE"}, "Ligne": {is: "1"}}
    order_id: "Ticket"
    ordered_at: {from: "Date", format: "%d/%m/%Y %H:%M"}
    channel: {value: store}
    location_id: "Magasin"
    loyalty_id: {from: "Carte", optional: true}
    status: {value: completed}
    currency: {value: EUR}
  order_lines:
    when: {"Type": {is: "VENTE"}}
    order_id: "Ticket"
    line_number: "Ligne"
    sku: "Article"
    quantity: "Qté"
    unit_price: "Prix"
    includes_vat: {value: true}
  returns:
    when: {"Type": {is_not: "VENTE"}}
    return_id: "Ticket"
    line_number: "Ligne"
    sku: "Article"
    quantity: {from: "Qté", absolute: true}
    refund_amount: {from: "Prix", absolute: true}
    returned_at: {from: "Date", format: "%d/%m/%Y %H:%M"}
    resolution: {value: refund}
ignore: ["Libellé"]
""",
    "shop_customers": """
source: shop
files: ["customers*.csv", "clients*.csv"]
entities:
  customers:
    customer_ref: id
    email: email
    phone: phone
    last_name: name
    birth_date: {from: born, optional: true}
    created_at: {from: created, optional: true, format: [iso, "%Y-%m-%d"]}
""",
    "lines": """
source: lines
files: "lines*.csv*"
entities:
  order_lines:
    order_id: order
    line_number: {sequence: order}
    sku: sku
    quantity: quantity
    unit_price: price
    includes_vat: {value: true}
""",
}


@dataclass(frozen=True)
class Installation:
    """A data folder of its own, into which exports are dropped."""

    settings: Settings
    clock: count

    def map(self, name: str, text: str) -> None:
        assert self.settings.sources
        (self.settings.sources / f"{name}.yml").write_text(text, encoding="utf-8")

    def drop(self, place: str, content: str | bytes) -> Path:
        """Puts a file into `inbox/<place>`, each a second younger than the one before, long ago enough to be complete."""
        path = self.settings.inbox / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        moment = 1_750_000_000 + next(self.clock)
        os.utime(path, (moment, moment))
        return path

    def ingest(self, **options: object) -> IngestSummary:
        return ingest(self.settings, **options)  # pyright: ignore[reportArgumentType]

    def ask(self, sql: str, database: str = "warehouse") -> list[tuple]:
        with duckdb.connect(str(getattr(self.settings, database)), read_only=True) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """An installation whose only mappings are this file's and those a test adds."""
    monkeypatch.setattr("ingest.mappings.SHIPPED", tmp_path / "nothing shipped")
    (tmp_path / "sources").mkdir()
    settings = Settings(data_dir=tmp_path / "data", sources=tmp_path / "sources", timezone="Europe/Paris", _env_file=None)  # pyright: ignore
    made = Installation(settings, count())
    for name, text in MAPPINGS.items():
        made.map(name, text)
    return made


@pytest.fixture
def refused(installation: Installation) -> Callable[[str, str | bytes], str]:
    """Drops a file that must be refused and gives the reason written beside it."""

    def reason(place: str, content: str | bytes) -> str:
        installation.drop(place, content)
        assert installation.ingest().refused, "the file was not refused"
        return (installation.settings.quarantine / f"{place}.reason.txt").read_text(encoding="utf-8")

    return reason
