"""Bars of several metrics side by side, in a group for each value of a dimension."""

from dashboard import words
from dashboard.charts.drawing import OTHERS, Bar, Drawn, bar_figure, number, text_of, titled, told_apart
from dashboard.charts.reading import largest_first, read_rows
from dashboard.metrics import BEFORE
from dashboard.topics import Chart, Page, value_label

# Room between a group and the next, in bars.
GAP = 0.4


def groups(page: Page, chart: Chart) -> Drawn | None:
    """One bar a metric under each value of the dimension, on one axis: metrics of one unit, the largest value first."""
    (dimension, *_), names = chart.by, [page.asked(metric) for metric in chart.metrics]
    rows = {row[dimension]: row for row in read_rows(page, chart.metrics, (dimension,))}
    # a group of nothing is none
    rows = {value: row for value, row in rows.items() if any(number(row[name]) for name in names)}
    labels = told_apart(chart.metrics)
    bars: list[Bar] = []
    said: list[str] = []
    for group, value in enumerate(largest_first(dimension, list(rows.values()), names[0])):
        row, heading, top = rows[value], value_label(page.build, dimension, value), len(bars) + group * GAP
        bars.append(Bar(f"<b>{heading}</b>", None, None, top, ""))
        for place, (name, label) in enumerate(zip(names, labels, strict=True)):
            amount = number(row[name]) or 0.0
            bars.append(Bar(label, amount, number(row.get(name + BEFORE)), top + place + 1, OTHERS[place]))
            said.append(f"{heading}, {label.replace('<br>', ' ')} {text_of(page, chart.metrics[0], amount)}")
    if not bars:
        return None
    title = chart.title(words.language()) or titled(chart)
    return Drawn(title, "", bar_figure(page, chart.metrics[0], bars), f"{title}: {', '.join(said)}")
