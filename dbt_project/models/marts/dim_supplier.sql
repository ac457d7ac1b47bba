-- Suppliers by credit code (SCD2); a later version closes the earlier one.
select
    'SUP-' || supplier_uscc as supplier_id,
    supplier_uscc,
    supplier_name,
    licence_no,
    valid_from,
    least(
        coalesce(valid_to, date '9999-12-31'),
        coalesce(lead(valid_from) over (partition by supplier_uscc order by valid_from) - 1, date '9999-12-31')
    ) as valid_to
from {{ source('silver', 'supplier') }}
