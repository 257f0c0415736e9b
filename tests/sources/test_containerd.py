"""containerd's API on a real containerd: every call as grpcio makes it, and identity as CRI and snapshots prove it."""

from __future__ import annotations

import json

import pytest

from hostfit.core.errors import SourceError
from hostfit.oci.descriptor import Descriptor
from hostfit.sources import containerimage, local, resolve
from hostfit.sources.containerd import Client
from hostfit.sources.grpc import Channel, StatusError
from hostfit.sources.protobuf import Message, encode

pytestmark = pytest.mark.system


@pytest.fixture
def channel(containerd):
    with Channel(str(containerd.socket), timeout=10) as one:
        yield one


@pytest.fixture
def image(containerd, layout, request):
    """One image under a name of the test's own, with its digest."""
    name = "localhost/" + request.node.originalname.lower()[:60] + ":1"
    digest = layout.tag("a", layout.manifest(
        annotations={"io.hostfit.require": "kernel.version.full >=5"}, labels={"l": name}, env=["A=1"],
        files={"etc/name": name.encode()},
    ))  # fmt: skip
    containerd.load(layout, "a", name)
    return name, digest


def seen(containerd, container, request_for, namespace="default", **parts):
    return resolve.resolve(request_for(containerd.bundle(container, namespace), environ=containerd.environ, **parts))


def oracle(containerd, method, request, namespace="default"):
    """Make the same call with grpcio and raw bytes."""
    grpcio = pytest.importorskip("grpc", reason="grpcio is not installed: pip install '.[test]'")
    with grpcio.insecure_channel(f"unix:{containerd.socket}") as made:
        metadata = (("containerd-namespace", namespace),)
        if method.endswith("/Read"):
            return list(made.unary_stream(method)(request, metadata=metadata))
        return [made.unary_unary(method)(request, metadata=metadata)]


def test_every_call_answers_what_grpcio_gets(containerd, channel, layout, image):
    name, digest = image
    containerd.create(name, "oracle")
    big = layout.manifest(annotations={"filler": "x" * 2_500_000})
    layout.tag("big", big)
    containerd.load(layout, "big", "localhost/big:1")
    services = "/containerd.services."
    calls = [
        ("namespaces.v1.Namespaces/List", b""),
        ("containers.v1.Containers/Get", encode((1, "oracle"))),
        ("images.v1.Images/Get", encode((1, name))),
        ("images.v1.Images/List", b""),
        ("images.v1.Images/List", encode((1, f"target.digest=={digest}"))),
        ("snapshots.v1.Snapshots/Stat", encode((1, "native"), (2, "oracle"))),
        ("content.v1.Content/Info", encode((1, digest))),
        ("content.v1.Content/Read", encode((1, digest))),
        ("content.v1.Content/Read", encode((1, big["digest"]), (3, big["size"]))),
    ]

    for method, request in calls:
        ours = channel.call(services + method, request, (("containerd-namespace", "default"),))
        assert sorted_images(method, ours) == sorted_images(method, oracle(containerd, services + method, request))
    assert len(ours) > 1, "a large blob comes in several messages"
    assert (
        Client(channel, "default").content(Descriptor("", big["digest"], big["size"]))
        == (layout.directory / "blobs" / "sha256" / big["digest"][7:]).read_bytes()
    )


def sorted_images(method, replies):
    """containerd gives maps in any order, so fields and map entries are compared without theirs."""
    if method.endswith("Read"):
        return b"".join([Message(one).bytes(2) for one in replies])
    return [sorted(one) for one in replies]


def test_errors_are_the_same_as_grpcio_s(containerd, channel):
    grpcio = pytest.importorskip("grpc", reason="grpcio is not installed: pip install '.[test]'")
    method, request = "/containerd.services.images.v1.Images/Get", encode((1, "né\n"))
    with pytest.raises(grpcio.RpcError) as theirs:
        oracle(containerd, method, request)
    with pytest.raises(StatusError) as ours:
        channel.call(method, request, (("containerd-namespace", "default"),))

    assert ours.value.status == theirs.value.code().value[0] == 5
    assert "né" in theirs.value.details()
    assert "né" in str(ours.value)


def test_a_container_of_ctr_is_known_by_its_layers(containerd, request_for, image):
    name, digest = image
    containerd.create(name, "plain1")
    found = seen(containerd, "plain1", request_for)

    assert (found.engine, found.reason) == ("containerd", "")
    assert (found.image.name, found.image.names, found.image.digest) == (name, (name,), digest)
    assert found.image.manifest_annotations == {"io.hostfit.require": "kernel.version.full >=5"}
    assert (found.image.labels, found.image.env, str(found.image.platform)) == ({"l": name}, ("A=1",), "linux/amd64")


