-- Dated access of every account; no dataset of the cockpit, read by dashboards/sync/access.py.
select
    username, display_name, tier, department, county_code, school_id, valid_from, valid_to
from {{ ref('int_access_grant') }}
