-- Provider's own canteen keys that stand for a registered canteen.
select
    _provider as provider,
    source_key,
    target_code as canteen_id
from {{ source('silver', 'provider_key') }}
where entity = 'canteen' and target_code is not null
