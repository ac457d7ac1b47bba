-- No two rows of a parameter that are equally specific, overlap in time and may meet in one canteen; every
-- row's scope, value and dates make sense.
with scoped as (
    select
        *,
        case when city is not null then 2 when province is not null then 1 else 0 end
        + case when operating_mode is not null then 1 else 0 end
        + case when stage is not null then 1 else 0 end
        + case when subsidised is not null then 1 else 0 end as specificity
    from {{ ref('ref_threshold') }}
)

select
    a.threshold_id,
    b.threshold_id as rival_id
from scoped as a
inner join scoped as b
    on a.parameter = b.parameter
    and a.threshold_id < b.threshold_id
    and a.specificity = b.specificity
    and a.valid_from <= coalesce(b.valid_to, date '9999-12-31')
    and b.valid_from <= coalesce(a.valid_to, date '9999-12-31')
    and (a.province is null or b.province is null or a.province = b.province)
    and (a.city is null or b.city is null or a.city = b.city)
    and (a.operating_mode is null or b.operating_mode is null or a.operating_mode = b.operating_mode)
    and (a.stage is null or b.stage is null or a.stage = b.stage)
    and (a.subsidised is null or b.subsidised is null or a.subsidised = b.subsidised)
union all
select
    threshold_id,
    threshold_id as rival_id
from scoped
where value is null or valid_from is null or valid_to < valid_from or confidence not in ('S', 'A', 'B', 'C', 'D')
union all
select
    threshold_id,
    threshold_id as rival_id
from scoped
group by threshold_id
having count(*) > 1
