"""Whether money spent has come back."""

import plotly.graph_objects as go

from dashboard import formats, words
from dashboard.charts.drawing import ACCENT, HEIGHT, INK, Drawn, number, plain, shade, text_of, unit_of, width
from dashboard.metrics import Question, ask
from dashboard.topics import Chart, Page, metric_label
from dashboard.words import say


def payback(page: Page, chart: Chart) -> Drawn | None:
    """A cumulated balance by month over all the data, with its band, a zero line and where it stands at the end.

    The band is that of the hidden metrics `<metric>_low` and `<metric>_high`.
    """
    metric = chart.metrics[0]
    names = (metric.name, f"{metric.name}_low", f"{metric.name}_high")
    rows = ask(page.build, Question(names, (), "month")).frame.to_dicts()
    rows = [row for row in rows if number(row[metric.name]) is not None]
    if not rows:
        return None
    months = [row["metric_time"] for row in rows]
    balance, low, high = ([number(row[name]) or 0.0 for row in rows] for name in names)
    language = words.language()
    figure = go.Figure()
    figure.add_hline(y=0, line={"color": INK, "width": 1})
    shade(figure, months, low, high)
    texts = [
        f"{text_of(page, metric, y)} ({say('study.range', low=text_of(page, metric, below), high=text_of(page, metric, above))})"
        for y, below, above in zip(balance, low, high, strict=True)
    ]
    figure.add_trace(
        go.Scatter(
            x=months, y=balance, mode="lines", line={"color": ACCENT, "width": 2.4}, customdata=texts,
            hovertemplate="%{customdata}<extra></extra>",
        )
    )  # fmt: skip
    end = text_of(page, metric, balance[-1])
    figure.add_annotation(
        x=months[-1], y=balance[-1], text=end, showarrow=False, xanchor="left", xshift=6, font={"color": ACCENT, "size": 12}
    )
    marks = formats.scale(min(*low, 0.0), max(*high, 0.0))
    plain(figure, HEIGHT + 62, left=44, right=width([end]))
    ticks, labels = formats.ticks(months, language)
    figure.update_xaxes(tickvals=ticks, ticktext=labels, range=[months[0], months[-1]], hoverformat="%m/%Y")
    figure.update_yaxes(tickvals=marks, ticktext=formats.axis(marks, metric.format, language), range=[marks[0], marks[-1]])
    figure.update_layout(hovermode="x unified")
    owed = [place for place, y in enumerate(balance) if y < 0]
    back = months[owed[-1] + 1] if owed and owed[-1] + 1 < len(months) else None
    if back:
        title = say("payback.back", month=formats.period(back, "month", language))
    else:
        title = say("payback.owing" if balance[-1] < 0 else "payback.never_owed")
    return Drawn(title, unit_of(page, metric, marks), figure, f"{metric_label(metric)}: {end}. {title}")
