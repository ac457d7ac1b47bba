"""A measured command is charged what it takes, and nothing of who measures it."""

import mmap

import pytest

from pipelines.measures import apart

MB = 1024 * 1024


@pytest.fixture
def much_memory() -> mmap.mmap:
    """Three hundred megabytes of this process that are really there."""
    held = mmap.mmap(-1, 300 * MB)
    for page in range(0, len(held), mmap.PAGESIZE):
        held[page] = 1
    return held


def test_the_memory_of_who_measures_is_not_the_commands(much_memory: mmap.mmap) -> None:
    assert apart.peak_gb() > 0.3
    cost, _ = apart.run(["-c", "pass"])
    assert 0.005 < cost.peak_gb < 0.1


def test_the_largest_process_below_the_command_counts() -> None:
    script = (
        "import subprocess, sys; subprocess.run([sys.executable, '-c', 'x = bytearray(200 * 1024 * 1024)'])"
    )
    cost, _ = apart.run(["-c", script])
    assert 0.2 < cost.peak_gb < 0.3


def test_time_and_words_are_the_commands() -> None:
    script = "import os, time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass\nprint(os.environ['A'])"
    cost, said = apart.run(["-c", script], {"A": "heard"})
    assert 0.3 <= cost.cpu_s < 1
    assert cost.wall_s >= 0.3
    assert said == "heard\n"


def test_a_command_that_fails_is_not_measured() -> None:
    with pytest.raises(RuntimeError, match="why it failed"):
        apart.run(["-c", "raise SystemExit('why it failed')"])
