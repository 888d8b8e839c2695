"""Answers as text for people and programs."""

import json
from datetime import date
from typing import Any

from dashboard.answers import explain, render
from dashboard.builds import Build
from dashboard.metrics import Question, ask, compiled

TWO_MONTHS: dict[str, Any] = {"since": date(2026, 1, 1), "until": date(2026, 2, 28)}


def test_csv_has_the_time_the_dimensions_and_the_metrics_as_plain_numbers(build: Build):
    question = Question(("sales", "average_order_value", "orders_per_visit"), ("region",), "month", **TWO_MONTHS)
    assert render(build, ask(build, question), "csv") == (
        "metric_time,region,sales,average_order_value,orders_per_visit\n"
        "2026-01-01,Côte d'Azur,79.5,79.5,0.1\n"
        "2026-01-01,North,160.5,80.25,0.5\n"
        "2026-02-01,Côte d'Azur,10.25,10.25,0.2\n"
        "2026-02-01,North,60,60,\n"
    )


def test_csv_without_a_grain_has_no_time_and_keeps_every_digit(build: Build):
    answer = ask(build, Question(("orders_per_visit",), since=date(2026, 1, 1), until=date(2026, 2, 28)))
    assert render(build, answer, "csv") == "orders_per_visit\n0.2631578947368421\n"


def test_csv_quotes_what_needs_it_and_leaves_out_comparisons(build: Build):
    question = Question(("orders",), ("location__name",), since=date(2026, 2, 1), compare="last_year")
    assert render(build, ask(build, question), "csv").splitlines() == [
        "location__name,orders",
        '"O\'Brien ""the corner""",1',
        "Warehouse,1",
    ]


def test_json_has_the_same_fields_with_numbers_as_numbers(build: Build):
    question = Question(("sales", "orders_per_visit"), ("region",), "month", **TWO_MONTHS)
    rows = json.loads(render(build, ask(build, question), "json"))
    assert rows[0] == {"metric_time": "2026-01-01", "region": "Côte d'Azur", "sales": 79.5, "orders_per_visit": 0.1}
    assert rows[-1] == {"metric_time": "2026-02-01", "region": "North", "sales": 60, "orders_per_visit": None}
    assert len(rows) == 4


def test_json_of_no_rows_is_an_empty_list(build: Build):
    answer = ask(build, Question(("sales",), ("channel",), until=date(2020, 1, 1)))
    assert json.loads(render(build, answer, "json")) == []


def test_the_table_is_written_in_the_reader_s_language_and_shows_the_sample(build: Build):
    answer = ask(build, Question(("average_order_value",), ("channel",), compare="last_year", **TWO_MONTHS))
    english = render(build, answer, "table", "en").splitlines()
    assert english[0].split() == ["channel", "average_order_value", "average_order_value,", "n", "average_order_value,", "before"]
    assert english[2].split() == ["store", "€70.08", "3", "€75.00"]
    french = render(build, answer, "table", "fr").splitlines()
    assert french[2].split() == ["store", "70,08", "€", "3", "75,00", "€"]


def test_an_explanation_goes_from_the_definition_to_the_file(build: Build):
    where = (("channel", ("store",)),)
    text = explain(build, Question(("average_order_value",), where=where, since=date(2026, 1, 1)))
    assert "average_order_value = sales ÷ orders\n  sales = sum of sales in orders where is_valid" in text
    assert '"warehouse"."marts"."orders"' in text
    assert "-- $p0 = store" in text
    assert "orders\n  stg_orders\n    raw.orders\n" in text
    assert (
        "3 rows of orders; the largest:\norder  sales  order_number  file_name\n5      120.5  T-5           till_2026.csv\n"
        in text
    )


def test_an_explanation_speaks_french(build: Build):
    assert explain(build, Question(("sales",)), "fr").startswith(
        "Ventes (sales)\n--------------\nVentes des commandes valides.\n"
    )


def test_the_sql_of_an_answer_gives_the_answer(build: Build):
    question = Question(("average_order_value",), ("channel",), "month", **TWO_MONTHS)
    assert build.sql(*compiled(build, question)).rows() == ask(build, question).frame.rows()
