"""What was rolled out store by store brought in, month by month, in money."""

from estimators.rollouts import Rules, rollout_gains


def model(dbt, _session):
    rules = dbt.config.get("meta")["rules"]
    return rollout_gains(dbt.ref("store_months").pl(), dbt.ref("stg_rollouts").pl(), Rules(**rules)).to_arrow()
