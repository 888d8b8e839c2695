"""Why an amount moved, factor by factor."""

from math import log

import plotly.graph_objects as go

from dashboard import formats, words
from dashboard.charts.drawing import BETTER, HEIGHT, QUIET, WORSE, Drawn, broken, number, plain, text_of, width
from dashboard.metrics import BEFORE
from dashboard.questions import TARGETS, ask_together
from dashboard.topics import Chart, Page, metric_label
from dashboard.words import inside, say


def bridge(page: Page, chart: Chart) -> Drawn | None:
    """Why an amount moved: what each of the factors that multiply to it added or took away, exactly to the total.

    The parts are the logarithmic mean of the two amounts times each factor's logarithm; they add up without a rest.
    """
    metric, *factors = chart.metrics
    if page.view.compare == TARGETS:
        return None
    answers = ask_together(page, chart.metrics)
    pairs = {}
    for one in chart.metrics:
        name, frame = page.asked(one), answers[one.name].frame
        row = frame.to_dicts()[0]
        now, before = number(row[name]), number(row.get(name + BEFORE))
        if not now or not before or now <= 0 or before <= 0:
            return None
        pairs[one.name] = (now, before)
    now, before = pairs[metric.name]
    mean = (now - before) / log(now / before) if now != before else now
    steps = [(broken(metric_label(one)), mean * log(pairs[one.name][0] / pairs[one.name][1])) for one in factors]
    scale = formats.factor(metric.format, max(abs(now - before), *(abs(step) for _, step in steps)))
    labels = [*(label for label, _ in steps), say("chart.change")]
    moves = [*(step for _, step in steps), now - before]
    level, bases = 0.0, []
    for move in moves[:-1]:
        bases.append(level)
        level += move
    bases.append(0.0)
    language = words.language()
    texts = [formats.signed(move / scale, language) for move in moves]
    colours = [BETTER if move >= 0 else WORSE for move in moves[:-1]] + [QUIET]
    figure = go.Figure(
        go.Bar(
            x=moves,
            y=labels,
            base=bases,
            orientation="h",
            marker={"color": colours},
            width=0.62,
            hovertemplate="%{y} · %{customdata}<extra></extra>",
            customdata=[text_of(page, metric, move) for move in moves],
        )
    )
    ends = [base + move for base, move in zip(bases, moves, strict=True)]
    for label, base, end, text in zip(labels, bases, ends, texts, strict=True):
        figure.add_annotation(x=max(base, end), y=label, text=text, showarrow=False, xanchor="left", xshift=5)
    plain(figure, HEIGHT, left=width(labels), right=width(texts))
    edge = [0.0, *ends]
    figure.update_xaxes(visible=False, range=[min(edge) * 1.02, max(edge) * 1.02 or 1])
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category")
    title = say("chart.why", what=inside(metric_label(metric)))
    unit = f"{formats.unit(metric.format, scale * 4, language, page.currency)}"
    alt = f"{title}: " + ", ".join(f"{label.replace('<br>', ' ')} {text}" for label, text in zip(labels, texts, strict=True))
    return Drawn(title, " ".join([unit, say(f"against.{page.view.compare}")]), figure, alt)
