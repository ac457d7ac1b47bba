"""One night (or a range of nights in one run): landing files in, a publication out.

Belongs here: the five steps and the guard before them. Each step finds its inputs in durable state
and may be run again at any time. Imports nothing heavy at the top, because the guard must answer
within a second.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipelines.vision.expected import film_arrived
from warehouse.errors import Permanent
from warehouse.fingerprint import PRODUCT, code_hash, declares_database, landing_hash, registration_hash
from warehouse.manifest import latest, write_durably
from warehouse.settings import Settings

Progress = Callable[[str], None]


def _nothing(_: str) -> None:
    """Default hook: crash tests put theirs in its place."""


@dataclass(frozen=True)
class Night:
    """What to run.

    Attributes:
        settings: The data home.
        landing: Folder ``<provider>/<arrival_date>/<file>``.
        first: First arrival date.
        last: Last arrival date; everything that arrived up to it and was not yet taken is taken.
        force: Run although nothing changed, and publish although days are lost.
        on_step: Told after each durable step; a test kills the process there.
        video: Folder of the recorded files that manifests name, ``video`` beside the landing folder where not given.
    """

    settings: Settings
    landing: Path
    first: dt.date
    last: dt.date
    force: bool = False
    on_step: Callable[[str], None] = _nothing
    video: Path | None = None

    @property
    def films(self) -> Path:
        """The video root."""
        return self.video or self.landing.parent / "video"


def unchanged(night: Night) -> bool:
    """Whether the last committed night saw the same files and the same code.

    What a declared database holds is known only by asking it.
    """
    marker = _marker(night.settings)
    if night.force or not marker.exists() or declares_database(night.settings.home):
        return False
    if film_arrived(night.settings.home, night.films):
        return False
    published = latest(night.settings)
    return published is not None and json.loads(marker.read_text("utf8")) == _inputs(night, published.number)


def receive(night: Night, progress: Progress) -> dict[str, int]:
    """Declared databases into landing files, then landing files into the vault, a receipt for each."""
    from pipelines import extracting, receiving

    if not night.landing.is_dir():
        raise Permanent(f"交付文件夹不存在：{night.landing}，请用 --landing 指定")
    extracted = extracting.every(night.settings, night.landing, night.last, progress)
    return {**receiving.run(night.settings, night.landing, night.last, progress, night.on_step), **extracted}


def silver(night: Night, progress: Progress) -> dict[str, int]:
    """New files through the contract into silver; what reference prices are of; books; three flows in one; films."""
    from pipelines.books import step as books
    from pipelines.flows import step as flows
    from pipelines.prices import references
    from pipelines.silver import door
    from pipelines.vision import step as vision

    counts = door.run(night.settings, progress, night.on_step)
    counts |= references.run(night.settings, progress, night.on_step)
    counts |= books.run(night.settings, night.last, progress, night.on_step)
    counts |= flows.run(night.settings, progress, night.on_step)
    return counts | vision.run(night.settings, night.films, progress, night.on_step, again=night.force)


def quality(night: Night, progress: Progress) -> dict[str, int]:
    """Great Expectations over what arrived."""
    from pipelines import quality as step

    return step.run(night.settings, night.first, night.last, progress)


def gold(night: Night, progress: Progress) -> dict[str, int]:
    """dbt, then alerts, then gold Delta."""
    from pipelines.gold import step

    return step.run(night.settings, night.last, progress, night.on_step)


def publish(night: Night, progress: Progress) -> dict[str, int]:
    """Serving file, manifest, swap."""
    from pipelines import cockpit
    from pipelines.publish import snapshot

    if not night.settings.build.exists():
        progress("尚无就餐数据，暂不发布")
        return {"number": 0, "units": 0}
    result = snapshot.run(night.settings, night.first, night.last, force=night.force, on_step=night.on_step)
    if cockpit.in_use(night.settings):
        cockpit.refresh(night.settings)  # grants that began or ended; a running cockpit follows
    write_durably(_marker(night.settings), json.dumps(_inputs(night, result["number"]), sort_keys=True))
    progress(f"已发布第 {result['number']} 号快照")
    return result


STEPS = (receive, silver, quality, gold, publish)


def run(night: Night, progress: Progress) -> dict[str, dict[str, int]]:
    """All five steps in order, without an orchestrator.

    Args:
        night: What to run.
        progress: Told what is being done.

    Returns:
        Counts by step.
    """
    return {step.__name__: step(night, progress) for step in STEPS}


def _marker(settings: Settings) -> Path:
    return settings.home / "publish" / "last_night.json"


def _inputs(night: Night, number: int) -> dict[str, str | int]:
    return {
        "landing": landing_hash(night.landing, night.last),
        "receipts": _last_commit(
            night.settings.table("bronze.receipt")
        ),  # a release comes by no landing file
        "code": code_hash(*PRODUCT),
        "registrations": registration_hash(night.settings.home),
        "last": str(night.last),
        "publication": number,
    }


def _last_commit(table: Path) -> str:
    """Name of a table's newest commit, read from the folder alone; empty before the first."""
    log = table / "_delta_log"
    return max((path.name for path in log.glob("*.json")), default="")