def test_a_tag_that_moved_does_not_fool_it(containerd, layout, request_for, image):
    name, digest = image
    containerd.create(name, "moved1")
    containerd.ctr("images", "tag", name, "localhost/kept:1")
    other = layout.tag("b", layout.manifest(labels={"other": "yes"}, files={"etc/other": b"layer"}))
    containerd.load(layout, "b", name)
    found = seen(containerd, "moved1", request_for)

    assert found.image is not None, found.reason
    assert (found.image.digest, found.image.names, found.image.name) == (
        digest,
        ("localhost/kept:1",),
        "localhost/kept:1",
    )
    assert found.image.digest != other

    containerd.ctr("images", "rm", "--sync", "localhost/kept:1")
    gone = seen(containerd, "moved1", request_for)
    assert gone.unresolved
    assert not gone.broken
    assert "no image has the layers" in gone.reason


def test_an_image_of_another_digest_algorithm_stops_no_other(containerd, channel, layout, request_for, image):
    """containerd takes sha384 too; the list of all images is read where a tag has moved."""
    name, digest = image
    containerd.create(name, "moved-on")
    containerd.ctr("images", "tag", name, "localhost/kept:384")
    layout.tag("z", layout.manifest(files={"z": b"other"}))
    containerd.load(layout, "z", name)
    target = encode((1, "application/vnd.oci.image.manifest.v1+json"), (2, "sha384:" + "a" * 96), (3, 2))
    odd = encode((1, "localhost/odd:384"), (3, target))
    channel.call(
        "/containerd.services.images.v1.Images/Create", encode((1, odd)), (("containerd-namespace", "default"),)
    )

    found = seen(containerd, "moved-on", request_for)
    containerd.ctr("images", "rm", "localhost/odd:384")

    assert found.image is not None, found.reason
    assert found.image.digest == digest


def test_two_images_with_the_same_layers_are_told_apart_by_nothing(containerd, layout, request_for, image):
    name, _ = image
    containerd.create(name, "twins")
    for number in (1, 2):
        files = {"etc/name": name.encode()}
        layout.tag(f"t{number}", layout.manifest(labels={"twin": str(number)}, files=files))
        containerd.load(layout, f"t{number}", f"localhost/twin{number}:1")
    containerd.ctr("images", "rm", "--sync", name)

    assert "2 images have the layers of" in seen(containerd, "twins", request_for).reason


def test_of_an_index_the_member_that_was_unpacked_is_found(containerd, layout, request_for):
    """IA5: the annotations of the index count too."""
    one = layout.manifest(files={"a": b"index-arm"}, platform={"architecture": "arm64"})
    two = layout.manifest(files={"a": b"index-amd"}, annotations={"on": "manifest"})
    index = layout.index(
        one | {"platform": {"os": "linux", "architecture": "arm64"}},
        two | {"platform": {"os": "linux", "architecture": "amd64"}},
        annotations={"io.hostfit.require": "cpu.cpuid.AVX exists"},
    )
    layout.tag("i", index)
    containerd.load(layout, "i", "localhost/index:1")
    containerd.create("localhost/index:1", "indexed")
    image = seen(containerd, "indexed", request_for).image

    assert (image.digest, image.index_digest) == (two["digest"], index["digest"])
    assert image.index_annotations == {"io.hostfit.require": "cpu.cpuid.AVX exists"}
    assert image.manifest_annotations == {"on": "manifest"}
    assert image.names == ("localhost/index:1",)


def test_cri_s_image_id_counts_more_than_the_name(containerd, channel, layout, request_for, image):
    """CRI keeps the image ID in the container's metadata; here as the plugin writes it, through the same API."""
    name, digest = image
    other = layout.tag("b", layout.manifest(labels={"other": "yes"}, files={"etc/name": name.encode()}))
    containerd.load(layout, "b", "localhost/cri-other:1")
    config = layout.config_digest(other)
    container = cri_container("cri1", name, config)
    channel.call(
        "/containerd.services.containers.v1.Containers/Create", container, (("containerd-namespace", "default"),)
    )
    found = seen(containerd, "cri1", request_for)

    assert found.image is not None, found.reason
    assert (found.image.digest, found.image.config_digest) == (other, config)
    assert found.image.digest != digest


def cri_container(name, image, image_ref):
    metadata = json.dumps({"Version": "v1", "Metadata": {"ID": name, "ImageRef": image_ref}})
    extension = encode((1, "io.cri-containerd.container.metadata"), (2, encode((1, "x/Metadata"), (2, metadata))))
    runtime = encode((1, "io.containerd.runc.v2"))
    spec = encode((1, "types.containerd.io/opencontainers/runtime-spec/1/Spec"), (2, "{}"))
    parts = encode((1, name), (3, image), (4, runtime), (5, spec), (6, "native"), (7, name), (10, extension))
    return encode((1, parts))


@pytest.mark.parametrize("image_ref", ["sha256:../../x", "busybox:latest", "x\n\x1b[31m", "", 5])
def test_a_malformed_image_id_is_a_broken_store_and_no_crash(containerd, channel, request_for, image_ref):
    """CVE-2026-95839: a malformed digest in metadata took a daemon down."""
    name = f"bad-{abs(hash(str(image_ref)))}"
    call = ("/containerd.services.containers.v1.Containers/Create", cri_container(name, "localhost/none:1", image_ref))
    channel.call(*call, (("containerd-namespace", "default"),))
    found = seen(containerd, name, request_for)

    assert found.unresolved
    assert found.broken
    assert "ImageRef must be a digest" in found.reason
    assert found.reason.isprintable()


