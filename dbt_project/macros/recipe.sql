{# Food that menus and stock can both be weighed in: what is kept in kg, and oil, which is bought by the litre. #}
{% macro is_weighed(ingredient) -%}
    ({{ ingredient }}.is_food and (
        {{ ingredient }}.base_unit = 'kg' or ({{ ingredient }}.category = 'oil' and {{ ingredient }}.base_unit = 'L')
    ))
{%- endmacro %}
