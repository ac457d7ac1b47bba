-- Provider's own supplier keys that stand for a credit code.
select
    _provider as provider,
    source_key,
    target_code as supplier_uscc
from {{ source('silver', 'provider_key') }}
where entity = 'supplier' and target_code is not null
