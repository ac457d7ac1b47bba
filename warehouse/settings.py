"""Where a data home is and which profile it runs in.

Belongs here: paths of a data home, the profile, and the refusal of anything unknown. Nothing reads
the environment at import. There is no fallback between profiles.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, cast, get_args

from warehouse.errors import Permanent

Profile = Literal["demo", "dev", "prod"]
ROOT: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """A data home and its profile.

    Attributes:
        home: Folder of all data and state.
        profile: demo, dev or prod.
        home_id: Random name of the home, which its keys are filed under.
    """

    home: Path
    profile: Profile
    home_id: str

    @property
    def vault(self) -> Path:
        """Encrypted originals."""
        return self.home / "vault"

    @property
    def scratch(self) -> Path:
        """What can be made again from the vault and the tables."""
        return self.home / "scratch"

    @property
    def build(self) -> Path:
        """The DuckDB file that dbt builds in; a cache (DESIGN decision 5)."""
        return self.home / "build" / "build.duckdb"

    @property
    def serving(self) -> Path:
        """Symlink to the serving file that readers open."""
        return self.home / "serving" / "serving.duckdb"

    @property
    def publications(self) -> Path:
        """Manifests, one JSON file per publication."""
        return self.home / "publish"

    def table(self, name: str) -> Path:
        """Folder of a Delta table.

        Args:
            name: ``layer.table``, e.g. ``silver.purchase``.
        """
        layer, _, table = name.partition(".")
        return self.home / layer / table


def load(home: Path | str) -> Settings:
    """Open a data home, making it on first use.

    Args:
        home: Folder of the data home.

    Raises:
        Permanent: The profile is unknown, or another one than the home was made with.
    """
    folder = Path(home).resolve()
    wanted = os.environ.get("CANTEEN_PROFILE")
    marker = folder / "home.json"
    if marker.exists():
        made = json.loads(marker.read_text("utf8"))
        profile = made["profile"]
        if wanted is not None and wanted != profile:
            raise Permanent(
                f"{folder} 建于 {profile} 环境，而 CANTEEN_PROFILE 是 {wanted}：请用 --home 另选数据目录"
            )
        return Settings(folder, _known(profile), made["home_id"])
    profile = _known(wanted if wanted is not None else "demo")
    folder.mkdir(parents=True, exist_ok=True)
    home_id = secrets.token_hex(8)
    draft = marker.with_suffix(".tmp")
    draft.write_text(json.dumps({"home_id": home_id, "profile": profile}), "utf8")
    draft.replace(marker)
    return Settings(folder, profile, home_id)


def _known(profile: str) -> Profile:
    if profile not in get_args(Profile):
        raise Permanent(f"未知的环境 {profile!r}：CANTEEN_PROFILE 可为 {'、'.join(get_args(Profile))}")
    return cast(Profile, profile)
