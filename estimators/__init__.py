"""Statistics that SQL cannot do, as pure functions: arrays in, values out; nothing here knows dbt, DuckDB or the dashboard."""
