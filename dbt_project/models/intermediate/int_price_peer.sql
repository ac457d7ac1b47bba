-- Purchase lines of a month and of the weeks before it, each held against its peers: the prices of the same
-- ingredient and specification in the same week and county (city where these are too few), the same canteen's
-- and supplier's own prices against the market of the day, and what other suppliers took. All in logarithms, by
-- medians and median absolute deviations, so that few false prices do not hide each other.
{%- set cell = 'month_start, city_code, ingredient_id, spec' %}
with line as (
    select
        m.month_start,
        l.biz_date >= m.month_start as is_current,
        l.source_provider,
        l.record_no,
        l.canteen_id,
        l.peer_id,
        l.supplier_id,
        l.ingredient_id,
        l.spec,
        l.category,
        l.county_code,
        l.city_code,
        l.biz_date,
        {{ week_start('l.biz_date') }} as week_first,
        l.price_yuan,
        l.qty_kg,
        l.wholesale_yuan,
        l.retail_yuan,
        ln(cast(l.price_yuan as double)) as log_price,
        case when l.qty_kg > 0 then ln(cast(l.qty_kg as double)) end as log_qty,
        t.price_min_lines as min_lines,
        t.price_min_peers as min_peers,
        {{ log_pct('t.price_noise_floor_pct') }} as noise_floor,
        t.price_supplier_lines as supplier_lines,
        t.price_supplier_z as supplier_z,
        {{ log_pct('t.price_supplier_pct') }} as supplier_shift
    from {{ ref('int_price_line') }} as l
    inner join {{ price_months() }} as m (month_start, last_seen, first_seen)
        on l.biz_date between m.first_seen and m.last_seen
    inner join {{ ref('int_threshold') }} as t
        on l.threshold_scope = t.threshold_scope and l.biz_date between t.since and t.until
    where l.price_yuan > 0 and not l.is_unit_slip
),

{% for area in ['county', 'city'] -%}
{%- set keys = cell ~ ', week_first' ~ (', county_code' if area == 'county' else '') -%}
{{ area }}_cell as (
    select
        {{ keys }},
        median(log_price) as mid,
        count(*) as lines,
        count(distinct peer_id) as peers
    from line
    group by {{ keys }}
),

{{ area }}_scatter as (
    select
        {% for key in keys.split(', ') %}l.{{ key }}, {% endfor -%}
        c.mid,
        c.lines,
        c.peers,
        1.4826 * median(abs(l.log_price - c.mid)) as sigma
    from line as l
    inner join {{ area }}_cell as c on {% for key in keys.split(', ') %}l.{{ key }} = c.{{ key }}{{ ' and ' if not loop.last }}{% endfor %}
    group by {% for key in keys.split(', ') %}l.{{ key }}, {% endfor %}c.mid, c.lines, c.peers
),

{% endfor -%}
-- The level of the market where a week has too few lines to tell one.
whole_view as (
    select
        {{ cell }},
        median(log_price) as mid
    from line
    group by {{ cell }}
),

