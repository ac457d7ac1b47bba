-- Suppliers held against other suppliers, week by week: at one canteen, in a county, in the city. For every run of
-- one to eight weeks that ends in the month and has enough lines: how far the supplier stood above the others
-- (level), and how far above its own prices of the other weeks, the market taken off (rise). The run with the
-- clearest rise speaks, else the longest that is high; lines of every run that holds are explained. The widest place
-- that holds is the finding, what lies below it has the same cause.
-- Weekly medians become decimals before they are added up, so that sums do not depend on an order.
{%- set week_key = 'month_start, supplier_id, level, city_code, county_code, canteen_id' %}
{%- set longest = 8 %}
{%- set scopes = {
    'canteen': 'city_code, county_code, canteen_id',
    'county': 'city_code, county_code, cast(null as varchar)',
    'city': 'city_code, cast(null as varchar), cast(null as varchar)'} %}
{%- set places = {'canteen': 'canteen_id', 'county': 'county_code', 'city': 'city_code'} %}
{%- set place_key = 'month_start, supplier_id, level, place' %}
with line as (
    select
        month_start,
        week_first,
        is_current,
        supplier_id,
        city_code,
        county_code,
        canteen_id,
        canteen_id || '|' || ingredient_id || '|' || spec as pair,
        others_shift,
        own_shift,
        own_lines,
        own_sigma,
        noise_floor,
        supplier_lines,
        supplier_z,
        supplier_shift
    from {{ ref('int_price_peer') }}
    where supplier_id is not null
),

-- Scatter of single lines about their supplier's usual level: what a supplier's median is uncertain by.
usual_level as (
    select
        month_start,
        supplier_id,
        median(others_shift) as mid
    from line
    group by month_start, supplier_id
),

usual as (
    select
        l.month_start,
        l.city_code,
        1.4826 * median(abs(l.others_shift - u.mid)) as level_sigma,
        1.4826 * median(case when l.own_lines >= 3 then abs(l.own_shift) end) as own_sigma
    from line as l
    inner join usual_level as u on l.month_start = u.month_start and l.supplier_id = u.supplier_id
    group by l.month_start, l.city_code
),

