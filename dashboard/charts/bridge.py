"""Why an amount moved, factor by factor."""

from fractions import Fraction

from dashboard import formats, words
from dashboard.charts.drawing import Drawn, broken, change_steps, number, steps_figure, text_of
from dashboard.metrics import BEFORE
from dashboard.periods import TARGETS
from dashboard.questions import ask_together
from dashboard.topics import Chart, Page, metric_label
from dashboard.words import inside, say
from estimators.attribution import shares


def bridge(page: Page, chart: Chart) -> Drawn | None:
    """Why an amount moved: what each of the factors that multiply to it added or took away, exactly to the total."""
    metric, *others = chart.metrics
    if page.view.compare == TARGETS:
        return None
    answers = ask_together(page, chart.metrics)
    before, now = [], []
    for one in others:
        name = page.asked(one)
        row = answers[one.name].frame.to_dicts()[0]
        old, new = number(row.get(name + BEFORE)), number(row[name])
        if old is None or new is None:
            return None
        before.append(Fraction(old))
        now.append(Fraction(new))
    moves = {broken(metric_label(one)): float(share) for one, share in zip(others, shares(before, now), strict=True)}
    language = words.language()
    steps, scale = change_steps(moves, say("chart.change"), metric.format, language)
    title = say("chart.why", what=inside(metric_label(metric)))
    unit = formats.unit(metric.format, scale * 4, language, page.currency)
    alt = f"{title}: " + ", ".join(f"{step.label.replace('<br>', ' ')} {step.text}" for step in steps)
    figure = steps_figure(steps, [text_of(page, metric, step.move) for step in steps])
    return Drawn(title, " ".join([unit, say(f"against.{page.view.compare}")]), figure, alt)