-- One vote per supplier and week; what the others took is the median of the other votes.
vote as (
    {%- for area in ['county_code', "'city'"] %}
    select
        {{ cell }},
        week_first,
        {{ area }} as area,
        supplier_id,
        median(log_price) as mid
    from line
    where supplier_id is not null
    group by {{ cell }}, week_first, {{ area }}, supplier_id
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

placed as (
    select
        *,
        row_number() over (partition by {{ cell }}, week_first, area order by mid, supplier_id) as place,
        count(*) over (partition by {{ cell }}, week_first, area) as votes
    from vote
),

middle as (
    select
        *,
        cast(floor(votes * 0.5) as bigint) as half,
        {%- for step in [0, 1, 2] %}
        max(case when place = cast(floor(votes * 0.5) as bigint) + {{ step }} then mid end)
            over (partition by {{ cell }}, week_first, area) as mid_{{ step }}{{ ',' if not loop.last }}
        {%- endfor %}
    from placed
),

others as (
    select
        {{ cell }},
        week_first,
        area,
        supplier_id,
        votes - 1 as suppliers,
        case
            when votes < 2 then null
            when votes % 2 = 0 and place <= half then mid_1
            when votes % 2 = 0 then mid_0
            when place <= half then (mid_1 + mid_2) * 0.5
            when place = half + 1 then (mid_0 + mid_2) * 0.5
            else (mid_0 + mid_1) * 0.5
        end as mid
    from middle
),

compared as (
    select
        l.*,
        case when l.min_lines <= c.lines and l.min_peers <= c.peers then 'county' else 'city' end as peer_area,
        case when l.min_lines <= c.lines and l.min_peers <= c.peers then c.lines else w.lines end as peer_lines,
        case when l.min_lines <= c.lines and l.min_peers <= c.peers then c.peers else w.peers end as peers,
        case when l.min_lines <= c.lines and l.min_peers <= c.peers then c.mid else w.mid end as peer_mid,
        case when l.min_lines <= c.lines and l.min_peers <= c.peers then c.sigma else w.sigma end as cell_sigma,
        case when w.lines * 2 >= l.min_lines then w.mid else v.mid end as week_market,
        l.log_price - case when w.lines * 2 >= l.min_lines then w.mid else v.mid end as week_residual,
        case
            when l.min_peers <= oc.suppliers then oc.mid
            when l.min_peers <= ow.suppliers * 2 then ow.mid
        end as others_mid
    from line as l
    inner join county_scatter as c
        on l.month_start = c.month_start and l.city_code = c.city_code and l.ingredient_id = c.ingredient_id
        and l.spec = c.spec and l.week_first = c.week_first and l.county_code = c.county_code
    inner join city_scatter as w
        on l.month_start = w.month_start and l.city_code = w.city_code and l.ingredient_id = w.ingredient_id
        and l.spec = w.spec and l.week_first = w.week_first
    inner join whole_view as v
        on l.month_start = v.month_start and l.city_code = v.city_code and l.ingredient_id = v.ingredient_id
        and l.spec = v.spec
    left join others as oc
        on l.month_start = oc.month_start and l.city_code = oc.city_code and l.ingredient_id = oc.ingredient_id
        and l.spec = oc.spec and l.week_first = oc.week_first and l.county_code = oc.area
        and l.supplier_id = oc.supplier_id
    left join others as ow
        on l.month_start = ow.month_start and l.city_code = ow.city_code and l.ingredient_id = ow.ingredient_id
        and l.spec = ow.spec and l.week_first = ow.week_first and ow.area = 'city'
        and l.supplier_id = ow.supplier_id
),

-- How far the market of a day stands from that of its week: by how much the canteens that bought the item that
-- day paid more than they usually do. The fewer they are, the less it says; of fewer than a cell's least, nothing.
week_series as (
    select
        month_start,
        canteen_id,
        coalesce(supplier_id, '') as series_supplier,
        ingredient_id,
        spec,
        median(week_residual) as mid
    from compared
    group by month_start, canteen_id, coalesce(supplier_id, ''), ingredient_id, spec
),

day_market as (
    select
        c.month_start,
        c.city_code,
        c.ingredient_id,
        c.biz_date,
        case
            when count(distinct c.peer_id) >= max(c.min_peers)
                then median(c.week_residual - s.mid) * count(distinct c.peer_id)
                / (count(distinct c.peer_id) + max(c.min_peers))
            else 0
        end as shift
    from compared as c
    inner join week_series as s
        on c.month_start = s.month_start and c.canteen_id = s.canteen_id and c.ingredient_id = s.ingredient_id
        and c.spec = s.spec and coalesce(c.supplier_id, '') = s.series_supplier
    group by c.month_start, c.city_code, c.ingredient_id, c.biz_date
),

dated as (
    select
        c.*,
        c.week_market + d.shift as market,
        c.week_residual - d.shift as residual
    from compared as c
    inner join day_market as d
        on c.month_start = d.month_start and c.city_code = d.city_code and c.ingredient_id = d.ingredient_id
        and c.biz_date = d.biz_date
),

-- What this canteen pays this supplier for this item, against the market of the day.
series as (
    select
        month_start,
        canteen_id,
        coalesce(supplier_id, '') as series_supplier,
        ingredient_id,
        spec,
        median(residual) as own_mid,
        count(*) as own_lines,
        median(log_qty) as usual_log_qty
    from dated
    group by month_start, canteen_id, coalesce(supplier_id, ''), ingredient_id, spec
),

own as (
    select
        c.*,
        s.own_mid,
        s.own_lines,
        c.residual - s.own_mid as own_shift,
        c.log_qty - s.usual_log_qty as qty_shift,
        c.residual - lag(c.residual) over (
            partition by c.month_start, c.canteen_id, coalesce(c.supplier_id, ''), c.ingredient_id, c.spec
            order by c.biz_date, c.record_no
        ) as step
    from dated as c
    inner join series as s
        on c.month_start = s.month_start and c.canteen_id = s.canteen_id and c.ingredient_id = s.ingredient_id
        and c.spec = s.spec and coalesce(c.supplier_id, '') = s.series_supplier
),

-- Scatter of an item over the whole view: of all prices about the market, of a canteen's prices about its usual
-- one, and from one delivery to the next, which does not depend on how many deliveries a canteen has.
scatter as (
    select
        {{ cell }},
        1.4826 * median(abs(week_residual)) as market_sigma,
        greatest(
            1.4826 * median(abs(step)) / sqrt(2), 1.4826 * median(case when own_lines >= 5 then abs(own_shift) end)
        ) as own_sigma
    from own
    group by {{ cell }}
)

select
    o.month_start,
    o.is_current,
    o.source_provider,
    o.record_no,
    o.canteen_id,
    o.supplier_id,
    o.ingredient_id,
    o.spec,
    o.category,
    o.county_code,
    o.city_code,
    o.biz_date,
    o.week_first,
    o.price_yuan,
    o.qty_kg,
    o.wholesale_yuan,
    o.retail_yuan,
    o.log_price,
    o.peer_area,
    o.peer_lines,
    o.peers,
    case when o.peers > 1 then o.peer_mid end as peer_mid,
    case when o.peers > 1 then o.log_price - o.peer_mid end as peer_shift,
    -- The fewer lines a cell has, the less its own scatter says against that of the item.
    case when o.peers > 1 then
        greatest(o.noise_floor, sqrt(
            (o.peer_lines * o.cell_sigma * o.cell_sigma + o.min_lines * s.market_sigma * s.market_sigma)
            / (o.peer_lines + o.min_lines)
        ))
    end as peer_sigma,
    o.market,
    o.residual,
    o.own_mid,
    o.own_lines,
    o.own_shift,
    greatest(o.noise_floor, s.own_sigma * sqrt(1 + 1.57 / o.own_lines)) as own_sigma,
    o.qty_shift,
    o.log_price - o.others_mid as others_shift,
    o.others_mid,
    o.noise_floor,
    o.supplier_lines,
    o.supplier_z,
    o.supplier_shift
from own as o
inner join scatter as s
    on o.month_start = s.month_start and o.city_code = s.city_code and o.ingredient_id = s.ingredient_id
    and o.spec = s.spec
