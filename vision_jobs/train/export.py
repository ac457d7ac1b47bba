"""Trained networks as ONNX files.

Belongs here: the exported form of each network. The calibration, the zooms and the mirror image are inside the file, so that its
output is what the registry's threshold is held against.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from vision_jobs.train.backbone import Head
from vision_jobs.train.detector import CanteenNet
from vision_jobs.train.heads import Recipe, judged


class _Calibrated(nn.Module):
    """Heads that judge together, with their calibration: normalised crops in, probabilities out."""

    def __init__(
        self, heads: Sequence[Head], zooms: Sequence[float], calibration: tuple[float, float]
    ) -> None:
        super().__init__()
        self.heads, self.zooms, (self.scale, self.offset) = nn.ModuleList(heads), zooms, calibration

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.scale * judged(self.heads, crops, self.zooms) + self.offset)


def export_head(heads: Sequence[Head], recipe: Recipe, calibration: tuple[float, float], path: Path) -> None:
    """Write a head as ONNX with a dynamic batch.

    Args:
        heads: Those that judge together, in evaluation mode.
        recipe: How they were trained: the side of the input, and the zooms.
        calibration: Scale and offset of its logit.
        path: Of the file.
    """
    axes = {"crops": {0: "n"}, "scores": {0: "n"}}
    network = _Calibrated(heads, recipe.zooms, calibration).eval()
    _write(network, torch.zeros(2, 3, recipe.side, recipe.side), path, axes)


def export_detector(network: CanteenNet, path: Path) -> None:
    """Write the detector as ONNX; the number of rows and columns is dynamic, in multiples of 32."""
    axes = {"frames": {0: "n", 2: "rows", 3: "columns"}, "cells": {0: "n", 1: "cells"}}
    _write(network, torch.zeros(1, 3, 224, 384), path, axes)


def _write(network: nn.Module, example: torch.Tensor, path: Path, axes: dict[str, dict[int, str]]) -> None:
    """Write a network in evaluation mode; ``axes`` names input and output and their axes of any length."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # The newer exporter needs a package that is not among the requirements; this one writes the same graph.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (example,), str(path), dynamo=False, opset_version=17,
            input_names=[next(iter(axes))], output_names=[list(axes)[-1]], dynamic_axes=axes,
        )  # fmt: skip
