-- Every category with each category above it, itself included: totals by any level are one join.
-- At most 6 levels; tests/relationships.sql refuses a tree that is deeper, broken or turns in a circle.
{%- set deepest = 5 %}
with above_0 as (
    select
        code as ancestor_code,
        code as descendant_code
    from {{ ref('ref_ingredient_category') }}
)
{%- for depth in range(1, deepest + 1) %},

above_{{ depth }} as (
    select
        c.parent_code as ancestor_code,
        a.descendant_code
    from above_{{ depth - 1 }} as a
    inner join {{ ref('ref_ingredient_category') }} as c on a.ancestor_code = c.code
    where c.parent_code is not null
)
{%- endfor %}

{% for depth in range(deepest + 1) %}
select
    ancestor_code,
    descendant_code,
    cast({{ depth }} as bigint) as depth
from above_{{ depth }}
{{ 'union all' if not loop.last }}
{%- endfor %}
