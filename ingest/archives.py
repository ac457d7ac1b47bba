"""Containers: gzip and zip, recognised by their first bytes, unpacked within limits.

Belongs here: turning one file on disk into the contents it holds. Runs in the child process
(``ingest.child``). A workbook is a zip file and no container: it is its own content. Does not belong
here: what the contents mean.
"""

from __future__ import annotations

import gzip
import hashlib
import stat
import zipfile
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final, Literal

from ingest import limits, sheets
from warehouse.errors import Refused

Container = Literal["plain", "gz", "zip"]

_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_OTHERS: Final = {
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!": "RAR",
    b"\xfd7zXZ": "xz",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"%PDF": "PDF",
    b"PAR1": "Parquet",
}
_ENCRYPTED: Final = 0x1
_UTF8_NAME: Final = 0x800


@dataclass(frozen=True)
class Content:
    """One content of a container, unpacked.

    Attributes:
        name: Name of the member; empty for a gzip file.
        path: Where it was unpacked to.
        sha: sha256 in hex.
    """

    name: str
    path: str
    sha: str


def container_of(head: bytes) -> Container:
    """The container that a file's first bytes announce.

    Raises:
        Refused: ``unreadable``: a format that we do not take.
    """
    if head.startswith(_GZIP):
        return "gz"
    if head.startswith(_ZIP):
        return "zip"
    for magic, name in _OTHERS.items():
        if head.startswith(magic):
            raise Refused(
                "unreadable", f"{name} 格式不在接收范围，请改送 CSV 或 JSON Lines（可用 gz、zip 压缩）"
            )
    return "plain"


def unpack(path: Path, container: Container, folder: Path) -> list[dict[str, Any]]:
    """Unpack a gzip or zip file into a folder.

    Args:
        path: The container.
        container: ``gz`` or ``zip``.
        folder: Empty folder for the contents, which are named by number.

    Returns:
        The contents as dictionaries (``Content``); of a workbook the file itself.

    Raises:
        Refused: Damaged, cut, too large, nested, or with unsafe names. Nothing of it is taken then.
    """
    try:
        contents = _gzip(path, folder) if container == "gz" else _zip(path, folder)
    except EOFError as error:
        raise Refused("truncated", "压缩包在结尾处被截断") from error
    except NotImplementedError as error:  # zipfile read a version or a flag of zip that it cannot unpack
        raise Refused("unreadable", "压缩包用了特殊的 zip 格式，请用系统自带的压缩功能重新打包") from error
    except (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, UnicodeError) as error:
        raise Refused("unreadable", f"压缩包损坏（{type(error).__name__}）") from error
    return [asdict(content) for content in contents]


def _gzip(path: Path, folder: Path) -> list[Content]:
    target = folder / "0"
    with gzip.open(path, "rb") as source:
        sha, _ = _copy(source, target, limits.FILE_BYTES, path.stat().st_size)
    _refuse_nested(target)
    return [Content("", str(target), sha)]


def _zip(path: Path, folder: Path) -> list[Content]:
    # A file that begins as a zip but has no directory at its end was cut.
    if not zipfile.is_zipfile(path):
        raise Refused("truncated", "压缩包缺少结尾目录，文件可能没有传完")
    if sheets.is_workbook(path):
        with path.open("rb") as file:
            return [Content("", str(path), hashlib.file_digest(file, "sha256").hexdigest())]
    contents: list[Content] = []
    total = 0
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        if len(members) > limits.MEMBERS:
            raise Refused("too_large", f"压缩包内有 {len(members)} 个文件，上限 {limits.MEMBERS}")
        for member in members:
            _refuse_unsafe(member)
        if len({member.filename for member in members}) < len(members):
            raise Refused("unreadable", "压缩包内有同名文件")
        for number, member in enumerate(members):
            target = folder / str(number)
            left = min(limits.FILE_BYTES, limits.UNPACKED_BYTES - total)
            with archive.open(member) as source:
                sha, size = _copy(source, target, left, member.compress_size)
            total += size
            _refuse_nested(target)
            contents.append(Content(_name(member), str(target), sha))
    if not contents:
        raise Refused("empty", "压缩包内没有文件")
    return contents


def _refuse_unsafe(member: zipfile.ZipInfo) -> None:
    path = member.filename.replace("\\", "/")
    if path.startswith("/") or ":" in path or ".." in path.split("/"):
        raise Refused("unreadable", "压缩包内的文件名指向压缩包之外")
    if member.flag_bits & _ENCRYPTED:
        raise Refused("unreadable", "压缩包有密码，请不加密重新打包")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Refused("unreadable", "压缩方法不是 deflate，请用系统自带的压缩功能重新打包")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise Refused("unreadable", "压缩包内有符号链接")


def _name(member: zipfile.ZipInfo) -> str:
    """Name of a member; Chinese Windows writes GBK without saying so, and zipfile reads CP437."""
    if member.flag_bits & _UTF8_NAME:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("gb18030")
    except UnicodeError:
        return member.filename


def _refuse_nested(path: Path) -> None:
    with path.open("rb") as file:
        is_plain = container_of(file.read(16)) == "plain"
    if not is_plain and not sheets.is_workbook(path):
        raise Refused("unreadable", "压缩包内还有压缩包，请只压缩一层")


def _copy(source: IO[bytes] | gzip.GzipFile, target: Path, most: int, packed: int) -> tuple[str, int]:
    digest = hashlib.sha256()
    size = 0
    with target.open("wb") as sink:
        while block := source.read(limits.MIB):
            size += len(block)
            if size > most:
                raise Refused("too_large", f"解压后超过 {most // limits.MIB} MB")
            if size > limits.RATIO_FLOOR and size > packed * limits.RATIO:
                raise Refused("too_large", f"压缩比超过 {limits.RATIO} 倍")
            digest.update(block)
            sink.write(block)
    return digest.hexdigest(), size
