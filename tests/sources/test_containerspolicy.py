"""containers-policy.json(5): the most specific scope counts alone, and of its requirements the strictest (SEC4)."""

from __future__ import annotations

import json

import pytest

from hostfit.core.errors import PolicyError
from hostfit.sources import containerspolicy
from hostfit.sources.containerspolicy import ACCEPT, REJECT, SIGNED

ANYTHING, KEY, NEVER = {"type": "insecureAcceptAnything"}, {"type": "signedBy"}, {"type": "reject"}


@pytest.fixture
def policy(tmp_path):
    def policy(scopes, default=ANYTHING, **fields):
        path = tmp_path / "policy.json"
        path.write_text(json.dumps({"default": [default], "transports": {"docker": scopes}} | fields))
        return containerspolicy.read(str(path))

    return policy


@pytest.mark.parametrize(
    ("repository", "expected"),
    [
        ("registry.example/a/b", SIGNED),
        ("registry.example/a/bc", REJECT),
        ("registry.example/a", REJECT),
        ("registry.example/ab", ACCEPT),
        ("other.example/a/b", SIGNED),
        ("deep.other.example:5000/a", SIGNED),
        ("example/a", REJECT),
        ("else.where/a", REJECT),
    ],
)
def test_most_specific_scope_counts_alone(policy, repository, expected):
    scopes = {
        "registry.example/a/b": [KEY],
        "registry.example/a": [NEVER],
        "registry.example": [ANYTHING],
        "*.example": [KEY],
        "": [NEVER],
    }

    assert policy(scopes).of(repository) == expected


def test_without_a_scope_the_default_counts(policy, tmp_path):
    assert policy({"a.example": [KEY]}, default=NEVER).of("b.example/x") == REJECT
    assert containerspolicy.read(str(tmp_path / "none")).of("b.example/x") == ACCEPT


@pytest.mark.parametrize(
    ("requirements", "expected"), [([ANYTHING, KEY], SIGNED), ([KEY, NEVER], REJECT), ([ANYTHING], ACCEPT)]
)
def test_all_requirements_of_a_scope_must_hold(policy, requirements, expected):
    assert policy({"a.example": requirements}).of("a.example/x") == expected


@pytest.mark.parametrize(
    ("scopes", "fields"),
    [
        ({"a.example": []}, {}),
        ({"a.example": [{"type": "novel"}]}, {}),
        ({"a.example": [KEY, {"type": "novel"}]}, {}),
        ({"a.example": KEY}, {}),
        ([], {}),
        ({}, {"more": 1}),
        ({}, {"default": None}),
    ],
)
def test_what_is_not_understood_allows_nothing(policy, scopes, fields):
    with pytest.raises(PolicyError, match=r"policy\.json: "):
        policy(scopes, **fields)
