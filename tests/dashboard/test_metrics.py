"""Questions and their answers, with numbers worked out by hand from the shop's sixteen orders."""

import threading
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from dashboard.builds import Build
from dashboard.metrics import Answer, Question, QuestionError, ask, compiled
from dashboard.semantics import semantics

JANUARY: dict[str, Any] = {"since": date(2026, 1, 1), "until": date(2026, 1, 31)}
TWO_MONTHS: dict[str, Any] = {"since": date(2026, 1, 1), "until": date(2026, 2, 28)}


def rows(build: Build, *metrics: str, **question: Any) -> list[tuple[Any, ...]]:
    return ask(build, Question(metrics, **question)).frame.rows()


# Numbers


def test_a_ratio_is_a_sum_over_a_sum_and_never_a_mean_of_ratios(build: Build):
    by_channel = rows(build, "average_order_value", by=("channel",), **JANUARY)
    assert by_channel == [("store", 100.0, 2), ("web", 40.0, 1)]
    # (120.50 + 79.50 + 40) ÷ 3; the mean of the two channels would be 70.
    assert rows(build, "average_order_value", **JANUARY) == [(80.0, 3)]


def test_a_ratio_divided_here_equals_the_ratio_that_metricflow_compiles(build: Build):
    sql = semantics(build).compile(("average_order_value",), ("metric_time__month", "channel"), (), ())
    expected = build.sql(sql).sort("metric_time__month", "channel")["average_order_value"].to_list()
    answered = ask(build, Question(("average_order_value",), ("channel",), "month")).frame["average_order_value"].to_list()
    assert answered == expected
    assert len(answered) == 12


def test_sums_of_money_stay_exact_and_counts_are_integers(build: Build):
    frame = ask(build, Question(("sales", "orders", "customers"), **TWO_MONTHS)).frame
    assert frame.row(0) == (Decimal("310.2500"), 5, 4)
    assert isinstance(frame.schema["sales"], pl.Decimal)
    assert frame.schema["orders"] == pl.Int64


def test_customers_are_counted_once_whatever_the_grain(build: Build):
    by_month = rows(build, "customers", grain="month", **TWO_MONTHS)
    assert by_month == [(date(2026, 1, 1), 3), (date(2026, 2, 1), 2)]
    assert rows(build, "customers", **TWO_MONTHS) == [(4,)]


def test_percentiles_are_exact_and_carry_how_many_they_were_taken_over(build: Build):
    # 10, 20, 30, 40 and one not ready: the median lies half way between 20 and 30, p90 at 37.
    assert rows(build, "ready_minutes_p50", "ready_minutes_p90") == [(25.0, 37.0, 4, 4)]


def test_a_ratio_over_two_marts_can_be_sliced_by_region(build: Build):
    assert rows(build, "orders_per_visit", by=("region",), since=date(2026, 1, 1)) == [
        ("Côte d'Azur", 2 / 15, 15),
        ("North", 3 / 4, 4),
    ]


def test_stock_is_taken_on_the_last_day_of_the_period_and_not_added_up(build: Build):
    assert rows(build, "stock_on_hand", grain="month") == [(date(2026, 1, 1), 95), (date(2026, 2, 1), 60)]
    assert rows(build, "stock_on_hand", until=date(2026, 1, 31)) == [(95,)]
    assert rows(build, "stock_on_hand", until=date(2026, 1, 5), by=("region",)) == [("Côte d'Azur", 7), ("North", 100)]


def test_a_cohort_known_by_month_is_sliced_by_its_month_number(build: Build):
    assert rows(build, "cohort_retention_rate", by=("month_number",), grain="month") == [
        (date(2026, 1, 1), 0, 1.0, 3),
        (date(2026, 1, 1), 1, 2 / 3, 3),
        (date(2026, 2, 1), 0, 1.0, 1),
    ]


def test_a_rate_takes_its_sample_from_its_denominator(build: Build):
    assert rows(build, "session_conversion_rate", by=("device",)) == [("laptop", 0.0, 1), ("phone", 2 / 3, 3)]


