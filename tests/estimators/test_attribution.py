"""The change of a product, shared among its factors."""

from fractions import Fraction
from itertools import permutations
from math import prod
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estimators.attribution import factors, settled, shares

CENT = Fraction(1, 100)

amounts = st.fractions(min_value=0, max_value=1000, max_denominator=10_000)
pairs = st.lists(st.tuples(amounts, amounts), min_size=1, max_size=7)
cents = st.integers(min_value=0, max_value=10**9).map(lambda whole: whole * CENT)


def split(states: list[tuple[Fraction, Fraction]]) -> tuple[list[Fraction], list[Fraction]]:
    return [old for old, _ in states], [new for _, new in states]


def by_definition(before: list[Fraction], after: list[Fraction]) -> list[Fraction]:
    """The Shapley value as it is defined: the mean over every order of change."""
    orders = list(permutations(range(len(before))))
    found = [Fraction(0)] * len(before)
    for order in orders:
        now = list(before)
        for place in order:
            was = prod(now)
            now[place] = after[place]
            found[place] += Fraction(prod(now) - was) / len(orders)
    return found


def test_a_basket_of_two_factors_shares_the_joint_change_equally() -> None:
    # 100 orders at 20 become 110 at 25: 750 more, of which 10 × 22.5 by orders and 5 × 105 by price
    assert shares([Fraction(100), Fraction(20)], [Fraction(110), Fraction(25)]) == [225, 525]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(amounts, amounts), min_size=1, max_size=5))
def test_shares_are_the_mean_over_every_order_of_change(states: list[tuple[Fraction, Fraction]]) -> None:
    before, after = split(states)
    assert shares(before, after) == by_definition(before, after)


@settings(max_examples=100, deadline=None)
@given(pairs)
def test_shares_add_up_to_the_change_without_a_rest(states: list[tuple[Fraction, Fraction]]) -> None:
    before, after = split(states)
    assert sum(shares(before, after)) == prod(after) - prod(before)


@settings(max_examples=100, deadline=None)
@given(pairs, st.randoms(use_true_random=False))
def test_the_order_in_which_factors_are_named_changes_nothing(states: list[tuple[Fraction, Fraction]], random: Random) -> None:
    before, after = split(states)
    order = list(range(len(states)))
    random.shuffle(order)
    found = shares([before[place] for place in order], [after[place] for place in order])
    assert found == [shares(before, after)[place] for place in order]


@settings(max_examples=100, deadline=None)
@given(pairs)
def test_swapping_the_periods_negates_every_share(states: list[tuple[Fraction, Fraction]]) -> None:
    before, after = split(states)
    assert shares(after, before) == [-share for share in shares(before, after)]


@settings(max_examples=60, deadline=None)
@given(pairs, amounts)
def test_a_factor_that_did_not_change_has_no_share(states: list[tuple[Fraction, Fraction]], same: Fraction) -> None:
    before, after = split([*states, (same, same)])
    assert shares(before, after)[-1] == 0


quantities = st.one_of(st.none(), st.integers(min_value=0, max_value=10**6))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(quantities, quantities), max_size=6), cents, cents)
def test_factors_multiply_to_the_last_quantity_whatever_is_zero_or_unknown(
    states: list[tuple[int | None, int | None]], old: Fraction, new: Fraction
) -> None:
    before, after = ([*(state[place] for state in states), last] for place, last in enumerate((old, new)))
    assert [prod(found) for found in factors(before, after)] == [old, new]


def test_factors_are_each_quantity_over_the_one_before() -> None:
    assert factors([200, 50, 100, 500], [100, 50, 80, 600]) == (
        [200, Fraction(1, 4), 2, 5],
        [100, Fraction(1, 2), Fraction(8, 5), Fraction(15, 2)],
    )


@pytest.mark.parametrize(
    ("after", "blamed"),
    [
        pytest.param([0, 0, 0], 0, id="nobody came"),
        pytest.param([200, 0, 0], 1, id="nobody bought"),
        pytest.param([200, 50, 0], 2, id="all was given away"),
    ],
)
def test_a_change_to_nothing_stays_with_the_factor_that_became_nothing(after: list[int], blamed: int) -> None:
    found = shares(*factors([200, 50, 500], after))
    assert found == [-500 if place == blamed else 0 for place in range(3)]


def test_a_quantity_known_in_one_state_only_is_passed_over() -> None:
    # counters came with the second year: only orders and their value can tell
    found = shares(*factors([None, 50, 500], [400, 60, 600]))
    assert found == [0, 100, 0]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.fractions(min_value=-1000, max_value=1000, max_denominator=997), min_size=1, max_size=9))
def test_settled_parts_are_whole_cents_that_add_up_and_none_is_off_by_a_cent(parts: list[Fraction]) -> None:
    total = Fraction(int(sum(parts) / CENT)) * CENT
    parts = [*parts, total - sum(parts)]
    found = settled(parts, total, CENT)
    assert sum(found) == total
    assert all((part / CENT).denominator == 1 for part in found)
    assert all(abs(part - exact) < CENT for part, exact in zip(found, parts, strict=True))


@settings(max_examples=100, deadline=None)
@given(pairs)
def test_settled_shares_are_negated_by_swapping_the_periods(states: list[tuple[Fraction, Fraction]]) -> None:
    before, after = split(states)
    exact = shares(before, after)
    rounded = [Fraction(int(share / CENT)) * CENT for share in exact]
    exact = [*exact, sum(rounded) - sum(exact)]
    total = sum(exact, Fraction(0))
    assert settled([-share for share in exact], -total, CENT) == [-share for share in settled(exact, total, CENT)]