week as (
    {%- for level, columns in scopes.items() %}
    {%- set names = columns.split(', ') %}
    select
        month_start,
        week_first,
        supplier_id,
        '{{ level }}' as level,
        {{ names[0] }} as city_code,
        {{ names[1] }} as county_code,
        {{ names[2] }} as canteen_id,
        {{ places[level] }} as place,
        max(case when is_current then 1 else 0 end) as has_current,
        cast(coalesce(median(others_shift), 0) as decimal(18, 6)) as level_mid,
        count(others_shift) as level_lines,
        cast(coalesce(median(case when own_lines >= 3 then own_shift end), 0) as decimal(18, 6)) as own_mid,
        sum(case when own_lines >= 3 then 1 else 0 end) as own_lines,
        sum(case when is_current then 1 else 0 end) as current_lines,
        count(distinct canteen_id) as canteens,
        count(distinct county_code) as counties,
        max(noise_floor) as noise_floor,
        max(supplier_lines) as min_lines,
        max(supplier_z) as min_z,
        max(supplier_shift) as min_shift
    from line
    group by
        month_start, week_first, supplier_id, city_code
        {{- ', county_code' if level != 'city' }}{{ ', canteen_id' if level == 'canteen' }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- How many canteens' items a run of weeks compares: each counts once in a run, however often it is bought.
pair_week as (
    {%- for level, place in places.items() %}
    select
        month_start,
        week_first,
        supplier_id,
        '{{ level }}' as level,
        {{ place }} as place,
        pair,
        max(case when is_current then 1 else 0 end) as has_current,
        count(others_shift) as compared
    from line
    group by month_start, week_first, supplier_id, {{ place }}, pair
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

numbered as (
    select
        *,
        dense_rank() over (partition by {{ place_key }} order by week_first) as week_no
    from pair_week
),

run_end as (
    select
        {{ place_key }},
        week_first,
        week_no
    from numbered
    group by {{ place_key }}, week_first, week_no
    having max(has_current) = 1
),

-- Of a pair its latest week up to the end of a run says from which length on the run holds it.
latest as (
    select
        {{ place_key }},
        week_no,
        lead(week_no) over (partition by {{ place_key }}, pair order by week_no) as next_no
    from numbered
    where compared > 0
),

paired as (
    select
        e.month_start,
        e.supplier_id,
        e.level,
        e.place,
        e.week_first,
        {%- for weeks in range(1, longest + 1) %}
        sum(case when e.week_no - p.week_no < {{ weeks }} then 1 else 0 end) as pairs_{{ weeks }}{{ ',' if not loop.last }}
        {%- endfor %}
    from run_end as e
    inner join latest as p
        on e.month_start = p.month_start and e.supplier_id = p.supplier_id and e.level = p.level and e.place = p.place
        and p.week_no <= e.week_no and e.week_no - p.week_no < {{ longest }}
        and (p.next_no is null or p.next_no > e.week_no)
    group by e.month_start, e.supplier_id, e.level, e.place, e.week_first
),

summed as (
    {%- for weeks in range(1, longest + 1) %}
    {%- set frame = 'over (partition by ' ~ week_key ~ ' order by week_first rows between ' ~ (weeks - 1) ~ ' preceding and current row)' %}
    select
        {{ week_key }},
        place,
        {{ weeks }} as weeks,
        week_first as last_week,
        has_current,
        min(week_first) {{ frame }} as first_week,
        sum(level_mid * level_lines) {{ frame }} as level_sum,
        sum(level_lines) {{ frame }} as level_lines,
        sum(own_mid * own_lines) {{ frame }} as own_sum,
        sum(own_lines) {{ frame }} as own_lines,
        sum(own_mid * own_lines) over (partition by {{ week_key }}) as all_sum,
        sum(own_lines) over (partition by {{ week_key }}) as all_lines,
        sum(current_lines) {{ frame }} as current_lines,
        max(canteens) {{ frame }} as canteens,
        max(counties) {{ frame }} as counties,
        max(noise_floor) {{ frame }} as noise_floor,
        max(min_lines) {{ frame }} as min_lines,
        max(min_z) {{ frame }} as min_z,
        max(min_shift) {{ frame }} as min_shift
    from week
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

measured as (
    select
        s.*,
        cast(s.level_sum as double) / nullif(s.level_lines, 0) as level_shift,
        greatest(u.level_sigma, s.noise_floor) * 1.2533 / sqrt(nullif(
            case s.weeks{% for weeks in range(1, longest + 1) %} when {{ weeks }} then p.pairs_{{ weeks }}{% endfor %} end, 0
        )) as level_error,
        cast(s.own_sum as double) / nullif(s.own_lines, 0)
        - cast(s.all_sum - s.own_sum as double) / nullif(s.all_lines - s.own_lines, 0) as rise_shift,
        greatest(u.own_sigma, s.noise_floor) * 1.2533
        * sqrt(1.0 / nullif(s.own_lines, 0) + 1.0 / nullif(s.all_lines - s.own_lines, 0)) as rise_error
    from summed as s
    inner join usual as u on s.month_start = u.month_start and s.city_code = u.city_code
    left join paired as p
        on s.month_start = p.month_start and s.supplier_id = p.supplier_id and s.level = p.level and s.place = p.place
        and s.last_week = p.week_first
    where
        s.has_current = 1
        and (s.level = 'canteen' or (s.level = 'county' and s.canteens > 1) or (s.level = 'city' and s.counties > 1))
),

judged as (
    select
        *,
        coalesce(
            level_lines >= min_lines and level_shift >= min_shift and level_shift >= min_z * level_error, false
        ) as is_high,
        coalesce(
            own_lines >= min_lines and (all_lines - own_lines) * 2 >= min_lines
            and rise_shift >= min_shift and rise_shift >= min_z * rise_error, false
        ) as is_risen
    from measured
),

chosen as (
    select
        *,
        row_number() over (
            partition by {{ week_key }}
            order by
                case when is_risen then 0 when is_high then 1 else 2 end,
                case when is_risen then -rise_shift / rise_error else -weeks end,
                last_week desc
        ) as n,
        min(case when is_high or is_risen then first_week end) over (partition by {{ week_key }}) as explains_from,
        max(case when is_high or is_risen then last_week + 6 end) over (partition by {{ week_key }}) as explains_to,
        max(case when level = 'city' and (is_high or is_risen) then 1 else 0 end)
            over (partition by month_start, supplier_id, city_code) as by_city,
        max(case when level = 'county' and (is_high or is_risen) then 1 else 0 end)
            over (partition by month_start, supplier_id, city_code, county_code) as by_county
    from judged
)

select
    {{ week_key }},
    first_week,
    last_week + 6 as last_day,
    explains_from,
    explains_to,
    level_shift,
    level_shift / level_error as level_z,
    level_lines,
    rise_shift,
    rise_shift / rise_error as rise_z,
    current_lines,
    canteens,
    counties,
    is_high,
    is_risen,
    (is_high or is_risen)
    and case level when 'city' then true when 'county' then by_city = 0 else by_city = 0 and by_county = 0 end
        as is_found
from chosen
where n = 1
