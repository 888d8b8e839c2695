"""Why sales moved: everything that moved them, one after the other, to the cent."""

from dashboard import drivers as reading
from dashboard import formats, words
from dashboard.charts.drawing import Drawn, change_steps, steps_figure, text_of
from dashboard.topics import Chart, Page, metric_label
from dashboard.words import called, inside, say


def drivers(page: Page, chart: Chart) -> Drawn | None:
    """What each driver added to the amount or took away, and the change they add up to."""
    metric = chart.metrics[0]
    cells = reading.explained(page, metric)
    if not cells:
        return None
    move = reading.move(cells)
    language = words.language()
    parts = {called("driver", driver): float(part) for driver, part in move.parts.items()}
    steps, scale = change_steps(parts, say("chart.change"), metric.format, language)
    title = say("chart.why", what=inside(metric_label(metric)))
    unit = formats.unit(metric.format, scale * 4, language, page.currency)
    alt = f"{title}: " + ", ".join(f"{step.label} {step.text}" for step in steps)
    hovers = [
        f"{text_of(page, metric, step.move)} · {formats.percent(step.move / float(move.before or 1), language)}" for step in steps
    ]
    return Drawn(title, " ".join([unit, say(f"against.{page.view.compare}")]), steps_figure(steps, hovers), alt)
