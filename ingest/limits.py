"""Limits of the door, so that no file can exhaust the machine.

Belongs here: numbers only. A file beyond a limit is refused whole.
"""

from __future__ import annotations

from typing import Final

MIB: Final = 1 << 20

FILE_BYTES: Final = 256 * MIB
"""Largest file on disk, and largest content after unpacking."""
UNPACKED_BYTES: Final = 512 * MIB
"""Largest sum of the members of one archive."""
MEMBERS: Final = 1_000
"""Most members of one archive."""
RATIO: Final = 200
"""Largest unpacked/packed ratio, looked at beyond ``RATIO_FLOOR`` bytes."""
RATIO_FLOOR: Final = 16 * MIB
ROWS: Final = 3_000_000
COLUMNS: Final = 200
LINE_BYTES: Final = MIB
CONTROL_BYTES: Final = 4 * MIB

BLOCK_BYTES: Final = 4 * MIB
"""How much of a file is held in memory at a time."""

WALL_SECONDS: Final = 30
CPU_SECONDS: Final = 30
MEMORY_BYTES: Final = 3 << 30
"""Address space of the child process."""
OUTPUT_BYTES: Final = 2 << 30
"""Largest file that the child process may write."""
