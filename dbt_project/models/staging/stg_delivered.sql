-- Provider, feed and day that arrived: a current row of any canteen, or a file listed for the day.
select distinct
    provider,
    feed,
    biz_date,
    biz_month
from {{ source('silver', 'delivery') }}
where state = 'current' and biz_date is not null and (rows_accepted > 0 or canteen_id is null)
