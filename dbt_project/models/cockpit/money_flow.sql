-- Where the money of a canteen and month came from and went to, one row per edge of the flow picture.
{%- set edges = [
    ('家长缴费', '餐费账户', 'paid_in_yuan'), ('餐费账户', '已就餐', 'consumed_yuan'),
    ('餐费账户', '退还余额', 'balance_refund_yuan'), ('营养餐补助', '已就餐', 'subsidy_yuan'),
    ('食堂专户', '供应商', 'supplier_paid_yuan'), ('食堂专户', '工资水电等', 'outlay_yuan'),
    ('其他收入', '食堂专户', 'other_income_yuan')] %}
{%- for origin, target, amount in edges %}
select
    canteen_id, canteen_name, school_id, school_name, county_code, county_name, month_start, biz_month,
    '{{ origin }}' as from_label,
    '{{ target }}' as to_label,
    {{ amount }} as amount_yuan
from {{ ref('money_month') }}
where {{ amount }} > 0
{{ 'union all' if not loop.last }}
{%- endfor %}
