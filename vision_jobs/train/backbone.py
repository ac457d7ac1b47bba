"""The network of the heads: a ShuffleNetV2 backbone and one logit over its pooled features.

Belongs here: layers and the loading of backbone weights (a plain state dict, ``weights_only``). The layer names
are those of the BSD-3 file that the heads may start from (docs/explanation/vision_models.md).
"""

from __future__ import annotations

from pathlib import Path

import safetensors.torch
import torch
from torch import nn

from warehouse.errors import Permanent

_STAGES = ((4, 48), (8, 96), (4, 192))
"""Blocks and output channels of stages 2, 3 and 4."""


def _convolution(inside: int, out: int, kernel: int, stride: int, groups: int = 1) -> list[nn.Module]:
    layer = nn.Conv2d(inside, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [layer, nn.BatchNorm2d(out)]


class Block(nn.Module):
    """ShuffleNetV2 unit (Ma et al. 2018, figure 3c with stride 1, 3d with stride 2)."""

    def __init__(self, inside: int, out: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        middle = out // 2
        own = inside // 2 if stride == 1 else inside
        kept = out - inside if stride == 2 else middle
        self.branch_main = nn.Sequential(
            *_convolution(own, middle, 1, 1), nn.ReLU(inplace=True),
            *_convolution(middle, middle, 3, stride, middle),
            *_convolution(middle, kept, 1, 1), nn.ReLU(inplace=True),
        )  # fmt: skip
        if stride == 2:
            self.branch_proj = nn.Sequential(
                *_convolution(inside, inside, 3, 2, inside),
                *_convolution(inside, inside, 1, 1), nn.ReLU(inplace=True),
            )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.stride == 2:
            return torch.cat((self.branch_proj(x), self.branch_main(x)), 1)
        return torch.cat((x[:, 0::2], self.branch_main(x[:, 1::2])), 1)


class Backbone(nn.Module):
    """Features at strides 8, 16 and 32 with 48, 96 and 192 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.first_conv = nn.Sequential(*_convolution(3, 24, 3, 2), nn.ReLU(inplace=True))
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inside = 24
        for stage, (repeats, out) in enumerate(_STAGES, 2):
            units = [Block(inside if one == 0 else out, out, 2 if one == 0 else 1) for one in range(repeats)]
            setattr(self, f"stage{stage}", nn.Sequential(*units))
            inside = out

    def early(self, x: torch.Tensor) -> torch.Tensor:
        """Features (n, 48, side / 8, side / 8)."""
        return self.stage2(self.maxpool(self.first_conv(x)))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        eighth = self.early(x)
        sixteenth = self.stage3(eighth)
        return eighth, sixteenth, self.stage4(sixteenth)

    def start_from(self, file: Path) -> None:
        """Load backbone weights.

        Raises:
            Permanent: The file is no state dict of this backbone.
        """
        try:
            if file.suffix == ".safetensors":
                weights = safetensors.torch.load_file(file)
            else:
                weights = torch.load(file, weights_only=True, map_location="cpu")
            self.load_state_dict(weights)
        except Exception as error:
            raise Permanent(
                f"{file}: not weights of this backbone ({error}); give the ShuffleNetV2 file"
            ) from error


class Head(nn.Module):
    """One logit per crop: the violation against the rest.

    Mean pooling sees the scene, maximum pooling a small thing in it (a cigarette covers few pixels). Backbones differ
    in the size of their features, hence the normalisation before the last layer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.norm = nn.BatchNorm1d(192 + 192 + 96)
        self.drop = nn.Dropout(0.3)
        self.last = nn.Linear(192 + 192 + 96, 1)

    def late(self, eighth: torch.Tensor) -> torch.Tensor:
        """Logits (n,) of the early features."""
        middle = self.backbone.stage3(eighth)
        deep = self.backbone.stage4(middle)
        seen = torch.cat((deep.mean((2, 3)), deep.amax((2, 3)), middle.amax((2, 3))), 1)
        return self.last(self.drop(self.norm(seen)))[:, 0]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (n,) of normalised crops (n, 3, side, side)."""
        return self.late(self.backbone.early(x))