def test_a_question_that_nothing_answers_has_nothing_and_no_error(build: Build):
    assert rows(build, "sales", "average_order_value", until=date(2020, 1, 1)) == [(None, None, None)]
    assert rows(build, "sales", by=("channel",), until=date(2020, 1, 1)) == []


# Shape


def test_columns_are_the_time_then_the_dimensions_then_the_metrics_as_asked(build: Build):
    question = Question(("average_order_value", "sales"), ("location__region", "channel"), "retail_month", **JANUARY)
    frame = ask(build, question).frame
    assert frame.columns == [
        "metric_time",
        "location__region",
        "channel",
        "average_order_value",
        "sales",
        "average_order_value__n",
    ]
    assert frame.schema["metric_time"] == pl.Date
    assert frame.rows() == sorted(frame.rows(), key=lambda row: row[:3])


@pytest.mark.parametrize(
    ("grain", "starts"),
    [
        ("day", [date(2026, 1, 5), date(2026, 1, 6), date(2026, 2, 3), date(2026, 2, 14)]),
        ("week", [date(2026, 1, 5), date(2026, 2, 2), date(2026, 2, 9)]),
        ("month", [date(2026, 1, 1), date(2026, 2, 1)]),
        ("quarter", [date(2026, 1, 1)]),
        ("year", [date(2026, 1, 1)]),
        ("retail_week", [date(2026, 1, 4), date(2026, 2, 1), date(2026, 2, 8)]),
        ("retail_month", [date(2026, 1, 4), date(2026, 2, 1)]),
        ("retail_quarter", [date(2025, 11, 2), date(2026, 2, 1)]),
        ("retail_year", [date(2025, 2, 2), date(2026, 2, 1)]),
    ],
)
def test_a_period_is_named_by_its_first_day(build: Build, grain: str, starts: list[date]):
    assert [row[0] for row in rows(build, "sales", grain=grain, **TWO_MONTHS)] == starts


def test_both_ends_of_the_period_are_included(build: Build):
    assert rows(build, "orders", since=date(2026, 1, 5), until=date(2026, 1, 6)) == [(3,)]
    assert rows(build, "orders", since=date(2026, 1, 6), until=date(2026, 1, 6)) == [(2,)]


def test_the_period_of_an_open_question_is_that_of_the_data(build: Build):
    question = Question(("sales",), since=date(2026, 1, 1))
    assert ask(build, question).period == (date(2026, 1, 1), date(2026, 2, 14))
    assert compiled(build, question)[1] == {"since": date(2026, 1, 1)}


def test_what_an_answer_holds_is_not_asked_of_the_database_again(republished: Callable[[str, str], Build], monkeypatch):
    build = republished("20260302T060000-000001", "select 1")
    together = ask(build, Question(("sales", "orders"), ("channel",), **JANUARY)).frame
    monkeypatch.setattr(Build, "sql", lambda *_: pytest.fail("asked again"))
    alone = ask(build, Question(("orders",), ("channel",), **JANUARY)).frame
    assert alone.rows() == together.select("channel", "orders").rows()
    monkeypatch.undo()
    assert ask(build, Question(("orders",), ("channel",), **TWO_MONTHS)).frame.rows() != alone.rows()


def test_a_row_of_which_no_metric_knows_anything_is_left_out_whatever_was_asked_before(build: Build):
    together = rows(build, "orders", "ready_minutes_p50", by=("channel",))
    known = [channel for channel, _, ready, _ in together if ready is not None]
    assert 0 < len(known) < len(together)
    assert [channel for channel, _, _ in rows(build, "ready_minutes_p50", by=("channel",))] == known


# Filters


def test_a_filter_keeps_any_of_its_values_and_all_filters_hold(build: Build):
    where = (("channel", ("store", "web")), ("region", ("North",)))
    question = Question(("sales",), where=where, **JANUARY)
    assert ask(build, question).frame["sales"].to_list() == [Decimal("160.5000")]
    assert compiled(build, question)[1] == {"p0": "store", "p1": "web", "p2": "North"} | JANUARY


