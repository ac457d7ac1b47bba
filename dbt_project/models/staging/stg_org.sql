-- Dated versions of organisations; a later version closes the earlier one.
select
    org_id,
    parent_id,
    org_kind,
    org_name,
    division_code,
    stage,
    operating_mode,
    subsidised,
    pupils,
    valid_from,
    least(
        coalesce(valid_to, date '9999-12-31'),
        coalesce(lead(valid_from) over (partition by org_id order by valid_from) - 1, date '9999-12-31')
    ) as valid_to
from (
    select
        o.*,
        row_number() over (
            partition by o.org_id, o.valid_from
            order by o.reported_at desc, o._arrival_date desc, o._file desc, o._row desc
        ) as n
    from {{ source('silver', 'org') }} as o
) as ranked
where n = 1
