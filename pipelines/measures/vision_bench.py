"""Bench ``vision``: what an hour of kitchen video costs, on one core, beside bare keyframe decoding.

Belongs here: making a long 1080p recording, running the whole chain over it under a stated load, and measuring
processor time, memory and two processes. Each figure is taken in processes of its own. The models at work judge for
real; only their answers are replaced, so that the load is the same whichever models these are: three persons with two
faces in every sample, and so many candidates for the second pass.
"""

from __future__ import annotations

import datetime as dt
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np

from pipelines.measures.apart import peak_gb
from pipelines.measures.table import measure
from warehouse.errors import Permanent

Progress = Callable[[str], None]

_START: Final = dt.datetime(2026, 8, 31, 22, tzinfo=dt.UTC)
_BASE_S: Final = 20
"""Seconds of film that are drawn; the recording plays them again and again."""
_MINUTES: Final = 30
_QUICK_MINUTES: Final = 1
_CANDIDATES_PER_HOUR: Final = 2
_BLOCK: Final = 75
"""Samples in which the gate says the same when half are gated."""
_ROUNDS: Final = 3
"""How often decoding is measured on each side, in turn."""


@dataclass(frozen=True, slots=True)
class Load:
    """What the models answer.

    Attributes:
        persons: Whether three persons are in the picture; nobody otherwise.
        gated: Whether every second block of samples is still and empty.
        candidates: Numbers of the samples in which, and in the next, somebody seems to smoke.
    """

    persons: bool = True
    gated: bool = False
    candidates: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run took.

    Attributes:
        film_s: Seconds of recording judged.
        cpu_s: Processor seconds of the process and its decoding child.
        gb: Greatest memory of both together.
        samples: Samples taken.
        looked: Of them, shown to the models.
        events: Events found.
    """

    film_s: float
    cpu_s: float
    gb: float
    samples: int
    looked: int
    events: int


class _Clock:
    """Number of the sample at hand, shared by gate and eyes of a process."""

    number = -1


class StatedGate:
    """The real gate's work, with an answer by the stated load."""

    def __init__(self, load: Load) -> None:
        from vision_jobs.gate import Gate

        self._gate, self._load = Gate(), load
        _Clock.number = -1

    def look(self, frame: np.ndarray) -> Any:
        """Compare a sample with those before."""
        from vision_jobs.gate import Motion

        self._gate.look(frame)
        _Clock.number += 1
        return Motion(moved=_busy(self._load), jumped=False, share=0.0)


class StatedEyes:
    """The real models' work, with answers by the stated load; without models, only the answers."""

    def __init__(self, load: Load, *, models: bool) -> None:
        from vision_jobs.model import Box, Detection

        if models:
            from vision_jobs.detect import open_eyes

            self._eyes: Any = open_eyes(None)
        else:
            self._eyes = None
        self.version = "bench"
        self.thresholds: Mapping[str, float] = {} if self._eyes is None else self._eyes.thresholds
        self._load = load
        # Their feet stand in zones where everything is judged.
        persons = [Box(x - 0.06, 0.25, x + 0.06, 0.8) for x in (0.15, 0.42, 0.75)]
        faces = [Box(p.x1 + 0.03, p.y1 + 0.02, p.x1 + 0.08, p.y1 + 0.12) for p in persons[:2]]
        self._seen = [
            Detection(kind, box, 0.9)
            for kind, boxes in (("person", persons), ("face", faces))
            for box in boxes
        ]

    def detect(self, frame: np.ndarray) -> list[Any]:
        """What the load says is there."""
        if self._eyes is not None:
            self._eyes.detect(frame)
        return self._seen if self._load.persons and _busy(self._load) else []

    def judge(self, frame: np.ndarray, kind: str, boxes: Sequence[Any]) -> list[Any]:
        """Fine, but for who seems to smoke."""
        from vision_jobs.model import Judgement

        if self._eyes is not None:
            self._eyes.judge(frame, kind, boxes)
        smokes = kind == "smoking" and any(_Clock.number - n in {0, 1} for n in self._load.candidates)
        return [Judgement(kind, 1.0 if smokes and n == 0 else 0.0) for n in range(len(boxes))]


