"""The registry of models: what each file is, by its hash, and which of them is at work.

Belongs here: reading and writing registries, checking files, promotion. Two registries: the shipped one
(``vision_jobs/models``) and a city's own (``<home>/models``), whose models go before the shipped ones. Does not belong
here: opening a model (``detect``, ``heads``) or making one (``train``).
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from warehouse.errors import Permanent

SHIPPED: Final = Path(__file__).parent / "models"
MAX_DROP: Final = 0.02
"""Average precision that a class may lose when another model takes over; more is refused."""
_FILE: Final = "registry.json"
_FORMATS: Final = ("head", "canteen", "yolox", "yunet")


@dataclass(frozen=True, slots=True)
class Model:
    """One registered model.

    Attributes:
        name: Unique within a registry.
        version: Of this name.
        path: The ONNX file.
        sha256: Of the file; a file with another hash is never opened.
        format: How its output is read: ``head``, ``canteen`` (our detector), ``yolox`` or ``yunet``.
        classes: Kinds it finds or judges.
        side: Input side in pixels.
        thresholds: Per class, the score from which it counts.
        data_sha256: Of the list of what it was trained on; empty for a detector made elsewhere.
        metrics: Test set -> class -> figures; each has ``ap``, ``low``, ``high`` (95 %), ``n`` and ``positives``.
        licence: SPDX name, and source.
        approved_by: Who lets it judge.
        experimental: True: its judgements are shown as a trial.
    """

    name: str
    version: str
    path: Path
    sha256: str
    format: str
    classes: tuple[str, ...]
    side: int
    thresholds: Mapping[str, float]
    licence: str
    data_sha256: str = ""
    metrics: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    approved_by: str = ""
    experimental: bool = False


KNOWN: Final[Mapping[str, Mapping[str, Any]]] = {
    "695e750a5d5754bb5a8d5325643b59282191a7e7a564e435a415fd3c578eab14": {
        "name": "yolox_nano", "format": "yolox", "classes": ("person",), "side": 416, "thresholds": {"person": 0.35},
        "licence": "Apache-2.0, Kazuhito00/YOLOX-ONNX-TFLite-Sample",
    },
    "4bf5f704cd3bd900645a4303e0934ede13d9fb2135058b38005f4c2886c68576": {
        "name": "person_192", "format": "yolox", "classes": ("person",), "side": 192, "thresholds": {"person": 0.4},
        "licence": "Apache-2.0, Kazuhito00/Person-Detection-using-RaspberryPi-CPU",
    },
    "104ee26c71d5c270ce79a6b3dced91c91013260d29a6bf18f9296c5b8c4c2b12": {
        "name": "yunet", "format": "yunet", "classes": ("face",), "side": 640, "thresholds": {"face": 0.5},
        "licence": "Apache-2.0, ShiqiYu/libfacedetection.train",
    },
}  # fmt: skip
"""Open detectors whose output we can read, by sha256; the files are not part of the product."""


def sha256_of(path: Path) -> str:
    """Hex sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read(folder: Path) -> list[Model]:
    """Models of one registry, in the order of registration; none where there is no registry.

    Raises:
        Permanent: The registry cannot be read.
    """
    listed = folder / _FILE
    if not listed.exists():
        return []
    try:
        rows = json.loads(listed.read_text(encoding="utf8"))["models"]
        return [
            Model(**(row | {"path": folder / row["path"], "classes": tuple(row["classes"])})) for row in rows
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise Permanent(
            f"{listed}: unreadable registry of models ({error}); restore it from a backup"
        ) from error


def write(folder: Path, models: Iterable[Model]) -> None:
    """Replace a registry in one step."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [asdict(one) | {"path": one.path.name} for one in models]
    made = folder / f"{_FILE}.new"
    made.write_text(json.dumps({"models": rows}, ensure_ascii=False, indent=1) + "\n", encoding="utf8")
    made.replace(folder / _FILE)


def checked(model: Model) -> Model:
    """The model, once its file is known to be the registered one.

    Raises:
        Permanent: The file is missing or is another one.
    """
    if not model.path.is_file():
        raise Permanent(
            f"model {model.name}: {model.path} is missing; restore the file or add the model again"
        )
    found = sha256_of(model.path)
    if found != model.sha256:
        raise Permanent(
            f"model {model.name}: {model.path} has sha256 {found[:12]}, registered is {model.sha256[:12]}; "
            "a file that is not registered is never opened: restore it or add it"
        )
    return model


def listed(home: Path | None) -> list[Model]:
    """All models, the shipped ones first, then the home's."""
    return read(SHIPPED) + ([] if home is None else read(home / "models"))


def active(home: Path | None, *, only: Iterable[str] = ()) -> dict[str, Model]:
    """The model at work per class: the last one registered that finds or judges it.

    Args:
        home: Data home; None for the shipped models alone.
        only: Names; when given, only these models are considered.

    Raises:
        Permanent: A named model is not registered, or a file is not the registered one.
    """
    models, wanted = listed(home), set(only)
    unknown = wanted - {one.name for one in models}
    if unknown:
        raise Permanent(
            f"no model {', '.join(sorted(unknown))}; `canteen vision models` lists those registered"
        )
    chosen = {kind: one for one in models if not wanted or one.name in wanted for kind in one.classes}
    return {kind: checked(one) for kind, one in chosen.items()}


def falls(new: Model, before: Mapping[str, Model]) -> list[str]:
    """Classes that would lose more than two points on a test set both were measured on, as text."""
    lost = []
    for kind in new.classes:
        old = before.get(kind)
        for test_set, figures in new.metrics.items():
            known = {} if old is None else old.metrics.get(test_set, {})
            if kind in figures and kind in known and figures[kind]["ap"] < known[kind]["ap"] - MAX_DROP:
                lost.append(f"{kind} {known[kind]['ap']:.3f} -> {figures[kind]['ap']:.3f} ({test_set})")
    return lost


def promote(home: Path, model: Model, before: Mapping[str, Model] | None = None) -> Model:
    """Register a model in the home and let it judge; its file is copied there.

    Args:
        home: Data home.
        model: With the path of the file to copy.
        before: Model per class that it is held against; by default those at work, with their registered figures.

    Returns:
        The model as registered.

    Raises:
        Permanent: Its hash is wrong, its format unknown, or a class drops more than two points.
    """
    checked(model)
    if model.format not in _FORMATS:
        raise Permanent(f"model {model.name}: unknown format {model.format}; known are {', '.join(_FORMATS)}")
    lost = falls(model, active(home) if before is None else before)
    if lost:
        raise Permanent(
            f"model {model.name} refused: more than {MAX_DROP:.0%} lost in {'; '.join(lost)}; train on more data"
        )
    folder = home / "models"
    folder.mkdir(parents=True, exist_ok=True)
    copied = replace(model, path=folder / f"{model.sha256[:16]}.onnx")
    shutil.copyfile(model.path, copied.path)
    write(folder, [one for one in read(folder) if one.name != copied.name] + [copied])
    return copied


def add(home: Path, file: Path, *, approved_by: str) -> Model:
    """Register an ONNX file: a known open detector, or one with its card (``FILE.json``) beside it.

    Args:
        home: Data home.
        file: The ONNX file.
        approved_by: Who lets it judge.

    Raises:
        Permanent: The file is no ONNX file, is unknown and has no card, or is not promoted.
    """
    return promote(home, replace(described(file), approved_by=approved_by))


def described(file: Path) -> Model:
    """The model in an ONNX file: a known open detector, or one with its card (``FILE.json``) beside it.

    Args:
        file: The ONNX file.

    Raises:
        Permanent: The file is no ONNX file, or is unknown and has no card.
    """
    if file.suffix != ".onnx":
        raise Permanent(f"{file}: only ONNX files are opened; export the weights with `canteen vision train`")
    if not file.is_file():
        raise Permanent(f"{file}: no such file")
    found, card = sha256_of(file), file.with_name(file.name + ".json")
    if found in KNOWN:
        told = dict(KNOWN[found])
    elif card.exists():
        try:
            told = json.loads(card.read_text(encoding="utf8"))
        except ValueError as error:
            raise Permanent(f"{card}: no JSON ({error})") from error
    else:
        raise Permanent(
            f"{file}: sha256 {found[:12]} is unknown; describe the model in {card.name} beside it"
        )
    given = {"version": "1"} | told | {"path": file, "sha256": found}
    try:
        return Model(**(given | {"classes": tuple(given["classes"])}))
    except (TypeError, KeyError) as error:
        raise Permanent(f"{card}: incomplete card ({error})") from error
