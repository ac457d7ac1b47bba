"""The figures in the model card, written from the registry so that the two cannot differ.

Belongs here: the table between the markers of ``docs/explanation/vision_models.md``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from vision_jobs import registry
from warehouse.settings import ROOT

FILE: Final = ROOT / "docs" / "explanation" / "vision_models.md"
_BEGIN: Final = "<!-- figures of the registry: begin -->"
_END: Final = "<!-- figures of the registry: end -->"


def table(folder: Path = registry.SHIPPED) -> str:
    """Markdown table of the shipped models' figures."""
    lines = [
        "| model | class | threshold | test set | AP (95 % interval) | to be found | precision and recall at the threshold |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in registry.read(folder):
        for test_set, figures in one.metrics.items():
            for kind, row in figures.items():
                lines.append(
                    f"| {one.name}{' (experimental)' if one.experimental else ''} | {kind} "
                    f"| {one.thresholds[kind]:.3f} | {test_set} "
                    f"| {_text(row['ap'])} ({_text(row['low'])} to {_text(row['high'])}) | {row['positives']:.0f} "
                    f"| {_text(row['precision'])}, {_text(row['recall'])} |"
                )
    return "\n".join(lines)


def text(folder: Path = registry.SHIPPED) -> str:
    """The card with the figures of the registry."""
    before, _, rest = FILE.read_text(encoding="utf8").partition(_BEGIN)
    return f"{before}{_BEGIN}\n{table(folder)}\n{_END}{rest.partition(_END)[2]}"


def write() -> None:
    """Bring the card's figures up to date."""
    FILE.write_text(text(), encoding="utf8")


def _text(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
