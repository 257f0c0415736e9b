"""containers-storage as skopeo and Podman write it, and what happens when somebody else wrote into it."""

from __future__ import annotations

import json
import os

import pytest

from hostfit.sources import local, resolve, storageconf
from hostfit.sources.storage import Store, placed

pytestmark = pytest.mark.system
CRI_O = {"io.container.manager": "cri-o", "io.kubernetes.cri-o.ContainerID": "gone"}


def seen(storage, container, request_for, **parts):
    return resolve.resolve(request_for(storage.bundle(container), id=container, **parts))


def test_a_container_of_podman_leads_to_manifest_labels_and_names(stored, request_for):
    found = seen(stored, stored.container, request_for)

    assert (found.engine, found.reason) == ("podman", "")
    image = found.image
    assert (image.name, sorted(image.names)) == ("localhost/upf:1", ["localhost/upf:1", "quay.io/free5gc/upf:v3"])
    assert (image.digest, image.config_digest) == (stored.digest, stored.config)
    assert image.manifest_annotations == {"io.hostfit.require": "kernel.version.full >=5", "other": "x"}
    assert (image.labels, image.env, str(image.platform)) == ({"l": "1"}, ("A=1",), "linux/amd64")
    assert image.store == f"containers-storage {stored.graphroot} (vfs)"


def test_a_container_with_rm_is_listed_below_runroot(stored, request_for):
    """Newer versions of containers-storage list a volatile container apart; Podman 4.3 does not yet, so it is moved
    here. Its runroot is known from the files that Podman mounts.
    """
    container = stored.removed
    listed = stored.graphroot / "vfs-containers/containers.json"
    records = json.loads(listed.read_text())
    listed.write_text(json.dumps([one for one in records if one["id"] != container]))
    volatile = stored.runroot / "vfs-containers" / "volatile-containers.json"
    volatile.write_text(json.dumps([one for one in records if one["id"] == container]))
    mount = (str(stored.runroot / "vfs-containers" / container / "userdata" / "hosts"), "/etc/hosts")

    found = seen(stored, container, request_for, mounts=(mount,), rootfs=f"{stored.graphroot}/vfs/dir/x")
    assert found.image is not None, found.reason
    assert found.image.digest == stored.digest
    lost = seen(stored, container, request_for, rootfs=f"{stored.graphroot}/vfs/dir/x")
    assert lost.unresolved
    assert not lost.broken


def test_a_container_of_cri_o_lies_in_runroot(stored, request_for):
    """CRI-O's bundle lies in runroot; its root filesystem tells graphroot, its own annotations the image's ID."""
    bundle = stored.runroot / "vfs-containers" / stored.container / "userdata"
    rootfs = f"{stored.graphroot}/vfs/dir/abc"
    own = CRI_O | {"io.kubernetes.cri-o.ContainerID": stored.container}
    found = resolve.resolve(request_for(bundle, annotations=own, rootfs=rootfs))

    assert (found.engine, found.image.digest) == ("cri-o", stored.digest)
    notes = CRI_O | {
        "io.kubernetes.cri-o.ImageRef": stored.config[7:],
        "io.kubernetes.cri-o.ImageName": "quay.io/free5gc/upf:v3",
    }
    unlisted = resolve.resolve(
        request_for(stored.runroot / "vfs-containers/gone/userdata", annotations=notes, rootfs=rootfs)
    )
    assert (unlisted.engine, unlisted.image.name) == ("cri-o", "quay.io/free5gc/upf:v3")


def test_podman_does_not_believe_cri_o_s_annotations(stored, request_for):
    """An image can forge all of these under Podman 4.3, but it cannot know its container's ID."""
    notes = CRI_O | {"io.kubernetes.cri-o.ContainerID": "guess", "io.kubernetes.cri-o.ImageRef": stored.config[7:]}
    found = seen(stored, "gone", request_for, annotations=notes, rootfs=f"{stored.graphroot}/vfs/dir/abc")

    assert (found.engine, found.unresolved) == ("podman", True)


