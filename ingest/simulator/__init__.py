"""The synthetic city: files as real systems send them, and the truth of what was planted in them.

Belongs here: a world that acts, reports of it with their defects, and the oracle. Shares no code with
what detects. ``simulate`` writes landing files; ``history.frames`` yields a clean city's long past.
"""

from ingest.simulator.simulate import simulate

__all__ = ["simulate"]
