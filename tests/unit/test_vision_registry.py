"""A model judges only when its file is the registered one and it is not worse than the one before it."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from vision_jobs import registry
from vision_jobs.registry import Model
from warehouse.errors import Permanent


def model(path: Path, ap: float = 0.9, kind: str = "no_hat", test_set: str = "kitchen") -> Model:
    path.write_bytes(f"{path.name}{ap}".encode())
    figures = {"ap": ap, "low": 0.0, "high": 1.0, "n": 10, "positives": 5}
    return Model(
        name=path.stem, version="1", path=path, sha256=hashlib.sha256(path.read_bytes()).hexdigest(), format="head",
        classes=(kind,), side=112, thresholds={kind: 0.5}, licence="ours", metrics={test_set: {kind: figures}},
        approved_by="张三",
    )  # fmt: skip


@pytest.fixture(autouse=True)
def no_shipped_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "SHIPPED", tmp_path / "shipped")


def test_what_is_promoted_is_read_back_and_at_work(tmp_path: Path) -> None:
    made = registry.promote(tmp_path, model(tmp_path / "a.onnx"))
    assert registry.read(tmp_path / "models") == [made]
    assert registry.active(tmp_path) == {"no_hat": made}
    assert made.path.read_bytes() == (tmp_path / "a.onnx").read_bytes()


def test_a_homes_model_goes_before_the_shipped_one(tmp_path: Path) -> None:
    shipped = model(tmp_path / "shipped.onnx")
    registry.write(tmp_path / "shipped", [replace(shipped, path=tmp_path / "shipped" / "shipped.onnx")])
    (tmp_path / "shipped" / "shipped.onnx").write_bytes(shipped.path.read_bytes())
    assert registry.active(tmp_path)["no_hat"].name == "shipped"
    registry.promote(tmp_path, model(tmp_path / "own.onnx"))
    assert registry.active(tmp_path)["no_hat"].name == "own"
    assert registry.active(tmp_path, only=["shipped"])["no_hat"].name == "shipped"
    with pytest.raises(Permanent, match="no model other"):
        registry.active(tmp_path, only=["other"])


@pytest.mark.parametrize(("drop", "refused"), [(0.019, False), (0.021, True)])
def test_a_class_may_lose_two_points_at_most(tmp_path: Path, drop: float, refused: bool) -> None:
    registry.promote(tmp_path, model(tmp_path / "a.onnx", 0.9))
    after = model(tmp_path / "b.onnx", 0.9 - drop)
    if refused:
        with pytest.raises(Permanent, match=r"no_hat 0\.900"):
            registry.promote(tmp_path, after)
        assert registry.active(tmp_path)["no_hat"].name == "a"
    else:
        registry.promote(tmp_path, after)
        assert registry.active(tmp_path)["no_hat"].name == "b"


def test_figures_of_different_test_sets_are_not_compared(tmp_path: Path) -> None:
    registry.promote(tmp_path, model(tmp_path / "a.onnx", 0.9))
    registry.promote(tmp_path, model(tmp_path / "b.onnx", 0.5, test_set="another"))


@pytest.mark.parametrize("harm", ["other bytes", None])
def test_a_file_that_is_not_the_registered_one_is_never_opened(tmp_path: Path, harm: str | None) -> None:
    made = registry.promote(tmp_path, model(tmp_path / "a.onnx"))
    made.path.unlink() if harm is None else made.path.write_text(harm)
    with pytest.raises(Permanent, match=r"missing|sha256"):
        registry.active(tmp_path)


def test_an_unknown_file_needs_its_card(tmp_path: Path) -> None:
    file = tmp_path / "c.onnx"
    file.write_bytes(b"weights")
    with pytest.raises(Permanent, match=r"c\.onnx\.json"):
        registry.add(tmp_path, file, approved_by="张三")
    card = {"name": "c", "format": "yolox", "classes": ["person"], "side": 416, "thresholds": {"person": 0.3},
            "licence": "MIT"}  # fmt: skip
    (tmp_path / "c.onnx.json").write_text(json.dumps(card | {"format": "pickle"}))
    with pytest.raises(Permanent, match="unknown format pickle"):
        registry.add(tmp_path, file, approved_by="张三")
    (tmp_path / "c.onnx.json").write_text(json.dumps(card))
    assert registry.add(tmp_path, file, approved_by="张三").approved_by == "张三"


@pytest.mark.parametrize("name", ["d.pth", "missing.onnx"])
def test_what_is_no_onnx_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "d.pth").write_bytes(b"pickled")
    with pytest.raises(Permanent, match=name):
        registry.add(tmp_path, tmp_path / name, approved_by="张三")
