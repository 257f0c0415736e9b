"""hostfit's keys among annotations and labels: who wrote them, where they stand, and what they may hold."""

from __future__ import annotations

import json

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from hostfit.core.document import BROKEN, DEPLOYER, IMAGE, MISSING, PRESENT
from hostfit.core.image import Image
from hostfit.facts import vocabulary
from hostfit.oci import digest as digests
from hostfit.sources import annotations
from hostfit.sources.store import SpecStore

SPEC = json.dumps({"version": "v1alpha1", "compatibilities": [{"rules": [{"name": "r", "matchFeatures": [
    {"feature": "kernel.version", "matchExpressions": {"full": {"op": "Exists"}}}]}]}]})  # fmt: skip


def read(notes, var="/nowhere", **more):
    store = SpecStore(str(var))
    words = {"authority": IMAGE, "place": "manifest sha256:1", "lookup": vocabulary.lookup, "store": store} | more
    return annotations.documents(notes, **words)


def test_each_key_gives_one_document_that_names_its_exact_place():
    notes = {
        "io.hostfit.spec": SPEC, "io.hostfit.prefer": "kernel.version.full >=6",
        "io.hostfit.require": "kernel.version.full >=5",
        "io.hostfit.runtime": "kata", "other": "x",
    }  # fmt: skip
    found = read(notes)

    assert [one.provenance.place for one in found] == [
        "annotation io.hostfit.require of manifest sha256:1",
        "annotation io.hostfit.prefer of manifest sha256:1",
        "annotation io.hostfit.spec of manifest sha256:1",
    ]
    assert {one.state for one in found} == {PRESENT}
    assert {one.provenance.authority for one in found} == {IMAGE}
    assert [one.spec.sets[0].rules[0].level for one in found] == ["required", "preferred", "required"]


def test_labels_are_called_labels():
    (one,) = read({"io.hostfit.require": "kernel.version.full >=5"}, kind="label", authority=DEPLOYER)

    assert (one.provenance.place, one.provenance.authority) == (
        "label io.hostfit.require of manifest sha256:1",
        DEPLOYER,
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("io.hostfit.require", ""),
        ("io.hostfit.require", "kernel"),
        ("io.hostfit.require", "kernel.version.full >>5"),
        ("io.hostfit.require", "x\n\x1b[31m\u202e"),
        ("io.hostfit.require", "a" * 300_000),
        ("io.hostfit.spec", ""),
        ("io.hostfit.spec", "version: v1alpha1\ncompatibilities: []\n"),
        ("io.hostfit.spec", "[" * 100_000),
        ("io.hostfit.spec", '{"version": "v1alpha1", "version": "v1alpha1"}'),
        ("io.hostfit.spec", '{"version": "v1alpha1", "compatibilitys": []}'),
        ("io.hostfit.spec", '"\ud800"'),
        ("io.hostfit.spec.digest", "latest"),
        ("io.hostfit.spec.digest", "sha256:../../etc/passwd"),
        ("io.hostfit.spec.digest", "sha256:" + "A" * 64),
        ("io.hostfit.spec.digest", "\n\x1b[31m"),
    ],
)
def test_bad_content_is_a_broken_document_with_a_reason_on_one_line(key, value):
    (one,) = read({key: value})

    assert (one.state, one.spec) == (BROKEN, None)
    assert one.reason
    assert one.reason.isprintable()
    assert key in one.reason
    assert len(one.reason) < 1000


def test_a_named_digest_is_read_from_the_store_or_missing(places):
    """IA5"""
    store = SpecStore(places.var)
    digest = digests.of(SPEC.encode())
    (missing,) = read({"io.hostfit.spec.digest": digest}, var=places.var)
    assert (missing.state, missing.provenance.digest) == (MISSING, digest)
    assert "is not in the spec store" in missing.reason

    store.put(SPEC.encode())
    (there,) = read({"io.hostfit.spec.digest": digest}, var=places.var)
    assert (there.state, there.provenance.digest, there.spec.sets[0].rules[0].name) == (PRESENT, digest, "r")


def test_a_digest_for_one_container_of_a_pod_counts_for_that_one_only():
    """SEC3"""
    one, two = "sha256:" + "1" * 64, "sha256:" + "2" * 64
    notes = {"io.hostfit.spec.digest.upf": one, "io.hostfit.spec.digest": two}

    assert [each.provenance.digest for each in read(notes, container="upf")] == [two, one]
    assert [each.provenance.digest for each in read(notes, container="smf")] == [two]
    assert [each.provenance.digest for each in read(notes)] == [two]


IMAGE_NOTES = {"io.hostfit.require": "kernel.version.full >=5", "io.hostfit.runtime": "runc", "x": "y"}


def test_what_the_image_says_in_the_same_words_is_the_image_s():
    """SEC2: Podman 4.3 copies an image's annotations into the bundle."""
    for image in (
        Image(name="i", manifest_annotations=IMAGE_NOTES),
        Image(name="i", index_annotations=IMAGE_NOTES),
        Image(name="i", labels=IMAGE_NOTES),
    ):
        assert annotations.deployers(IMAGE_NOTES, image, forgeable=False) == {}
        changed = IMAGE_NOTES | {"io.hostfit.runtime": "kata"}
        assert annotations.deployers(changed, image, forgeable=False) == {"io.hostfit.runtime": "kata"}


def test_while_the_image_is_not_known_nothing_is_the_deployer_s():
    assert annotations.deployers(IMAGE_NOTES, None, forgeable=True) == {}


def test_without_any_image_all_of_it_is_the_deployer_s():
    assert annotations.deployers(IMAGE_NOTES, None, forgeable=False) == {
        key: value for key, value in IMAGE_NOTES.items() if key != "x"
    }  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(
    st.dictionaries(
        st.sampled_from(["require", "prefer", "spec", "spec.digest", "spec.digest.c", "runtime", "none"]).map(
            "io.hostfit.".__add__
        ),
        st.text(max_size=80),
    )
)
def test_no_values_break_the_reader(notes):
    for one in read(notes, container="c"):
        assert one.state in (PRESENT, BROKEN, MISSING)
        assert (one.state == PRESENT) == (one.spec is not None)
