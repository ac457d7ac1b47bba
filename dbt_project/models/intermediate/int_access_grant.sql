{{ config(materialized='ephemeral') }}
-- What an account may see and when: its grants, as long as the organisation they name is registered as such.
-- Exactly one of county_code and school_id is given below the city, so that a row never grants two things.
-- Stewards, schedulers and administrators are of the whole city: such a grant on less gives nothing.
select
    g.username,
    g.display_name,
    case
        when g.role_kind <> 'supervisor' then g.role_kind
        when o.org_kind = 'city' then 'city'
        when o.org_kind in ('county', 'management_area') then 'county'
        else 'school'
    end as tier,
    g.department,
    case when o.org_kind in ('county', 'management_area') then o.division_code end as county_code,
    case o.org_kind when 'school' then o.org_id when 'canteen' then o.parent_id end as school_id,
    greatest(g.valid_from, o.valid_from) as valid_from,
    least(coalesce(g.valid_to, date '9999-12-31'), o.valid_to) as valid_to
from {{ source('silver', 'access_grant') }} as g
inner join {{ ref('stg_org') }} as o
    on g.org_id = o.org_id
    and g.valid_from <= o.valid_to and coalesce(g.valid_to, date '9999-12-31') >= o.valid_from
where g.role_kind in ('supervisor', 'analyst') or o.org_kind = 'city'