def test_a_container_keeps_its_image_when_the_tag_moves(stored, layout, request_for):
    layout.tag("b", layout.manifest(labels={"l": "2"}, files={"b": b"b"}))
    stored.copy(layout, "b", "localhost/upf:1")
    image = seen(stored, stored.container, request_for).image

    assert (image.digest, image.name) == (stored.digest, "localhost/upf:1")
    # By the old name the administrator may tighten, but what the policy loosens for it is the new image's.
    assert image.names == ("quay.io/free5gc/upf:v3",)


def test_an_image_pulled_by_its_index_has_that_too(storage, layout, request_for):
    """IA2c, IA5"""
    one = layout.manifest(annotations={"on": "manifest"})
    index = layout.index(
        one | {"platform": {"os": "linux", "architecture": "amd64", "variant": "v2"}}, annotations={"on": "index"}
    )
    layout.tag("i", index)
    storage.copy(layout, "i", "localhost/multi:1", "--override-variant", "v2")
    (record,) = storage.records()
    image = Store(str(storage.graphroot), "vfs").image_by_id(record["id"])

    assert (image.digest, image.index_digest) == (one["digest"], index["digest"])
    assert (image.manifest_annotations, image.index_annotations) == ({"on": "manifest"}, {"on": "index"})
    assert str(image.platform) == "linux/amd64/v2"


def test_base_images_are_followed_as_far_as_the_store_has_them(storage, layout):
    """IA6"""
    key = "org.opencontainers.image.base.digest"
    base = layout.manifest(annotations={"io.hostfit.prefer": "kernel.version.full >=6"}, files={"a": b"0"})
    top = layout.manifest(labels={key: base["digest"]}, files={"a": b"1"})
    layout.tag("base", base)
    layout.tag("top", top)
    storage.copy(layout, "top", "localhost/top:1")
    name = "localhost/top:1"

    def bases():
        store = Store(str(storage.graphroot), "vfs")
        return store.image(next(one for one in store.records() if name in one["names"])).bases

    assert bases() == ()
    storage.copy(layout, "base", "localhost/base:1")
    assert [(one.digest, one.name) for one in bases()] == [(base["digest"], "localhost/base:1")]


def test_podman_run_with_a_directory_has_no_image(stored, request_for, tmp_path):
    found = seen(stored, "nobody", request_for, rootfs=str(tmp_path / "rootfs"))

    assert (found.engine, found.image, found.unresolved) == ("", None, False)


def _manifest(storage):
    (record,) = storage.records()
    return storage.images / record["id"] / "manifest"


def _fifo(storage, request_for):
    _manifest(storage).unlink()
    os.mkfifo(_manifest(storage))
    return "manifest: EINVAL"


def _directory(storage, request_for):
    _manifest(storage).unlink()
    _manifest(storage).mkdir()
    return "manifest: EISDIR"


def _gone(storage, request_for):
    _manifest(storage).unlink()
    return "manifest: ENOENT"


def _link(storage, request_for):
    _manifest(storage).unlink()
    _manifest(storage).symlink_to("/etc/passwd")
    return "content has another digest than"


def _changed(storage, request_for):
    path = _manifest(storage)
    path.write_text(path.read_text().replace(">=5", ">=4"))
    return "content has another digest than"


def _huge(storage, request_for):
    with _manifest(storage).open("r+b") as file:
        file.truncate(1 << 40)
    return "manifest: EFBIG"


def _list_of_junk(storage, request_for):
    (storage.images / "images.json").write_text('{"a": [')
    return "images.json: not valid JSON"


def _list_of_texts(storage, request_for):
    (storage.images / "images.json").write_text('["a"]')
    return "a list of mappings is required"


def _list_is_fifo(storage, request_for):
    (storage.images / "images.json").unlink()
    os.mkfifo(storage.images / "images.json")
    return "images.json: EINVAL"


def _climbing_id(storage, request_for):
    path = storage.graphroot / "vfs-containers" / "containers.json"
    path.write_text(path.read_text().replace(storage.config[7:], "../../x"))
    (storage.images / "images.json").write_text(json.dumps([{"id": "../../x"}]))
    return "an image ID is required, found ../../x"


