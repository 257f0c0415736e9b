"""Every document that has a say, in falling authority: forgery, GPUs, base images, includes, look-ups."""

from __future__ import annotations

import json
import struct

import pytest

from hostfit.core import compiled, limits
from hostfit.core.document import ARTIFACT, BROKEN, DEPLOYER, IMAGE, MISSING, PRESENT, UNSYNCED
from hostfit.core.image import Image, Platform, Resolution
from hostfit.core.spec import Include, Spec
from hostfit.oci import digest as digests
from hostfit.sources import collect
from hostfit.sources.store import SpecStore

REQUIRE = {"io.hostfit.require": "kernel.version.full >=5"}
D = ["sha256:" + char * 64 for char in "0123456789ab"]


def spec(name, *includes):
    return json.dumps(
        {"version": "v1alpha1", "compatibilities": [{"rules": [{"name": name, "matchFeatures": [
            {"feature": "kernel.version", "matchExpressions": {"full": {"op": "Exists"}}}]}]}],
         "include": [{"digest": one} for one in includes]}
    ).encode()  # fmt: skip


def image(**parts):
    return Image(**({"name": "localhost/upf:1", "digest": D[0], "config_digest": D[1], "index_digest": D[2]} | parts))


@pytest.fixture
def gather(request_for, lookup, places):
    """Collect the documents of a request that is given by parts of its bundle."""

    def make(resolution=None, *, runtime="", **parts):
        resolution = resolution or Resolution("")
        return collect.documents(request_for(runtime=runtime, **parts), resolution, lookup=lookup, var=places.var)

    return make


@pytest.fixture
def store(places):
    return SpecStore(places.var)


def shown(found):
    return [(one.provenance.authority, one.state, one.provenance.place) for one in found]


def test_a_plain_bundle_s_annotations_are_the_deployer_s(gather):
    assert shown(gather(annotations=REQUIRE)) == [(DEPLOYER, PRESENT, "annotation io.hostfit.require of bundle")]
    assert gather() == []


def test_all_documents_in_falling_authority(gather, store):
    artifact = store.put(spec("artifact"))
    store.record(D[0], ((artifact, "key"),), time="")
    store.record(D[2], time="")
    found = gather(
        Resolution("podman", image(
            manifest_annotations=REQUIRE,
            index_annotations={"io.hostfit.require": "kernel.version.full >=5.1"},
            labels={"io.hostfit.prefer": "kernel.version.full >=6"},
            env=("NVIDIA_REQUIRE_CUDA=cuda>=12.0",),
            platform=Platform("linux", "amd64", "v3"),
        )),
        annotations={"io.hostfit.prefer": "kernel.version.full >=6.1"},
    )  # fmt: skip

    assert shown(found) == [
        (DEPLOYER, PRESENT, "annotation io.hostfit.prefer of bundle"),
        (IMAGE, PRESENT, f"annotation io.hostfit.require of manifest {D[0]}"),
        (IMAGE, PRESENT, f"annotation io.hostfit.require of index {D[2]}"),
        (IMAGE, PRESENT, f"label io.hostfit.prefer of config {D[1]}"),
        (IMAGE, PRESENT, "environment of the image"),
        (IMAGE, PRESENT, f"platform of image {D[0]}"),
        (ARTIFACT, PRESENT, f"artifact {artifact} of image {D[0]}"),
    ]
    assert (found[-1].provenance.signer, found[-1].provenance.digest) == ("key", artifact)


def test_forged_provenance_counts_as_the_image_s(gather):
    """SEC2: an image with io.hostfit annotations, which Podman 4.3 copies into the bundle."""
    notes = REQUIRE | {"io.hostfit.runtime": "runc"}
    known = gather(Resolution("podman", image(manifest_annotations=notes)), annotations=notes)
    unknown = gather(Resolution("podman", None, "gone"), annotations=notes)

    assert shown(known) == [(IMAGE, PRESENT, f"annotation io.hostfit.require of manifest {D[0]}")]
    assert [one.provenance.authority for one in unknown] == [IMAGE, IMAGE]
    assert unknown[0].provenance.place == "annotation io.hostfit.require of bundle, whose image is not known"


def test_an_image_that_cannot_be_found_is_missing_and_a_broken_store_is_broken(gather):
    (missing,) = gather(Resolution("containerd", None, "no socket"))
    (broken,) = gather(Resolution("containerd", None, "bad digest", broken=True))

    assert (missing.state, missing.reason) == (MISSING, "no socket")
    assert (broken.state, broken.reason) == (BROKEN, "bad digest")


