"""Purchases of people as `days`, the table that snapshots read; nothing later than the day asked for is in it."""

from datetime import date

import duckdb


def prepare(con: duckdb.DuckDBPyConnection, as_of: date, most_people: int | None = None) -> date | None:
    """Temp tables `people_who_bought` (i, person_id) and `days` (i, day, amount, purchases, returned).

    Amounts are net and in USD. With `most_people` about so many are drawn by chance, the same ones each time. Returns
    the first day; None when there is no purchase.
    """
    con.execute(
        """
        create or replace temp table people_lines as
        select owners.person_id, orders.business_date as day, orders.order_type, orders.net_amount::double as amount
        from conformed.orders as orders
        inner join identity.person_records as owners on orders.record_id = owners.record_id
        where orders.business_date <= $day and orders.order_type in ('sale', 'return') and orders.currency = 'USD'
        """,
        {"day": as_of},
    )
    if most_people:
        people = con.execute("select count(distinct person_id) from people_lines").fetchall()[0][0]
        con.execute("delete from people_lines where hash(person_id) % ? <> 0", [max(-(-people // most_people), 1)])
    con.execute(
        "create or replace temp table people_who_bought as select row_number() over (order by person_id) - 1 as i, "
        "person_id from (select distinct person_id from people_lines)"
    )
    con.execute(
        """
        create or replace temp table days as
        select
            i,
            day,
            sum(amount) as amount,
            count(*) filter (order_type = 'sale' and amount > 0) as purchases,
            -coalesce(sum(amount) filter (amount < 0), 0) as returned
        from people_lines inner join people_who_bought using (person_id)
        group by i, day
        order by i, day
        """
    )
    con.execute("drop table people_lines")
    return con.execute("select min(day) from days").fetchall()[0][0]