def test_a_container_of_its_own_root_filesystem_has_no_image(containerd, request_for, tmp_path):
    (tmp_path / "rootfs").mkdir()
    containerd.ctr("containers", "create", "--rootfs", str(tmp_path / "rootfs"), "own-rootfs", "/bin/true")
    found = seen(containerd, "own-rootfs", request_for)

    assert (found.engine, found.image, found.unresolved) == ("", None, False)


def test_a_container_that_is_not_listed_is_unknown(containerd, request_for):
    found = seen(containerd, "nobody", request_for)

    assert (found.engine, found.unresolved, found.broken) == ("containerd", True, False)
    assert "container nobody is not listed" in found.reason


def test_the_namespace_is_the_environment_s_else_the_bundle_s(containerd, layout, request_for):
    layout.tag("a", layout.manifest(files={"etc/ns": b"k8s"}))
    containerd.load(layout, "a", "localhost/ns:1", namespace="k8s.io")
    containerd.create("localhost/ns:1", "ns1", namespace="k8s.io")

    assert seen(containerd, "ns1", request_for, namespace="k8s.io").image.name == "localhost/ns:1"
    assert seen(containerd, "ns1", request_for).unresolved
    environ = {"GRPC_ADDRESS": str(containerd.socket), "NAMESPACE": "k8s.io"}
    elsewhere = request_for("/other/shim/bundle", id="ns1", environ=environ)
    assert resolve.resolve(elsewhere).image.name == "localhost/ns:1"


def test_without_the_shim_s_environment_the_state_directory_tells_the_socket(containerd, request_for, image, tmp_path):
    """A hook gets no environment; containerd's socket lies in its state directory by default."""
    containerd.create(image[0], "nosock")
    here = containerd.state / "containerd.sock"
    here.symlink_to(containerd.socket)
    try:
        assert resolve.resolve(request_for(containerd.bundle("nosock"))).image.name == image[0]
    finally:
        here.unlink()
    lost = resolve.resolve(request_for(containerd.bundle("nosock")))
    assert lost.unresolved
    assert "connect: ENOENT" in lost.reason


def test_a_blob_that_was_changed_on_disk_is_a_broken_store(containerd, request_for, image):
    name, digest = image
    containerd.create(name, "tampered")
    blob = containerd.directory / "root/io.containerd.content.v1.content/blobs/sha256" / digest[7:]
    kept = blob.read_bytes()
    blob.chmod(0o600)
    try:
        blob.write_bytes(kept.replace(b"full >=5", b"full >=4"))
        changed = seen(containerd, "tampered", request_for)
        blob.write_bytes(kept[:-5])
        shorter = seen(containerd, "tampered", request_for)
    finally:
        blob.write_bytes(kept)

    assert changed.broken
    assert "content has another digest" in changed.reason
    assert shorter.broken
    assert "size must be" in shorter.reason


def test_base_images_are_followed_as_far_as_the_store_has_them(containerd, layout, request_for):
    """IA6"""
    key = "org.opencontainers.image.base.digest"
    root = layout.manifest(annotations={"io.hostfit.require": "kernel.version.full >=4"}, files={"a": b"base0"})
    middle = layout.manifest(annotations={key: root["digest"]}, files={"a": b"base1"})
    top = layout.manifest(annotations={key: middle["digest"]}, files={"a": b"base2"})
    for tag, one in (("r", root), ("m", middle), ("t", top)):
        layout.tag(tag, one)
        containerd.load(layout, tag, f"localhost/base-{tag}:1")
    containerd.create("localhost/base-t:1", "based")
    image = seen(containerd, "based", request_for).image

    assert [one.digest for one in image.bases] == [middle["digest"], root["digest"]]
    assert image.bases[1].name == "localhost/base-r:1"
    containerd.ctr("images", "rm", "--sync", "localhost/base-m:1")
    assert seen(containerd, "based", request_for).image.bases == ()


def test_images_are_found_by_name_digest_and_id(containerd, channel, layout, image):
    """SA1"""
    name, digest = image
    client = Client(channel, "default")
    config = layout.config_digest(digest)
    for asked in (
        name,
        name.removeprefix("localhost/"),
        digest,
        config,
        config[7:19],
        f"{name.removesuffix(':1')}@{digest}",
    ):
        found = next(local.find_in_containerd(client, asked, lambda _: True), None)
        assert found is not None, asked
        assert (found.digest, name in found.names) == (digest, True)
    assert list(local.find_in_containerd(client, "localhost/none:1", lambda _: True)) == []
    assert list(local.find_in_containerd(client, name, lambda _: False)) == []


def test_a_namespace_that_is_no_plain_text_is_refused(channel):
    for namespace in ("", "a\nb", "né", "\x1b[31m"):
        with pytest.raises(SourceError, match="must be plain text"):
            Client(channel, namespace)


def test_no_socket_at_all_names_every_one_that_was_tried():
    with pytest.raises(SourceError, match=r"/none/a.*ENOENT.*/none/b.*ENOENT"):
        containerimage.connect(("/none/a", "/none/b"))
