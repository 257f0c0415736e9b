"""images.d: the administrator gives specs to images that are in production already (IA4, DE3)."""

from __future__ import annotations

import pytest

from hostfit.core.document import ADMINISTRATOR, BROKEN, PRESENT
from hostfit.core.errors import PolicyError
from hostfit.core.image import Image
from hostfit.policy import load

SPEC = """
  version: v1alpha1
  compatibilities:
  - rules:
    - name: gtp5g
      matchFeatures:
      - feature: kernel.loadedmodule
        matchExpressions:
          gtp5g: {op: Exists}
"""
UPF = Image(name="docker.io/free5gc/upf:v3.4", names=("docker.io/free5gc/upf:v3.4",), digest="sha256:" + "a" * 64)


def entry(images='["*/free5gc/upf:*"]', mode="", spec=SPEC):
    return f"images: {images}\n{mode}spec:{spec}"


def refusal(site):
    with pytest.raises(PolicyError) as caught:
        load.load(site.paths)
    return str(caught.value).replace(str(site.etc) + "/", "")


def test_image_gets_the_spec_that_names_it(site):
    """DE3: compatibility for images already in production."""
    site.write("images.d/upf.yaml", entry())
    images = load.load(site.paths).images

    (document,), replace = images.documents(UPF)

    assert not replace
    assert document.state == PRESENT
    assert document.provenance.authority == ADMINISTRATOR
    assert document.provenance.place == "images.d/upf.yaml"
    assert document.provenance.digest.startswith("sha256:")
    assert [rule.name for rule in document.spec.sets[0].rules] == ["gtp5g"]
    assert images.documents(Image(name="docker.io/library/busybox:1")) == ((), False)
    assert images.documents(None) == ((), False)


def test_one_file_serves_a_group_of_images_and_several_files_add_up(site):
    """IA4: one description common to a group of images."""
    site.write("images.d/a.yaml", entry('["*/free5gc/*", "sha256:' + "b" * 64 + '"]'))
    site.write("images.d/b.yml", entry())
    images = load.load(site.paths).images

    assert [one.provenance.place for one in images.documents(UPF)[0]] == ["images.d/a.yaml", "images.d/b.yml"]
    assert len(images.documents(Image(name="x", config_digest="sha256:" + "b" * 64))[0]) == 1


@pytest.mark.parametrize(
    ("image", "replaces"),
    [
        (UPF, True),
        (Image(name="x", digest=UPF.digest), True),
        (Image(name="x", index_digest=UPF.digest), True),
        (Image(name="docker.io/free5gc/upf:v3.4", names=()), False),
    ],
    ids=["stored name", "digest", "digest of the index", "name that only the request gives"],
)
def test_only_a_digest_or_a_stored_name_replaces(site, image, replaces):
    site.write("images.d/a.yaml", entry(f'["*/free5gc/upf:*", "{UPF.digest}"]', "mode: replace\n"))

    documents, replace = load.load(site.paths).images.documents(image)

    assert replace is replaces
    assert len(documents) == 1


def test_spec_that_is_not_valid_is_judged_only_where_it_is_about_the_image(site):
    site.write("images.d/a.yaml", entry(spec="\n  version: v1alpha1\n  compatibilitys: []\n"))
    images = load.load(site.paths).images

    (document,), _ = images.documents(UPF)

    assert document.state == BROKEN
    assert any("compatibilitys (line 4)" in str(problem) for problem in document.problems), document.problems
    assert images.documents(Image(name="other"))[0] == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "images: ['*']\nmode: ad\nspec: {}\n",
            'images.d/a.yaml:2: mode: required one of add, replace, found "ad" (did you mean add?)',
        ),
        (
            "image: ['*']\nspec: {}\n",
            'images.d/a.yaml:1: image: required a known key, found "image" (did you mean images?) (+1 more)',
        ),
        ("images: ['*']\n", "images.d/a.yaml: required the key spec, found none"),
        ("images: [7]\nspec: {}\n", "images.d/a.yaml:1: images: required a list of texts, found the number 7 in it"),
        ("images: []\nspec: {}\n", "images.d/a.yaml:1: images: required a list of texts, found an empty list"),
        (
            "images: ['sha256:ABC']\nspec: {}\n",
            'images.d/a.yaml:1: images: required a glob or a digest with lower-case hex digits, found "sha256:ABC"',
        ),
        ("- a\n", "images.d/a.yaml: required a mapping with images, mode, spec, found a list"),
        ("", "images.d/a.yaml: required a mapping with images, mode, spec, found an empty text"),
        (
            "images: *x\nspec: {}\n",
            "images.d/a.yaml:1: required YAML or JSON, found an error: aliases are not allowed, found *x",
        ),
        (
            "images: ['*']\nimages: ['*']\n",
            'images.d/a.yaml:2: required YAML or JSON, found an error: key "images" is there twice',
        ),
        ("{" * 50_000, "images.d/a.yaml: required YAML or JSON, found an error: "),
        ("a: [1\n", "images.d/a.yaml:2: required YAML or JSON, found an error: not YAML: "),
    ],
)
def test_mistake_around_the_spec_makes_the_policy_invalid(site, text, message):
    site.write("images.d/a.yaml", text)

    found = refusal(site)

    assert found == message or (message.endswith(": ") and found.startswith(message))
