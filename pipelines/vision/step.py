"""The night's step of kitchen video: the manifest against what was judged, and three silver tables.

Belongs here: which camera-days have something new, what waits and why, and the commits. Does not belong here: how a
film is judged (``pipelines.vision.films``).

A camera's day is judged as a whole, because an event may run across its files. It is judged again when a file of it
comes or changes, not when models or rules do: a verdict then still fits its event (``nightly --force`` judges all
files that are there again). What was judged of a file that is no longer there stays. ``silver.video_judged`` is
written last, with the versions of its inputs, so that a run that is killed is made good by running it again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from pipelines.vision import films
from pipelines.vision.expected import expect
from pipelines.vision.films import CameraDay, Film, Found, Judge
from warehouse import delta
from warehouse.settings import Settings
from warehouse.tables import SILVER

_SEEN: Final = "canteen.video_seen"
_READ: Final = ("video_segment", "camera", "camera_zone")
_TABLES: Final = ("video_presence", "video_event", "video_judged")
_DAY: Final = ["camera_id", "biz_date"]
_FILE: Final = [*_DAY, "segment_sha256"]
_ORDER: Final = {
    "video_judged": ("started_at", "segment_sha256"),
    "video_presence": ("minute_at", "zone_id"),
    "video_event": ("started_at", "event_id"),
}
_NOTHING: Final = {"films": 0, "films_judged": 0, "films_waiting": 0, "video_events": 0}


def run(
    settings: Settings,
    video: Path,
    progress: Callable[[str], None],
    on_step: Callable[[str], None],
    *,
    again: bool = False,
    judge: Judge = films.judge,
    can_judge: Callable[[Settings], bool] = films.can_judge,
) -> dict[str, int]:
    """Judge the films that came since the last night, and those that were missing then.

    Args:
        settings: The data home.
        video: Folder below which the paths of the manifest lie.
        progress: Told what is being done.
        on_step: Told ``silver.<table>`` after each commit.
        again: Judge every film that is there once more.
        judge: Who judges.
        can_judge: Whether it has models to judge with.

    Returns:
        Counts: films looked at, judged, waiting, and events found.
    """
    versions = {name: delta.version(settings.table(f"silver.{name}")) for name in _READ}
    if versions["video_segment"] is None:
        return dict(_NOTHING)  # nobody delivers a manifest
    seen = json.loads(delta.fact(settings.table("silver.video_judged"), _SEEN) or "{}")
    days = _days(settings, seen, versions, again=again)
    if days is not None and not days:
        return dict(_NOTHING)
    manifest = _silver(settings, "video_segment", days)
    held = {name: _silver(settings, name, days) for name in _TABLES}
    listed = _listed(settings, manifest, video, able=can_judge(settings))
    work, waiting, kept = _sorted_out(settings, listed, held["video_judged"], video, again=again)
    progress(
        f"视频：{listed.height} 个文件，其中 {sum(len(one.films) for one in work)} 个待判，{waiting.height} 个等待"
    )
    found = judge(settings, work, progress) if work else []
    made = _made(listed, work, found, waiting, held, kept)
    waits = sorted({str(day) for day in waiting["biz_date"]})
    facts = json.dumps({**versions, "waiting": waits}, sort_keys=True)
    for table in _TABLES:
        if _replaced(settings, table, held[table], made[table], facts):
            on_step(f"silver.{table}")
    if facts != delta.fact(settings.table("silver.video_judged"), _SEEN):
        delta.note(settings.table("silver.video_judged"), SILVER["video_judged"], {_SEEN: facts}, "biz_month")
    expect(settings.home, waiting.filter(pl.col("segment_reason") == "missing")["path"].sort().to_list())
    return {
        "films": listed.height,
        "films_judged": sum(one.judged.height for one in found),
        "films_waiting": waiting.height,
        "video_events": sum(one.events.height for one in found),
    }


def _replaced(settings: Settings, table: str, held: pl.DataFrame, made: pl.DataFrame, facts: str) -> bool:
    """Commit the days on which a table changed; the last table keeps what it was made of."""
    changed = pl.concat([made.join(held, on=made.columns, how="anti", nulls_equal=True),
                         held.join(made, on=made.columns, how="anti", nulls_equal=True)])  # fmt: skip
    days = frozenset(changed["biz_date"])
    path = settings.table(f"silver.{table}")
    if not days:
        return False
    rows = made.filter(pl.col("biz_date").is_in(list(days))).sort(*_DAY, *_ORDER[table])
    content = hashlib.sha256(repr(rows.rows()).encode()).hexdigest()
    return delta.replace(
        path,
        [rows],
        SILVER[table],
        period=delta.Period("biz_date", days),
        partition="biz_month",
        commit_id=f"{table}:{delta.version(path)}:{content}",
        touched=[str(day) for day in days],
        facts={_SEEN: facts} if table == "video_judged" else None,
    )


def _days(
    settings: Settings, seen: Mapping[str, Any], versions: Mapping[str, int | None], *, again: bool
) -> frozenset[dt.date] | None:
    """Days with something new or waiting; ``None`` means every day."""
    marks = delta.touched_since(settings.table("silver.video_segment"), seen.get("video_segment"))
    if again or not seen or marks is None:
        return None
    return frozenset(dt.date.fromisoformat(day) for day in {*marks, *seen["waiting"]})


def _silver(settings: Settings, name: str, days: frozenset[dt.date] | None = None) -> pl.DataFrame:
    return delta.read(settings.table(f"silver.{name}"), SILVER[name], days=days)


def _listed(settings: Settings, manifest: pl.DataFrame, video: Path, *, able: bool) -> pl.DataFrame:
    """The manifest's files once each, with the reason why a file cannot be judged tonight, null where it can."""
    cameras = _silver(settings, "camera").select("camera_id").unique().with_columns(known=pl.lit(value=True))
    rows = manifest.unique(_FILE, keep="first", maintain_order=True).join(cameras, on="camera_id", how="left")
    there = pl.Series("there", [(video / path).is_file() for path in rows["path"]], dtype=pl.Boolean)
    reason = (
        pl.when(pl.col("known").is_null())
        .then(pl.lit("camera_unregistered"))
        .when(~pl.col("there"))
        .then(pl.lit("missing"))
        .when(pl.lit(value=not able))
        .then(pl.lit("no_models"))
    )
    return rows.with_columns(there).with_columns(segment_reason=reason)


