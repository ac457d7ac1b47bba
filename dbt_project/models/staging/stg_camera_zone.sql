-- Dated versions of the zones of cameras.
{{ dated_versions('camera_zone', ['camera_id', 'zone_id'], ['zone_kind']) }}
