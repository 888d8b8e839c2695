"""Whether the numbers can be trusted: what was loaded, what was refused, what is late, and which tests passed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd
import polars as pl
import streamlit as st

from dashboard import builds, formats, tables, words
from dashboard.topics import Page
from dashboard.words import called, say
from settings import load_settings

# A reason leaves the columns after it their room.
REASON_PIXELS = 380
FEEDS = """
select source, mapping, last_file_name, last_delivered_at, file_count, rows_loaded, rows_rejected, behind_hours, is_fresh
from ledger.feeds order by is_fresh, source, mapping
"""
TOTALS = """
select
    count(*) as files,
    coalesce(sum(rows_in), 0) as rows_in,
    coalesce(sum(rows_loaded), 0) as rows_loaded,
    coalesce(sum(rows_rejected), 0) as rows_rejected,
    count(*) filter (where verdict = 'loaded') as loaded,
    count(*) filter (where verdict = 'loaded_with_rejects') as with_rejects,
    count(*) filter (where verdict = 'refused') as refused,
    count(*) filter (where verdict = 'duplicate') as duplicates
from ledger.files
"""
REASONS = """
select
    rejects.entity,
    rejects.column_name,
    arg_max(rejects.reason, rejects.file_id) as reason,
    count(*) as count,
    arg_max(rejects.value, rejects.file_id) as value,
    arg_max(files.file_name, rejects.file_id) as file_name,
    arg_max(rejects.line, rejects.file_id) as line
from ledger.rejects as rejects inner join ledger.files as files on rejects.file_id = files.file_id
group by rejects.entity, rejects.column_name, regexp_replace(rejects.reason, '[0-9]+', '', 'g')
order by count desc, 1, 2, 3 limit 200
"""
NEW_COLUMNS = """
select source, mapping, array_to_string(new_columns, ', ') as names, min(delivered_at) as since, count(*) as files
from ledger.files where len(new_columns) > 0 group by all order by since desc limit 200
"""
REFUSED = """
select file_name, reason, loaded_at from ledger.files where verdict = 'refused' order by loaded_at desc limit 200
"""


def show(page: Page) -> None:
    """Headline figures, then feeds, rejects, refused files and the build's tests."""
    language = words.language()
    totals = page.build.sql(TOTALS).to_dicts()[0]
    feeds = page.build.sql(FEEDS)
    tests = page.build.info["tests"]
    record = builds.last_run(load_settings().data_dir) or {}
    failed = [test for test in tests if test["status"] not in ("pass", "success")]
    _figures(totals, feeds, tests, failed)
    waiting = record.get("waiting", [])
    verdicts = {"refused": totals["refused"], "duplicates": totals["duplicates"], "waiting": len(waiting)}
    st.markdown(say("health.verdicts", loaded=totals["loaded"], with_rejects=totals["with_rejects"], **verdicts))
    st.subheader(say("health.feeds"), anchor=False)
    _table(
        {
            say("health.feed"): [_feed(row["source"], row["mapping"]) for row in feeds.to_dicts()],
            say("health.state"): [say("health.fresh") if fresh else say("health.late") for fresh in feeds["is_fresh"]],
            say("health.last_file"): feeds["last_file_name"],
            say("health.delivered"): [_moment(at) for at in feeds["last_delivered_at"]],
            say("health.files"): feeds["file_count"],
            say("health.rows"): feeds["rows_loaded"],
            say("health.rejected"): feeds["rows_rejected"],
        }
    )
    reasons = page.build.sql(REASONS)
    st.subheader(say("health.rejects"), anchor=False)
    if len(reasons):
        st.caption(say("health.rejects_help"))
        _table(
            {
                say("health.count"): reasons["count"],
                say("health.what"): [called("entity", entity or "") for entity in reasons["entity"]],
                say("health.column"): reasons["column_name"],
                say("health.reason"): reasons["reason"],
                say("health.example"): reasons["value"],
                say("health.file"): reasons["file_name"],
                say("health.line"): reasons["line"],
            },
            {say("health.reason"): REASON_PIXELS},
        )
    else:
        st.markdown(say("health.no_rejects"))
    refused = page.build.sql(REFUSED)
    st.subheader(say("health.quarantine"), anchor=False)
    if len(refused):
        _table(
            {
                say("health.file"): refused["file_name"],
                say("health.reason"): refused["reason"],
                say("health.delivered"): [_moment(at) for at in refused["loaded_at"]],
            }
        )
    else:
        st.markdown(say("health.no_quarantine"))
    columns = page.build.sql(NEW_COLUMNS)
    if len(columns):
        st.subheader(say("health.new_columns"), anchor=False)
        st.caption(say("health.new_columns_help"))
        _table(
            {
                say("health.feed"): [_feed(row["source"], row["mapping"]) for row in columns.to_dicts()],
                say("health.columns"): columns["names"],
                say("health.since"): [_moment(at) for at in columns["since"]],
                say("health.files"): columns["files"],
            }
        )
    st.subheader(say("health.tests"), anchor=False)
    said = say("health.tests_said", passed=len(tests) - len(failed), total=len(tests))
    st.markdown(f"{said} {say('health.tests_warned')}" if failed else said)
    if failed:
        _table(
            {
                say("health.test"): [test["name"].replace("_", " ") for test in failed],
                say("health.count"): [test["failures"] for test in failed],
            }
        )
    st.caption(say("health.build", build=page.build.build_id, at=formats.moment(page.build.created_at, language)))


def _figures(totals: dict[str, Any], feeds: pl.DataFrame, tests: list, failed: list) -> None:
    language = words.language()
    share = totals["rows_rejected"] / totals["rows_in"] if totals["rows_in"] else 0.0
    fresh = int(feeds["is_fresh"].sum())
    grid = st.grid(4, min_column_width=156, key="cards")
    figures = [
        ("health.fresh_feeds", f"{fresh} / {len(feeds)}", None),
        ("health.rows_loaded", formats.number(totals["rows_loaded"], language), say("health.in_files", count=totals["files"])),
        (
            "health.rejected_rows",
            formats.number(totals["rows_rejected"], language),
            say("health.of_rows", share=formats.percent(share, language, digits=2 if share >= 0.0001 or not share else 4)),
        ),
        ("health.passed_tests", f"{len(tests) - len(failed)} / {len(tests)}", None),
    ]
    for key, value, note in figures:
        grid.metric(say(key), value, delta_description=note, border=True, height="stretch")
    balance = totals["rows_in"] == totals["rows_loaded"] + totals["rows_rejected"]
    st.markdown(say("health.balanced" if balance else "health.unbalanced", rows=formats.number(totals["rows_in"], language)))


def _table(columns: dict[str, Any], widths: Mapping[str, int] | None = None) -> None:
    """A table whose numbers read as the language writes them and still sort as numbers; `widths` in pixels."""
    frame = pd.DataFrame({name: list(values) for name, values in columns.items()})
    language = words.language()
    numbers = {name: lambda value: formats.number(value, language) for name in frame.select_dtypes("number").columns}
    st.dataframe(
        frame.style.format(numbers, na_rep=""),
        hide_index=True,
        height=min(38 + 35 * len(frame), 420),
        column_config={name: st.column_config.Column(width=width) for name, width in (widths or {}).items()},
    )
    tables.sideways(frame)


def _feed(source: str, mapping: str) -> str:
    return f"{source.replace('_', ' ')} · {mapping.split(f'{source}_', 1)[-1].replace('_', ' ')}"


def _moment(at: datetime | None) -> str:
    return formats.moment(at, words.language()) if at else ""
