{#
  Rolls stock within months: docs/explanation/red_line.md, "Stock ledger".

  rows: relation with the columns of int_stock_day and `month_first`.
  base: relation with the key, `month_first`, closing_kg, price_yuan, value_yuan at the end of the month
        before; a key that is not in it is new.
  Gives one row per row of `rows`. No row refers to another month, so months may be rolled one by one
  (fct_stock_month) or side by side from known bases (fct_stock_ledger).
#}
{% macro stock_chain(rows, base) %}
{%- set key -%} canteen_id, account_kind, ingredient_id, month_first {%- endset -%}
{%- set so_far -%} rows between unbounded preceding and current row {%- endset -%}
select
    canteen_id, account_kind, ingredient_id, biz_date, month_first,
    opening_kg, in_kg, in_yuan, return_kg, return_yuan, out_kg, teacher_kg, book_kg, counted_kg, closing_kg,
    price_yuan, value_yuan, is_opening_count,
    cast(
        value_yuan
        - coalesce(lag(value_yuan) over (partition by {{ key }} order by biz_date), base_value_yuan)
        as decimal(18, 2)
    ) as delta_value_yuan
from (
    select
        *,
        {{ yuan(product('greatest(closing_kg, 0)', 'price_yuan')) }} as value_yuan
    from (
        select
            *,
            cast(opening_kg + in_kg - return_kg - out_kg as decimal(18, 3)) as book_kg,
            cast(
                case
                    when priced = 0 then base_price_yuan
                    else max(own_price_yuan) over (partition by {{ key }}, priced)
                end as decimal(18, 6)
            ) as price_yuan
        from (
            select
                *,
                cast(
                    coalesce(lag(closing_kg) over (partition by {{ key }} order by biz_date), base_kg)
                    as decimal(18, 3)
                ) as opening_kg,
                count(own_price_yuan) over (partition by {{ key }} order by biz_date {{ so_far }}) as priced
            from (
                select
                    *,
                    case
                        when is_opening_count then coalesce(count_price_yuan, 0)
                        when month_kg > 0 and month_yuan > 0
                            then {{ divide_half_up('month_yuan', 'month_kg') }}
                    end as own_price_yuan
                from (
                    select
                        *,
                        cast(
                            case when counts = 0 then base_kg else 0 end
                            + sum(coalesce(counted_kg, in_kg - return_kg - out_kg)) over (
                                partition by {{ key }}, counts order by biz_date {{ so_far }}
                            ) as decimal(18, 3)
                        ) as closing_kg,
                        cast(
                            greatest(base_kg, 0)
                            + sum(case when is_opening_count then counted_kg else in_kg - return_kg end) over (
                                partition by {{ key }} order by biz_date {{ so_far }}
                            ) as decimal(18, 3)
                        ) as month_kg,
                        cast(
                            base_value_yuan
                            + sum(
                                case
                                    when is_opening_count
                                        then {{ yuan(product('counted_kg', 'coalesce(count_price_yuan, 0)')) }}
                                    else in_yuan - return_yuan
                                end
                            ) over (partition by {{ key }} order by biz_date {{ so_far }})
                            as decimal(18, 2)
                        ) as month_yuan
                    from (
                        select
                            *,
                            is_new and nth = 1 and counted_kg is not null as is_opening_count
                        from (
                            select
                                r.*,
                                b.canteen_id is null as is_new,
                                coalesce(b.closing_kg, cast(0 as decimal(18, 3))) as base_kg,
                                coalesce(b.price_yuan, cast(0 as decimal(18, 6))) as base_price_yuan,
                                coalesce(b.value_yuan, cast(0 as decimal(18, 2))) as base_value_yuan,
                                row_number() over (
                                    partition by r.canteen_id, r.account_kind, r.ingredient_id, r.month_first
                                    order by r.biz_date
                                ) as nth,
                                count(r.counted_kg) over (
                                    partition by r.canteen_id, r.account_kind, r.ingredient_id, r.month_first
                                    order by r.biz_date {{ so_far }}
                                ) as counts
                            from {{ rows }} as r
                            left join {{ base }} as b
                                on r.canteen_id = b.canteen_id
                                and r.account_kind = b.account_kind
                                and r.ingredient_id = b.ingredient_id
                                and r.month_first = b.month_first
                        ) as based
                    ) as flagged
                ) as summed
            ) as rolled
        ) as carried
    ) as valued
) as done
{% endmacro %}
