"""Scopes: who may tighten, who may loosen, and which of several counts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostfit.core.decision import ACTIONS, Knobs
from hostfit.core.image import Image
from hostfit.policy.model import Policy, RuntimeDefinition, Scope

DIGEST, INDEX, CONFIG = "sha256:" + "a" * 64, "sha256:" + "b" * 64, "sha256:" + "c" * 64
STORED = "registry.example/critical/db:1"


def image(name=STORED, names=(STORED,)):
    return Image(name=name, names=names, digest=DIGEST, index_digest=INDEX, config_digest=CONFIG)


def policy(*scopes, **knobs):
    return Policy(knobs=Knobs(**knobs), scopes=scopes)


def scope(**fields):
    knobs = {key: value for key, value in fields.items() if key.startswith("on_")}
    return Scope(knobs, **{key: value for key, value in fields.items() if not key.startswith("on_")})


def test_scope_that_tightens_counts_for_a_stored_name():
    one = policy(scope(image="registry.example/critical/*", on_unknown="deny"))

    assert one.knobs(image(), "").on_unknown == "deny"
    assert one.knobs(image("other:1", ("other:1",)), "").on_unknown == "warn"


def test_scope_that_tightens_counts_for_the_name_that_somebody_gave_the_image():
    one = policy(scope(image="registry.example/critical/*", on_unknown="deny"))

    assert one.knobs(image(names=()), "").on_unknown == "deny"


def test_scope_that_loosens_does_not_count_for_a_name_that_the_store_does_not_record():
    one = policy(scope(image="registry.example/critical/*", on_misfit="warn"))

    assert one.knobs(image(names=()), "").on_misfit == "deny"
    assert one.knobs(image(), "").on_misfit == "warn"


@pytest.mark.parametrize("digest", [DIGEST, INDEX, CONFIG])
def test_scope_that_loosens_counts_for_a_digest(digest):
    one = policy(scope(digest=digest, on_misfit="allow"))

    assert one.knobs(image(names=()), "").on_misfit == "allow"
    assert one.knobs(Image(name=STORED, digest="sha256:" + "d" * 64), "").on_misfit == "deny"
    assert one.knobs(Image(name=STORED), "").on_misfit == "deny"


def test_image_of_unknown_digest_does_not_match_an_empty_one():
    assert not Scope({}, digest=DIGEST).applies(Image(name="x"), "", loosens=False)


def test_namespace_counts_only_where_a_cri_engine_says_so():
    one = policy(scope(namespace="dev", on_misfit="warn"))

    assert one.knobs(image(), "dev").on_misfit == "warn"
    assert one.knobs(image(), "").on_misfit == "deny"
    assert one.knobs(None, "dev").on_misfit == "warn"


def test_every_selector_of_a_scope_must_match():
    one = policy(scope(namespace="prod", image="registry.example/critical/*", on_unknown="deny"))

    assert one.knobs(image(), "prod").on_unknown == "deny"
    assert one.knobs(image(), "dev").on_unknown == "warn"
    assert one.knobs(image("other", ()), "prod").on_unknown == "warn"


def test_scope_about_images_does_not_count_without_an_image():
    assert policy(scope(image="*", on_misfit="warn")).knobs(None, "").on_misfit == "deny"


def test_scope_that_sets_one_knob_leaves_the_others():
    one = policy(scope(image="*", on_unknown="deny"), on_error="warn", on_unsynced="allow")

    assert one.knobs(image(), "") == Knobs("deny", "deny", "allow", "warn")


def test_strictest_of_several_matching_scopes_counts():
    several = policy(
        scope(image="*", on_misfit="allow"),
        scope(digest=DIGEST, on_misfit="warn"),
        scope(image="other", on_misfit="deny"),
    )

    assert several.knobs(image(), "").on_misfit == "warn"


selectors = st.fixed_dictionaries(
    {}, optional={"image": st.sampled_from(["*", STORED, "x*"]), "namespace": st.sampled_from(["dev", "prod"])}
)
knobs = st.dictionaries(st.sampled_from(Knobs.__slots__), st.sampled_from(ACTIONS), min_size=1)
scopes = st.lists(st.builds(lambda knobs, fields: Scope(knobs, **fields), knobs, selectors), max_size=4)
bases = st.builds(Knobs, *[st.sampled_from(ACTIONS)] * 4)


@settings(deadline=None)
@given(bases, scopes, scopes, st.sampled_from(["", "dev", "prod"]))
def test_further_scopes_never_loosen_what_another_scope_said(base, several, further, namespace):
    before = Policy(knobs=base, scopes=tuple(several)).knobs(image(), namespace)
    after = Policy(knobs=base, scopes=(*several, *further)).knobs(image(), namespace)

    for knob in Knobs.__slots__:
        said = [one for one in several if knob in one.knobs and one.applies(image(), namespace, loosens=True)]
        if said:
            assert ACTIONS.index(getattr(after, knob)) >= ACTIONS.index(getattr(before, knob))


@settings(deadline=None)
@given(bases, scopes, st.sampled_from(["", "dev", "prod"]))
def test_name_alone_never_loosens(base, several, namespace):
    """SEC1: whoever names the image gains nothing by it."""
    unnamed, named = Image(name="", digest=DIGEST), Image(name=STORED, digest=DIGEST)
    one = Policy(knobs=base, scopes=tuple(several))

    for knob in Knobs.__slots__:
        without, by_name = getattr(one.knobs(unnamed, namespace), knob), getattr(one.knobs(named, namespace), knob)
        assert ACTIONS.index(by_name) >= min(ACTIONS.index(without), ACTIONS.index(getattr(base, knob)))


def test_scope_without_a_namespace_counts_in_every_one():
    assert policy(scope(image="*", on_unknown="deny")).knobs(image(), "prod").on_unknown == "deny"


def test_digest_of_a_scope_vouches_for_the_name_beside_it():
    """The digest means this very image, so a name that nobody recorded loosens nothing by itself."""
    one = policy(scope(digest=DIGEST, image="registry.example/critical/*", on_misfit="warn"))

    assert one.knobs(image(names=()), "").on_misfit == "warn"
    assert one.knobs(Image(name=STORED, digest="sha256:" + "d" * 64), "").on_misfit == "deny"


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"binaries": ("/usr/bin/x",)}, "host"),
        ({"shims": ("/usr/bin/containerd-shim-x-v1",)}, "x"),
        ({"binaries": ("/usr/bin/x",), "kernel": "own"}, "x"),
    ],
)
def test_only_oci_runtimes_on_the_hosts_kernel_share_a_pod(fields, kind):
    assert RuntimeDefinition("x", **fields).kind == kind


class TestPreference:
    """Whether an image chooses among runtimes of equal isolation."""

    NAMED = Scope({}, image="registry.example/critical/*", preference=True)

    def test_is_the_policys_where_no_scope_says_anything(self):
        assert not Policy(scopes=(Scope({}, image="other", preference=True),)).preference_for(image(), "")
        assert Policy(preference=True, scopes=(scope(image="*", on_error="warn"),)).preference_for(image(), "")

    def test_is_given_to_a_name_that_the_store_records(self):
        one = Policy(scopes=(self.NAMED,))

        assert one.preference_for(image(), "")
        assert not one.preference_for(image(names=()), "")

    def test_is_taken_from_any_name(self):
        one = Policy(preference=True, scopes=(Scope({}, image="registry.example/critical/*", preference=False),))

        assert not one.preference_for(image(names=()), "")

    def test_is_not_given_where_one_scope_says_no(self):
        one = Policy(preference=True, scopes=(self.NAMED, Scope({}, image="*", preference=False)))

        assert not one.preference_for(image(), "")
