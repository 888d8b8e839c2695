"""The catalogue is read from the metrics themselves."""

import pytest

from dashboard.builds import Build
from dashboard.catalogue import catalogue, definitions, dimensions, value_labels, values, with_vat


def test_a_metric_carries_what_its_definition_says(build: Build):
    sales = catalogue(build)["sales"]
    assert (sales.label, sales.label_fr) == ("Sales", "Ventes")
    assert sales.description_fr == "Ventes des commandes valides."
    assert (sales.format, sales.better, sales.topic, sales.headline, sales.owner) == (
        "currency",
        "higher",
        "baskets",
        1,
        "finance",
    )
    assert sales.needs == ("orders", "order_lines")
    assert sales.ttc == "sales_ttc"


def test_a_description_that_names_a_parameter_says_what_it_was_set_to(build: Build):
    ready = catalogue(build)["ready_minutes_p50"]
    assert ready.description == "Half are ready; promised within 1.5 hours, but for `reasons` (see `pickups_ready`)."
    assert ready.description_fr == "Promis en 1,5 heures."


def test_helpers_are_left_out_of_the_catalogue_and_kept_in_the_definitions(build: Build):
    assert "pickups_ready" not in catalogue(build)
    assert definitions(build)["pickups_ready"].is_hidden


def test_a_metric_without_words_of_its_own_reads_as_its_name(build: Build):
    metric = catalogue(build)["orders_per_visit"]
    assert (metric.label, metric.label_fr) == ("Orders per visit", "Orders per visit")


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("average_order_value", "sales ÷ orders"),
        ("sales", "sum of sales in orders where is_valid"),
        ("customers", "distinct count of customer_id in orders where is_valid"),
        ("ready_minutes_p50", "median of ready_minutes in pickups"),
        ("ready_minutes_p90", "90th percentile of ready_minutes in pickups"),
        ("stock_on_hand", "sum of on_hand in stock, on the last stock_date"),
        ("sales_less_shipping", "(sales − 5 × orders) ÷ 1.0"),
    ],
)
def test_a_formula_reads_as_people_write_it(build: Build, name: str, formula: str):
    assert catalogue(build)[name].formula == formula


@pytest.mark.parametrize(
    ("name", "sample"),
    [
        ("average_order_value", "orders"),
        ("orders_per_visit", "visits"),
        ("cohort_retention_rate", "cohort_customers"),
        ("ready_minutes_p50", "pickups_ready"),
        ("sales", None),
        ("sales_less_shipping", None),
    ],
)
def test_a_rate_knows_what_counts_its_sample(build: Build, name: str, sample: str | None):
    assert catalogue(build)[name].sample == sample


def test_only_sums_and_their_differences_add_up(build: Build):
    assert {name for name, metric in catalogue(build).items() if metric.is_additive} == {
        "sales", "sales_ttc", "orders", "visits", "sessions", "cohort_customers", "vat",
    }  # fmt: skip


def test_a_metric_lists_what_it_can_be_sliced_by(build: Build):
    assert catalogue(build)["orders_per_visit"].dimensions == ("channel", "country", "location", "region")
    assert catalogue(build)["sessions"].dimensions == ("channel", "customer", "customer_segment", "device", "reason")


def test_dimensions_leave_out_days_keys_flags_names_of_values_and_what_is_hidden(build: Build):
    assert list(dimensions(build)) == [
        "channel", "country", "customer", "customer_segment", "device", "location", "month_number", "reason", "region",
    ]  # fmt: skip


def test_a_dimension_is_called_by_its_label_in_both_languages(build: Build):
    region, channel, country = (dimensions(build)[name] for name in ("region", "channel", "country"))
    assert (region.label, region.label_fr) == ("Sales region", "Région")
    assert (channel.label, channel.label_fr) == ("Channel", "Canal")
    assert (country.label, country.label_fr) == ("Country", "Country")


def test_values_are_distinct_and_sorted_and_a_shared_name_has_those_of_every_mart(build: Build):
    assert values(build, "channel") == ("app", "store", "web")
    assert values(build, "region") == ("Côte d'Azur", "North")
    assert values(build, "reason") == ("gift", "none")
    assert values(build, "month_number") == ("0", "1")
    with pytest.raises(KeyError, match="channel"):
        values(build, "chanel")


def test_values_are_called_what_their_mart_calls_them(build: Build):
    assert value_labels(build, "channel", "en")["web"] == "Web shop"
    assert value_labels(build, "channel", "fr")["web"] == "Boutique en ligne"
    assert value_labels(build, "location", "fr")["S1"] == "Lille"
    assert value_labels(build, "device") == {}


def test_including_vat_asks_for_the_sibling_where_there_is_one(build: Build):
    known = catalogue(build)
    assert with_vat(known, ("sales", "orders"), "ttc") == ("sales_ttc", "orders")
    assert with_vat(known, ("sales", "orders"), "ht") == ("sales", "orders")
