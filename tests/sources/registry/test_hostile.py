"""T11: whatever a registry does, a look-up ends in a clear error, by its deadline, and asks for nothing else."""

from __future__ import annotations

import time

import pytest
from hostfit_bed import hostile, hostilecontent
from hostfit_bed.hostile import DOCUMENT, prepare
from hostfit_bed.scripted import Scripted

from hostfit.core import limits
from hostfit.core.errors import RegistryError, UnreachableError
from hostfit.sources.registry import artifacts
from hostfit.sources.registry.deadline import Deadline

LIMIT = 1.0
"""Seconds that a look-up is given here; enough for a truthful registry on a slow machine only in `soon`."""
SLACK = 30.0
"""Seconds by which a noisy machine may miss it; a registry that is not cut off takes a minute and more."""


@pytest.fixture
def registry():
    one = Scripted()
    yield one
    one.end()


def look_up(place, registry, deadline):
    place.insecure(registry.host)
    with place.open(f"{registry.host}/upf:v1") as repository:
        return artifacts.specs(repository, repository.resolve("v1", deadline).digest, deadline)


def test_truthful_registry_is_believed(place, registry, soon):
    _, artifact = prepare(registry)

    found = look_up(place, registry, soon)

    assert [(one.digest, one.data, one.problem) for one in found.specs] == [(artifact["digest"], DOCUMENT, "")]


@pytest.mark.parametrize("case", [*hostile.CASES, *hostilecontent.CASES], ids=lambda case: case.name)
def test_lie_ends_in_a_clear_error_by_its_deadline(place, registry, soon, case):
    case.change(registry, *prepare(registry))
    slow = case.text == "must end within"
    start = time.monotonic()
    if case.refuses:
        with pytest.raises(RegistryError) as caught:
            look_up(place, registry, Deadline(LIMIT, "the look-up") if slow else soon)
        said = caught.value.message
    else:
        (one,) = look_up(place, registry, soon).specs
        said = one.problem
        assert one.data is None

    assert time.monotonic() - start < (LIMIT + SLACK if slow else soon.seconds)
    assert case.text in said
    assert said.isprintable()
    assert len(said) < 2000
    assert registry.asked("^(PUT|POST|DELETE|PATCH)") == []


def test_only_the_missing_api_leads_to_the_fallback_tag(place, registry, soon):
    """401, 403, 429 and 5xx are no answer; a tag is looked at on 404 alone."""
    subject, _ = prepare(registry)
    for status in (400, 403, 405, 410, 429, 500, 501, 503):
        registry.lies.clear()
        registry.lie("/referrers/", lambda handler, _, status=status: handler.reply(status))
        with pytest.raises(RegistryError):
            look_up(place, registry, soon)

    assert registry.asked(subject["digest"].replace(":", "-")) == []


def test_many_answers_fill_no_memory(place, registry, soon, monkeypatch):
    """R9: each may be as long as a manifest, and a list may name hundreds."""
    monkeypatch.setattr(limits, "ANSWERS", 40_000)
    subject = registry.image("v1")
    for number in range(30):
        registry.artifact(subject, DOCUMENT + f"# {number:02}".encode() * 250)
    found = look_up(place, registry, soon)
    problems = [one.problem for one in found.specs if one.problem]

    assert 0 < len(problems) < 30
    assert set(problems) == {f"registry {registry.host}: answers must be at most 40000 bytes together, found more"}
    assert len(registry.asked("/blobs/")) < 30


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_artifact_that_cannot_be_asked_for_now_is_no_broken_artifact(place, registry, soon, status):
    """Nothing is known of it: whoever fetches keeps what was known before."""
    _, artifact = prepare(registry)
    registry.lie(artifact["digest"], lambda handler, _: handler.reply(status))

    with pytest.raises(UnreachableError):
        look_up(place, registry, soon)
