"""The standard schema's tables as the exports of a retailer's systems: sales with their day, time, customer and place."""

from pathlib import Path

import duckdb

# Channel → the prefix of its columns, and its columns of the order, the buyer, the place and what came back.
CHANNELS = {
    "store": ("ss", "ticket_number", "customer_sk", "store_sk", "sr", "sr_return_amt", "sr_customer_sk", "store"),
    "web": ("ws", "order_number", "bill_customer_sk", "web_page_sk", "wr", "wr_return_amt", "wr_refunded_customer_sk", "web"),
    "catalog": (
        "cs", "order_number", "bill_customer_sk", "call_center_sk", "cr", "cr_return_amount", "cr_refunded_customer_sk", "call",
    ),
}  # fmt: skip

# Some lines lack their customer or place: such a line cannot be said to be of the order, and is exported as one of its own.
SALES = """
create view {channel}_sold as
select
    {p}_{order} || case when {p}_{customer} is null or {p}_{place} is null then '-' || {p}_item_sk else '' end as order_number,
    {p}_item_sk as item,
    d_date + to_seconds(coalesce({p}_sold_time_sk, 0)) as sold_at,
    c_customer_id as customer,
    '{site}' || {p}_{place} as place,
    coalesce({p}_quantity, 1) as quantity,
    ({p}_ext_sales_price / coalesce({p}_quantity, 1))::decimal(18, 4) as sales_price,
    case when {p}_quantity is not null and {p}_ext_sales_price is not null then {p}_list_price end as list_price,
    {p}_promo_sk as promotion,
    {parcel},
    {p}_{order} as number,
    {p}_{customer} as customer_sk
from {channel}_sales
left join date_dim on {p}_sold_date_sk = d_date_sk
left join customer on {p}_{customer} = c_customer_sk
"""
PARCEL = """
    {p}_ship_mode_sk as ship_mode,
    'depot' || {p}_warehouse_sk as warehouse,
    (select d_date from date_dim where d_date_sk = {p}_ship_date_sk) as shipped_at
"""
NO_PARCEL = "null as ship_mode, null as warehouse, null as shipped_at"
# In the store whoever brings goods back shows who they are; a return by somebody else finds no order.
RETURNS = """
create view {channel}_returned as
select
    {r}_{order} || '-' || {r}_item_sk as return_number,
    {r}_item_sk as item,
    sold.order_number,
    {r}_return_quantity as quantity,
    {amount} as amount,
    d_date as returned_at,
    '{site}' || {r}_{place} as place,
    c_customer_id as customer
from {channel}_returns
left join date_dim on {r}_returned_date_sk = d_date_sk
left join customer on {returner} = c_customer_sk
left join {channel}_sold as sold
    on {r}_{order} = sold.number and {r}_item_sk = sold.item
    and ('{channel}' <> 'store' or {returner} = sold.customer_sk)
"""
OTHERS = {
    "erp/locations": """
        select 'store' || s_store_sk as location, s_store_name as name, 'store' as kind, s_state as state from store
        union all select 'web' || wp_web_page_sk, 'Web page', 'web', null from web_page
        union all select 'call' || cc_call_center_sk, cc_name, 'web', cc_state from call_center
        union all select 'depot' || w_warehouse_sk, w_warehouse_name, 'warehouse', w_state from warehouse
    """,
    "erp/items": """
        select i_item_sk as item, i_product_name as name, i_category as category, i_brand as brand, i_wholesale_cost as cost
        from item
    """,
    "crm/customers": """
        select c_customer_id as customer, c_email_address as email, c_first_name as first_name, c_last_name as last_name
        from customer
    """,
    "planning/promotions": """
        select p_promo_sk as promotion, p_promo_name as name, starts.d_date as starts_on, ends.d_date as ends_on
        from promotion
        left join date_dim as starts on p_start_date_sk = starts.d_date_sk
        left join date_dim as ends on p_end_date_sk = ends.d_date_sk
    """,
    "wms/inventory": """
        select 'depot' || inv_warehouse_sk as warehouse, inv_item_sk as item, d_date as day, inv_quantity_on_hand as on_hand
        from inventory join date_dim on inv_date_sk = d_date_sk
    """,
}
SOURCES = {"store": "till", "web": "web_shop", "catalog": "catalogue"}


def tables(folder: Path) -> duckdb.DuckDBPyConnection:
    """A connection that knows the standard tables by their names."""
    connection = duckdb.connect()
    for path in folder.glob("*.parquet"):
        connection.execute(f"create view {path.stem} as from read_parquet('{path}')")
    return connection


def write(connection: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, Path]:
    """Writes every export to the folder; gives the file of each by its place in the inbox."""
    queries = dict(OTHERS)
    for channel, (p, order, customer, place, r, amount, returner, site) in CHANNELS.items():
        parcel = NO_PARCEL if channel == "store" else PARCEL.format(p=p)
        names = {"channel": channel, "p": p, "order": order, "customer": customer, "place": place, "site": site}
        connection.execute(SALES.format(**names, parcel=parcel))
        connection.execute(RETURNS.format(**names, r=r, amount=amount, returner=returner))
        queries[f"{SOURCES[channel]}/{channel}_sales"] = f"select * exclude (number, customer_sk) from {channel}_sold"
        queries[f"{SOURCES[channel]}/{channel}_returns"] = f"from {channel}_returned"
    written = {}
    for place, query in queries.items():
        written[f"{place}.csv"] = folder / f"{Path(place).name}.csv"
        connection.execute(f"copy ({query}) to '{written[f'{place}.csv']}' (header)")
    return written
