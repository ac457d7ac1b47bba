{#
  Canteens whose money can be followed: those, or whose school, have registered a special account. Everything
  about money joins to them first, so that a canteen that keeps no books costs nothing and gets no finding.
#}

{# Accounts of a canteen and of its school, with the days on which a registration holds. #}
{% macro own_accounts() -%}
    select
        c.canteen_id,
        a.account_no,
        a.account_role,
        a.valid_from,
        a.valid_to
    from (
        select
            account_no, org_id, account_role, valid_from,
            least(
                coalesce(valid_to, date '9999-12-31'),
                coalesce(
                    lead(valid_from) over (partition by account_no order by valid_from) - 1, date '9999-12-31'
                )
            ) as valid_to
        from {{ source('silver', 'bank_account') }}
    ) as a
    inner join (
        select canteen_id, canteen_id as org_id from {{ ref('dim_canteen') }}
        union
        select canteen_id, school_id as org_id from {{ ref('dim_canteen') }}
    ) as c on a.org_id = c.org_id
{%- endmacro %}

{# Every name that a provider may use for such a canteen: the registered id, and the provider's own keys. #}
{% macro keeper_sources() -%}
    select
        k.canteen_id as source_key,
        cast(null as varchar) as provider,
        k.canteen_id
    from (select distinct canteen_id from ({{ own_accounts() }}) as a where account_role = 'special') as k
    union all
    select
        s.source_key,
        s.provider,
        s.canteen_id
    from {{ ref('stg_canteen_key') }} as s
    inner join (
        select distinct canteen_id from ({{ own_accounts() }}) as a where account_role = 'special'
    ) as k on s.canteen_id = k.canteen_id
    where s.source_key <> s.canteen_id
{%- endmacro %}

{# Joins rows `r` of silver to their canteen `k`. #}
{% macro join_keeper() -%}
    inner join keeper as k on r.canteen_id = k.source_key and (k.provider is null or r._provider = k.provider)
{%- endmacro %}

{#
  Whether nobody has registered an account. Then a night's money models are empty: planning their queries would cost
  a city without books more than everything else about money.
#}
{% macro nobody_keeps_books() -%}
    {%- if execute and is_incremental() -%}
        {%- set found = run_query('select 1 as one from ' ~ source('silver', 'bank_account') ~ ' limit 1') -%}
        {{ return(found.rows | length == 0) }}
    {%- else -%}
        {{ return(false) }}
    {%- endif -%}
{%- endmacro %}

{# Payments to suppliers of such canteens, under registered ids; needs the CTE keeper. #}
{% macro supplier_payments(days) -%}
    select
        k.canteen_id, r.record_no, r.biz_date, r.account_no, r.amount_yuan, r.invoice_no, r.payment_method,
        'SUP-' || coalesce(sk.supplier_uscc, r.supplier_uscc) as supplier_id
    from {{ source('silver', 'supplier_payment') }} as r
    {{ join_keeper() }}
    left join {{ ref('stg_supplier_key') }} as sk on r._provider = sk.provider and r.supplier_uscc = sk.source_key
    where {{ since(finding_from(days), 'r.') }}
{%- endmacro %}

{# Lines of the statements of own accounts; needs the CTE own_account. #}
{% macro own_bank_lines(days) -%}
    select
        r.account_no, r.record_no, r.biz_date, r.direction, r.amount_yuan, r.is_reversal,
        coalesce(r.summary, '') || ' ' || coalesce(r.purpose_text, '') as said
    from {{ source('silver', 'bank_line') }} as r
    inner join (select distinct account_no from own_account) as a on r.account_no = a.account_no
    where {{ since(finding_from(days), 'r.') }}
{%- endmacro %}
