-- Suppliers held against other suppliers over a month (with the weeks before where a month has too few lines):
-- at one canteen, in a county, in the city. Level: how far above the others; rise: how far above its own prices
-- of the weeks before, the market taken off. One number per canteen and item first, then their median, because
-- lines of the same item and canteen are not independent; the scatter is never taken below that of all suppliers.
{%- set key = 'month_start, span, supplier_id, level, city_code, county_code, canteen_id' %}
{%- set scopes = {
    'canteen': 'city_code, county_code, canteen_id',
    'county': 'city_code, county_code, cast(null as varchar) as canteen_id',
    'city': 'city_code, cast(null as varchar) as county_code, cast(null as varchar) as canteen_id'} %}
with pair as (
    {%- for span in ['month', 'look_back'] %}
    select
        month_start,
        '{{ span }}' as span,
        supplier_id,
        canteen_id,
        county_code,
        city_code,
        ingredient_id,
        spec,
        median(others_shift) as level_shift,
        median(case when is_current and before_lines >= 3 then residual - before_mid end) as rise_shift,
        count(others_shift) as level_lines,
        sum(case when is_current and before_lines >= 3 then 1 else 0 end) as rise_lines,
        sum(case when is_current then 1 else 0 end) as current_lines,
        min(biz_date) as first_date,
        max(biz_date) as last_date,
        max(noise_floor) as noise_floor,
        max(supplier_lines) as min_lines,
        max(supplier_z) as min_z,
        max(supplier_shift) as min_shift
    from {{ ref('int_price_peer') }}
    where supplier_id is not null{{ ' and is_current' if span == 'month' }}
    group by month_start, supplier_id, canteen_id, county_code, city_code, ingredient_id, spec
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

scoped as (
    {%- for level, columns in scopes.items() %}
    select
        month_start,
        span,
        supplier_id,
        '{{ level }}' as level,
        {{ columns }},
        canteen_id as pair_canteen_id,
        county_code as pair_county_code,
        level_shift,
        rise_shift,
        level_lines,
        rise_lines,
        current_lines,
        first_date,
        last_date,
        noise_floor,
        min_lines,
        min_z,
        min_shift
    from pair
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

centre as (
    select
        {{ key }},
        median(level_shift) as level_shift,
        median(rise_shift) as rise_shift,
        sum(level_lines) as level_lines,
        sum(rise_lines) as rise_lines,
        sum(current_lines) as current_lines,
        count(level_shift) as level_pairs,
        count(rise_shift) as rise_pairs,
        count(distinct pair_canteen_id) as canteens,
        count(distinct pair_county_code) as counties,
        min(first_date) as first_date,
        max(last_date) as last_date,
        max(noise_floor) as noise_floor,
        max(min_lines) as min_lines,
        max(min_z) as min_z,
        max(min_shift) as min_shift
    from scoped
    group by {{ key }}
),

deviation as (
    select
        s.month_start,
        s.span,
        s.supplier_id,
        s.level,
        s.city_code,
        s.county_code,
        s.canteen_id,
        abs(s.level_shift - c.level_shift) as level_off,
        abs(s.rise_shift - c.rise_shift) as rise_off
    from scoped as s
    inner join centre as c
        on s.month_start = c.month_start and s.span = c.span and s.supplier_id = c.supplier_id and s.level = c.level
        and s.city_code = c.city_code and coalesce(s.county_code, '') = coalesce(c.county_code, '')
        and coalesce(s.canteen_id, '') = coalesce(c.canteen_id, '')
),

scatter as (
    select
        {{ key }},
        1.4826 * median(level_off) as level_sigma,
        1.4826 * median(rise_off) as rise_sigma
    from deviation
    group by {{ key }}
),

usual as (
    select
        month_start,
        span,
        level,
        city_code,
        1.4826 * median(level_off) as level_sigma,
        1.4826 * median(rise_off) as rise_sigma
    from deviation
    group by month_start, span, level, city_code
),

scored as (
    select
        c.*,
        c.level_shift * sqrt(c.level_pairs)
        / (1.2533 * greatest(s.level_sigma, u.level_sigma, c.noise_floor)) as level_z,
        c.rise_shift * sqrt(c.rise_pairs)
        / (1.2533 * greatest(s.rise_sigma, u.rise_sigma, c.noise_floor)) as rise_z,
        row_number() over (
            partition by c.month_start, c.supplier_id, c.level, c.city_code, c.county_code, c.canteen_id
            order by
                case
                    when c.span = 'month' and c.level_lines >= c.min_lines then 0
                    when c.span = 'look_back' then 1
                    else 2
                end
        ) as n
    from centre as c
    inner join scatter as s
        on c.month_start = s.month_start and c.span = s.span and c.supplier_id = s.supplier_id and c.level = s.level
        and c.city_code = s.city_code and coalesce(c.county_code, '') = coalesce(s.county_code, '')
        and coalesce(c.canteen_id, '') = coalesce(s.canteen_id, '')
    inner join usual as u
        on c.month_start = u.month_start and c.span = u.span and c.level = u.level and c.city_code = u.city_code
),

judged as (
    select
        *,
        coalesce(level_lines >= min_lines and level_shift >= min_shift and level_z >= min_z, false) as is_high,
        coalesce(rise_lines >= min_lines and rise_shift >= min_shift and rise_z >= min_z, false) as is_risen
    from scored
    where
        n = 1 and current_lines > 0
        and (level = 'canteen' or (level = 'county' and canteens > 1) or (level = 'city' and counties > 1))
),

-- The widest level that holds is the finding; what lies below it has the same cause.
widest as (
    select
        *,
        max(case when level = 'city' and (is_high or is_risen) then 1 else 0 end)
            over (partition by month_start, supplier_id, city_code) as by_city,
        max(case when level = 'county' and (is_high or is_risen) then 1 else 0 end)
            over (partition by month_start, supplier_id, city_code, county_code) as by_county
    from judged
)

select
    month_start,
    span,
    supplier_id,
    level,
    city_code,
    county_code,
    canteen_id,
    level_shift,
    level_z,
    level_lines,
    rise_shift,
    rise_z,
    rise_lines,
    current_lines,
    canteens,
    counties,
    first_date,
    last_date,
    is_high,
    is_risen,
    (is_high or is_risen)
    and case level when 'city' then true when 'county' then by_city = 0 else by_city = 0 and by_county = 0 end
        as is_found
from widest
