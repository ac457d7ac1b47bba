{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'finding', 'period_column': 'biz_date'}
) }}
-- What kitchen video reveals, one row per cause, in the columns of red_line_finding: events (but for those that people
-- refuted), cameras and zones, and video held against records. Where nothing was judged, or a record's provider did
-- not deliver, nothing is said (docs/explanation/video.md).
with found as (
    select * from {{ ref('int_finding_camera') }}
    union all
    select * from {{ ref('int_finding_fusion') }}
)

{{ numbered_findings('found') }}
