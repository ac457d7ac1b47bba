"""Commands that prove what the product says: score, accuracy, bench, hash.

Belongs here: their options and the shape of their answers (DESIGN section 7). The measures themselves
stand in ``pipelines.measures``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pipelines.cli.data import Injected
from pipelines.cli.terminal import Answer, Misuse, table


def score(truth: Path, /, *, terminal: Injected) -> Answer:
    """与模拟城市的真相比对：每种问题埋设、查出、误报的数量，以及判定是否正确。

    Args:
        truth: simulate 写出的 truth 文件夹。
    """
    from pipelines import scoring

    found = scoring.score(terminal.settings, truth)
    columns = ("planted", "found", "false", "recall", "precision")
    rows = [("fault", *columns)] + [
        (kind, *(row[c] for c in columns)) for kind, row in found["faults"].items()
    ]
    return Answer(found, table(rows), ends_in_json=True)


def accuracy(
    part: str = "redline", /, *, seed: int = 1, data: Path | None = None, terminal: Injected
) -> Answer:
    """准确度：按 docs/reference/measures.csv 的名称列出。

    Args:
        part: redline、access、prices、finance、vision。
        seed: 随机种子。
        data: 真实数据的文件夹；prices、finance、vision 的部分指标需要它，没有时这些指标为空。
    """
    from pipelines.measures import access, finance, prices_lines, prices_series, redline, vision

    def prices(*, seed: int, progress: Callable[[str], None]) -> list[dict[str, Any]]:
        lines = prices_lines.run(seed=seed, progress=progress)
        return [*lines, *prices_series.accuracy(seed=seed, progress=progress, data=data)]

    parts: dict[str, Callable[..., list[dict[str, Any]]]] = {
        "redline": redline.run,
        "access": access.run,
        "prices": prices,
        "finance": partial(finance.accuracy, data=data),
        "vision": partial(vision.accuracy, data=data, home=terminal.home),
    }
    if part not in parts:
        raise Misuse(f"没有准确度部分 {part}：可用的有 {'、'.join(parts)}")
    if data is not None and not data.is_dir():
        raise Misuse(f"--data 不是文件夹：{data}")
    return _measures(parts[part](seed=seed, progress=terminal.progress))


def bench(part: str = "night", /, *, quick: bool = False, terminal: Injected) -> Answer:
    """速度：按 docs/reference/measures.csv 的名称列出。

    Args:
        part: night、cockpit、prices、finance、vision。
        quick: 小规模，只看能否运行，不作结论。
    """
    from pipelines.measures import cockpit, finance, night, prices_series, vision_bench

    parts = {
        "night": night.run,
        "cockpit": cockpit.run,
        "prices": prices_series.bench,
        "finance": finance.bench,
        "vision": vision_bench.bench,
    }
    if part not in parts:
        raise Misuse(f"没有速度部分 {part}：可用的有 {'、'.join(parts)}")
    return _measures(parts[part](quick=quick, progress=terminal.progress))


def content_hash(*tables: str, terminal: Injected, arrival: bool = False) -> Answer:
    """各表内容的哈希，与行序无关。

    Args:
        tables: 表名，如 gold.mart_red_line；不写则为全部。
        arrival: 与到达有关的表（回执、隔离区、评分），而不是业务内容。
    """
    from pipelines import hashing

    found = hashing.content(terminal.settings, tables, arrival=arrival)
    return Answer(
        found,
        [f"{name}  {one['rows']}  {one['hash']}" for name, one in found["tables"].items()],
        ends_in_json=True,
    )


def _measures(measures: list[dict[str, Any]]) -> Answer:
    columns = ("name", "value", "unit", "n", "bar", "holds")
    rows: list[tuple[Any, ...]] = [columns, *(tuple(one[c] for c in columns) for one in measures)]
    return Answer({"measures": measures}, table(rows), ends_in_json=True)
