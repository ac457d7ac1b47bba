{{ config(materialized='ephemeral') }}
-- Video held against records. Each says only what both sides were there to say: minutes that were judged on one, a
-- canteen that delivers the record on the other.
with presence as (
    select * from {{ ref('stg_video_presence') }}
    where {{ since(finding_from()) }} and biz_date <= {{ date_literal(last_day_of_run()) }}
),

-- A meal's time from the first cooking to the last serving, as far as video of it was judged.
meal as (
    select
        p.canteen_id, p.biz_date, m.meal,
        count(distinct p.minute_clock) as judged_minutes,
        count(distinct case when p.zone_kind in ('cooking', 'stove') and p.persons > 0 then p.minute_clock end)
            as cooking_minutes,
        max(p.persons) as persons
    from presence as p
    inner join {{ ref('stg_meal_time') }} as m
        on p.canteen_id = m.canteen_id and p.biz_date between m.valid_from and m.valid_to
        and p.minute_clock between m.cook_from and m.serve_to
    group by p.canteen_id, p.biz_date, m.meal
),

sample as (
    select coalesce(k.canteen_id, s.canteen_id) as canteen_id, s.biz_date, s.meal, s._provider as provider
    from {{ source('silver', 'retained_sample') }} as s
    left join {{ ref('stg_canteen_key') }} as k on s._provider = k.provider and s.canteen_id = k.source_key
    where {{ since(finding_from(30), 's.') }}
),

-- Days on which the provider of a canteen's samples delivered: its file of the day came, and it has delivered
-- samples of this canteen within 30 days.
sample_day as (
    select distinct s.canteen_id, d.biz_date
    from (select distinct canteen_id, provider, biz_date from sample) as s
    inner join {{ ref('stg_delivered') }} as d
        on s.provider = d.provider and d.feed = 'retained_sample' and d.biz_date between s.biz_date and s.biz_date + 30
),

cooked_no_sample as (
    select
        'cooked_no_sample' as kind, m.canteen_id, m.meal as cause_key, m.biz_date,
        m.biz_date as period_start, m.biz_date as period_end, 0 as observed, 1 as expected,
        l.label || '有人在烹饪区 ' || cast(m.cooking_minutes as varchar) || ' 分钟，没有留样记录' as text_zh,
        cast(null as varchar) as record_nos, 'medium' as confidence
    from meal as m
    {{ join_threshold('m.canteen_id', 'm.biz_date') }}
    inner join sample_day as y on m.canteen_id = y.canteen_id and m.biz_date = y.biz_date
    left join (select distinct canteen_id, biz_date, meal from sample) as s
        on m.canteen_id = s.canteen_id and m.biz_date = s.biz_date and m.meal = s.meal
    {{ join_label('meal', 'm.meal', 'l') }}
    where m.cooking_minutes >= t.video_cooking_minutes and s.canteen_id is null
),

meal_no_activity as (
    select
        'meal_no_activity' as kind, m.canteen_id, m.meal as cause_key, m.biz_date,
        m.biz_date as period_start, m.biz_date as period_end, 0 as observed, m.judged_minutes as expected,
        l.label || '时段已判 ' || cast(m.judged_minutes as varchar) || ' 分钟录像，后厨无人，当日有就餐消费' as text_zh,
        cast(null as varchar) as record_nos, 'medium' as confidence
    from meal as m
    {{ join_threshold('m.canteen_id', 'm.biz_date') }}
    inner join {{ ref('fct_canteen_day') }} as y
        on m.canteen_id = y.canteen_id and m.biz_date = y.biz_date and y.income_day = 1
    {{ join_label('meal', 'm.meal', 'l') }}
    where m.persons = 0 and m.judged_minutes >= t.video_empty_minutes
),

weighing as (
    select
        coalesce(k.canteen_id, w.canteen_id) as canteen_id, w.biz_date, w.record_no,
        {{ clock(local_time('w.measured_at')) }} as minute_clock
    from {{ source('silver', 'scale_reading') }} as w
    left join {{ ref('stg_canteen_key') }} as k on w._provider = k.provider and w.canteen_id = k.source_key
    where {{ since(finding_from(), 'w.') }}
),

weighed_nobody as (
    select
        'weighed_nobody' as kind, w.canteen_id, 'scale' as cause_key, w.biz_date,
        w.biz_date as period_start, w.biz_date as period_end, count(*) as observed, 0 as expected,
        min(w.minute_clock) || ' 起 ' || cast(count(*) as varchar) || ' 次称重时，录像中该处无人' as text_zh,
        {{ joined('case when w.n <= 20 then w.record_no end') }} as record_nos, 'medium' as confidence
    from (
        select
            w.*,
            row_number() over (partition by w.canteen_id, w.biz_date order by w.minute_clock, w.record_no) as n
        from weighing as w
        inner join (
            select canteen_id, biz_date, minute_clock
            from presence
            where zone_kind = 'floor'
            group by canteen_id, biz_date, minute_clock
            having max(persons) = 0
        ) as p on w.canteen_id = p.canteen_id and w.biz_date = p.biz_date and w.minute_clock = p.minute_clock
    ) as w
    group by w.canteen_id, w.biz_date
),

checked as (
    select
        coalesce(k.canteen_id, h.canteen_id) as canteen_id, h.biz_date, count(distinct h.person_hash) as persons
    from {{ source('silver', 'morning_check') }} as h
    left join {{ ref('stg_canteen_key') }} as k on h._provider = k.provider and h.canteen_id = k.source_key
    where {{ since(finding_from(30), 'h.') }}
    group by coalesce(k.canteen_id, h.canteen_id), h.biz_date
),

seen_unchecked as (
    select
        'seen_unchecked' as kind, p.canteen_id, 'check' as cause_key, p.biz_date,
        p.biz_date as period_start, p.biz_date as period_end,
        p.persons as observed, coalesce(h.persons, 0) as expected,
        '录像中同时有 ' || cast(p.persons as varchar) || ' 人，当日晨检 ' || cast(coalesce(h.persons, 0) as varchar) || ' 人'
            as text_zh,
        cast(null as varchar) as record_nos, 'medium' as confidence
    from (
        select canteen_id, biz_date, max(persons) as persons
        from presence
        group by canteen_id, biz_date
    ) as p
    left join checked as h on p.canteen_id = h.canteen_id and p.biz_date = h.biz_date
    where
        p.persons > coalesce(h.persons, 0)
        and exists (
            select 1 from checked as o
            where o.canteen_id = p.canteen_id and p.biz_date between o.biz_date and o.biz_date + 30
        )
)

{{ united_video_findings(['cooked_no_sample', 'meal_no_activity', 'weighed_nobody', 'seen_unchecked']) }}
