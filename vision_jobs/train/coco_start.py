"""Backbone weights that know persons already: those of FastestDet, trained on COCO, out of its ONNX file.

Belongs here: taking the BSD-3 file apart (docs/explanation/vision_models.md). Does not belong here: what is trained from
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from vision_jobs.heads import MEAN, SPREAD, normalised
from vision_jobs.train.backbone import Backbone, Block
from warehouse.errors import Permanent


@torch.no_grad()
def from_fastestdet(file: Path, pictures: np.ndarray) -> Backbone:
    """The backbone of a FastestDet file, which takes frames with values 0 to 1.

    The file holds convolutions alone, into which the normalisation was folded. It is unfolded again with the means and
    variances of real pictures, since a network without it cannot be trained on.

    Args:
        file: ``FastestDet.onnx``.
        pictures: (n, side, side, 3) uint8 BGR.

    Raises:
        Permanent: The file holds another network.
    """
    graph = onnx.load(file).graph
    values = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    folded = [one.input[1:] for one in graph.node if one.op_type == "Conv"]
    backbone = Backbone().eval()
    pairs = list(_pairs(backbone))
    for (convolution, norm), names in zip(pairs, folded, strict=False):  # what follows the backbone is left
        weight, bias = (torch.from_numpy(values[name].copy()) for name in names)
        if weight.shape != convolution.weight.shape:
            raise Permanent(f"{file}: not FastestDet ({tuple(weight.shape)} where a layer has other sides)")
        if convolution is pairs[0][0]:
            bias += (weight * torch.from_numpy(MEAN / 255).view(1, 3, 1, 1)).sum((1, 2, 3))
            weight *= torch.from_numpy(SPREAD / 255).view(1, 3, 1, 1)
        convolution.weight.copy_(weight)
        norm.bias.copy_(bias)
        norm.weight.fill_((1 + norm.eps) ** 0.5)  # with mean 0 and variance 1: nothing but the bias
    hooks = [convolution.register_forward_hook(_unfolding(norm)) for convolution, norm in pairs]
    backbone(torch.from_numpy(normalised(pictures)))
    for hook in hooks:
        hook.remove()
    return backbone


def _pairs(backbone: Backbone) -> Iterator[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Convolutions with what normalises them, in the order of the file: a block's side path stands first."""
    parts: list[nn.Sequential] = [backbone.first_conv]
    for block in (one for one in backbone.modules() if isinstance(one, Block)):
        parts += [block.branch_proj, block.branch_main] if block.stride == 2 else [block.branch_main]
    for part in parts:
        layers = list(part)
        yield from (
            (layer, follows)
            for layer, follows in pairwise(layers)
            if isinstance(layer, nn.Conv2d) and isinstance(follows, nn.BatchNorm2d)
        )


def _unfolding(norm: nn.BatchNorm2d) -> Callable[[nn.Module, object, torch.Tensor], None]:
    def hook(_layer: nn.Module, _given: object, found: torch.Tensor) -> None:
        norm.running_mean.copy_(found.mean((0, 2, 3)))
        norm.running_var.copy_(found.var((0, 2, 3)))
        norm.weight.copy_((norm.running_var + norm.eps).sqrt())
        norm.bias.add_(norm.running_mean)

    return hook
