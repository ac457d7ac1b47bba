"""Commands about kitchen video: run, eval, train, models.

Belongs here: their options and answers. Everything about pictures stands in ``vision_jobs``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from cyclopts import App, Parameter

from pipelines.cli.data import Injected
from pipelines.cli.terminal import Answer, table

VISION: Final = App(
    name="vision",
    help="明厨亮灶视频：运行、评估、训练、模型登记。",
    default_parameter=Parameter(negative=()),
    version_flags=[],
)
MODELS: Final = App(name="models", help="列出已登记的模型，或登记一个模型文件。", version_flags=[])
VISION.command(MODELS)


@VISION.command
def run(*videos: Path, zones: Path | None = None, processes: int = 1, terminal: Injected) -> Answer:
    """对录像文件运行整条链路，列出事件；时间为距文件开头的秒数。

    Args:
        videos: 录像文件，每个文件当作一个摄像头。
        zones: 区域的 JSON 文件：[{"zone_id", "kind", "polygon"}]；不写则整个画面算烹饪区。
        processes: 进程数。
    """
    from vision_jobs import films

    found = films.run(
        terminal.home,
        videos,
        zones=zones,
        processes=processes,
        progress=terminal.progress,
    )
    rows = [["文件", "事件", "开始（秒）", "结束（秒）", "样本", "违规", "得分"]]
    rows += [
        [e["file"], e["kind"], e["start_s"], e["end_s"], e["samples"], e["positive"], e["score"]]
        for e in found["events"]
    ]
    states = [f"{one['file']}：{one['state']} {one['message'] or ''}".rstrip() for one in found["files"]]
    return Answer(found, [*table(rows), *states, f"证据在 {terminal.home / 'evidence'}"])


@VISION.command(name="eval")
def evaluate(*, images: Path, coco: Path, model: tuple[str, ...] = (), terminal: Injected) -> Answer:
    """在已标注的图片上评估正在使用的模型：每个类别的 AP（<类别>_ap）和 95% 区间。

    Args:
        images: 图片文件夹，标注中的 file_name 相对于它。
        coco: COCO 标注文件。
        model: 只用这些模型；可重复。
    """
    from vision_jobs.coco import read
    from vision_jobs.detect import open_eyes
    from vision_jobs.evaluate import score_set

    scores = score_set(open_eyes(terminal.home, only=model), read(images, coco))
    data = {
        "measures": [
            {"name": f"{kind}_ap", "value": _rounded(one.ap), "unit": "fraction", "n": one.positives, "bar": None,
             "holds": None}
            for kind, one in scores.items()
        ],
        "detail": {kind: one.figures() for kind, one in scores.items()},
    }  # fmt: skip
    columns = ("ap", "low", "high", "n", "positives", "precision", "recall")
    rows = [("class", *columns)] + [
        (kind, *(_rounded(getattr(one, column)) for column in columns)) for kind, one in scores.items()
    ]
    return Answer(data, table(rows), ends_in_json=True)


@VISION.command
def train(
    *, images: Path, coco: Path, kind: str, approved_by: str, seed: int = 1, terminal: Injected
) -> Answer:
    """用本市已标注的图片训练一个判别头；在留出的录像上比正在使用的下降超过两个百分点则拒绝启用。

    Args:
        images: 图片文件夹。
        coco: COCO 标注文件。
        kind: no_hat、no_mask、smoking 或 flame。
        approved_by: 批准启用的人。
        seed: 随机种子。
    """
    from vision_jobs.train import city

    made = city.train(
        terminal.home, images, coco, kind, approved_by=approved_by, seed=seed, progress=terminal.progress
    )
    figures = next(iter(made.metrics.values()))[kind]
    line = "留出的录像上 AP {:.3f}（95% 区间 {}–{}，{} 例，其中违规 {}）".format(
        figures["ap"],
        _rounded(figures["low"]),
        _rounded(figures["high"]),
        figures["n"],
        figures["positives"],
    )
    return Answer({"model": made.name, "version": made.version, "metrics": figures}, [made.name, line])


@VISION.command
def render(request: Path, out: Path, /, *, terminal: Injected) -> Answer:
    """按请求文件绘制厨房录像，旁边写出其真相。

    Args:
        request: clips.json。
        out: 输出文件夹。
    """
    from vision_jobs.render import clips

    files = clips.render(json.loads(request.read_text(encoding="utf8")), out, terminal.progress)
    return Answer({"files": [str(one) for one in files]}, [f"{len(files)} 段录像写入 {out}"])


@MODELS.default
def models(*, terminal: Injected) -> Answer:
    """列出已登记的模型；同一类别以最后登记的为准。"""
    from vision_jobs import registry

    listed = registry.listed(terminal.home)
    at_work = registry.active(terminal.home)
    rows = [["模型", "版本", "类别", "使用中", "试验", "许可", "批准人", "sha256"]] + [
        [
            one.name,
            one.version,
            "、".join(one.classes),
            "、".join(kind for kind in one.classes if at_work[kind].sha256 == one.sha256) or "无",
            "是" if one.experimental else "否",
            one.licence,
            one.approved_by,
            one.sha256[:12],
        ]
        for one in listed
    ]
    return Answer({"models": [_told(one) for one in listed]}, table(rows))


@MODELS.command
def add(file: Path, /, *, approved_by: str = "operator", terminal: Injected) -> Answer:
    """登记一个 ONNX 模型文件并启用：已知的开放检测器，或旁边有说明 FILE.json 的模型。

    Args:
        file: ONNX 文件。
        approved_by: 批准启用的人。
    """
    from vision_jobs import registry

    made = registry.add(terminal.home, file, approved_by=approved_by)
    return Answer(
        {"model": _told(made)}, [f"已登记并启用 {made.name}（{'、'.join(made.classes)}），{made.sha256}"]
    )


def _told(model: Any) -> dict[str, Any]:
    kept = (
        "name",
        "version",
        "sha256",
        "format",
        "classes",
        "thresholds",
        "metrics",
        "licence",
        "approved_by",
    )
    return {name: getattr(model, name) for name in kept} | {"experimental": model.experimental}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
