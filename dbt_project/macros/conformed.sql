{#
  Joins that give a supply row its registered canteen and ingredient and the factor to the base unit:
  the row's unit, else the unit of the provider's product list, else the ingredient's base unit. A unit
  that is in none of our lists counts as the base unit and is listed in gold.mart_key_gap.
#}
{% macro conformed_columns() -%}
    coalesce(ck.canteen_id, r.canteen_id) as canteen_id,
    coalesce(ik.ingredient_id, r.ingredient_id) as ingredient_id,
    coalesce(r.unit, ik.unit, i.base_unit) as unit,
    coalesce(u.factor, cast(1 as decimal(18, 6))) as unit_factor
{%- endmacro %}

{% macro conformed_joins() -%}
    left join {{ ref('stg_canteen_key') }} as ck on r._provider = ck.provider and r.canteen_id = ck.source_key
    left join {{ ref('stg_ingredient_key') }} as ik on r._provider = ik.provider and r.ingredient_id = ik.source_key
    left join {{ source('silver', 'ingredient') }} as i
        on coalesce(ik.ingredient_id, r.ingredient_id) = i.ingredient_id
    left join {{ ref('ref_unit') }} as u on coalesce(r.unit, ik.unit, i.base_unit) = u.unit
{%- endmacro %}