def bench(*, quick: bool, progress: Progress) -> list[dict[str, Any]]:
    """Cost of the chain over rendered recordings: 1080p, H.264, 25 frames a second, a keyframe every 2 s.

    Args:
        quick: A short and small recording: shows that the bench works; no bar is judged.
        progress: Told what is being done, and figures that have no bar.
    """
    folder = Path(tempfile.mkdtemp(prefix="vision-bench-"))
    try:
        found = _measured(folder, quick, progress)
    finally:
        shutil.rmtree(folder)
    if quick:
        for one in found:
            one["bar"] = one["holds"] = None
    return found


def _measured(folder: Path, quick: bool, progress: Progress) -> list[dict[str, Any]]:
    minutes = _QUICK_MINUTES if quick else _MINUTES
    progress(f"渲染 {_BASE_S} 秒厨房视频并重复为 {minutes} 分钟")
    long = _recording(folder, minutes, quick)
    samples = minutes * 30
    apart = _here if quick else _apart
    share, decoded = decode_share(long, 1 if quick else _ROUNDS, apart, progress)
    wanted = max(round(_CANDIDATES_PER_HOUR * minutes / 60), 1)
    candidates = tuple(samples * (2 * n + 1) // (2 * wanted) for n in range(wanted))
    whole = apart(_run, long, Load(candidates=candidates), folder / "whole", True)
    progress(f"完整链路：{_said(whole)}")
    busy = tuple(n - n % (2 * _BLOCK) + _BLOCK // 2 for n in candidates)
    gated = apart(_run, long, Load(gated=True, candidates=busy), folder / "gated", True)
    progress(f"一半样本无运动：{_said(gated)}")
    short = apart(_run, _sixth(folder, minutes), Load(), folder / "short", True)
    progress(f"内存：{short.film_s / 60:g} 分钟 {short.gb:.3f} GB，{minutes} 分钟 {whole.gb:.3f} GB")
    one, two = (_together(long, folder, processes) for processes in (1, 2))
    progress(f"两路摄像头：一个进程 {one:.1f} 秒，两个进程 {two:.1f} 秒")
    return [
        measure("vision", "camera_hours", round(whole.film_s / whole.cpu_s, 2), whole.samples),
        measure("vision", "camera_hours_gated", round(gated.film_s / gated.cpu_s, 2), gated.samples),
        measure("vision", "decode_share", round(share, 3), decoded),
        measure("vision", "peak_gb", round(max(whole.gb, short.gb), 3), whole.samples),
        measure("vision", "two_process_speedup", round(one / two, 2), 2),
    ]


def decode_share(film: Path, rounds: int, apart: Callable[..., Any], progress: Progress) -> tuple[float, int]:
    """Throughput of the pipeline without models over bare keyframe decoding.

    Args:
        film: The recording.
        rounds: How often both are measured, in turn; the median counts.
        apart: Calls a function, in a process of its own or in this one.
        progress: Told both costs.

    Returns:
        The share, and the keyframes decoded per round.
    """
    ours, bare, shown = [], [], []
    samples = 0
    for _ in range(rounds):
        bare.append(apart(_bare, film, None))
        shown.append(apart(_bare, film, 720))
        cost = apart(_run, film, Load(persons=False), film.parent / f"home-{time.monotonic_ns()}", False)
        ours.append(cost.cpu_s)
        samples = cost.samples
    a, b, c = (float(np.median(v)) / samples * 1000 for v in (bare, shown, ours))
    progress(f"每关键帧 CPU 毫秒：只解码 {a:.2f}，解码为 720 行 BGR {b:.2f}，无模型链路 {c:.2f}")
    return a / c, samples


def _recording(folder: Path, minutes: int, quick: bool) -> Path:
    from vision_jobs.render import render
    from vision_jobs.render.files import repeated

    width, height, fps = (640, 360, 5) if quick else (1920, 1080, 25)
    script = [
        {"at": 0, "enter": "p1", "jump": True},
        {"at": 0, "enter": "p2", "to": "cutting"},
        {"at": 0, "enter": "p3", "to": "sampling", "jump": True},
        {"at": 4, "steam": True},
    ]
    clip = {
        "name": "base",
        "camera_id": "bench",
        "started_at": _START.isoformat(),
        "duration_s": _BASE_S,
        "fps": fps,
        "gop_s": 2,
        "width": width,
        "height": height,
        "noise": 4,
        "script": script,
    }
    (base,) = render({"seed": 1, "clips": [clip]}, folder)
    return repeated(base, folder / "long.mp4", minutes * 60 // _BASE_S)


def _sixth(folder: Path, minutes: int) -> Path:
    """A recording of a sixth of the length, to see whether memory grows with it."""
    from vision_jobs.render.files import repeated

    return repeated(folder / "base.mp4", folder / "short.mp4", max(minutes * 60 // _BASE_S // 6, 1))


def _apart(do: Callable[..., Any], *given: Any) -> Any:
    """The answer of a function, in a new process on one core."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_one_core) as pool:
        return pool.submit(do, *given).result()


def _here(do: Callable[..., Any], *given: Any) -> Any:
    """The answer of a function, in this process: enough to see that it works."""
    return do(*given)


def _one_core() -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _bare(film: Path, rows: int | None) -> float:
    from vision_jobs.peer import decode_keyframes

    begun = _cpu()
    decode_keyframes(film, rows=rows)
    return _cpu() - begun


def _run(film: Path, load: Load, home: Path, models: bool) -> Cost:
    """Judge a recording; the models are opened before the clock starts."""
    from vision_jobs import chain
    from vision_jobs.decoder import Decoder

    eyes = StatedEyes(load, models=models)
    rules = _rules()
    begun = _cpu()
    with Decoder() as decoder:
        camera = _camera("bench-1", film, decoder)
        result = chain.run(camera, eyes, rules, home, decoder=decoder, gate=partial(StatedGate, load))
        gb = peak_gb() + peak_gb(str(decoder.process_id))
    (state,) = result.segments
    if state.state != "judged":
        raise Permanent(f"bench vision：录像没有被判定（{state.reason}），速度无从谈起")
    film_s = camera.segments[0].duration_s
    return Cost(film_s, _cpu() - begun, gb, state.samples, state.looked, len(result.events))


def _together(film: Path, folder: Path, processes: int) -> float:
    """Seconds that two cameras take, with the models open before the clock starts in neither case."""
    from vision_jobs import jobs
    from vision_jobs.decoder import Decoder

    with Decoder() as decoder:
        cameras = [_camera(f"bench-{n}", film, decoder) for n in (1, 2)]
    load = Load()
    kit = jobs.Kit(
        eyes=partial(StatedEyes, load, models=True),
        rules=_rules(),
        home=folder / f"home-{processes}",
        decoder=Decoder(),
        gate=partial(StatedGate, load),
    )
    begun = time.monotonic()
    results = list(jobs.run(cameras, kit, processes=processes, progress=lambda _: None))
    if any(state.state != "judged" for result in results for state in result.segments):
        raise Permanent("bench vision：有录像没有被判定，速度无从谈起")
    return time.monotonic() - begun


def _camera(name: str, film: Path, decoder: Any) -> Any:
    from vision_jobs import segments
    from vision_jobs.chain import Camera
    from vision_jobs.render import zones

    (entry,) = segments.inventory([segments.Listed(name, film, _START)], decoder)
    if entry.segment is None:
        raise Permanent(f"bench vision：自制的录像被拒绝（{entry.reason}）")
    return Camera(name, (entry.segment,), tuple(zones(name)))


def _rules() -> Any:
    from vision_jobs import rules

    return rules.load()


def _busy(load: Load) -> bool:
    return not load.gated or _Clock.number // _BLOCK % 2 == 0


def _cpu() -> float:
    """Processor seconds of this process and its ended children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _said(cost: Cost) -> str:
    return (
        f"{cost.film_s / 60:g} 分钟视频 {cost.cpu_s:.1f} CPU 秒，{cost.samples} 个样本（判定 {cost.looked} 个），"
        f"{cost.events} 个事件"
    )
