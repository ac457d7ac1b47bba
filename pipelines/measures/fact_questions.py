"""The overview's questions put to the facts.

Belongs here: for each chart of the city's overview the SQL that reckons its answer from meals, refunds
and the stock ledger, without any mart. A canteen without income is unknown; the other reasons of the
judgement need the calendar and the deliveries and are left out, which spares the facts work.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

_VERDICT: Final = """
    case
        when coalesce(income_yuan, 0) <= 0 then 'unknown'
        when cost_yuan * 100 < income_yuan * threshold then 'red'
        when cost_yuan * 100 < income_yuan * (threshold + yellow_band) then 'yellow'
        else 'green'
    end"""
_FOOD: Final = (
    "l.account_kind = 'pupil' and coalesce(i.is_food, true) and not coalesce(l.is_opening_count, false)"
)
_COST: Final = "sum(l.in_yuan - l.return_yuan - l.delta_value_yuan)"


def questions(last: dt.date) -> dict[str, str]:
    """SQL by the name of the chart.

    Args:
        last: Last business day of the facts.
    """
    first = last.replace(day=1)
    eve = first - dt.timedelta(1)
    now, before = _judged(first, last), _judged(eve.replace(day=1), eve)
    both = f"({now}) as n left join ({before}) as b on n.canteen_id = b.canteen_id"
    worse = (
        "n.verdict in ('red', 'yellow') and b.verdict = 'green' or n.verdict = 'red' and b.verdict = 'yellow'"
    )
    better = (
        "n.verdict = 'green' and b.verdict in ('red', 'yellow') or n.verdict = 'yellow' and b.verdict = 'red'"
    )
    by_county = (
        f"select n.county_name, arg_min(n.canteen_name, n.cost_yuan / n.income_yuan), count(*), "
        f"count(*) filter (n.verdict = 'red') / count(*) as red_share, "
        f"count(*) filter (n.verdict = 'unknown') / count(*), count(*) filter (n.verdict = 'red'), "
        f"count(*) filter ({worse}), count(*) filter ({better}), sum(n.cost_yuan) / sum(n.income_yuan) "
        f"from {both} group by n.county_name order by red_share desc"
    )
    return {
        "canteens": f"select count(*) from ({now})",
        **{
            colour: f"select count(*) filter (verdict = '{colour}') from ({now})"
            for colour in ("red", "yellow", "green", "unknown")
        },
        "worse": f"select count(*) filter ({worse}) from {both}",
        "better": f"select count(*) filter ({better}) from {both}",
        "as_of": "select max(biz_date) from consumption",
        "data_age": f"select max(date '{last}' - day) from "
        "(select max(biz_date) as day from consumption group by canteen_id)",
        "county_map": by_county,
        "county_rank": by_county,
        "share": f"select verdict, count(*) from ({now}) group by verdict",
        "why_unknown": f"select canteen_name, verdict from ({now}) where verdict = 'unknown' order by canteen_name limit 50",
        "worst": f"select n.*, b.verdict, n.cost_yuan / n.income_yuan * 100 - n.threshold as gap_pp "
        f"from {both} where n.verdict <> 'green' order by gap_pp limit 10",
        "ratio_city": _ratios(),
        "colours": _colours(),
    }


def totals(last: dt.date) -> str:
    """Cost, income and number of canteens of the month to date, to hold against the marts."""
    return f"select sum(cost_yuan), sum(income_yuan), count(*) from ({_judged(last.replace(day=1), last)})"


def _judged(first: dt.date, last: dt.date) -> str:
    """Every canteen with cost, income and verdict of a span of days."""
    span = f"biz_date between date '{first}' and date '{last}'"
    return f"""
    select *, {_VERDICT} as verdict from (
        select
            c.canteen_id, c.canteen_name, c.county_name, c.threshold, c.yellow_band, k.cost_yuan,
            m.yuan - coalesce(r.yuan, 0) as income_yuan
        from canteen as c
        left join (
            select l.canteen_id, {_COST} as cost_yuan
            from ledger as l left join ingredient as i on l.ingredient_id = i.ingredient_id
            where {_FOOD} and {span} group by l.canteen_id
        ) as k on c.canteen_id = k.canteen_id
        left join (
            select canteen_id, sum(amount_yuan + subsidy_yuan) as yuan
            from consumption where payer_kind = 'pupil' and {span} group by canteen_id
        ) as m on c.canteen_id = m.canteen_id
        left join (
            select canteen_id, sum(amount_yuan) as yuan
            from refund where payer_kind = 'pupil' and refund_kind = 'meal' and {span} group by canteen_id
        ) as r on c.canteen_id = r.canteen_id
    )"""


def _days() -> str:
    """Cost and income of every canteen and day."""
    return f"""
        select canteen_id, biz_date, sum(cost_yuan) as cost_yuan, sum(income_yuan) as income_yuan from (
            select l.canteen_id, l.biz_date, {_COST} as cost_yuan, 0 as income_yuan
            from ledger as l left join ingredient as i on l.ingredient_id = i.ingredient_id
            where {_FOOD} group by l.canteen_id, l.biz_date
            union all
            select canteen_id, biz_date, 0, sum(amount_yuan + subsidy_yuan)
            from consumption where payer_kind = 'pupil' group by canteen_id, biz_date
            union all
            select canteen_id, biz_date, 0, -sum(amount_yuan)
            from refund where payer_kind = 'pupil' and refund_kind = 'meal' group by canteen_id, biz_date
        ) group by canteen_id, biz_date"""


def _ratios() -> str:
    """The city's ratio of the month to date and of the last 30 days, day by day."""
    return f"""
        select
            biz_date,
            sum(cost_yuan) over month_to_date / sum(income_yuan) over month_to_date as ratio,
            sum(cost_yuan) over recent / sum(income_yuan) over recent as ratio_30d
        from (select biz_date, sum(cost_yuan) as cost_yuan, sum(income_yuan) as income_yuan from ({_days()}) group by biz_date)
        window
            month_to_date as (partition by date_trunc('month', biz_date) order by biz_date),
            recent as (order by biz_date range between interval 29 days preceding and current row)
        order by biz_date"""


def _colours() -> str:
    """Canteens by verdict of the month to date, day by day."""
    return f"""
        select biz_date, verdict, count(*) from (
            select *, {_VERDICT} as verdict from (
                select
                    d.biz_date, c.threshold, c.yellow_band,
                    sum(d.cost_yuan) over month_to_date as cost_yuan,
                    sum(d.income_yuan) over month_to_date as income_yuan
                from ({_days()}) as d inner join canteen as c on d.canteen_id = c.canteen_id
                window month_to_date as (
                    partition by d.canteen_id, date_trunc('month', d.biz_date) order by d.biz_date
                )
            )
        ) group by biz_date, verdict order by biz_date"""