def test_buildah_s_steps_are_neither_and_their_annotations_are_the_image_s(gather):
    assert gather(Resolution("buildah")) == []
    (one,) = gather(Resolution("buildah"), annotations=REQUIRE)
    assert one.provenance.authority == IMAGE


def test_the_same_words_in_two_places_are_one_document(gather):
    found = gather(Resolution("podman", image(manifest_annotations=REQUIRE, index_annotations=REQUIRE, labels=REQUIRE)))

    assert shown(found) == [(IMAGE, PRESENT, f"annotation io.hostfit.require of manifest {D[0]}")]


def test_a_label_cannot_take_the_digest_of_a_container_in_its_pod_away(gather):
    """SEC3: what the deployer says as well is the image's, and holds all the same."""
    notes = {"io.hostfit.spec.digest.upf": D[3]}
    found = Resolution("containerd", image(labels=notes))
    (missing,) = gather(found, annotations=notes | {"io.kubernetes.cri.container-name": "upf"})

    assert (missing.state, missing.provenance.digest) == (MISSING, D[3])
    assert gather(found, annotations={"io.kubernetes.cri.container-name": "other"}) == []


def test_the_container_s_name_in_its_pod_chooses_its_digest(gather):
    """SEC3"""
    notes = {"io.hostfit.spec.digest.upf": D[3]}
    keys = {"containerd": "io.kubernetes.cri.container-name", "cri-o": "io.kubernetes.container.name"}
    for engine, key in keys.items():
        (one,) = gather(Resolution(engine, image()), annotations=notes | {key: "upf"})
        assert (one.state, one.provenance.digest) == (MISSING, D[3])
        assert gather(Resolution(engine, image()), annotations=notes | {key: "smf"}) == []
        assert gather(Resolution("podman", image()), annotations=notes | {key: "upf"}) == [], (
            "anybody can write it there"
        )


CUDA = ("NVIDIA_REQUIRE_CUDA=cuda>=12.0",)


@pytest.mark.parametrize(
    ("parts", "given"),
    [
        ({}, False),
        ({"devices": ("/dev/nvidia0",)}, True),
        ({"devices": ("/dev/null",)}, False),
        ({"mounts": (("/dev/nvidiactl", "/dev/nvidiactl"),)}, True),
        ({"annotations": {"cdi.k8s.io/x": "nvidia.com/gpu=all"}}, True),
        ({"annotations": {"cdi.k8s.io/x": "vendor.com/net=1"}}, False),
        ({"env": ("NVIDIA_VISIBLE_DEVICES=all",)}, False),
        ({"env": ("NVIDIA_VISIBLE_DEVICES=all",), "runtime": "nvidia"}, True),
        ({"env": ("NVIDIA_VISIBLE_DEVICES=void",), "runtime": "nvidia"}, False),
        ({"env": ("NVIDIA_VISIBLE_DEVICES=all", "NVIDIA_VISIBLE_DEVICES=none"), "runtime": "nvidia"}, False),
        ({"runtime": "nvidia"}, False),
    ],
)
def test_nvidia_s_requirements_are_enforced_only_with_a_gpu(gather, parts, given):
    """CH6"""
    env = (*CUDA, *parts.pop("env", ()))
    (one,) = gather(Resolution("podman", image(env=CUDA)), env=env, **parts)

    assert (one.provenance.place, one.reported_only) == ("environment of the image", not given)


def test_nvidia_s_requirements_beyond_the_image_s_are_the_deployer_s(gather):
    """SEC2: what the process is given cannot lift what the image asks for."""
    added = ("NVIDIA_REQUIRE_DRIVER=driver>=500", "NVIDIA_DISABLE_REQUIRE=1")
    found = gather(Resolution("podman", image(env=CUDA)), env=(*CUDA, *added))

    assert [(one.provenance.authority, one.provenance.place) for one in found] == [
        (IMAGE, "environment of the image"),
        (DEPLOYER, "environment of the process"),
    ]


def test_nvidia_s_requirements_that_are_not_understood_are_broken(gather):
    (one,) = gather(Resolution("podman", image(env=("NVIDIA_REQUIRE_X=color=\x1b[31m",))))

    assert (one.state, one.reported_only) == (BROKEN, True)
    assert one.problems
    assert one.reason.isprintable()


