"""Every difference from NFD is in one table, and a vector shows it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hostfit.core import limits
from hostfit.core.differences import DIFFERENCES
from hostfit.core.expressions import SPENT

VECTORS = [
    vector
    for place in sorted((Path(__file__).parent / "vectors").glob("*.json"))
    for vector in json.loads(place.read_text(encoding="utf-8"))
]
SHOWN_ELSEWHERE = {"work-limit": SPENT}
"""NFD has no limit to show; test_match.py shows hostfit's."""


@pytest.mark.parametrize("row", DIFFERENCES, ids=lambda row: row.id)
def test_every_difference_is_shown_by_a_vector(row):
    showing = [vector for vector in VECTORS if vector.get("difference") == row.id]

    assert showing or row.id in SHOWN_ELSEWHERE
    for text in (row.nfd, row.hostfit, row.why):
        assert text.endswith(".")


def test_vectors_name_only_differences_of_the_table():
    assert {vector["difference"] for vector in VECTORS if "difference" in vector} <= {row.id for row in DIFFERENCES}


def test_ids_are_unique():
    assert len({row.id for row in DIFFERENCES}) == len(DIFFERENCES)
    assert len({vector["id"] for vector in VECTORS}) == len(VECTORS)


def test_the_limits_that_are_named_are_those_that_hold():
    said = next(row.hostfit for row in DIFFERENCES if row.id == "document-limits")

    assert limits.DOCUMENT == 1 << 20
    for number, what in (
        (1, "MiB"), (limits.DEPTH, "levels"), (limits.NODES, "values"), (limits.SETS, "sets"),
        (limits.RULES_PER_SET, "rules"), (limits.EXPRESSIONS, "expressions"),
    ):  # fmt: skip
        assert f" {number} {what}" in said
