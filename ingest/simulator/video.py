"""Kitchen video of some canteens: cameras, zones, signs of life, samples, meal times, gateway events and verdicts.

Belongs here: the feeds of the video platform, what goes wrong in them with its truth, and the request for clips that
somebody may draw (``clips.json``). Does not belong here: drawing (``vision_jobs.render``, never imported here) and the
manifest of the drawn files, which exists only once they do.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

import polars as pl

from ingest.simulator import serialise
from ingest.simulator.city import MEALS, City
from ingest.simulator.outbox import Outbox
from ingest.simulator.serialise import Style
from ingest.simulator.service import Service
from ingest.simulator.streams import stream

PROVIDER: Final = "video"
FAULTS: Final = ("sample_not_kept", "zone_uncovered", "camera_offline", "no_hat")
"""Planted where cameras stand: a meal without a sample, a required zone that no camera shows, a camera silent for six
hours, and in a clip a cook without a hat."""
SCHEMA: Final = {
    "kind": pl.String, "canteen_id": pl.String, "camera_id": pl.String, "biz_date": pl.Date, "note": pl.String,
}  # fmt: skip
_STYLE: Final = Style(labels=True)
_BEAT_MINUTES: Final = 10
_QUIET_SHARE: Final = 0.06  # camera-days with a short interruption
_SILENT: Final = (8, 14)  # hours of the planted outage
_EVENT_SHARE: Final = 0.35  # canteen-days with an event of the gateway
_EVENTS: Final = ("no_mask", "no_hat", "smoking", "rodent", "bin_open", "stranger")
_SAID: Final = ("true", "true", "true", "false", "unclear")
_DISHES: Final = ("红烧肉", "清炒时蔬", "番茄鸡蛋汤", "土豆烧鸡", "麻婆豆腐", "炒豆角", "蒸鱼块", "米饭")
_HOURS: Final = {
    "breakfast": ("05:30", "06:50", "07:50"),
    "lunch": ("08:30", "11:30", "12:40"),
    "dinner": ("15:00", "17:20", "18:30"),
}
# Polygons of two standard places of a camera (views 0 and 2 of the drawn kitchens).
_AREAS: Final = {
    0: {
        "cutting": [[0.0, 0.8578], [0.0852, 0.718], [0.2911, 0.718], [0.2388, 0.8882], [0.0, 0.8882]],
        "cooking": [[0.2042, 0.8882], [0.2634, 0.718], [0.5584, 0.718], [0.573, 0.8882]],
        "stove_attendance": [[0.2042, 0.8882], [0.2634, 0.718], [0.5584, 0.718], [0.573, 0.8882]],
        "stove": [[0.2761, 0.521], [0.2639, 0.3326], [0.5412, 0.3326], [0.539, 0.521]],
        "floor": [[0.0, 0.8717], [0.0921, 0.718], [0.9079, 0.718], [1.0, 0.8717], [1.0, 1.0], [0.0, 1.0]],
    },
    2: {
        "sampling": [[0.4844, 0.7821], [0.5094, 0.6439], [0.6985, 0.6739], [0.7163, 0.8273]],
        "dishwashing": [[0.6854, 0.8213], [0.6736, 0.67], [0.8792, 0.7026], [0.9424, 0.8713]],
    },
}
_NAMES: Final = {0: "切配烹饪", 2: "留样洗消"}
# What happens in the clips, of one canteen each: a cook cuts without a hat, another cooks as one should.
_CLIPS: Final[tuple[dict[str, Any], ...]] = (
    {
        "clock": time(10, 5),
        "duration_s": 26,
        "script": [{"at": 0, "enter": "p1", "hat": False, "to": "cutting", "jump": True, "face": "camera"}],
    },
    {
        "clock": time(10, 20),
        "duration_s": 16,
        "script": [{"at": 0, "enter": "p1", "hat": True, "to": "stove_attendance", "jump": True}],
    },
)
_PICTURE: Final = {"codec": "h264", "fps": 5, "gop_s": 2, "width": 960, "height": 540}


@dataclass(frozen=True)
class _Camera:
    """A camera: its number, canteen, place in the kitchen."""

    id: str
    canteen_id: str
    view: int


class Platform:
    """Delivers what a video platform knows of the first canteens, a file a day and feed."""

    def __init__(
        self,
        city: City,
        service: Service,
        outbox: Outbox,
        canteens: int,
        days: tuple[date, date],
        faulty: bool,
    ) -> None:
        self._city, self._service, self._outbox = city, service, outbox
        self._canteens = list(range(min(canteens, city.canteens)))
        self._cameras = [
            _Camera(f"{city.canteen_ids[c]}-{n}", city.canteen_ids[c], view)
            for c in self._canteens
            for n, view in enumerate(_AREAS, 1)
        ]
        self._days = days
        self._uncovered = self._canteens[-1] if faulty and len(self._canteens) > 1 else None
        self._clip_day = {c: self._last_open(c) for c in self._canteens[: len(_CLIPS)]}
        unsampled = self._canteens[1] if faulty and len(self._canteens) > 1 else None
        self._unsampled = None if unsampled is None else (unsampled, self._clip_day[unsampled])
        quiet = self._canteens[0] if faulty and self._canteens else None
        self._silent = None if quiet is None else (self._cameras[1].id, self._clip_day[quiet])
        self._truth: list[dict[str, Any]] = []

    def day(self, day: date) -> None:
        """Everything that arrives on a day."""
        if not self._canteens:
            return
        if day == self._days[0]:
            self._registry(day)
        self._put("camera_status", day, self._status(day))
        if serving := [c for c in self._canteens if self._service.is_open(day)[c]]:
            self._put("retained_sample", day, self._samples(day, serving))
            events, said = self._events(day, serving)
            self._put("edge_event", day, events)
            self._put("event_verdict", day, said)

    def finish(self, out: Path) -> None:
        """Write ``clips.json`` (as ``vision_jobs.render`` reads it) and ``truth/video_faults.parquet``."""
        if not self._canteens:
            return
        clips = []
        for (c, day), clip in zip(self._clip_day.items(), _CLIPS, strict=False):
            if day is None:
                continue
            camera = self._cameras[len(_AREAS) * c]
            clips.append(
                {
                    "camera_id": camera.id,
                    "canteen_id": camera.canteen_id,
                    "biz_date": f"{day}",
                    "started_at": f"{datetime.combine(day, clip['clock']).isoformat()}+08:00",
                    "duration_s": clip["duration_s"],
                    **_PICTURE,
                    "view": camera.view,
                    "script": clip["script"],
                }
            )
            if clip is _CLIPS[0]:
                self._tell("no_hat", camera.canteen_id, camera.id, day, "切配人员未戴工帽，见短片")
        request = {"seed": self._city.seed, "clips": clips}
        (out / "clips.json").write_text(json.dumps(request, ensure_ascii=False, indent=1) + "\n", "utf8")
        (out / "truth").mkdir(parents=True, exist_ok=True)
        pl.DataFrame(self._truth, schema=SCHEMA).write_parquet(out / "truth" / "video_faults.parquet")

    # -- registry -------------------------------------------------------------------------------

    def _registry(self, day: date) -> None:
        reported = datetime.combine(day, time(8))
        self._put(
            "camera",
            day,
            [
                {
                    "camera_id": one.id,
                    "canteen_id": one.canteen_id,
                    "camera_name": _NAMES[one.view],
                    "gb_code": f"{one.canteen_id[:6]}0000131{n:07d}",
                    "uplink_mbps": 2.0 if n % 5 else 0.4,
                    "valid_from": day,
                    "valid_to": None,
                    "reported_at": reported,
                }
                for n, one in enumerate(self._cameras, 1)
            ],
        )
        zones = []
        for one in self._cameras:
            for kind, polygon in _AREAS[one.view].items():
                if kind == "dishwashing" and self._uncovered_canteen == one.canteen_id:
                    self._tell("zone_uncovered", one.canteen_id, one.id, day, "餐具消毒区没有摄像头")
                    continue
                zones.append(
                    {
                        "camera_id": one.id,
                        "zone_id": f"{one.id}-{kind}",
                        "zone_kind": kind,
                        "polygon_json": json.dumps(polygon),
                        "valid_from": day,
                        "valid_to": None,
                        "reported_at": reported,
                    }
                )
        self._put("camera_zone", day, zones)
        times = [
            {
                "canteen_id": self._city.canteen_ids[c],
                "meal": meal,
                **dict(zip(("cook_from", "serve_from", "serve_to"), _HOURS[meal], strict=True)),
                "valid_from": day,
                "valid_to": None,
                "reported_at": reported,
            }
            for c in self._canteens
            for meal in self._meals(c)
        ]
        self._put("meal_time", day, times)

    @property
    def _uncovered_canteen(self) -> str | None:
        return None if self._uncovered is None else self._city.canteen_ids[self._uncovered]

    def _meals(self, c: int) -> list[str]:
        return [meal for n, meal in enumerate(MEALS) if self._city.prices[c, n] > 0]

    def _last_open(self, c: int) -> date | None:
        days = self._service.open_days(c, *self._days)
        return days[-1] if days else None

    # -- a day ----------------------------------------------------------------------------------

    def _status(self, day: date) -> pl.DataFrame:
        """A keep-alive every ten minutes, but for what is silent."""
        rng = stream(self._city.seed, "camera-status", day.toordinal())
        minutes = list(range(0, 24 * 60, _BEAT_MINUTES))
        frames = []
        for one in self._cameras:
            silent = range(0)
            if rng.random() < _QUIET_SHARE:
                begin = int(rng.integers(0, 23 * 60))
                silent = range(begin, begin + 40)
            if self._silent == (one.id, day):
                silent = range(_SILENT[0] * 60, _SILENT[1] * 60)
                self._tell("camera_offline", one.canteen_id, one.id, day, "8时至14时没有保活")
            heard = [minute for minute in minutes if minute not in silent]
            frames.append(pl.DataFrame({"camera_id": one.id, "canteen_id": one.canteen_id, "minute": heard}))
        start = pl.lit(datetime.combine(day, time()))
        return (
            pl.concat(frames)
            .with_columns(
                record_no=pl.col("camera_id")
                + pl.format("-{}-{}", pl.lit(f"{day:%Y%m%d}"), pl.col("minute")),
                biz_date=pl.lit(day),
                seen_at=start + pl.duration(minutes=pl.col("minute")),
                status_source=pl.lit("keepalive"),
                is_online=pl.lit(1),
                reported_at=pl.lit(datetime.combine(day, time(23, 59))),
            )
            .select(
                "record_no",
                "camera_id",
                "canteen_id",
                "biz_date",
                "seen_at",
                "status_source",
                "is_online",
                "reported_at",
            )
        )

    def _samples(self, day: date, serving: Iterable[int]) -> list[dict[str, Any]]:
        rng = stream(self._city.seed, "samples", day.toordinal())
        rows = []
        for c in serving:
            canteen = self._city.canteen_ids[c]
            for meal in self._meals(c):
                dishes = rng.choice(len(_DISHES), size=2, replace=False)
                weights = rng.integers(126, 180, size=2)
                if self._unsampled == (c, day) and meal == "lunch":
                    self._tell("sample_not_kept", canteen, None, day, "午餐没有留样记录")
                    continue
                put = datetime.combine(day, time.fromisoformat(_HOURS[meal][1]))
                rows += [
                    {
                        "record_no": f"{canteen}-{day:%Y%m%d}-{meal}-{n}",
                        "canteen_id": canteen,
                        "biz_date": day,
                        "meal": meal,
                        "dish_name": _DISHES[int(dish)],
                        "weight_g": int(weight),
                        "put_at": put,
                        "removed_at": put + timedelta(hours=49)
                        if day + timedelta(3) <= self._days[1]
                        else None,
                        "cabinet_no": "1",
                        "cabinet_temp_c": 4,
                        "reported_at": datetime.combine(day, time(20)),
                    }
                    for n, (dish, weight) in enumerate(zip(dishes, weights, strict=True), 1)
                ]
        return rows

    def _events(self, day: date, serving: Iterable[int]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Events of gateways, and what a supervisor says of most of them."""
        rng = stream(self._city.seed, "gateway", day.toordinal())
        events, said = [], []
        for c in serving:
            draws = rng.random(3)
            kind, answer = _EVENTS[int(draws[1] * len(_EVENTS))], _SAID[int(draws[2] * len(_SAID))]
            if draws[0] > _EVENT_SHARE:
                continue
            canteen = self._city.canteen_ids[c]
            at = datetime.combine(day, time(9)) + timedelta(minutes=int(rng.integers(0, 180)))
            number = f"gw-{canteen}-{day:%Y%m%d}"
            events.append(
                {
                    "record_no": number,
                    "device_id": f"{canteen}-box",
                    "channel_no": "1",
                    "canteen_id": canteen,
                    "biz_date": day,
                    "event_at": at,
                    "event_kind": kind,
                    "evidence_sha256": f"{int(rng.integers(1 << 62)):064x}",
                    "measure": None,
                    "low_threshold": None,
                    "high_threshold": None,
                    "reported_at": at + timedelta(minutes=1),
                }
            )
            if rng.random() < 0.7:
                said.append(
                    {
                        "event_id": number,
                        "event_date": day,
                        "review_code": answer,
                        "reviewed_by": "supervisor",
                        "reported_at": datetime.combine(day, time(17)),
                    }
                )
        return events, said

    # -- files ----------------------------------------------------------------------------------

    def _put(self, feed: str, day: date, rows: pl.DataFrame | list[dict[str, Any]]) -> None:
        frame = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows, infer_schema_length=None)
        if frame.is_empty():
            return
        content = serialise.body(serialise.text(frame, _STYLE), _STYLE)
        name, data = serialise.packed(content, f"{feed}_{day:%Y%m%d}", _STYLE)
        self._outbox.put(PROVIDER, day, name, data, frame.height, day)

    def _tell(self, kind: str, canteen_id: str, camera_id: str | None, day: date, note: str) -> None:
        self._truth.append(
            {"kind": kind, "canteen_id": canteen_id, "camera_id": camera_id, "biz_date": day, "note": note}
        )
