"""The alert rules: reading ``rules.yaml`` and refusing what is ambiguous.

Belongs here: what a rule is. Does not belong here: applying rules (``raising``).
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from warehouse.errors import Permanent

FILE: Final = Path(__file__).with_name("rules.yaml")


@dataclass(frozen=True)
class Rule:
    """One version of a rule.

    Attributes:
        rule_id: Name of the rule; part of an alert's identity.
        version: Serial number of the version.
        label: Chinese name.
        severity: Code of ``vocabulary.ALERT_SEVERITIES`` that its alerts get.
        source: Table of findings in gold.
        valid_from: First day of findings that this version selects.
        valid_to: Last such day, ``None`` while in force.
        kind: Kinds of finding (of a price finding: the test that names it), ``None`` for all.
        department: Departments that act, ``None`` for all.
        confidence: Confidences of the finding, ``None`` for all.
        rests_on: Dated parameters that the findings rest on: the least sure of them says what an alert may do.
        basis: Confidence of what they rest on beside the dated parameters.
    """

    rule_id: str
    version: int
    label: str
    severity: str
    source: str
    valid_from: dt.date
    valid_to: dt.date | None = None
    kind: list[str] | None = None
    department: list[str] | None = None
    confidence: list[str] | None = None
    rests_on: Sequence[str] = ()
    basis: str | None = None


def load(file: Path = FILE) -> list[Rule]:
    """Every version of every rule.

    Raises:
        Permanent: Two versions of a rule are in force on one day, so that a finding would raise it twice.
    """
    rules = [Rule(**entry) for entry in yaml.safe_load(file.read_text("utf8"))]
    ordered = sorted(rules, key=lambda rule: (rule.rule_id, rule.valid_from))
    for one, following in itertools.pairwise(ordered):
        if one.rule_id == following.rule_id and (
            one.valid_to is None or one.valid_to >= following.valid_from
        ):
            raise Permanent(
                f"{file.name}: versions {one.version} and {following.version} of {one.rule_id} overlap; "
                f"give version {one.version} a valid_to before {following.valid_from}"
            )
    return rules