@pytest.mark.parametrize(
    "harm",
    [_fifo, _directory, _gone, _link, _changed, _huge, _list_of_junk, _list_of_texts, _list_is_fifo, _climbing_id],
)
def test_a_damaged_store_is_broken_with_one_line_and_never_hangs(stored, request_for, harm):
    """Security rules R7, R9, R18"""
    message = harm(stored, request_for)
    found = seen(stored, stored.container, request_for)

    assert found.unresolved
    assert found.broken
    assert message in found.reason
    assert found.reason.isprintable()


def test_names_that_would_break_a_terminal_stay_data(stored, request_for):
    path = stored.images / "images.json"
    path.write_text(path.read_text().replace("quay.io/free5gc/upf:v3", "x\\n\\u001b[31m\\u202e"))
    image = seen(stored, stored.container, request_for).image

    assert "x\n\x1b[31m\u202e" in image.names
    assert image.name == "localhost/upf:1"


@pytest.mark.parametrize("records", [[], [{"id": "zzz", "image": "abc"}], None])
def test_a_container_in_no_list_is_unknown_and_not_broken(stored, request_for, records):
    text = "" if records is None else json.dumps(records)
    (stored.graphroot / "vfs-containers").mkdir(exist_ok=True)
    (stored.graphroot / "vfs-containers" / "containers.json").write_text(text)
    found = seen(stored, "c" * 64, request_for, rootfs=f"{stored.graphroot}/vfs/dir/x")

    assert (found.engine, found.unresolved, found.broken) == ("podman", True, False)
    assert "is in no list of" in found.reason


def test_only_a_userdata_directory_of_a_container_is_a_place():
    place = placed("/var/lib/containers/storage/overlay-containers/abc/userdata")
    assert (place.root, place.driver, place.container) == ("/var/lib/containers/storage", "overlay", "abc")
    for path in ("/", "/a/b", "/x/overlay-containers/abc", "/x/overlay/abc/userdata", "/x/overlay-containers/userdata"):
        assert placed(path) is None


def test_buildah_s_steps_have_no_image_and_are_not_unknown(request_for):
    found = resolve.resolve(request_for("/var/tmp/buildah123", id="buildah-buildah123"))

    assert (found.engine, found.image, found.unresolved) == ("buildah", None, False)


def test_a_plain_bundle_has_no_engine(request_for):
    for path in ("/", "/tmp/b", "/run/containerd/b", "/var/tmp/buildah123"):
        found = resolve.resolve(request_for(path, annotations=CRI_O | {"io.kubernetes.cri-o.ImageRef": "abc"}))
        assert (found.engine, found.image, found.unresolved) == ("", None, False)


def test_images_are_found_by_name_digest_and_id(stored, monkeypatch, tmp_path):
    """SA1: through storage.conf, in an additional image store too."""
    conf = tmp_path / "storage.conf"
    conf.write_text(
        f'[storage]\ngraphroot = "{tmp_path}/empty"\n'
        f'[storage.options]\nadditionalimagestores = ["{stored.graphroot}", 5]\n'
    )
    monkeypatch.setattr(storageconf, "SYSTEM_FILES", (str(conf),))
    for name in (
        "localhost/upf:1", "upf:1", "quay.io/free5gc/upf:v3", stored.digest, stored.config, stored.config[7:],
        stored.config[7:19], f"localhost/upf@{stored.digest}",
    ):  # fmt: skip
        assert local.find(name).digest == stored.digest, name
    assert local.find("upf:1").name == "localhost/upf:1"
    assert local.find(stored.digest).name in ("localhost/upf:1", "quay.io/free5gc/upf:v3")


def test_a_broken_storage_conf_says_where(monkeypatch, tmp_path):
    conf = tmp_path / "storage.conf"
    conf.write_text("[storage\n")
    monkeypatch.setattr(storageconf, "SYSTEM_FILES", (str(conf),))
    with pytest.raises(storageconf.SourceError, match=r"storage.conf: not valid TOML"):
        storageconf.read()
