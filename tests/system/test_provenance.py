"""Who says what: an image cannot pose as the deployer or the administrator, and only the administrator loosens."""

from __future__ import annotations

import json

import pytest

REQUIRE = "io.hostfit.require"


@pytest.fixture
def start(podman, images, host):
    """Start an image through the wrapper; gives what the user sees and hostfit's report on it."""

    def start(tag, *options, image=None):
        cid = podman.room.run_dir / "provenance.cid"
        cid.unlink(missing_ok=True)
        done = podman.start(
            image or images.built[tag], runtime="/opt/hostfit/bin/hostfit-runtime",
            options=("--rm", "--cidfile", "/run/provenance.cid", *options),
        )  # fmt: skip
        found = host.hostfit("why", cid.read_text(), "--format", "json")
        return done, json.loads(found.out) if found.code == 0 else None

    return start


def sources(report):
    """Pairs of authority and verdict of every written spec; what the platform and the program ask for is no such."""
    implied = ("platform of ", "ELF note of ")
    written = [one for one in report["documents"] if not one["place"].startswith(implied)]
    return sorted((one["source"], one["verdict"]) for one in written)


def test_image_annotation_that_podman_copies_stays_the_image_s(start):
    """Podman 4.3 copies manifest annotations into the bundle; they are still the image author's."""
    done, report = start("module")

    assert done.code == 126
    assert sources(report) == [("image", "misfit")]


def test_image_cannot_ask_for_a_runtime(start):
    """SEC2: `io.hostfit.runtime` of an image is ignored, and so is a policy it would like."""
    done, report = start("forged")

    assert done.code == 126
    assert report["runtime"]["name"] == ""
    assert sources(report) == [("image", "misfit")]


def test_image_that_fits_gets_the_default_whatever_runtime_it_asks_for(start):
    """SEC2, DE5: only the deployer's request for a runtime counts."""
    done, report = start("asks")

    assert done.out == "started in the container\n", done
    assert report["runtime"]["name"] == "runc"


def test_deployer_s_annotation_adds_to_the_image_s_own(start):
    done, report = start("fits", "--annotation", f"{REQUIRE}=kernel.loadedmodule.gtp5g exists")

    assert done.code == 126
    assert ("deployer", "misfit") in sources(report)
    assert ("image", "fit") in sources(report)


def test_deployer_s_annotation_cannot_take_the_image_s_requirement_away(start):
    """Untrusted data only tightens: a requirement of the same key that fits does not replace the one that does not."""
    done, report = start("module", "--annotation", f"{REQUIRE}=kernel.version.full >=4.0")

    assert done.code == 126
    assert ("image", "misfit") in sources(report)


def test_label_and_annotation_of_an_image_are_both_its_author_s(start):
    done, report = start("both")

    assert done.code == 126
    assert sources(report) == [("image", "misfit"), ("image", "misfit")]


def test_label_and_annotation_that_say_the_same_count_once(start):
    _, report = start("sysctl")

    assert sources(report) == [("image", "misfit")]


def test_administrator_gives_a_spec_to_an_image_in_production(start, host, images):
    """DE3: the image itself says nothing."""
    host.write("images.d/upf.yaml", f"images: ['{images.built['plain'].name}']\nspec:\n{SPEC}")

    done, report = start("plain")

    assert done.code == 126
    assert sources(report) == [("administrator", "misfit")]
    assert report["documents"][0]["place"].endswith("images.d/upf.yaml")


def test_administrator_may_replace_what_the_image_says(start, host, images):
    host.write("images.d/upf.yaml", f"images: ['{images.built['module'].name}']\nmode: replace\nspec:\n{FITTING}")

    done, report = start("module")

    assert done.code == 7
    assert report is None or report["verdict"] == "fit"


def test_scope_for_one_image_alone_warns(start, host, images):
    host.policy(f'[[scope]]\nimage = "{images.built["module"].name}"\non_misfit = "warn"\n')

    warned, _ = start("module")
    refused, _ = start("two-misfits")

    assert (warned.code, refused.code) == (7, 126)


def test_digest_that_must_be_consulted_and_is_not_there_is_unknown(start, host, journal):
    """IA5: a spec that the image names and nobody has is not taken for no spec."""
    done, report = start("named-digest")

    assert done.code == 7
    assert report["verdict"] == "unknown"
    host.policy('[policy]\non_unknown = "deny"\non_unsynced = "deny"\n')
    denied, _ = start("named-digest")
    assert denied.code == 126


def test_broken_spec_of_an_image_stops_it(start):
    done, report = start("broken")

    assert done.code == 126
    assert report["verdict"] == "invalid"
    assert "invalid compatibility spec" in done.err


def test_image_without_any_spec_starts_in_silence(start, journal):
    """IA7"""
    done, _ = start("plain")

    assert (done.code, done.err) == (7, "")


def test_whole_document_in_an_annotation_counts(start):
    done, report = start("document")

    assert done.code == 126
    assert report["documents"][0]["sets"][0]["rules"][0]["name"] == "gtp5g is loaded"


SPEC = """\
  version: v1alpha1
  compatibilities:
    - rules:
        - name: gtp5g
          matchFeatures:
            - feature: kernel.loadedmodule
              matchExpressions:
                gtp5g: {op: Exists}
"""
FITTING = """\
  version: v1alpha1
  compatibilities:
    - rules:
        - name: kernel
          matchFeatures:
            - feature: kernel.version
              matchExpressions:
                major: {op: Gt, value: ["3"]}
"""
