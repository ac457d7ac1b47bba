"""The vault: every original once, by the sha256 of its content, compressed and encrypted.

Belongs here: writing an original durably and reading it back verified. Does not belong here: what an
original means, and when it may be deleted (retention).

A vault file is a magic line, then chunks: length (4 bytes), nonce (12 bytes), AES-256-GCM ciphertext
of plain length (4 bytes) + zstd. The associated data (content sha256, chunk number, whether it is the
last) makes chunks of other files, other places or cut files fail.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ingest.limits import MIB
from warehouse.errors import Permanent

_MAGIC: Final = b"canteen vault 1\n"
_CHUNK: Final = MIB
_NONCE: Final = 12
_LENGTH: Final = struct.Struct(">I")


class Vault:
    """Encrypted originals in a folder.

    Attributes:
        folder: Root; an original is ``<first two hex digits>/<sha256>``.
    """

    def __init__(self, folder: Path, key: bytes) -> None:
        self.folder = folder
        self._cipher = AESGCM(key)
        self._codec = pa.Codec("zstd", compression_level=3)
        self._unsynced: set[Path] = set()

    def path(self, sha: str) -> Path:
        """Where an original is kept."""
        return self.folder / sha[:2] / sha

    def has(self, sha: str) -> bool:
        """Whether an original is kept."""
        return self.path(sha).exists()

    def put(self, original: bytes | Path) -> str:
        """Keep an original; one that is already there is not written again.

        The file itself is on disk when this returns; call ``sync`` once per batch for its folder.

        Args:
            original: The content, or a file that holds it.

        Returns:
            Its sha256 in hex.
        """
        with _opened(original) as source:
            sha = hashlib.file_digest(source, "sha256").hexdigest()
            target = self.path(sha)
            if target.exists():
                return sha
            target.parent.mkdir(parents=True, exist_ok=True)
            source.seek(0)
            draft = target.with_name(f"{sha}.tmp")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as sink:
                sink.write(_MAGIC)
                for chunk in self._encrypted(source, sha):
                    sink.write(chunk)
                sink.flush()
                os.fsync(sink.fileno())
            draft.rename(target)
            self._unsynced.update((target.parent, self.folder))
        return sha

    def sync(self) -> None:
        """Make the names of everything put so far durable."""
        for folder in self._unsynced:
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        self._unsynced.clear()

    def get(self, sha: str) -> bytes:
        """The content of an original.

        Raises:
            Permanent: It is not there, was changed, or the key is another one.
        """
        return b"".join(self._verified(sha))

    def copy_to(self, sha: str, target: Path) -> None:
        """Write the content of an original to a file, a chunk at a time.

        Raises:
            Permanent: As ``get``.
        """
        with target.open("wb") as sink:
            for chunk in self._verified(sha):
                sink.write(chunk)

    def _encrypted(self, source: BinaryIO, sha: str) -> Iterator[bytes]:
        number, chunk = 0, source.read(_CHUNK)
        while True:
            following = source.read(_CHUNK)
            plain = _LENGTH.pack(len(chunk)) + bytes(self._codec.compress(chunk, asbytes=True))
            nonce = os.urandom(_NONCE)
            cipher = self._cipher.encrypt(nonce, plain, _bound_to(sha, number, last=not following))
            yield _LENGTH.pack(len(cipher)) + nonce + cipher
            if not following:
                return
            number, chunk = number + 1, following

    def _verified(self, sha: str) -> Iterator[bytes]:
        path = self.path(sha)
        if not path.exists():
            raise Permanent(f"原件 {sha} 不在 {self.folder} 中，请从备份恢复")
        digest = hashlib.sha256()
        try:
            with path.open("rb") as file:
                for chunk in self._decrypted(file, sha, path.stat().st_size):
                    digest.update(chunk)
                    yield chunk
        except (InvalidTag, struct.error, ValueError, OSError) as error:
            raise Permanent(f"原件 {path} 无法解密：文件损坏或密钥不符，请从备份恢复原件或密钥") from error
        if digest.hexdigest() != sha:
            raise Permanent(f"原件 {path} 的内容与其指纹不符，请从备份恢复")

    def _decrypted(self, file: BinaryIO, sha: str, size: int) -> Iterator[bytes]:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ValueError("not a vault file")
        number, last = 0, False
        while not last:
            (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
            nonce, cipher = file.read(_NONCE), file.read(length)
            last = file.tell() == size
            plain = self._cipher.decrypt(nonce, cipher, _bound_to(sha, number, last=last))
            (plain_length,) = _LENGTH.unpack(plain[: _LENGTH.size])
            yield bytes(self._codec.decompress(plain[_LENGTH.size :], plain_length, asbytes=True))
            number += 1


def _opened(original: bytes | Path) -> io.BufferedReader | io.BytesIO:
    return io.BytesIO(original) if isinstance(original, bytes) else original.open("rb")


def _bound_to(sha: str, number: int, *, last: bool) -> bytes:
    return bytes.fromhex(sha) + struct.pack(">Q?", number, last)
