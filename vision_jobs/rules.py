"""The rules of kitchen video as a validated, versioned configuration.

Belongs here: reading ``rules.yaml``, what a camera's own entry changes, and the hash that is the configuration
version. How a rule is applied stands in ``events``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from vision_jobs.model import Zone
from warehouse.errors import Permanent

FILE: Final = Path(__file__).with_name("rules.yaml")
ZoneKind = Literal["cutting", "cooking", "stove", "stove_attendance", "sampling", "dishwashing", "floor"]

_Seconds = Annotated[float, Field(ge=0, le=86_400)]
_Positive = Annotated[float, Field(gt=0, le=86_400)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Count = Annotated[int, Field(ge=1, le=1000)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Sampling(_Strict):
    """How the first pass looks at a film."""

    every_s: _Positive
    forced_s: _Positive
    gap_s: _Positive
    dark: Annotated[float, Field(ge=0, le=255)]


class Tracking(_Strict):
    """When two boxes are the same person."""

    gap_s: _Positive
    iou: _Share
    reach: _Positive
    reach_per_s: _Seconds
    samples: _Count


class Burst(_Strict):
    """How the second pass looks around a candidate."""

    around_s: Annotated[float, Field(gt=0, le=60)]
    fps: Annotated[float, Field(gt=0, le=25)]
    again_s: _Seconds


class PersonRule(_Strict):
    """A rule judged on the track of a person."""

    crop: Literal["person", "face"]
    crop_px: _Count
    zones: tuple[ZoneKind, ...]
    window_s: _Positive
    samples: _Count
    positives: _Count
    share: _Share
    dwell_s: _Seconds
    close_share: _Share
    close_s: _Positive
    burst: bool

    @model_validator(mode="after")
    def _hysteresis(self) -> PersonRule:
        if self.close_share >= self.share:
            raise ValueError("close_share must lie below share, else an event flutters")
        if self.positives > self.samples:
            raise ValueError("positives cannot exceed samples")
        return self


class FlameRule(_Strict):
    """The rule of the unattended flame."""

    absent_s: _Positive
    present_s: _Seconds
    of: _Count
    positives: _Count
    window_s: _Positive
    off_s: _Positive
    forget_s: _Positive
    burst_share: _Share
    flicker: Annotated[float, Field(ge=0, le=255)]

    @model_validator(mode="after")
    def _possible(self) -> FlameRule:
        if self.positives > self.of:
            raise ValueError("positives cannot exceed of")
        return self


class EvidenceRule(_Strict):
    """What evidence is made of and how long it is kept."""

    clip_s: Annotated[float, Field(gt=0, le=10)]
    fps: Annotated[float, Field(gt=0, le=25)]
    height: Annotated[int, Field(ge=120, le=1080)]
    blur: bool
    retention_days: dict[str, Annotated[int, Field(ge=1, le=3650)]]


class CameraRules(_Strict):
    """The rules that hold for one camera."""

    sampling: Sampling
    tracks: Tracking
    burst: Burst
    cool_down_s: _Seconds
    people: dict[str, PersonRule]
    flame_unattended: FlameRule
    evidence: EvidenceRule

    @model_validator(mode="after")
    def _kept(self) -> CameraRules:
        missing = {*self.people, "flame_unattended"} - set(self.evidence.retention_days)
        if missing:
            raise ValueError(f"evidence.retention_days lacks {'、'.join(sorted(missing))}")
        return self

    def version(self, zones: Sequence[Zone]) -> str:
        """Hash of these rules and a camera's zones, hex, first 16: the configuration version of its events."""
        content = [self.model_dump(mode="json"), sorted([z.zone_id, z.kind, z.polygon] for z in zones)]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


class Rules:
    """The rules of all cameras.

    Attributes:
        general: What holds where a camera has no entry of its own.
    """

    def __init__(self, content: Mapping[str, Any], name: str) -> None:
        general = dict(content)
        cameras = general.pop("cameras", None) or {}
        self.general = _validated(general, name)
        self._cameras = {
            str(camera): _validated(_merged(general, own), f"{name}, camera {camera}")
            for camera, own in cameras.items()
        }

    def of(self, camera_id: str) -> CameraRules:
        """The rules of a camera."""
        return self._cameras.get(camera_id, self.general)


def load(path: Path = FILE) -> Rules:
    """Read and validate a rules file.

    Raises:
        Permanent: It is not such a file; the message names the entry that is wrong.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf8"))
    except yaml.YAMLError as error:
        raise Permanent(f"{path.name} is not YAML: {error}; correct it") from error
    if not isinstance(content, dict):
        raise Permanent(f"{path.name} holds no rules: start from the file that comes with the product")
    return Rules(content, path.name)


def _merged(general: Mapping[str, Any], own: Any) -> dict[str, Any]:
    if not isinstance(own, Mapping):
        raise Permanent(f"rules of a camera must be entries of the rules, not {own!r}")
    return {
        **general,
        **{
            key: _merged(general[key], value) if isinstance(general.get(key), Mapping) else value
            for key, value in own.items()
        },
    }


def _validated(content: Mapping[str, Any], name: str) -> CameraRules:
    try:
        return CameraRules.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Permanent(f"{name}: {where or 'rules'}: {first['msg']}; correct the entry") from error
