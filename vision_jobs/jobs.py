"""Jobs: the films of many cameras, in parallel by processes.

Belongs here: handing cameras to processes, and what becomes of a camera whose process died. One process holds the
models once and one frame at a time; a camera stays in one process, because its events run across its files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from vision_jobs import chain
from vision_jobs.chain import Camera
from vision_jobs.footage import Decoder
from vision_jobs.model import Eyes
from vision_jobs.results import Result, SegmentState
from vision_jobs.rules import Rules
from vision_jobs.watch import Gate


@dataclass(frozen=True, slots=True)
class Kit:
    """What a process needs; it makes each itself, so all must be importable functions or plain values.

    Attributes:
        eyes: Opens the models.
        rules: Of all cameras.
        home: Data home.
        decoder: Where samples come from.
        gate: Makes the motion gate of one file.
    """

    eyes: Callable[[], Eyes]
    rules: Rules
    home: Path
    decoder: Decoder
    gate: Callable[[], Gate]


def run(
    cameras: Sequence[Camera], kit: Kit, *, processes: int, progress: Callable[[str], None]
) -> Iterator[Result]:
    """Judge cameras, as each gets ready.

    Args:
        cameras: The work. The longest is begun first.
        kit: What a process needs.
        processes: How many at once.
        progress: Told after each camera.

    Yields:
        One result per camera. Of a camera whose process died even alone, each file is quarantined as
        ``crash``; all other cameras count.
    """
    longest = sorted(cameras, key=lambda one: (-sum(s.duration_s for s in one.segments), one.camera_id))
    done = 0
    left: list[Camera] = []
    for camera, result in _together(longest, kit, processes):
        if result is None:
            left.append(camera)
            continue
        done += 1
        progress(f"视频 {done}/{len(cameras)}：{result.camera_id}，{len(result.events)} 个事件")
        yield result
    for camera in left:
        ((_, result),) = _together([camera], kit, 1)
        done += 1
        if result is None:
            result = _died(camera)
            progress(f"视频 {done}/{len(cameras)}：{camera.camera_id}，进程中断，其文件全部隔离")
        else:
            progress(f"视频 {done}/{len(cameras)}：{camera.camera_id}，{len(result.events)} 个事件")
        yield result


_process: tuple[Kit, Eyes] | None = None
"""The kit of this process, and its models once they are open."""


def _open(kit: Kit) -> None:
    global _process
    _process = kit, kit.eyes()


def _judge(camera: Camera) -> Result:
    if _process is None:
        raise RuntimeError("a process judges before its models are open")
    kit, eyes = _process
    return chain.run(camera, eyes, kit.rules, kit.home, decoder=kit.decoder, gate=kit.gate)


def _together(cameras: Sequence[Camera], kit: Kit, processes: int) -> Iterator[tuple[Camera, Result | None]]:
    """Results of cameras; None for those that were not finished when a process died."""
    with ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=_open, initargs=(kit,)
    ) as pool:
        futures = {pool.submit(_judge, camera): camera for camera in cameras}
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except BrokenProcessPool:
                yield futures[future], None


def _died(camera: Camera) -> Result:
    states = tuple(
        SegmentState(
            sha256=segment.sha256,
            state="quarantined",
            reason="crash",
            message="the process that judged this camera died; look at its memory limit and at the files",
            samples=0,
            looked=0,
            person_minutes=0,
            model_version="",
            config_version="",
        )
        for segment in camera.segments
    )
    return Result(camera.camera_id, states, (), (), (), ())
