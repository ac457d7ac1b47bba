"""Generated files equal what the registry says."""

from pathlib import Path

import pytest

from warehouse import catalog, vocabulary
from warehouse.tables import FEEDS


@pytest.mark.requirement("S0-135", "S3-02")
@pytest.mark.parametrize("path", list(catalog.generated()), ids=lambda path: path.name)
def test_a_generated_file_has_not_drifted(path: Path) -> None:
    assert path.read_text("utf8") == catalog.generated()[path], (
        f"run `python -m warehouse.catalog` to renew {path.name}"
    )


@pytest.mark.parametrize("feed", FEEDS.values(), ids=lambda feed: feed.name)
def test_every_column_of_a_feed_has_a_chinese_label(feed) -> None:
    missing = [name for name in feed.business_columns if name not in vocabulary.LABELS]
    assert missing == []


def test_labels_of_one_feed_are_distinct() -> None:
    for feed in FEEDS.values():
        labels = [catalog.label(name) for name in feed.business_columns]
        assert len(labels) == len(set(labels)), feed.name


@pytest.mark.requirement("S0-62")
def test_no_table_has_a_biometric_column() -> None:
    forbidden = ("face", "palm", "iris", "finger", "template", "feature_vector")
    names = [name for feed in FEEDS.values() for name in feed.business_columns]
    assert [name for name in names if any(word in name for word in forbidden)] == []
