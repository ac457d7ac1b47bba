"""Our detector of persons, faces and heads: network, targets, loss and training.

Belongs here: a small anchor-free network in the manner of FCOS (Tian et al. 2019) with the quality focal loss of GFL
(Li et al. 2020). Each class has its own box in a cell, since a face and its head share their middle. Does not belong
here: pictures (``scenes``), the reading of its output (``vision_jobs.detect``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from vision_jobs.detect import CLASSES
from vision_jobs.heads import MEAN, SPREAD
from vision_jobs.train.backbone import Backbone
from vision_jobs.train.heads import device

STRIDES: Final = (8, 16, 32)
_REACH: Final = ((0.0, 56.0), (40.0, 144.0), (112.0, 1e6))
"""Longer side in pixels of the boxes that each stride answers for; neighbours share."""
_WIDTH: Final = 64
_RADIUS: Final = 1.5
"""Cells whose middle lies so many strides around a box's middle may answer for it."""


def _separable(inside: int, out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, inside, 5, 1, 2, groups=inside, bias=False), nn.BatchNorm2d(inside), nn.ReLU(inplace=True),
        nn.Conv2d(inside, out, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True),
    )  # fmt: skip


class CanteenNet(nn.Module):
    """Backbone, a top-down path and one head shared by the strides."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.side_ways = nn.ModuleList(nn.Conv2d(width, _WIDTH, 1) for width in (48, 96, 192))
        self.smooth = nn.ModuleList(_separable(_WIDTH, _WIDTH) for _ in STRIDES)
        self.tower = nn.Sequential(_separable(_WIDTH, _WIDTH), _separable(_WIDTH, _WIDTH))
        self.told = nn.Conv2d(_WIDTH, 5 * len(CLASSES), 1)
        self.scale = nn.Parameter(torch.ones(len(STRIDES)))
        nn.init.constant_(self.told.bias, 0.0)
        with torch.no_grad():
            self.told.bias.view(len(CLASSES), 5)[:, 4] = -4.0  # few cells hold anything
        self.register_buffer("mean", torch.from_numpy(MEAN).view(1, 3, 1, 1))
        self.register_buffer("spread", torch.from_numpy(SPREAD).view(1, 3, 1, 1))

    def early(self, frames: torch.Tensor) -> torch.Tensor:
        """Early features of frames (n, 3, rows, columns), BGR, 0 to 255; rows and columns are multiples of 32."""
        return self.backbone.early((frames - self.mean) / self.spread)

    def late(self, eighth: torch.Tensor) -> torch.Tensor:
        """(n, cells, classes, 5): distances to left, top, right and bottom in pixels, and a logit."""
        sixteenth = self.backbone.stage3(eighth)
        levels = (eighth, sixteenth, self.backbone.stage4(sixteenth))
        paths = [way(level) for way, level in zip(self.side_ways, levels, strict=True)]
        above, found = None, []
        for at in (2, 1, 0):
            merged = (
                paths[at]
                if above is None
                else paths[at] + functional.interpolate(above, scale_factor=2.0, mode="nearest")
            )
            above = self.smooth[at](merged)
            raw = self.told(self.tower(above))
            cells = raw.flatten(2).transpose(1, 2).unflatten(2, (len(CLASSES), 5))
            far = torch.exp((cells[..., :4] * self.scale[at]).clamp(-5, 5)) * STRIDES[at]
            found.append(torch.cat((far, cells[..., 4:]), -1))
        return torch.cat(found[::-1], 1)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """As ``late``, with probabilities, flattened to (n, cells, classes * 5)."""
        told = self.late(self.early(frames))
        return torch.cat((told[..., :4], told[..., 4:].sigmoid()), -1).flatten(2)


@dataclass(frozen=True, slots=True)
class Scene:
    """A training picture in the network's size.

    Attributes:
        frame: uint8 BGR (rows, columns, 3), both multiples of 32.
        boxes: Per class, corners (k, 4) in pixels.
        known: Classes that are labelled completely; the others are not learnt from this picture.
    """

    frame: np.ndarray
    boxes: dict[str, np.ndarray]
    known: tuple[str, ...]


def centres(rows: int, columns: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Middles (cells, 2) and strides (cells,) of the three grids, as the network orders them."""
    places, strides = [], []
    for stride in STRIDES:
        y, x = torch.meshgrid(torch.arange(rows // stride), torch.arange(columns // stride), indexing="ij")
        places.append((torch.stack([x, y], -1).reshape(-1, 2) + 0.5) * stride)
        strides.append(torch.full((len(places[-1]),), float(stride)))
    return torch.cat(places), torch.cat(strides)


def targets(
    boxes: torch.Tensor, middles: torch.Tensor, strides: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Which cells answer for which box: near its middle, at a stride of its size; the smallest box wins.

    Args:
        boxes: (k, 4) corners of one class.
        middles: (cells, 2).
        strides: (cells,).

    Returns:
        Whether each cell answers (cells,), and its distances to the four sides (cells, 4).
    """
    if not len(boxes):
        return torch.zeros(len(middles), dtype=torch.bool), torch.zeros(len(middles), 4)
    sides = torch.cat((middles[:, None] - boxes[None, :, :2], boxes[None, :, 2:] - middles[:, None]), 2)
    away = (middles[:, None] - (boxes[None, :, :2] + boxes[None, :, 2:]) / 2).abs().amax(2) / strides[:, None]
    longer = (boxes[:, 2:] - boxes[:, :2]).amax(1)
    reach = torch.tensor([_REACH[STRIDES.index(int(one))] for one in strides.tolist()])
    fits = (longer[None] > reach[:, :1]) & (longer[None] <= reach[:, 1:])
    answers = fits & (away <= _RADIUS) & ((sides.amin(2) > 0) | (away <= 0.5))
    size = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    chosen = torch.where(answers, size[None], torch.inf).argmin(1)
    return answers.any(1), sides[torch.arange(len(middles)), chosen].clamp(min=0.5)


def _giou(first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """IoU and generalised IoU of distances (n, 4) measured from the same points."""
    low, high = torch.minimum(first, second), torch.maximum(first, second)
    both = (low[:, 0] + low[:, 2]) * (low[:, 1] + low[:, 3])
    own = (first[:, 0] + first[:, 2]) * (first[:, 1] + first[:, 3])
    other = (second[:, 0] + second[:, 2]) * (second[:, 1] + second[:, 3])
    around = (high[:, 0] + high[:, 2]) * (high[:, 1] + high[:, 3])
    union = own + other - both
    iou = both / union
    return iou, iou - (around - union) / around


def loss_of(
    told: torch.Tensor, answers: torch.Tensor, sides: torch.Tensor, known: torch.Tensor
) -> torch.Tensor:
    """Quality focal loss of the logits and generalised IoU loss of the boxes.

    Args:
        told: (n, cells, classes, 5) from the network.
        answers: (n, cells, classes) bool.
        sides: (n, cells, classes, 4).
        known: (n, classes) bool, classes labelled in each picture.
    """
    iou, wide = _giou(told[..., :4][answers], sides[answers])
    quality = torch.zeros_like(told[..., 4])
    quality[answers] = iou.detach().clamp(min=0.05)
    logit = told[..., 4]
    weight = (quality - logit.sigmoid()).abs().square() * known[:, None, :]
    focal = functional.binary_cross_entropy_with_logits(logit, quality, weight.detach(), reduction="sum")
    count = max(1.0, float(answers.sum()))
    return (focal + 2.0 * (1 - wide).sum()) / count


def fit(
    network: CanteenNet,
    scenes: list[Scene],
    *,
    epochs: int,
    rate: float,
    batch: int,
    seed: int,
    keep: Path,
    progress: Callable[[str], None],
) -> CanteenNet:
    """Train the late layers; a run that was interrupted goes on from its last epoch.

    Args:
        network: To start from; its early layers stay as they are.
        scenes: Pictures of one size.
        epochs: Passes.
        rate: Highest learning rate of the one-cycle schedule.
        batch: Pictures per step.
        seed: Of every random choice.
        keep: File of the state after each epoch.
        progress: Told the loss of each epoch.

    Returns:
        The network with the running mean of the weights, in evaluation mode, on the CPU.
    """
    torch.manual_seed(seed)
    where = device()
    middles, strides = centres(*scenes[0].frame.shape[:2])
    network = network.to(where).eval()
    with torch.no_grad():
        seen = torch.cat([network.early(_batch(scenes[at : at + 16]).to(where)).half().cpu()
                          for at in range(0, len(scenes), 16)])  # fmt: skip
    known = torch.tensor([[kind in one.known for kind in CLASSES] for one in scenes])
    aimed = [_aimed(one, middles, strides) for one in scenes]
    trained = [
        value
        for name, value in network.named_parameters()
        if "first_conv" not in name and "stage2" not in name
    ]
    steps = max(1, len(scenes) // batch)
    optimiser = torch.optim.AdamW(trained, lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=epochs * steps)
    memory = 1 - 1 / max(1.0, 0.1 * epochs * steps)
    averaged = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(memory), use_buffers=True
    )
    parts = {"network": network, "optimiser": optimiser, "schedule": schedule, "averaged": averaged}
    begun = 0
    if keep.exists():
        state = torch.load(keep, weights_only=True, map_location="cpu")
        begun = state.pop("epochs")
        for name, value in state.items():
            parts[name].load_state_dict(value)
    network.train()
    for epoch in range(begun, epochs):
        order = torch.from_numpy(np.random.default_rng([seed, epoch]).permutation(len(scenes)))
        total = 0.0
        for at in range(0, steps * batch, batch):
            chosen = order[at : at + batch]
            answers = torch.stack([aimed[k][0] for k in chosen]).to(where)
            sides = torch.stack([aimed[k][1] for k in chosen]).to(where)
            loss = loss_of(
                network.late(seen[chosen].to(where).float()), answers, sides, known[chosen].to(where)
            )
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(trained, 10.0)
            optimiser.step()
            schedule.step()
            averaged.update_parameters(network)
            total += float(loss.detach()) / steps
        torch.save({"epochs": epoch + 1} | {name: one.state_dict() for name, one in parts.items()}, keep)
        progress(f"检测器第 {epoch + 1}/{epochs} 轮，损失 {total:.3f}")
    kept: CanteenNet = averaged.module.cpu().eval()
    return kept


def _batch(scenes: list[Scene]) -> torch.Tensor:
    return torch.from_numpy(np.stack([one.frame for one in scenes]).transpose(0, 3, 1, 2).astype(np.float32))


def _aimed(scene: Scene, middles: torch.Tensor, strides: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Cells that answer (cells, classes) and their distances (cells, classes, 4)."""
    found = [
        targets(torch.from_numpy(scene.boxes.get(kind, np.zeros((0, 4)))).float(), middles, strides)
        for kind in CLASSES
    ]
    return torch.stack([one[0] for one in found], 1), torch.stack([one[1] for one in found], 1)
