"""Whose doing a change was: the change of a product shared among its factors, exactly and without an order of precedence.

Each factor receives its Shapley value (Shapley 1953): the mean, over every order in which the factors could have changed one
after the other, of what the product moved when its turn came. For a product that mean is an integral along the straight line
from the old factors to the new ones (Owen 1972), which needs no list of orders. Rational numbers keep it exact.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import lcm, prod

Number = int | Fraction


def shares(before: Sequence[Fraction], after: Sequence[Fraction]) -> list[Fraction]:
    """What each factor contributed to `prod(after) - prod(before)`, in the order given.

    The shares add up to the change exactly; factors that change alike share alike; a factor that did not change has none;
    swapping `before` and `after` negates them.
    """
    # Whole numbers multiply many times faster than fractions: every factor is brought to its own common denominator.
    scales = [lcm(old.denominator, new.denominator) for old, new in zip(before, after, strict=True)]
    starts = [int(old * scale) for old, scale in zip(before, scales, strict=True)]
    steps = [int(new * scale) - start for new, scale, start in zip(after, scales, starts, strict=True)]
    moving = [place for place, step in enumerate(steps) if step]
    still = prod(starts[place] for place in range(len(starts)) if not steps[place])
    whole = lcm(*range(1, len(moving) + 1))
    found = [Fraction(0)] * len(starts)
    for place in moving:
        path = _product([(starts[other], steps[other]) for other in moving if other != place])
        integral = sum(coefficient * (whole // (power + 1)) for power, coefficient in enumerate(path))
        found[place] = Fraction(still * steps[place] * integral, whole * prod(scales))
    return found


def _product(lines: Sequence[tuple[int, int]]) -> list[int]:
    """The coefficients, lowest power first, of a product of `start + step × t`."""
    found = [1]
    for start, step in lines:
        found = [start * low + step * high for low, high in zip([*found, 0], [0, *found], strict=True)]
    return found


def factors(before: Sequence[Number | None], after: Sequence[Number | None]) -> tuple[list[Fraction], list[Fraction]]:
    """A chain of quantities as factors whose product is its last: each quantity over the one before it, the first itself.

    (visits, orders, units, sales) gives visits, orders per visit, units per order, sales per unit. A quantity that cannot
    carry the chain in either state, unknown or zero where the last is not, is passed over: its factor is 1 in both and what
    follows it is measured against what precedes it. A factor nobody can know, nothing over nothing, is held at its value of
    the other state, so that the change stays with the factor that became nothing.
    """
    chains: tuple[list[Number | None], list[Number | None]] = ([], [])
    for old, new in zip(before, after, strict=True):
        lost = old is None or new is None or (old == 0 and before[-1] != 0) or (new == 0 and after[-1] != 0)
        chains[0].append(None if lost else old)
        chains[1].append(None if lost else new)
    olds, news = (_quotients(chain) for chain in chains)
    held = [(old if old is not None else new, new if new is not None else old) for old, new in zip(olds, news, strict=True)]
    one = Fraction(1)
    return [one if old is None else old for old, _ in held], [one if new is None else new for _, new in held]


def _quotients(chain: Sequence[Number | None]) -> list[Fraction | None]:
    found: list[Fraction | None] = []
    base: Fraction = Fraction(1)
    for quantity in chain:
        if quantity is None:
            found.append(Fraction(1))
            continue
        found.append(Fraction(quantity) / base if base else None)
        base = Fraction(quantity)
    return found


def settled(parts: Sequence[Fraction], total: Fraction, unit: Fraction) -> list[Fraction]:
    """The parts in whole units, adding up to `total`, itself a whole number of units and the sum of the parts.

    Each is cut to its whole units; the units still missing go to the parts that lost most. None is off by a unit or more.
    """
    cut = [int(part / unit) for part in parts]
    lost = [part / unit - whole for part, whole in zip(parts, cut, strict=True)]
    missing = int(total / unit) - sum(cut)
    sign = 1 if missing > 0 else -1
    for place in sorted(range(len(parts)), key=lambda place: -sign * lost[place])[: abs(missing)]:
        cut[place] += sign
    return [whole * unit for whole in cut]
