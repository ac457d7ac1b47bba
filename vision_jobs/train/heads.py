"""Training of one head: crops and labels in, a network with calibrated output out.

Belongs here: augmentation, the loop, calibration (Platt) and the threshold at a wanted precision. Does not belong
here: where crops come from (``examples``), files (``export``).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from torch import nn

from vision_jobs.heads import normalised
from vision_jobs.train.backbone import Head


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a head is trained.

    Attributes:
        side: Input side in pixels.
        views: Random views of each crop, made once.
        epochs: Passes over the crops, each time in another view.
        rate: Highest learning rate of the one-cycle schedule.
        turn: Degrees of random rotation.
        shift: Random shift, share of the side.
        grey: Share of crops turned grey (infrared cameras).
        blur: Share of crops seen through a low resolution.
        mix: Strength of mixup; 0 for none.
        networks: Networks that judge together: fitted alike but for the seed, the mean of their logits is steadier.
        zooms: Shares of a crop, around its middle, that each network is shown when it judges.
    """

    side: int = 112
    views: int = 6
    epochs: int = 24
    rate: float = 2e-3
    turn: float = 15.0
    shift: float = 0.08
    grey: float = 0.1
    blur: float = 0.3
    mix: float = 0.0
    networks: int = 3
    zooms: tuple[float, ...] = (1.0,)


RECIPES: Final = {
    "no_mask": Recipe(views=3, epochs=10),
    "no_hat": Recipe(epochs=30, networks=5, zooms=(1.0, 0.92, 0.85)),
    "smoking": Recipe(side=224, views=5, epochs=20, rate=1.5e-3, mix=0.2, blur=0.15),
    "flame": Recipe(),
}
_BATCH: Final = 16
_DECAY: Final = 0.02
_KEPT: Final = 0.1
"""Share of the steps over which the running mean of the weights reaches back; the mean is what is kept."""


def device() -> torch.device:
    """A GPU when there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def augmented(crop: np.ndarray, recipe: Recipe, rng: np.random.Generator) -> np.ndarray:
    """One random view of a crop (side, side, 3) uint8."""
    side = crop.shape[0]
    matrix = cv2.getRotationMatrix2D(
        (side / 2, side / 2), rng.uniform(-recipe.turn, recipe.turn), rng.uniform(0.85, 1.25)
    )
    matrix[:, 2] += rng.uniform(-recipe.shift, recipe.shift, 2) * side
    seen = cv2.warpAffine(crop, matrix, (side, side), borderMode=cv2.BORDER_REFLECT)
    if rng.random() < recipe.blur:
        small = int(side * rng.uniform(0.3, 0.7))
        seen = cv2.resize(cv2.resize(seen, (small, small), interpolation=cv2.INTER_AREA), (side, side))
    if rng.random() < recipe.grey:
        seen = cv2.cvtColor(cv2.cvtColor(seen, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    light = seen.astype(np.float32) * rng.uniform(0.6, 1.35) + rng.uniform(-25, 25) + rng.uniform(-12, 12, 3)
    return light.clip(0, 255).astype(np.uint8)


@torch.no_grad()
def views(network: Head, crops: np.ndarray, recipe: Recipe, *, seed: int) -> torch.Tensor:
    """Early features (crop, view, 48, side / 8, side / 8), float16, of random views of crops (n, side, side, 3).

    The early layers know edges and colours and stay as they are; computed once, they make training several times
    cheaper.
    """
    rng = np.random.default_rng(seed)
    network.eval()
    found = []
    for at in range(0, len(crops), _BATCH):
        part = [augmented(crop, recipe, rng) for crop in crops[at : at + _BATCH] for _ in range(recipe.views)]
        early = network.backbone.early(torch.from_numpy(normalised(np.stack(part))))
        found.append(early.half().unflatten(0, (-1, recipe.views)))
    return torch.cat(found)


def start(backbone: Path | None, *, seed: int) -> Head:
    """An untrained head.

    Args:
        backbone: Backbone weights to start from; None for random ones.
        seed: Of the random weights.
    """
    torch.manual_seed(seed)
    network = Head()
    if backbone is not None:
        network.backbone.start_from(backbone)
    return network


def fit(
    network: Head,
    seen: torch.Tensor,
    labels: np.ndarray,
    recipe: Recipe,
    *,
    seed: int,
    progress: Callable[[str], None] | None = None,
) -> Head:
    """Train the late layers of a head.

    Args:
        network: The head; left as it is.
        seen: Early features of its crops, as ``views`` gives them.
        labels: (n,) 1 for the violation, 0 for fine.
        recipe: How.
        seed: Of every random choice.
        progress: Told the loss of every few epochs.

    Returns:
        A trained copy in evaluation mode, on the CPU.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    where = device()
    # Channels last: a quarter faster on a CPU.
    network = copy.deepcopy(network).to(where, memory_format=torch.channels_last).train()
    trained = [*network.backbone.stage3.parameters(), *network.backbone.stage4.parameters()]
    trained += [*network.norm.parameters(), *network.last.parameters()]
    optimiser = torch.optim.AdamW(trained, lr=recipe.rate, weight_decay=_DECAY)
    steps = max(1, len(seen) // _BATCH)
    memory = 1 - 1 / max(1.0, _KEPT * recipe.epochs * steps)
    averaged = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(memory), use_buffers=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, total_steps=recipe.epochs * steps)
    positive = float(labels.mean())
    weight = torch.tensor(min(4.0, max(0.3, (1 - positive) / positive)), device=where)
    loss_of = nn.BCEWithLogitsLoss(pos_weight=weight)
    for epoch in range(recipe.epochs):
        order = rng.permutation(len(seen))
        total = 0.0
        for at in range(0, steps * _BATCH, _BATCH):
            chosen = order[at : at + _BATCH]
            batch = seen[chosen, rng.integers(0, recipe.views, len(chosen))].to(where).float()
            if rng.random() < 0.5:
                batch = batch.flip(3)
            target = torch.from_numpy(labels[chosen].astype(np.float32)).to(where) * 0.94 + 0.03  # smoothed
            if recipe.mix:
                share, other = float(rng.beta(recipe.mix, recipe.mix)), torch.randperm(len(chosen))
                batch = share * batch + (1 - share) * batch[other]
                target = share * target + (1 - share) * target[other]
            loss = loss_of(network.late(batch.contiguous(memory_format=torch.channels_last)), target)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            averaged.update_parameters(network)
            total += float(loss.detach()) / steps
        if progress is not None and (epoch + 1) % 4 == 0:
            progress(f"第 {epoch + 1}/{recipe.epochs} 轮，损失 {total:.3f}")
    trained_head: Head = averaged.module.cpu().to(memory_format=torch.contiguous_format).eval()
    return trained_head


