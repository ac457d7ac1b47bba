-- Files that were not taken, as a steward sees them (int_shown_refused_file).
select
    provider,
    provider_label,
    county_code,
    county_name,
    arrival_date,
    file_name,
    refusal_code,
    reason_text,
    source_file,
    is_open,
    state_label
from {{ ref('int_shown_refused_file') }}
