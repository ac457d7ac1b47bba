"""./canteen: an environment is made from the lock, once, whole, and only when the lock changed.

The launcher runs here in a copy of the project whose locks name no package, so nothing is downloaded.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLAIN = {
    # A version manager's shim would put its own folder, and its uv, first on PATH.
    "CANTEEN_PYTHON": str(Path(sys.base_prefix) / "bin" / "python3.11"),
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_NO_INDEX": "1",
    "PIP_FIND_LINKS": "",
    "UV_OFFLINE": "1",
}
UV = """#!/bin/sh
for lock; do :; done
[ "$1" = --version ] || ! grep -q '==' "$lock"
"""
"""A uv that knows no package: ``uv pip install ... -r LOCK`` fails where the lock names one."""
ECHO = """
import json, os, sys
wanted = ("PYTHONPATH", "DO_NOT_TRACK", "DBT_SEND_ANONYMOUS_USAGE_STATS", "GX_ANALYTICS_ENABLED")
print(json.dumps({"argv": sys.argv[1:], "python": sys.executable, "cwd": os.getcwd(),
                  **{name: os.environ.get(name) for name in wanted}}))
"""


@pytest.fixture(scope="module", autouse=True)
def uv(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Environments are made by ``UV``, unless a test says otherwise."""
    tool = tmp_path_factory.mktemp("uv") / "uv"
    tool.write_text(UV, "utf8")
    tool.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
        yield


def make_project(folder: Path) -> Path:
    """A project with the real launcher, empty locks and a command line that repeats what it was given."""
    (folder / "pipelines" / "cli").mkdir(parents=True)
    (folder / "requirements").mkdir()
    shutil.copy2(ROOT / "canteen", folder / "canteen")
    for kind in ("product", "dev", "superset", "torch"):
        (folder / "requirements" / f"{kind}.lock").write_text("# first\n", "utf8")
    (folder / "pipelines" / "__init__.py").touch()
    (folder / "pipelines" / "cli" / "__init__.py").touch()
    (folder / "pipelines" / "cli" / "__main__.py").write_text(ECHO, "utf8")
    return folder


