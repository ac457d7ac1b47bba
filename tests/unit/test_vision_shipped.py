"""The models that come with the product: registered, small, and honest about what they are."""

from dataclasses import replace

import numpy as np
import pytest

from vision_jobs import card, registry
from vision_jobs.detect import ModelEyes
from vision_jobs.model import Box
from vision_jobs.unseen import read_seen

PERSON = Box(0.4, 0.3, 0.6, 0.9)
BIGGEST = 8 * 1024 * 1024


def test_the_shipped_models_are_registered_small_and_honest() -> None:
    models = {one.name: one for one in registry.read(registry.SHIPPED)}
    assert set(registry.active(None)) >= {"person", "face", "head", "no_hat", "no_mask", "flame"}
    assert sum(one.stat().st_size for one in registry.SHIPPED.iterdir()) <= BIGGEST
    for one in models.values():
        assert one.licence
        assert one.metrics
        assert all(0 < limit < 1 for limit in one.thresholds.values())
    assert models["no_hat"].experimental
    assert len(read_seen("no_hat")) == 0  # rendered scenes alone


def test_the_shipped_eyes_judge_each_box_in_order_and_say_unknown_where_nothing_can_be_seen() -> None:
    eyes = ModelEyes(registry.active(None))
    frame = np.random.default_rng(0).integers(0, 255, (360, 640, 3)).astype(np.uint8)
    tiny = Box(0.5, 0.5, 0.505, 0.505)
    for kind in eyes.heads:
        told = eyes.judge(frame, kind, [tiny, PERSON, tiny])
        alone = eyes.judge(frame, kind, [PERSON])
        assert [one.score is None for one in told] == [True, False, True]
        assert told[1].score == pytest.approx(alone[0].score, abs=1e-5)
    assert eyes.judge(frame, "no_hat", []) == []


def test_the_version_of_the_eyes_names_files_and_thresholds() -> None:
    models = registry.active(None)
    same, other = ModelEyes(models), dict(models)
    assert ModelEyes(dict(reversed(models.items()))).version == same.version
    other["no_hat"] = replace(models["no_hat"], thresholds={"no_hat": 0.123})
    assert ModelEyes(other).version != same.version
    del other["no_hat"]
    blind = ModelEyes(other)
    assert [one.score for one in blind.judge(np.zeros((90, 90, 3), np.uint8), "no_hat", [PERSON])] == [None]
    assert "no_hat" not in blind.thresholds


def test_the_model_card_shows_the_figures_of_the_registry() -> None:
    assert card.FILE.read_text(encoding="utf8") == card.text()
