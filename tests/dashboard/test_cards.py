"""The sentence that says what changed."""

from types import SimpleNamespace
from typing import Any

import pytest

from dashboard import words
from dashboard.cards import Card, changes

PAGE: Any = SimpleNamespace(view=SimpleNamespace(compare="last_year"))


def card(name: str, now: float, reference: float) -> Card:
    metric: Any = SimpleNamespace(name=name, label=name, label_fr=name, format="count", better="higher", dimensions=())
    return Card(metric, SimpleNamespace(where=()), now, reference)  # pyright: ignore[reportArgumentType]


@pytest.fixture(autouse=True)
def english():
    words.speak("en")


def test_what_grew_from_nothing_is_not_said_to_have_barely_moved() -> None:
    said = changes(PAGE, [card("Orders", 150, 100), card("Refusals", 5, 0), card("Returns", 10, 10), card("Losses", 0, 0)])
    assert said == "**What changed vs last year** — :green[Orders up 50.0%]. The other 2 moved by less than 2%."
