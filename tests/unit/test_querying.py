"""What is no single, well-formed SELECT ends in one line that says so; nothing is executed."""

from pathlib import Path

import pytest

from pipelines import querying
from warehouse import settings
from warehouse.errors import Permanent


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select * from a b .c", "语句有误"),
        ("select 1; select 2", "只接受一条"),
        ("drop table a", "只接受一条"),
    ],
)
def test_it_is_refused_in_one_line(
    sql: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(querying.manifest, "latest", lambda _: object())
    with pytest.raises(Permanent, match=said) as refused:
        querying.select(settings.load(tmp_path), sql)
    assert "\n" not in str(refused.value)
