"""The records that two systems disagree on, the largest first, to look up in either."""

import pandas as pd
import streamlit as st

from dashboard import formats, tables, words
from dashboard.questions import reach
from dashboard.topics import Page, dimension_label, value_label
from dashboard.words import called, say

SHOWN = 50


def show(page: Page) -> None:
    """A table of single records with their numbers, of every kind of disagreement the largest and latest first."""
    tax = "_ttc" if page.view.tax == "ttc" else ""
    reached = reach(page, page.metrics[0])
    where, parameters = ["record_date between $since and $until"], {"since": reached.since, "until": reached.until}
    columns = {"channel": "channel", "location": "location_id", "region": "region"}
    for dimension, values in reached.where:
        names = [f"{dimension}{place}" for place in range(len(values))]
        where.append(f"{columns[dimension]} in ({', '.join(f'${name}' for name in names)})")
        parameters |= dict(zip(names, values, strict=True))
    rows = page.build.sql(
        f"""
        select system_pair, agreement_check, record_date, location_id as location, record_id, order_number, other_number,
            cast(sales_at_risk{tax} as double) as at_risk, lag_minutes, count(*) over () as total
        from marts.disagreements left join marts.locations using (location_id)
        where {" and ".join(where)}
        order by row_number() over (
            partition by system_pair, agreement_check order by sales_at_risk{tax} desc, record_date desc, record_id
        ), at_risk desc, 1, 2
        limit {SHOWN}
        """,
        parameters,
    )
    with st.container(key="examples_head", horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{say('examples.title')}**", width="content")
        st.caption(
            say("examples.shown", count=len(rows), total=formats.number(rows["total"][0] if len(rows) else 0, words.language()))
        )
    if rows.is_empty():
        st.caption(say("examples.none"))
        return
    language = words.language()
    frame = pd.DataFrame(
        {
            dimension_label(page.build, "system_pair"): [
                value_label(page.build, "system_pair", one) for one in rows["system_pair"]
            ],
            dimension_label(page.build, "agreement_check"): [called("agreement_check", one) for one in rows["agreement_check"]],
            say("examples.order"): rows["order_number"].to_list(),
            say("examples.number"): rows["other_number"].to_list(),
            say("examples.day"): [formats.day(day, language) for day in rows["record_date"]],
            dimension_label(page.build, "location"): [
                None if one == "unknown" else value_label(page.build, "location", one) for one in rows["location"]
            ],
            say("examples.at_risk"): [value or None for value in rows["at_risk"]],
            say("examples.lag"): rows["lag_minutes"].to_list(),
        }
    )

    def written(kind: str):
        return lambda value: formats.value(value, kind, language, page.currency)

    tables.draw(frame, {say("examples.at_risk"): written("currency"), say("examples.lag"): written("minutes")})