def test_an_image_without_any_platform_gives_no_document(gather):
    assert gather(Resolution("docker", image(platform=Platform("", "")))) == []


def test_base_images_add_what_their_children_do_not_repeat(gather, store):
    """IA6"""
    key = "org.opencontainers.image.base.digest"
    fetched = store.put(spec("base"))
    store.record(D[5], ((fetched, ""),), time="")
    bases = (
        image(digest=D[3], manifest_annotations=REQUIRE | {key: D[4]}),
        image(digest=D[4], labels={"io.hostfit.require": "kernel.version.full >=4", key: D[5]}),
    )
    store.record(D[0], time="")
    store.record(D[2], time="")
    found = gather(Resolution("podman", image(manifest_annotations=REQUIRE | {key: D[3]}, bases=bases)))

    assert shown(found) == [
        (IMAGE, PRESENT, f"annotation io.hostfit.require of manifest {D[0]}"),
        (IMAGE, PRESENT, f"label io.hostfit.require of base image {D[4]}: config {D[1]}"),
        (ARTIFACT, PRESENT, f"artifact {fetched} of base image {D[5]}"),
    ]


def test_bases_deeper_than_the_limit_are_unknown(gather):
    many = tuple(image(digest=digests.of(bytes([number]))) for number in range(limits.INCLUDE_DEPTH + 1))

    assert gather(Resolution("podman", image(bases=many[:-1]))) == []
    (one,) = gather(Resolution("podman", image(bases=many)))
    assert (one.state, one.reason) == (MISSING, "base images are followed to depth 8, and there are more")


def test_never_looked_up_is_a_state_of_its_own_once_anybody_synced(gather, store):
    """What was looked for beside the index alone says nothing about the manifest."""
    known = Resolution("podman", image())
    assert gather(known) == []
    store.record(D[9], time="")
    (one,) = gather(known)
    assert (one.state, one.provenance.authority) == (UNSYNCED, ARTIFACT)
    store.record(D[2], time="")
    assert gather(known)[0].state == UNSYNCED
    store.record(D[0], time="")
    assert gather(known) == []
    assert gather() == []


def test_docker_s_images_are_looked_up_by_the_digests_in_their_names(gather, store):
    store.record(D[6], time="")
    named = Image(name="upf", names=("upf:1", f"upf@{D[6]}"), config_digest=D[1])

    assert gather(Resolution("docker", named)) == []
    loaded = Resolution("docker", Image(name="x", config_digest=D[1]))
    assert gather(loaded)[0].state == UNSYNCED
    store.record(D[1], time="")
    assert gather(loaded) == []


def test_a_digest_in_a_name_need_not_be_looked_up_too(gather, store):
    """Engines name one image by several digests, of which a store does not keep all."""
    store.record(D[0], time="")
    store.record(D[2], time="")
    assert gather(Resolution("containerd", image(name=f"upf@{D[6]}"))) == []


def test_a_damaged_look_up_is_a_broken_document(gather, store, places):
    store.record(D[0], time="")
    with open(f"{places.var}/looked-up/{D[0].replace(':', '/')}", "w") as file:
        file.write("{")
    store.record(D[2], time="")
    (one,) = gather(Resolution("podman", image()))
    assert one.state == BROKEN


def test_a_fetched_document_that_is_gone_is_missing(gather, store):
    store.record(D[0], ((D[7], ""),), time="")
    store.record(D[2], time="")
    (one,) = gather(Resolution("podman", image()))
    assert (one.state, one.provenance.digest) == (MISSING, D[7])


def test_includes_are_followed_and_keep_the_includer_s_authority(gather, store):
    """IA4"""
    leaf = store.put(spec("leaf"))
    middle = store.put(spec("middle", leaf))
    notes = {"io.hostfit.spec.digest": middle}
    found = gather(annotations=notes)

    assert [(one.provenance.authority, one.provenance.digest, one.state) for one in found] == [
        (DEPLOYER, middle, PRESENT), (DEPLOYER, leaf, PRESENT),
    ]  # fmt: skip
    assert found[1].provenance.place == f"include {leaf} of annotation io.hostfit.spec.digest of bundle"


def test_an_include_that_is_not_there_is_missing(gather, store):
    middle = store.put(spec("middle", D[3]))
    found = gather(annotations={"io.hostfit.spec.digest": middle})

    assert [one.state for one in found] == [PRESENT, MISSING]
    assert D[3] in found[1].reason


