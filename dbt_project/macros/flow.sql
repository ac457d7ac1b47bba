{# All measures of int_canteen_flow in one order; those not given are 0, so that its sources can be united. #}
{% macro flow_measures(given) -%}
    {%- for measure in [
        'consumption_yuan', 'subsidy_yuan', 'refund_yuan', 'teacher_income_yuan', 'portions',
        'breakfast_portions', 'lunch_portions', 'dinner_portions',
        'pupil_meal_rows', 'pupil_supply_rows', 'current_rows', 'quarantined_rows'
    ] %}
        {{ given.get(measure, '0') }} as {{ measure }}{{ ',' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
