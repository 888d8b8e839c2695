"""Ranked horizontal bars."""

from dashboard.charts.drawing import ACCENT, SLOTS, Bar, Drawn, bar_figure, number, text_of
from dashboard.charts.reading import read_rows
from dashboard.metrics import BEFORE, SAMPLE
from dashboard.questions import FEW
from dashboard.topics import Chart, Page, dimension_label, metric_label, value_label
from dashboard.words import inside, say

# Beyond this many, a ranking shows its two ends.
RANKED = 12


def bars(page: Page, chart: Chart) -> Drawn | None:
    """Ranked horizontal bars, one a value of the dimension, with what each is compared with as a mark."""
    metric, (dimension, *_) = chart.metrics[0], chart.by
    name = page.asked(metric)
    rows = [row for row in read_rows(page, (metric,), (dimension,)) if number(row[name]) is not None]
    rows = [row for row in rows if row[dimension] != "unknown" or len(rows) == 1]
    # An amount of nothing, now and before, has no place in a ranking.
    rows = [row for row in rows if not metric.is_additive or row[name] or row.get(name + BEFORE)]
    rows.sort(key=lambda row: number(row[name]) or 0.0, reverse=True)
    if not rows:
        return None
    shown = [row for row in rows if (row.get(name + SAMPLE) or FEW) >= FEW]
    if not shown:
        return None
    is_cut = len(shown) > RANKED
    if is_cut:
        shown = shown[: RANKED // 2] + shown[-RANKED // 2 :]
    # A gap stands for the ones in the middle.
    places = [place + (0.6 if is_cut and place >= RANKED // 2 else 0.0) for place in range(len(shown))]
    # A dimension of channels has their colours; one that only shares a word with them has one colour.
    slots = SLOTS if all(row[dimension] in SLOTS for row in shown) else {}
    drawn = [
        Bar(
            value_label(page.build, dimension, row[dimension]),
            number(row[name]),
            number(row.get(name + BEFORE)),
            place,
            slots.get(row[dimension], ACCENT),
        )
        for place, row in zip(places, shown, strict=True)
    ]
    title = say("chart.by", what=metric_label(metric), by=inside(dimension_label(page.build, dimension)))
    note = say("chart.ends", count=RANKED // 2) if is_cut else ""
    alt = f"{title}: " + ", ".join(f"{bar.label} {text_of(page, metric, bar.value)}" for bar in drawn)
    return Drawn(title, note, bar_figure(page, metric, drawn), alt)
