"""The door: landing files to originals, receipts and parsed frames.

Belongs here: what the pipeline calls. No table is opened: the caller passes known receipts in and
commits the new ones. A kill at any point is repaired by running again: what has no receipt is taken
again, what is in the vault is not written again.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from ingest import keys, landing, providers, receipts
from ingest.intake import Intake, Memory, fresh, read, stem_of
from ingest.landing import Folder
from ingest.reading import frame_path
from ingest.vault import Vault
from ingest.worker import Worker
from warehouse.errors import Permanent, Refused, Transient

Progress = Callable[[str], None]
_ARROW_END: Final = b"ARROW1"


@dataclass(frozen=True)
class Received:
    """What one run of the door took in.

    Attributes:
        receipts: New receipts, columns of ``receipts.RECEIPT``; ``batch`` is still null.
    """

    receipts: pl.DataFrame


@dataclass(frozen=True)
class Parsed:
    """One feed of one received file.

    Attributes:
        receipt: The receipt as a row.
        feed: Feed.
        path: Arrow file of the frame.
    """

    receipt: dict[str, Any]
    feed: str
    path: Path

    def load(self) -> pl.DataFrame:
        """Text columns of the feed's contract (persons masked) and ``_row``."""
        return pl.read_ipc(self.path)


def receive(
    home: Path,
    landing_root: Path,
    up_to: dt.date,
    known: pl.DataFrame,
    progress: Progress,
    on_kept: Callable[[], None] | None = None,
) -> Received:
    """Take every landing file that arrived up to a day and has no receipt yet.

    Args:
        home: The data home.
        landing_root: Folder of ``<provider>/<arrival date>/<file>``.
        up_to: Last day of arrival.
        known: All earlier receipts.
        progress: Told what is being done.
        on_kept: Called after each original is in the vault (crash tests stop there).

    Raises:
        Permanent: Keys or registrations are wrong.
        Transient: The disk failed; nothing is lost, run again.
    """
    folders = landing.walk(landing_root, up_to, providers.load_all(home))
    return _take(home, folders, known, progress, on_kept=on_kept)


def receive_paths(
    home: Path,
    paths: Sequence[Path],
    provider: str,
    arrival_date: dt.date,
    known: pl.DataFrame,
    progress: Progress,
    releases: str | None = None,
) -> Received:
    """Take single files or folders, as if they lay in the provider's folder of a day.

    Args:
        home: The data home.
        paths: Files, or folders whose files are taken (with their ``control.json``).
        provider: Who delivered them.
        arrival_date: Day of arrival.
        known: All earlier receipts.
        progress: Told what is being done.
        releases: ``<file>:<row>`` that the files correct; they are then in the standard pack with
            pseudonyms (column ``person_hash``).

    Raises:
        Permanent: The provider is not registered, or a path does not exist.
        Transient: The disk failed; nothing is lost, run again.
    """
    place = f"{providers.get(provider, home).provider}/{arrival_date}"
    folders = []
    for path in paths:
        if not path.exists():
            raise Permanent(f"{path} 不存在，请核对路径")
        if path.is_dir():
            folders.append(landing.folder(path, provider, arrival_date, place))
        else:
            one = landing.entry(path, provider, arrival_date, f"{place}/{path.name}")
            folders.append(Folder(provider, arrival_date, place, [one]))
    return _take(home, folders, known, progress, releases=releases, skips_seen=False)


def _take(
    home: Path, folders: Iterable[Folder], known: pl.DataFrame, progress: Progress, **options: Any
) -> Received:
    secrets = keys.load(home)
    vault = Vault(home / "vault", secrets.vault)
    rows: list[dict[str, Any]] = []
    try:
        with Worker(secrets.person, home=home) as worker:
            intake = Intake(
                home,
                vault,
                worker,
                Memory.of(known),
                provider_of=lambda name: providers.get(name, home),
                **options,
            )
            for folder in folders:
                taken = intake.take(folder)
                rows += taken
                if taken:
                    progress(f"收件 {folder.path}：{len(taken)} 个文件")
        vault.sync()
    except OSError as error:
        raise Transient(f"收件中断：{error}；已保存的原件不会丢失，排除故障后重新运行即可") from error
    finally:
        shutil.rmtree(home / "scratch" / "incoming", ignore_errors=True)
    return Received(receipts.frame(rows))


def parsed(home: Path, received: pl.DataFrame) -> Iterator[Parsed]:
    """The frames of received files, in the order of the receipts.

    A frame that is no longer in scratch is made again from the vault.

    Args:
        home: The data home.
        received: Receipts with status ``received``.

    Raises:
        Permanent: An original is gone or damaged, or its layout is no longer known.
    """
    secrets = keys.load(home)
    vault = Vault(home / "vault", secrets.vault)
    with Worker(secrets.person, home=home) as worker:
        for receipt in received.iter_rows(named=True):
            feeds = receipt["feeds"].split(",")
            stem = stem_of(home, receipt["provider"], receipt["file_id"])
            if not all(_is_whole(frame_path(stem, feed)) for feed in feeds):
                _read_again(home, vault, worker, receipt)
            for feed in feeds:
                yield Parsed(receipt, feed, frame_path(stem, feed))


def clear_parsed(home: Path) -> None:
    """Delete the parsed frames; they are made again from the vault when they are needed."""
    shutil.rmtree(home / "scratch" / "parsed", ignore_errors=True)


def _read_again(home: Path, vault: Vault, worker: Worker, receipt: dict[str, Any]) -> None:
    incoming = fresh(home / "scratch" / "incoming")
    copy = incoming / "original"
    vault.copy_to(receipt["file_id"], copy)
    provider = providers.get(receipt["provider"], home)
    stem = stem_of(home, receipt["provider"], receipt["file_id"])
    try:
        read(worker, copy, provider, stem, receipt["releases"])
    except Refused as refused:
        raise Permanent(
            f"{receipt['path']} 曾被接收，现在无法重新解析（{refused}）：请恢复其版式定义后重新运行"
        ) from refused
    shutil.rmtree(incoming)


def _is_whole(path: Path) -> bool:
    """Whether a frame is there to its end; a power failure may leave a part."""
    if not path.exists() or path.stat().st_size < len(_ARROW_END):
        return False
    with path.open("rb") as file:
        file.seek(-len(_ARROW_END), 2)
        return file.read() == _ARROW_END