def start(launcher: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(launcher), *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **PLAIN, **environment},
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose environment has been made."""
    folder = make_project(tmp_path_factory.mktemp("launcher") / "canteen lakehouse")
    first = start(folder / "canteen", "status")
    assert first.returncode == 0, first.stderr
    assert "建立 Python 环境" in first.stderr
    return folder


def test_second_start_makes_nothing_and_works_through_a_symlink_from_anywhere(
    project: Path, tmp_path: Path
) -> None:
    link = tmp_path / "canteen"
    link.symlink_to(project / "canteen")
    done = subprocess.run(
        [str(link), "query", "select 1", "--json"], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    told = json.loads(done.stdout)
    assert done.stderr == ""
    assert told["argv"] == ["query", "select 1", "--json"]
    assert told["cwd"] == str(tmp_path)
    assert Path(told["python"]) == project / ".venv" / "bin" / "python"


def test_started_processes_find_our_packages_and_report_to_nobody(project: Path) -> None:
    told = json.loads(start(project / "canteen", "status", PYTHONPATH="/elsewhere").stdout)
    assert told["PYTHONPATH"] == str(project)
    assert (told["DO_NOT_TRACK"], told["DBT_SEND_ANONYMOUS_USAGE_STATS"]) == ("1", "false")
    assert told["GX_ANALYTICS_ENABLED"] == "false"


def test_only_the_test_command_asks_for_development_tools(project: Path) -> None:
    assert not (project / ".venv" / "stamp-dev").exists()
    assert "开发工具" in start(project / "canteen", "--home", "test", "--json", "test").stderr
    assert start(project / "canteen", "test").stderr == ""


def test_only_what_starts_or_tests_the_cockpit_makes_its_environment(tmp_path: Path) -> None:
    folder = make_project(tmp_path / "project")
    environment = folder / ".venv-superset"
    for words in (
        ("status",),
        ("--home", "serve", "query", "x"),
        ("demo", "--no-serve"),
        ("serve", "--help"),
    ):
        assert "superset.lock" not in start(folder / "canteen", *words).stderr
        assert not environment.exists(), words
    assert "requirements/superset.lock" in start(folder / "canteen", "--json", "serve").stderr
    assert (environment / "stamp-superset").exists()
    for words in (("demo",), ("--home", "x", "serve", "--port", "1"), ("test",)):
        assert "superset.lock" not in start(folder / "canteen", *words).stderr
    (folder / "requirements" / "superset.lock").write_text("# second\n", "utf8")
    told = start(folder / "canteen", "demo").stderr
    assert "requirements/superset.lock" in told
    assert "product.lock" not in told


def test_only_what_trains_asks_for_torch_and_a_build_for_gpus_is_refused(tmp_path: Path) -> None:
    folder = make_project(tmp_path / "project")
    for words in (("status",), ("demo", "--no-serve"), ("query", "vision")):
        assert "torch" not in start(folder / "canteen", *words).stderr, words
    assert "torch.lock" in start(folder / "canteen", "vision", "models").stderr
    assert start(folder / "canteen", "vision", "models").stderr == ""
    wheel = next((folder / ".venv" / "lib").glob("python*/site-packages")) / "torch-2.dist-info"
    wheel.mkdir()
    (wheel / "METADATA").write_text("Name: torch\nVersion: 2\nRequires-Dist: nvidia-cublas\n", "utf8")
    (folder / "requirements" / "torch.lock").write_text("# second\n", "utf8")
    refused = start(folder / "canteen", "vision", "models")
    assert refused.returncode == 1
    assert "CANTEEN_TORCH_INDEX" in refused.stderr.splitlines()[-1]
    assert start(folder / "canteen", "vision", "models", CANTEEN_TORCH_CUDA="yes").returncode == 0


def test_failed_cockpit_environment_leaves_the_products_own(tmp_path: Path) -> None:
    folder = make_project(tmp_path / "project")
    (folder / "requirements" / "superset.lock").write_text("no-such-package-here==1.0\n", "utf8")
    failed = start(folder / "canteen", "serve")
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith("canteen: 环境没有建成")
    assert not (folder / ".venv-superset" / "stamp-superset").exists()
    assert start(folder / "canteen", "status").returncode == 0


def test_changed_lock_or_missing_stamp_means_a_new_environment_also_with_two_starts_at_once(
    tmp_path: Path,
) -> None:
    folder = make_project(tmp_path / "project")
    half_made = folder / ".venv" / "bin" / "python"
    half_made.parent.mkdir(parents=True)
    half_made.write_text("#!/bin/sh\nexit 7\n", "utf8")
    half_made.chmod(0o755)
    both = [
        subprocess.Popen(
            [str(folder / "canteen"), "status"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **PLAIN},
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("建立 Python 环境" in text for text in said) == 1

    (folder / "requirements" / "product.lock").write_text("# second\n", "utf8")
    assert "建立 Python 环境" in start(folder / "canteen", "status").stderr
    assert start(folder / "canteen", "status").stderr == ""


def test_failed_installation_is_told_and_never_taken_for_an_environment(tmp_path: Path) -> None:
    folder = make_project(tmp_path / "project")
    (folder / "requirements" / "product.lock").write_text("no-such-package-here==1.0\n", "utf8")
    failed = start(folder / "canteen", "status")
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith("canteen: 环境没有建成")
    assert not (folder / ".venv" / "stamp-product").exists()


def test_without_python_there_is_one_clear_line(tmp_path: Path) -> None:
    folder = make_project(tmp_path / "project")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "dirname", "cmp", "readlink"):
        (tools / name).symlink_to(shutil.which(name) or name)
    done = start(folder / "canteen", "status", PATH=str(tools), CANTEEN_PYTHON="")
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert "Python 3.11" in done.stderr


def test_without_uv_pip_makes_the_environment(tmp_path: Path) -> None:
    folder = make_project(tmp_path / "project")
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "uv").write_text("#!/bin/sh\nexit 127\n", "utf8")
    (tools / "uv").chmod(0o755)
    done = start(folder / "canteen", "status", PATH=f"{tools}:{os.environ['PATH']}")
    assert done.returncode == 0, done.stderr
    assert "改用 pip" in done.stderr


def test_development_lock_holds_every_pin_of_the_product() -> None:
    pins = {
        kind: set((ROOT / "requirements" / f"{kind}.lock").read_text("utf8").split())
        for kind in ("product", "dev")
    }
    assert pins["product"] <= pins["dev"]
