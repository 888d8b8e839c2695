"""The event studies of what was rolled out store by store."""

from estimators.rollouts import Rules, rollout_studies


def model(dbt, _session):
    rules = dbt.config.get("meta")["rules"]
    return rollout_studies(dbt.ref("store_months").pl(), dbt.ref("stg_rollouts").pl(), Rules(**rules)).to_arrow()