@torch.no_grad()
def logits(networks: Sequence[Head], crops: np.ndarray, zooms: Sequence[float] = (1.0,)) -> np.ndarray:
    """Logits (n,) of crops (n, side, side, 3) uint8 by heads with the same early layers, as ``judged`` has it."""
    parts = [torch.from_numpy(normalised(crops[at : at + _BATCH])) for at in range(0, len(crops), _BATCH)]
    return np.concatenate([judged(networks, one, zooms).numpy() for one in parts])


def judged(networks: Sequence[Head], crops: torch.Tensor, zooms: Sequence[float]) -> torch.Tensor:
    """Logits (n,) of normalised crops: the mean over networks and zooms, and over each crop and its mirror image."""
    early = [networks[0].backbone.early(_zoomed(crops, share)) for share in zooms]
    told = [network.late(seen) for network in networks for one in early for seen in (one, one.flip(3))]
    return torch.stack(told).mean(0)


def _zoomed(crops: torch.Tensor, share: float) -> torch.Tensor:
    """The middle of crops (n, 3, side, side), as large as they are."""
    side = int(crops.shape[2])  # a tensor while the network is traced
    margin = round(side * (1 - share) / 2)
    middle = crops[:, :, margin : side - margin, margin : side - margin]
    return middle if not margin else nn.functional.interpolate(middle, size=(side, side), mode="bilinear")


def platt(scores: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Scale and offset that make logits calibrated probabilities (Platt 1999, with his smoothed targets).

    Args:
        scores: (n,) logits of examples not trained on.
        labels: (n,) 0 or 1.
    """
    above, below = float(labels.sum()), float(len(labels) - labels.sum())
    target = np.where(labels > 0, (above + 1) / (above + 2), 1 / (below + 2))
    scale, offset = 1.0, 0.0
    for _ in range(100):  # Newton on two parameters; the loss is convex
        p = 1 / (1 + np.exp(-np.clip(scale * scores + offset, -30, 30)))
        slope = np.array([((p - target) * scores).sum(), (p - target).sum()])
        w = p * (1 - p)
        bend = np.array([[(w * scores**2).sum(), (w * scores).sum()], [(w * scores).sum(), w.sum()]])
        step = np.linalg.solve(bend + 1e-6 * np.eye(2), slope)
        scale, offset = scale - step[0], offset - step[1]
        if math.hypot(*step) < 1e-8:
            break
    return float(scale), float(offset)
