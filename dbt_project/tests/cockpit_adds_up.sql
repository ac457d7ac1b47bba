-- What the cockpit shows at each level is the same as what it shows one level below, and as the verdicts.
with current_county as (
    select * from {{ ref('county_period') }} where period_rank = 0 and definition = 'consumed'
)

select 'county-period: counts and money of its canteens' as identity, count(*) as row_count
from (
    select
        county_code, period_rank, definition,
        count(*) as canteens,
        sum(is_red) as red,
        sum(is_yellow) as yellow,
        sum(is_green) as green,
        sum(is_unknown) as unknown,
        sum(case when is_unknown = 0 then cost_yuan else 0 end) as cost_yuan,
        sum(case when is_unknown = 0 then income_yuan else 0 end) as income_yuan,
        sum(findings) as findings
    from {{ ref('canteen_period') }}
    group by county_code, period_rank, definition
) as c
full join {{ ref('county_period') }} as k
    on c.county_code = k.county_code and c.period_rank = k.period_rank and c.definition = k.definition
where
    c.canteens is null or k.canteens is null
    or c.canteens <> k.canteens or k.red + k.yellow + k.green + k.unknown <> k.canteens
    or c.red <> k.red or c.yellow <> k.yellow or c.green <> k.green or c.unknown <> k.unknown
    or c.cost_yuan <> k.cost_yuan or c.income_yuan <> k.income_yuan or c.findings <> k.findings
having count(*) > 0
union all
select 'canteen-period: the verdict of the mart' as identity, count(*) as row_count
from {{ ref('canteen_period') }} as p
left join {{ ref('mart_red_line') }} as r
    on p.canteen_id = r.canteen_id and p.period_kind = r.period_kind and p.period_end = r.period_end
    and p.definition = r.definition and r.period_end in {{ shown_period_ends() }}
where
    r.canteen_id is null or p.verdict <> r.verdict
    or p.cost_yuan <> r.cost_yuan or p.income_yuan <> r.income_yuan
having count(*) > 0
union all
select 'colour-day: verdicts of the last day' as identity, count(*) as row_count
from (
    select
        county_code,
        sum(canteens) as canteens,
        sum(red) as red,
        sum(yellow) as yellow,
        sum(green) as green,
        sum(unknown) as unknown
    from {{ ref('colour_day') }}
    where biz_date = {{ date_literal(last_day_of_run()) }}
    group by county_code
) as d
full join current_county as k on d.county_code = k.county_code
where
    d.canteens is null or k.canteens is null or d.canteens <> k.canteens
    or d.red <> k.red or d.yellow <> k.yellow or d.green <> k.green or d.unknown <> k.unknown
having count(*) > 0
union all
select 'ratio-day: ratios of the last day' as identity, count(*) as row_count
from {{ ref('ratio_day') }} as d
inner join current_county as k on d.scope_id = k.county_code
where
    d.scope_kind = '县区' and d.biz_date = {{ date_literal(last_day_of_run()) }}
    and coalesce(d.ratio, -1) <> coalesce(k.ratio, -1)
having count(*) > 0
