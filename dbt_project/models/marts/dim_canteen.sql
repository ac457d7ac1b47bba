-- Canteens with their school and county as registered on each day (SCD2). A version starts whenever the
-- canteen, its school or its county changes; it lasts to the day before the next.
with canteen as (
    select * from {{ ref('stg_org') }} where org_kind = 'canteen'
),

other as (
    select * from {{ ref('stg_org') }} where org_kind <> 'canteen'
),

born as (
    select
        org_id,
        min(valid_from) as first_day
    from canteen
    group by org_id
),

change as (
    select
        org_id,
        valid_from as change_day
    from canteen
    union
    select
        c.org_id,
        s.valid_from as change_day
    from canteen as c
    inner join other as s on c.parent_id = s.org_id
    union
    select
        c.org_id,
        k.valid_from as change_day
    from canteen as c
    inner join other as s on c.parent_id = s.org_id
    inner join other as k on s.parent_id = k.org_id
),

version as (
    select
        c.org_id as canteen_id,
        c.org_name as canteen_name,
        c.parent_id as school_id,
        s.org_name as school_name,
        k.org_id as county_id,
        coalesce(k.division_code, s.division_code, c.division_code) as county_code,
        k.org_name as county_name,
        k.parent_id as city_id,
        coalesce(c.stage, s.stage) as stage,
        coalesce(c.operating_mode, s.operating_mode) as operating_mode,
        c.subsidised,
        coalesce(c.pupils, s.pupils) as pupils,
        p.change_day as valid_from,
        b.first_day,
        least(
            c.valid_to,
            coalesce(lead(p.change_day) over (partition by c.org_id order by p.change_day) - 1, date '9999-12-31')
        ) as valid_to
    from change as p
    inner join born as b on p.org_id = b.org_id and p.change_day >= b.first_day
    inner join canteen as c on p.org_id = c.org_id and p.change_day between c.valid_from and c.valid_to
    left join other as s on c.parent_id = s.org_id and p.change_day between s.valid_from and s.valid_to
    left join other as k on s.parent_id = k.org_id and p.change_day between k.valid_from and k.valid_to
)

select
    *,
    substr(county_code, 1, 2) || '0000' || '|' || substr(county_code, 1, 4) || '00' || '|'
    || coalesce(operating_mode, '') || '|' || coalesce(stage, '') || '|'
    || case when subsidised then '1' else '0' end as threshold_scope
from version
