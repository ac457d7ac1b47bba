{{ config(materialized='ephemeral') }}
-- Purchase lines that a test objects to, with the tests that agree, the price that was to be expected, and what
-- they are part of: a line by itself, an item of a supplier at a canteen (three lines and more, or a falling market
-- that is not followed), or a unit written wrongly. What a supplier's finding explains is left out.
{%- set series = ['month_start', 'canteen_id', 'series_supplier', 'ingredient_id', 'spec'] %}
with line as (
    select
        p.*,
        coalesce(p.supplier_id, '') as series_supplier,
        l.account_kind,
        l.ingredient_name,
        l.base_unit,
        l.county_name,
        l.city_name,
        l.quote_yuan,
        l.quoted_from,
        l.limit_yuan,
        l.limit_basis,
        l.limit_confidence,
        l.reference_yuan,
        l.reference_confidence,
        p.peer_shift / p.peer_sigma as peer_z,
        case when p.own_lines >= t.price_history_lines then p.own_shift / p.own_sigma end as own_z,
        case when p.own_lines >= t.price_history_lines then p.own_shift else p.peer_shift end as best_shift,
        case when p.own_lines >= t.price_history_lines then p.own_sigma else p.peer_sigma end as best_sigma,
        t.price_z_agree as z_agree,
        t.price_z_support as z_support,
        t.price_z_alone as z_alone,
        t.price_min_lines as min_lines,
        t.price_min_peers as min_peers,
        t.price_history_lines as history_lines,
        {{ log_pct('t.price_level_low_pct') }} as level_low,
        {{ log_pct('t.price_level_mid_pct') }} as level_mid,
        {{ log_pct('t.price_level_high_pct') }} as level_high,
        {{ log_pct('t.price_fall_pct') }} as least_fall,
        p.log_price - ln(cast(l.reference_yuan as double)) as over_reference,
        p.log_price - ln(cast(l.quote_yuan as double)) as over_quote,
        coalesce({{ exceeds('p.price_yuan', 'l.limit_yuan', 't.price_tolerance_pct') }}, false) as over_limit,
        coalesce({{ exceeds('p.price_yuan', 'l.quote_yuan', 't.price_tolerance_pct') }}, false) as over_quotation,
        l.quotes_here and l.quote_yuan is null as no_quotation
    from {{ ref('int_price_peer') }} as p
    inner join {{ ref('int_price_line') }} as l
        on p.source_provider = l.source_provider and p.canteen_id = l.canteen_id and p.biz_date = l.biz_date
        and p.record_no = l.record_no
    inner join {{ ref('int_threshold') }} as t
        on l.threshold_scope = t.threshold_scope and l.biz_date between t.since and t.until
),

-- Weeks in which an item costs less than two weeks before by the threshold and more, and did so the week before
-- too: by the city's median or by the reference.
week_level as (
    select
        month_start, city_code, ingredient_id, spec, week_first,
        count(*) as lines,
        max(min_lines) as min_lines,
        max(least_fall) as least_fall,
        median(log_price) as paid,
        median(ln(cast(coalesce(reference_yuan, wholesale_yuan) as double))) as referenced
    from line
    group by month_start, city_code, ingredient_id, spec, week_first
),

fall as (
    select
        w.month_start, w.city_code, w.ingredient_id, w.spec, w.week_first
    from week_level as w
    inner join week_level as y
        on w.month_start = y.month_start and w.city_code = y.city_code and w.ingredient_id = y.ingredient_id
        and w.spec = y.spec and y.week_first = w.week_first - 7
    inner join week_level as b
        on w.month_start = b.month_start and w.city_code = b.city_code and w.ingredient_id = b.ingredient_id
        and w.spec = b.spec and b.week_first = w.week_first - 14
    where
        (
            w.lines * 2 >= w.min_lines and y.lines * 2 >= w.min_lines and b.lines * 2 >= w.min_lines
            and b.paid - w.paid >= w.least_fall and b.paid - y.paid >= w.least_fall
        )
        or (b.referenced - w.referenced >= w.least_fall and b.referenced - y.referenced >= w.least_fall)
),

