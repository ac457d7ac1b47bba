"""One ONNX file opened for inference on one thread.

Belongs here: the runtime and its settings. Cameras run in parallel as processes, so a model never takes more than
one core.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort


class Session:
    """An opened model with one input."""

    def __init__(self, path: Path) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        available = ort.get_available_providers()
        wanted = [one for one in ("CUDAExecutionProvider", "CPUExecutionProvider") if one in available]
        self._session = ort.InferenceSession(str(path), options, providers=wanted)
        first = self._session.get_inputs()[0]
        self._name = first.name
        self.shape: tuple[int | str, ...] = tuple(first.shape)
        self.outputs: tuple[str, ...] = tuple(one.name for one in self._session.get_outputs())

    def run(self, batch: np.ndarray) -> list[np.ndarray]:
        """All outputs for one input array."""
        return self._session.run(None, {self._name: batch})