def test_values_with_quotes_are_matched_as_they_are(build: Build):
    assert rows(build, "orders", where=(("region", ("Côte d'Azur",)),)) == [(2,)]
    assert rows(build, "orders", where=(("location__name", ('O\'Brien "the corner"',)),)) == [(2,)]


@pytest.mark.parametrize("text", ["x') or ('1' = '1", "web'; drop table marts.orders; --", "{{ 1 }}", "$since", "%", "\x00"])
def test_text_that_looks_like_sql_matches_nothing_and_harms_nothing(build: Build, text: str):
    question = Question(("orders",), where=(("channel", (text,)),))
    assert ask(build, question).frame["orders"].to_list() == [None]
    assert text not in compiled(build, question)[0] or text in ("%", "$since")
    assert rows(build, "orders") == [(15,)]


def test_yes_and_no_and_numbers_are_asked_for_by_what_they_read_as(build: Build):
    assert rows(build, "sales", where=(("is_valid", ("false",)),)) == [(None,)]
    assert rows(build, "cohort_customers", where=(("month_number", ("1",)),)) == [(3,)]


def test_a_mart_keyed_by_a_reserved_word_can_be_sliced_by_its_key(build: Build):
    assert rows(build, "sales", by=("order",), since=date(2026, 2, 1)) == [(9, Decimal(60)), (10, Decimal("10.25"))]


def test_a_short_name_stops_at_the_mart_s_own_entities_and_a_qualified_one_goes_further(build: Build):
    # Sessions take place nowhere; their customers' home is reached by its full name only.
    assert "location" not in semantics(build).available(["sessions"]).short_names
    assert rows(build, "sessions", by=("customer__location__region",)) == [("Côte d'Azur", 2), ("North", 2)]
    assert rows(build, "sessions", by=("customer__location",), where=(("customer__location__region", ("North",)),)) == [
        ("S1", 1),
        ("W", 1),
    ]
    assert rows(build, "sales", by=("region",), where=(("customer_segment", ("loyal",)),), **JANUARY) == [
        ("North", Decimal("120.5"))
    ]


# Comparisons


def compared(build: Build, *metrics: str, **question: Any) -> Answer:
    return ask(build, Question(metrics, **question))


def test_a_whole_month_is_compared_with_the_whole_month_before(build: Build):
    answer = compared(
        build, "sales", "average_order_value", compare="previous_period", since=date(2026, 2, 1), until=date(2026, 2, 28)
    )
    assert answer.compared == (date(2026, 1, 1), date(2026, 1, 31))
    assert answer.frame.columns == [
        "sales",
        "average_order_value",
        "average_order_value__n",
        "sales__before",
        "average_order_value__before",
    ]
    assert answer.frame.row(0) == (Decimal("70.25"), 35.125, 2, Decimal(240), 80.0)


def test_any_other_period_is_compared_with_as_many_days_directly_before(build: Build):
    answer = compared(build, "sales", compare="previous_period", since=date(2026, 1, 6), until=date(2026, 1, 7))
    assert answer.compared == (date(2026, 1, 4), date(2026, 1, 5))
    assert answer.frame.row(0) == (Decimal("119.5"), Decimal("120.5"))


def test_a_whole_retail_month_is_compared_with_the_retail_month_before(build: Build):
    answer = compared(
        build, "sales", compare="previous_period", since=date(2026, 2, 1), until=date(2026, 2, 28), grain="retail_month"
    )
    assert answer.compared == (date(2026, 1, 1), date(2026, 1, 31))  # also a calendar month, which wins
    answer = compared(build, "sales", compare="previous_period", since=date(2024, 3, 3), until=date(2024, 4, 6))
    assert answer.compared == (date(2024, 2, 4), date(2024, 3, 2))