-- A supplier's prices of an item in these two weeks against the three before: at all its canteens, and at each.
followed as (
    {%- for canteen in ["''", 'l.canteen_id'] %}
    select
        l.month_start,
        l.series_supplier,
        {{ canteen }} as series_canteen,
        l.ingredient_id,
        l.spec,
        f.week_first,
        median(case when l.week_first >= f.week_first - 7 then l.log_price end)
        - median(case when l.week_first < f.week_first - 7 then l.log_price end) as own_change,
        median(case when l.week_first >= f.week_first - 7 then l.own_shift end)
        - median(case when l.week_first < f.week_first - 7 then l.own_shift end) as lag_shift,
        count(distinct case when l.week_first >= f.week_first - 7 then l.price_yuan end) as after_prices,
        count(distinct case when l.week_first >= f.week_first - 14 then l.quote_yuan end) as quotes,
        sum(case when l.week_first = f.week_first - 14 and l.quote_yuan is not null then 1 else 0 end) as base_quotes,
        sum(case when l.week_first = f.week_first and l.quoted_from > f.week_first - 8 then 1 else 0 end) as last_quotes,
        sum(case when l.week_first >= f.week_first - 7 then 1 else 0 end) as after_lines,
        sum(case when l.week_first < f.week_first - 7 then 1 else 0 end) as base_lines,
        max(l.own_sigma) as own_sigma,
        max(l.least_fall) as least_fall,
        max(l.z_alone) as z_alone
    from line as l
    inner join fall as f
        on l.month_start = f.month_start and l.city_code = f.city_code and l.ingredient_id = f.ingredient_id
        and l.spec = f.spec and l.week_first between f.week_first - 28 and f.week_first
    {{- " where l.series_supplier <> ''" if canteen == "''" }}
    group by
        l.month_start, l.series_supplier,{{ ' l.canteen_id,' if canteen != "''" }} l.ingredient_id, l.spec, f.week_first
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- Not followed: a quotation given anew at the old price, a price clearly too high for chance, or the very same
-- price again and again. It holds for the two weeks.
judged_fall as (
    select
        *,
        quotes = 1 and base_quotes > 0 and last_quotes > 0 as quote_kept,
        after_lines >= 3 and base_lines >= 1 and own_change > -0.35 * least_fall
        and (
            (after_prices = 1 and lag_shift >= 0.5 * least_fall)
            or (
                lag_shift >= least_fall
                and lag_shift > z_alone * 1.2533 * own_sigma * sqrt(1.0 / after_lines + 1.0 / base_lines)
            )
        ) as price_kept
    from followed
),

lagging as (
    select
        f.month_start,
        f.series_supplier,
        f.series_canteen,
        f.ingredient_id,
        f.spec,
        f.week_first - w.back as week_first,
        f.quote_kept
    from judged_fall as f
    cross join (values (0), (7)) as w (back)
    where f.quote_kept or f.price_kept
),

lagging_line as (
    select
        l.source_provider,
        l.canteen_id,
        l.biz_date,
        l.record_no,
        max(case when g.quote_kept then 1 else 0 end) as quote_kept
    from line as l
    inner join lagging as g
        on l.month_start = g.month_start and l.series_supplier = g.series_supplier
        and l.ingredient_id = g.ingredient_id and l.spec = g.spec and l.week_first = g.week_first
        and (g.series_canteen = '' or l.canteen_id = g.series_canteen)
    where l.is_current
    group by l.source_provider, l.canteen_id, l.biz_date, l.record_no
),

tested as (
    select
        l.*,
        l.peer_z >= l.z_alone and l.peer_lines * 2 >= l.min_lines and l.peers >= l.min_peers as peer_alone,
        coalesce(l.own_z >= l.z_alone and l.own_shift >= l.level_mid, false) as history_alone,
        coalesce(l.over_reference >= l.level_high and coalesce(l.peer_z, l.z_agree) >= l.z_agree, false)
            as reference_alone,
        coalesce(l.peer_z >= l.z_agree, false) as peer,
        -- Beside peers that object already, less is asked of the canteen's own past.
        coalesce(
            (l.own_z >= l.z_agree or (l.own_z >= l.z_support and l.peer_z >= l.z_agree))
            and l.own_shift >= l.level_low, false
        ) as history,
        coalesce(l.over_reference >= l.level_mid, false) as reference,
        -- A price below this canteen's usual one has followed.
        g.record_no is not null and l.own_shift > 0 as not_following,
        coalesce(g.quote_kept = 1 and l.own_shift > 0, false) as quote_kept,
        -- The factor between units that the shift is nearest to.
        case
            when abs(l.best_shift) >= ln(14) then 20
            when abs(l.best_shift) >= ln(4.5) then 10
            else 2
        end as unit_factor
    from line as l
    left join lagging_line as g
        on l.source_provider = g.source_provider and l.canteen_id = g.canteen_id and l.biz_date = g.biz_date
        and l.record_no = g.record_no
    where l.is_current
),

guarded as (
    select
        *,
        coalesce(
            abs(best_shift) >= z_alone * best_sigma
            and abs(abs(best_shift) - ln(unit_factor)) <= case unit_factor when 2 then 0.16 else 0.35 end
            -- A price that is near what was quoted is in the quotation's unit.
            and coalesce(abs(abs(over_quote) - ln(unit_factor)) <= case unit_factor when 2 then 0.16 else 0.35 end, true)
            and case
                when best_shift < 0 and unit_factor = 2 then coalesce(qty_shift, 0) > -0.1
                when best_shift < 0 then coalesce(qty_shift, 0) > ln(unit_factor) * 0.5
                when unit_factor = 2 then best_shift >= ln(1.75) and coalesce(qty_shift, 0) < -0.3
                else coalesce(qty_shift, 0) < -0.5 * ln(unit_factor)
            end, false
        ) as is_unit
    from tested
),

supplier as (
    select * from {{ ref('int_price_supplier') }} where is_found
),

-- What a supplier takes at a canteen in a week of the month, above its peers and above what it takes there
-- otherwise: its finding is about weeks and a county, where not every canteen and week pays too much.
supplier_here as (
    select
        month_start,
        supplier_id,
        canteen_id,
        week_first,
        median(peer_shift) as level,
        median(own_shift) as rise
    from line
    where is_current
    group by month_start, supplier_id, canteen_id, week_first
    having count(peer_shift) >= max(history_lines)
),

-- The same at all its canteens, for a canteen that bought too little that week to tell.
supplier_that_week as (
    select
        month_start,
        supplier_id,
        week_first,
        median(peer_shift) as level,
        median(own_shift) as rise
    from line
    where is_current
    group by month_start, supplier_id, week_first
    having count(peer_shift) >= max(history_lines)
),

-- How many lines a supplier's finding rests on: those of the weeks and canteens in which it took as much too much as
-- such a finding asks for. Its days hold others too.
supplier_line as (
    select
        month_start,
        supplier_id,
        city_code,
        county_code,
        canteen_id,
        week_first,
        count(*) as lines,
        max(supplier_shift) as least_shift,
        max(history_lines) as history_lines,
        max(supplier_lines) as min_lines,
        count(peer_shift) as compared,
        median(peer_shift) as level,
        median(own_shift) as rise
    from line
    group by month_start, supplier_id, city_code, county_code, canteen_id, week_first
),

supplier_week as (
    select
        month_start,
        supplier_id,
        week_first,
        median(peer_shift) as level,
        median(own_shift) as rise
    from line
    group by month_start, supplier_id, week_first
),

supplier_reach as (
    select
        s.month_start,
        s.supplier_id,
        s.city_code,
        s.county_code,
        s.canteen_id,
        s.explains_from,
        s.explains_to,
        s.is_high,
        s.is_risen,
        s.level_shift,
        s.rise_shift,
        sum(case
            when s.is_high and case when h.compared >= h.history_lines then h.level else w.level end >= h.least_shift
                then h.lines
            when s.is_risen and case when h.compared >= h.history_lines then h.rise else w.rise end >= h.least_shift
                then h.lines
            else 0
        end) >= max(h.min_lines) as explains_lines
    from supplier as s
    inner join supplier_line as h
        on s.month_start = h.month_start and s.supplier_id = h.supplier_id and s.city_code = h.city_code
        and (s.county_code is null or s.county_code = h.county_code)
        and (s.canteen_id is null or s.canteen_id = h.canteen_id)
    inner join supplier_week as w
        on h.month_start = w.month_start and h.supplier_id = w.supplier_id and h.week_first = w.week_first
    group by
        s.month_start, s.supplier_id, s.city_code, s.county_code, s.canteen_id, s.explains_from, s.explains_to,
        s.is_high, s.is_risen, s.level_shift, s.rise_shift
),

beside_supplier as (
    select
        g.*,
        coalesce(s.explains_lines, false) as has_supplier_finding,
        s.is_high,
        s.is_risen,
        s.level_shift,
        s.rise_shift,
        coalesce(h.level, w.level) as level_here,
        coalesce(h.rise, w.rise) as rise_here
    from guarded as g
    left join supplier_reach as s
        on g.month_start = s.month_start and g.supplier_id = s.supplier_id and g.city_code = s.city_code
        and (s.county_code is null or g.county_code = s.county_code)
        and (s.canteen_id is null or g.canteen_id = s.canteen_id)
        and g.biz_date between s.explains_from and s.explains_to
    left join supplier_here as h
        on g.month_start = h.month_start and g.supplier_id = h.supplier_id and g.canteen_id = h.canteen_id
        and g.week_first = h.week_first
    left join supplier_that_week as w
        on g.month_start = w.month_start and g.supplier_id = w.supplier_id and g.week_first = w.week_first
),

caused as (
    select
        *,
        -- Of taking what the finding says and taking nothing, what it takes here this week is nearer to the former.
        has_supplier_finding and coalesce(
            (is_high and level_here * 2 >= level_shift) or (is_risen and rise_here * 2 >= rise_shift),
            level_here is null
        ) as by_supplier,
        -- What is left of a line's distances when the supplier's finding has explained its part.
        peer_shift - greatest(coalesce(level_here, level_shift, 0), 0) as peer_rest,
        own_shift - greatest(coalesce(rise_here, rise_shift, 0), 0) as own_rest
    from beside_supplier
),

objected as (
    select
        *,
        case
            when is_unit then 'unit'
            when by_supplier and not coalesce(
                (peer_alone and peer_rest >= z_alone * peer_sigma)
                or (history_alone and own_rest >= z_alone * own_sigma)
                or ((over_limit or over_quotation) and peer_rest >= z_agree * peer_sigma), false
            ) then 'supplier'
            when not_following then 'item'
            else 'line'
        end as cause
    from caused
    where
        is_unit or over_limit or over_quotation or no_quotation or not_following
        or coalesce(peer_alone, false) or history_alone or reference_alone
        or (peer and (history or (reference and over_reference >= level_high)))
),

grouped as (
    select
        *,
        case
            when
                cause = 'line'
                and count(*) over (partition by {{ series | join(', ') }}, cause) >= 3
                then 'item'
            else cause
        end as kind
    from objected
    where cause <> 'supplier'
),

-- A single price above its peers that is this canteen's usual one is no event: three and more are a finding.
kept as (
    select * from grouped
    where
        kind <> 'line' or over_limit or over_quotation or no_quotation or history_alone or reference_alone
        or coalesce(own_z, 2) >= 2
),

priced as (
    select
        *,
        case
            when kind = 'unit' then {{ as_price('log_price - best_shift') }}
            when over_limit then limit_yuan
            when over_quotation then quote_yuan
            when history and (not peer or not_following) then {{ as_price('market + own_mid') }}
            when peer or (peer_mid is not null and not no_quotation) then {{ as_price('peer_mid') }}
            when reference then reference_yuan
            when not_following then {{ as_price('market + own_mid') }}
            else {{ as_price('coalesce(peer_mid, market)') }}
        end as expected_yuan,
        case when kind = 'line' or kind = 'unit' then source_provider || '|' || record_no else '' end as cause_key,
        case
            when over_limit then coalesce(limit_confidence, 'D')
            when reference then coalesce(reference_confidence, 'D')
            else 'D'
        end as basis
    from kept
),

ranked as (
    select
        *,
        row_number() over (
            partition by {{ series | join(', ') }}, kind, cause_key
            order by {{ product('qty_kg', '(price_yuan - expected_yuan)') }} desc, biz_date, record_no
        ) as n
    from priced
)

select * from ranked