def test_an_invalid_include_is_broken(gather, store):
    found = gather(annotations={"io.hostfit.spec.digest": store.put(spec("m", store.put(b"{}")))})

    assert [one.state for one in found] == [PRESENT, BROKEN]


def chain(store, length):
    digest = store.put(spec("end"))
    for number in range(length - 1):
        digest = store.put(spec(str(number), digest))
    return digest


def test_includes_end_at_depth_eight(gather, store):
    inside = gather(annotations={"io.hostfit.spec.digest": chain(store, 1 + limits.INCLUDE_DEPTH)})
    beyond = gather(annotations={"io.hostfit.spec.digest": chain(store, 2 + limits.INCLUDE_DEPTH)})

    assert [one.state for one in inside] == [PRESENT] * 9
    assert [one.state for one in beyond] == [PRESENT] * 9 + [BROKEN]
    assert "followed to depth 8" in beyond[-1].reason


def test_includes_of_a_document_without_a_digest_end_at_the_same_depth(gather, store):
    def through(length):
        return gather(annotations={"io.hostfit.spec": spec("top", chain(store, length)).decode()})

    assert [one.state for one in through(limits.INCLUDE_DEPTH)] == [PRESENT] * 9
    assert [one.state for one in through(limits.INCLUDE_DEPTH + 1)] == [PRESENT] * 9 + [BROKEN]


def test_a_document_that_is_included_twice_is_there_once(gather, store):
    leaf = store.put(spec("leaf"))
    one, two = store.put(spec("one", leaf)), store.put(spec("two", leaf))
    found = gather(annotations={"io.hostfit.spec.digest": store.put(spec("top", one, two))})

    assert [each.provenance.digest for each in found][1:] == [one, two, leaf]


def test_a_cycle_is_named(gather, store, places):
    """No honest digests make a circle, but a compiled form that was tampered with can."""
    first, second = store.put(spec("first")), store.put(spec("second"))
    for own, other in ((first, second), (second, first)):
        path = f"{places.var}/specs/{own.replace(':', '/')}.compiled"
        with open(path) as file:
            tree = json.load(file)
        tree["spec"] = compiled.dump(Spec(compiled.load(tree["spec"]).sets, includes=(Include(other),)))
        with open(path, "w") as file:
            json.dump(tree, file)
    found = gather(annotations={"io.hostfit.spec.digest": first})

    assert [one.state for one in found] == [PRESENT, PRESENT, BROKEN]
    assert found[-1].reason == f"documents include each other: {first} includes {second} includes {first}"


def test_too_many_includes_are_an_error(gather, store):
    parts = [store.put(spec(name, *[digests.of(f"{name}{number}".encode()) for number in range(40)])) for name in "ab"]
    found = gather(annotations={"io.hostfit.spec.digest": store.put(spec("top", *parts))})

    assert (found[-1].state, found[-1].reason) == (BROKEN, "at most 64 documents may be included")
    assert len(found) == 66


def test_the_program_that_is_started_has_a_say(gather, tmp_path):
    """IA2c: its ELF notes name the level of the CPU and the oldest kernel."""
    notes = struct.pack("<III4sIIII", 4, 16, 1, b"GNU\0", 0, 5, 4, 0)
    needed = struct.pack("<III4sIIII", 4, 16, 5, b"GNU\0", 0xC0008002, 4, 4, 0)
    head = b"\x7fELF\2\1\1" + b"\0" * 9 + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    table = struct.pack("<IIQQQQQQ", 4, 4, 176, 0, 0, 32, 32, 4) + struct.pack("<IIQQQQQQ", 4, 4, 208, 0, 0, 32, 32, 8)
    (tmp_path / "app").write_bytes(head + table + notes + needed)
    found = gather(rootfs=str(tmp_path), args=("/app",))

    assert shown(found) == [(IMAGE, PRESENT, "ELF note of program /app")] * 2
    level, kernel = [one.spec.sets[0].rules[0] for one in found]
    assert level.name == "platform linux/amd64/v3"
    assert any("x86-64-v3" in (term.expressions or {}) for term in level.matcher.terms())
    (term,) = kernel.matcher.terms()
    assert (term.feature, term.expressions["full"].op, term.expressions["full"].values) == (
        "kernel.version",
        "Ge",
        ("5.4.0",),
    )