def test_months_are_set_beside_the_same_months_of_last_year(build: Build):
    answer = compared(build, "sales", grain="month", by=("channel",), compare="last_year", **TWO_MONTHS)
    assert answer.compared == (date(2025, 1, 1), date(2025, 2, 28))
    assert answer.frame.rows() == [
        # The app sold in January 2025 only: it stays, with nothing for now.
        (date(2026, 1, 1), "app", None, Decimal(30)),
        (date(2026, 1, 1), "store", Decimal(200), Decimal(150)),
        (date(2026, 1, 1), "web", Decimal(40), None),
        (date(2026, 2, 1), "store", Decimal("10.25"), None),
        (date(2026, 2, 1), "web", Decimal(60), Decimal(70)),
    ]


def test_february_29_has_no_day_last_year_and_moves_no_other(build: Build):
    answer = compared(build, "sales", grain="day", compare="last_year", since=date(2024, 2, 28), until=date(2024, 3, 1))
    assert answer.compared == (date(2023, 2, 28), date(2023, 3, 1))
    assert answer.frame.rows() == [(date(2024, 2, 29), Decimal(3), None), (date(2024, 3, 1), Decimal(7), Decimal(5))]


def test_a_whole_february_is_compared_with_a_whole_february(build: Build):
    answer = compared(build, "sales", compare="last_year", since=date(2025, 2, 1), until=date(2025, 2, 28))
    assert answer.compared == (date(2024, 2, 1), date(2024, 2, 29))
    assert answer.frame.row(0) == (Decimal(70), Decimal(25))


def test_retail_weeks_after_a_53_week_year_leave_out_its_first_week(build: Build):
    month = {"since": date(2024, 2, 4), "until": date(2024, 3, 2)}
    answer = compared(build, "sales", compare="retail_week", **month)
    assert answer.compared == (date(2023, 2, 5), date(2023, 3, 4))
    # 22 + 3 + 7 against 11 + 5: the 1000 of the week before stay out.
    assert answer.frame.row(0) == (Decimal(32), Decimal(16))
    by_week = compared(build, "sales", grain="retail_week", compare="retail_week", **month).frame.rows()
    assert by_week == [
        (date(2024, 2, 4), Decimal(22), Decimal(11)),
        (date(2024, 2, 25), Decimal(10), Decimal(5)),
    ]


def test_a_retail_month_after_a_53_week_year_is_compared_with_the_days_it_stands_for(build: Build):
    # Its four weeks are the second to fifth of 2023, which are no retail month of that year.
    answer = compared(
        build,
        "sales",
        grain="retail_month",
        by=("channel",),
        compare="retail_week",
        since=date(2024, 2, 4),
        until=date(2024, 3, 2),
    )
    assert answer.frame.rows() == [(date(2024, 2, 4), "store", Decimal(32), Decimal(16))]


def test_an_event_is_compared_day_by_day_with_itself_last_year(build: Build):
    answer = compared(build, "sales", grain="day", compare="event", since=date(2026, 1, 5), until=date(2026, 1, 6))
    assert answer.compared == (date(2025, 1, 19), date(2025, 1, 20))
    assert answer.frame.rows() == [(date(2026, 1, 5), Decimal("120.5"), None), (date(2026, 1, 6), Decimal("119.5"), Decimal(80))]


def test_a_period_without_an_event_is_compared_with_nothing(build: Build):
    answer = compared(build, "sales", compare="event", since=date(2026, 2, 1), until=date(2026, 2, 28))
    assert answer.compared is None
    assert answer.frame.row(0) == (Decimal("70.25"), None)


def test_a_target_is_that_of_the_very_period(build: Build):
    frame = ask(build, Question(("sales", "average_order_value"), grain="month", compare="target", **TWO_MONTHS)).frame
    assert frame.select("metric_time", "sales__target", "average_order_value__target").rows() == [
        (date(2026, 1, 1), 250.0, 75.0),
        (date(2026, 2, 1), 50.0, 70.0),
    ]


def test_targets_of_amounts_add_up_and_those_of_rates_do_not(build: Build):
    frame = ask(build, Question(("sales", "average_order_value"), compare="target", **TWO_MONTHS)).frame
    assert frame.select("sales__target", "average_order_value__target").row(0) == (300.0, None)
    part = ask(build, Question(("sales",), compare="target", since=date(2026, 1, 1), until=date(2026, 1, 30))).frame
    assert part["sales__target"].to_list() == [None]


