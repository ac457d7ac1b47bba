"""Keys live outside the home, originals are kept once, encrypted and verified."""

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import keys
from ingest.vault import Vault
from warehouse.errors import Permanent

KEY = bytes(range(32))


def test_keys_are_made_once_per_home_and_only_the_owner_may_read_them(tmp_path: Path) -> None:
    first = keys.load(tmp_path / "a")
    assert keys.load(tmp_path / "a") == first
    assert keys.load(tmp_path / "b").vault != first.vault
    assert first.vault != first.person
    path = keys.location(tmp_path / "a")
    assert path.stat().st_mode & 0o777 == 0o600
    assert not path.is_relative_to(tmp_path / "a")
    assert first.vault.hex() not in repr(first)


def test_missing_keys_of_a_home_with_originals_are_not_replaced(tmp_path: Path) -> None:
    Vault(tmp_path / "vault", keys.load(tmp_path).vault).put(b"original")
    keys.location(tmp_path).unlink()
    with pytest.raises(Permanent, match="从备份恢复"):
        keys.load(tmp_path)


def test_a_keys_folder_inside_the_home_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANTEEN_KEYS", str(tmp_path / "keys"))
    with pytest.raises(Permanent, match="CANTEEN_KEYS"):
        keys.load(tmp_path)


def test_keys_that_others_may_read_are_refused(tmp_path: Path) -> None:
    keys.load(tmp_path)
    keys.location(tmp_path).chmod(0o644)
    with pytest.raises(Permanent, match="chmod 600"):
        keys.load(tmp_path)


def test_damaged_keys_are_refused(tmp_path: Path) -> None:
    keys.load(tmp_path)
    keys.location(tmp_path).write_text(json.dumps({"vault": "00"}))
    with pytest.raises(Permanent, match="已损坏"):
        keys.load(tmp_path)


@settings(max_examples=30, deadline=None)
@given(content=st.binary(max_size=5_000))
def test_what_is_put_is_got(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    vault = Vault(tmp_path_factory.mktemp("vault"), KEY)
    sha = vault.put(content)
    assert sha == hashlib.sha256(content).hexdigest()
    assert vault.get(sha) == content


def test_a_large_original_is_kept_in_chunks_and_copied_out(tmp_path: Path) -> None:
    content = bytes(range(256)) * 12_000  # three chunks
    source = tmp_path / "source"
    source.write_bytes(content)
    vault = Vault(tmp_path / "vault", KEY)
    sha = vault.put(source)
    vault.sync()
    vault.copy_to(sha, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == content


def test_an_original_is_kept_once_and_is_not_readable_on_disk(tmp_path: Path) -> None:
    vault = Vault(tmp_path, KEY)
    sha = vault.put(b"secret words " * 100)
    before = vault.path(sha).stat().st_mtime_ns
    assert vault.put(b"secret words " * 100) == sha
    assert vault.path(sha).stat().st_mtime_ns == before
    assert vault.has(sha)
    assert b"secret" not in vault.path(sha).read_bytes()
    assert not list(tmp_path.glob("**/*.tmp"))


@pytest.mark.parametrize("damage", ["flip", "cut", "chunk_lost", "other_original", "other_key"])
def test_a_changed_original_is_noticed(damage: str, tmp_path: Path) -> None:
    vault = Vault(tmp_path, KEY)
    sha = vault.put(bytes(3 << 20))
    path = vault.path(sha)
    kept = path.read_bytes()
    if damage == "flip":
        path.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    elif damage == "cut":
        path.write_bytes(kept[:-10])
    elif damage == "chunk_lost":
        chunk = (len(kept) - 16) // 3
        path.write_bytes(kept[:-chunk])
    elif damage == "other_original":
        path.write_bytes(vault.path(vault.put(b"another")).read_bytes())
    else:
        vault = Vault(tmp_path, bytes(32))
    with pytest.raises(Permanent, match="无法解密"):
        vault.get(sha)


def test_an_original_that_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="从备份恢复"):
        Vault(tmp_path, KEY).get("0" * 64)