def _sorted_out(
    settings: Settings, listed: pl.DataFrame, judged: pl.DataFrame, video: Path, *, again: bool
) -> tuple[list[CameraDay], pl.DataFrame, pl.DataFrame]:
    """The camera-days to judge, the files that wait, and the files whose rows stay as they are."""
    done = judged.filter(pl.col("segment_state") != "waiting").select(_FILE)
    ready = listed.filter(pl.col("segment_reason").is_null())
    away = listed.filter(pl.col("segment_reason").is_not_null())
    fresh = ready if again else ready.join(done, on=_FILE, how="anti")
    vanished = done.join(listed, on=_FILE, how="anti")
    changed = pl.concat([fresh.select(_DAY), vanished.select(_DAY)]).unique()
    to_judge = ready.join(changed, on=_DAY, how="semi")
    gone = away.join(done, on=_FILE, how="semi")
    kept = pl.concat([gone.select(_FILE), ready.join(changed, on=_DAY, how="anti").select(_FILE)])
    waiting = away.join(done, on=_FILE, how="anti")
    zones = _silver(settings, "camera_zone").sort("zone_id", "valid_from", "reported_at")
    work = [
        CameraDay(
            camera_id,
            day,
            tuple(
                Film(video / path, at, sha)
                for path, at, sha in rows.select("path", "started_at", "segment_sha256").iter_rows()
            ),
            _zones(zones, camera_id, day),
        )
        for (camera_id, day), rows in to_judge.sort(*_DAY, "started_at", "path").group_by(
            _DAY, maintain_order=True
        )
    ]
    return work, waiting, kept


def _zones(zones: pl.DataFrame, camera_id: object, day: object) -> tuple[tuple[str, str, str], ...]:
    """The last version of each zone of a camera that holds on a day."""
    holds = (
        (pl.col("camera_id") == camera_id)
        & (pl.col("valid_from") <= day)
        & (pl.col("valid_to").is_null() | (pl.col("valid_to") >= day))
    )
    valid = zones.filter(holds).unique("zone_id", keep="last", maintain_order=True)
    return tuple(valid.select("zone_id", "zone_kind", "polygon_json").iter_rows())


def _made(
    listed: pl.DataFrame,
    work: Sequence[CameraDay],
    found: Sequence[Found],
    waiting: pl.DataFrame,
    held: Mapping[str, pl.DataFrame],
    kept: pl.DataFrame,
) -> dict[str, pl.DataFrame]:
    """New content of the days, table by table: what stays, what was found, what waits."""
    place = listed.select(*_FILE, "canteen_id", "path", "started_at")
    of_camera = place.select(*_DAY, "canteen_id").unique(_DAY)
    kinds = pl.DataFrame(
        [(day.camera_id, day.biz_date, zone, kind) for day in work for zone, kind, _ in day.zones],
        schema={"camera_id": pl.String, "biz_date": pl.Date, "zone_id": pl.String, "zone_kind": pl.String},
        orient="row",
    )
    judged = _placed(work, [one.judged for one in found], films.JUDGED).join(place, on=_FILE)
    waits = waiting.with_columns(segment_state=pl.lit("waiting"))
    presence = _placed(work, [one.presence for one in found], films.PRESENCE).join(of_camera, on=_DAY)
    presence = presence.join(kinds, on=[*_DAY, "zone_id"], how="left")
    events = _placed(work, [one.events for one in found], films.EVENT).join(of_camera, on=_DAY)
    fresh = {
        "video_judged": pl.concat([judged, waits], how="diagonal_relaxed"),
        "video_presence": presence,
        "video_event": events,
    }
    return {
        name: pl.concat([held[name].join(kept, on=_FILE, how="semi"), _as_stored(name, frame)])
        for name, frame in fresh.items()
    }


def _placed(
    work: Sequence[CameraDay], frames: Sequence[pl.DataFrame], schema: Mapping[str, pl.DataType]
) -> pl.DataFrame:
    """Frames of camera-days in one, each row with its camera and day."""
    parts = [
        frame.with_columns(camera_id=pl.lit(day.camera_id), biz_date=pl.lit(day.biz_date))
        for day, frame in zip(work, frames, strict=True)
    ]
    return pl.concat([pl.DataFrame(schema={**schema, "camera_id": pl.String, "biz_date": pl.Date}), *parts])


def _as_stored(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    frame = frame.with_columns(biz_month=pl.col("biz_date").dt.strftime("%Y-%m"))
    return frame.select(
        (pl.col(column) if column in frame.columns else pl.lit(None).alias(column)).cast(dtype)
        for column, dtype in SILVER[name].items()
    )