def test_targets_follow_the_slice_and_the_filter(build: Build):
    by_channel = ask(build, Question(("sales",), ("channel",), compare="target", **JANUARY)).frame
    assert by_channel.select("channel", "sales__target").rows() == [("store", 210.0), ("web", 45.0)]
    both = ask(
        build, Question(("sales", "average_order_value"), where=(("channel", ("store", "web")),), compare="target", **JANUARY)
    )
    assert both.frame["sales__target"].to_list() == [255.0]
    assert both.frame["average_order_value__target"].to_list() == [None]
    by_reason = ask(build, Question(("sales",), ("reason",), compare="target", **JANUARY)).frame
    assert by_reason["sales__target"].to_list() == [None, None]


# Errors


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (Question(()), "at least one metric"),
        (Question(("salse",)), r"no metric 'salse'; did you mean sales"),
        (Question(("sales", "sales")), "sales is asked for twice"),
        (Question(("sales",), ("chanel",)), r"no dimension 'chanel'; did you mean channel\?; there is: channel, country"),
        (
            Question(("sales", "sessions"), ("device",)),
            r"'device' is not a dimension of sales; there is: channel, customer, customer_segment$",
        ),
        (Question(("sales",), ("area_code",)), "can mean customer__area_code or location__area_code: ask by one of them"),
        (Question(("sessions",), ("region",)), r"'region' is not a dimension of sessions"),
        (Question(("sales", "sessions"), ("reason",)), "not the same thing for all of sales, sessions"),
        (Question(("sales",), where=(("chanel", ("web",)),)), "did you mean channel"),
        (Question(("sales",), where=(("channel", ()),)), "the filter on channel keeps no value"),
        (Question(("sales",), grain="fortnight"), "no grain 'fortnight'; there are day, week, month"),
        (Question(("cohort_customers",), grain="day"), "cohort_customers is not known by day; grains in common: month"),
        (Question(("sales", "cohort_customers"), since=date(2026, 1, 5)), "sales is known by day and the others by month"),
        (Question(("sales",), compare="yesterday"), "there are previous_period, last_year"),
        (Question(("sales",), since=date(2026, 2, 1), until=date(2026, 1, 1)), "ends before it starts"),
    ],
)
def test_a_question_that_cannot_be_answered_says_why_and_what_can(build: Build, question: Question, message: str):
    with pytest.raises(QuestionError, match=message):
        ask(build, question)


# Caching and threads


def test_an_answer_is_computed_once_per_build(build: Build):
    question = Question(("sales",), ("channel",))
    assert ask(build, question) is ask(build, Question(("sales",), ("channel",)))


def test_a_new_build_answers_anew_and_an_old_one_keeps_its_numbers(build: Build, republished: Callable[[str, str], Build]):
    question = Question(("sales",), **JANUARY)
    assert ask(build, question).frame["sales"].to_list() == [Decimal(240)]
    later = republished("20260302T060000-000", "update marts.orders set sales = 60 where order_id = 7")
    assert ask(later, question).frame["sales"].to_list() == [Decimal(260)]
    assert ask(build, question).frame["sales"].to_list() == [Decimal(240)]
    # The definitions did not change, so neither were they read nor the question compiled again.
    assert semantics(later)._sql is semantics(build)._sql


def test_questions_from_eight_threads_get_the_answers_of_one(republished: Callable[[str, str], Build]):
    build = republished("20260303T060000-000", "select 1")
    questions = [
        Question(("sales", "average_order_value"), by, grain)
        for by in ((), ("channel",), ("region",))
        for grain in (None, "month", "retail_week")
    ]
    found: list[list[list[tuple[Any, ...]]]] = []

    def read() -> None:
        found.append([ask(build, question).frame.rows() for question in questions])

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(answers == found[0] for answers in found)
    assert found[0][0] == [(Decimal("1608.25"), 1608.25 / 15, 15)]
