"""Lines over the period."""

from dataclasses import replace

from dashboard import words
from dashboard.charts.drawing import ACCENT, OTHERS, Drawn, Line, alt_of, colour, line_figure, titled, told_apart, unit_of
from dashboard.charts.reading import largest_first, read_compared, read_events, read_open, read_points, read_rows
from dashboard.periods import TARGETS
from dashboard.questions import reach, whole_periods
from dashboard.topics import Chart, Page, dimension_label, metric_label, value_label
from dashboard.words import inside, say


def trend(page: Page, chart: Chart) -> Drawn | None:
    """Lines over the period: one a value of the dimension, or one a metric, or one and what it is compared with."""
    metric = chart.metrics[0]
    reached = reach(page, metric)
    whole = whole_periods(page.build, reached) or []
    split = next((dimension for dimension in chart.by if dimension in metric.dimensions), None)
    lines: list[Line] = []
    later, unsettled = read_open(page, metric, (split,) if split else ())
    if split:
        rows = read_rows(page, chart.metrics[:1], (split,), series=True)
        for value in largest_first(split, rows, page.asked(metric)):
            points = read_points(page, metric, [row for row in rows if row[split] == value], whole)
            known = read_points(page, metric, [row for row in later if row[split] == value], unsettled)
            lines.append(Line(value_label(page.build, split, value), colour(value, len(lines)), points, known))
    else:
        for place, (one, label) in enumerate(zip(chart.metrics, told_apart(chart.metrics), strict=True)):
            points = read_points(page, one, read_rows(page, (one,), (), series=True), whole)
            lines.append(Line(label, OTHERS[place], points, read_points(page, one, *read_open(page, one))))
        if len(lines) == 1 and page.view.compare != TARGETS:
            lines.insert(0, read_compared(page, metric, whole))
            if lines[0].points:
                lines[-1] = replace(lines[-1], label=say("chart.now"), colour=ACCENT)
    lines = [line for line in lines if len(line.points) > 1 and any(line.points.values())]
    if not lines:
        return None
    unit = unit_of(page, metric, [value for line in lines for value in line.points.values()])
    what = (
        say("chart.by", what=metric_label(metric), by=inside(dimension_label(page.build, split)))
        if split
        else chart.title(words.language()) or titled(chart)
    )
    drawn = [*whole, *unsettled]
    figure = line_figure(page, metric, lines, read_events(page, min(drawn), max(drawn)), unsettled)
    return Drawn(
        what,
        " · ".join(
            part
            for part in (
                say(f"grain.{reached.grain}"),
                unit,
                say("chart.open_window", days=metric.censored_days) if unsettled else "",
            )
            if part
        ),
        figure,
        alt_of(page, what, metric, lines),
    )
