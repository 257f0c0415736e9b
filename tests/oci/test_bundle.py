"""R8 and R9: a bundle's configuration is read once, strictly, and recognised again."""

from __future__ import annotations

import contextlib
import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hostfit.core.errors import BundleError
from hostfit.oci import bundle

CONFIG = {
    "ociVersion": "1.0.2",
    "annotations": {"io.kubernetes.cri.image-name": "registry.example/upf:1", "b": "\u00e9"},
    "process": {"args": ["/upf", "-c"], "env": ["PATH=/bin", "A=b=c"]},
    "root": {"path": "rootfs", "readonly": True},
    "mounts": [{"source": "/dev/hugepages", "destination": "/hp"}, {"destination": "/proc", "type": "proc"}],
    "linux": {"devices": [{"path": "/dev/nvidia0", "type": "c"}], "namespaces": [{"type": "pid"}]},
}


@pytest.fixture
def place(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    return tmp_path


def test_the_fields_are_those_of_runtime_spec(place):
    found = bundle.read_bundle(str(place))

    assert found.path == str(place)
    assert found.annotations == CONFIG["annotations"]
    assert (found.args, found.env) == (("/upf", "-c"), ("PATH=/bin", "A=b=c"))
    assert found.rootfs == str(place / "rootfs")
    assert found.devices == ("/dev/nvidia0",)
    assert found.mounts == (("/dev/hugepages", "/hp"), ("", "/proc"))


def test_an_absolute_root_stays_and_none_is_empty(place):
    for path, expected in (("/var/lib/x", "/var/lib/x"), ("", "")):
        (place / "config.json").write_text(json.dumps({"root": {"path": path}}))
        assert bundle.read_bundle(str(place)).rootfs == expected


@pytest.mark.parametrize(
    "tree", [{}, {"process": None, "root": None, "linux": None, "mounts": None, "annotations": None}]
)
def test_what_is_absent_is_empty(tree, place):
    (place / "config.json").write_text(json.dumps(tree))
    found = bundle.read_bundle(str(place))

    assert (found.annotations, found.args, found.env, found.rootfs, found.devices) == ({}, (), (), "", ())


@pytest.mark.parametrize(
    ("tree", "reason"),
    [
        ({"annotations": []}, "annotations must be an object"),
        ({"annotations": {"a\n": 1}}, r"annotations.a\x0a must be text"),
        ({"process": {"env": ["a", 1]}}, "process.env must be a list of texts"),
        ({"process": {"args": "sh"}}, "process.args must be a list of texts"),
        ({"process": []}, "process must be an object"),
        ({"root": {"path": 1}}, "root.path must be text"),
        ({"mounts": [1]}, "mounts must be a list of objects"),
        ({"linux": {"devices": {}}}, "linux.devices must be a list of objects"),
        ({"ANNOTATIONS": {}}, 'key "ANNOTATIONS" must be written annotations'),
        ({"process": {"Env": []}}, 'key "Env" must be written env'),
        ([], "must be an object"),
    ],
)
def test_another_type_than_the_specifications_is_an_error_that_names_the_field(tree, reason, place):
    (place / "config.json").write_text(json.dumps(tree))
    with pytest.raises(BundleError) as caught:
        bundle.read_bundle(str(place))

    assert caught.value.message.endswith(reason)
    assert str(place / "config.json") in caught.value.message


@pytest.mark.parametrize("kind", ["missing", "fifo", "large", "directory"])
def test_a_configuration_that_cannot_be_read_is_an_error_with_the_symbol(kind, place):
    path = place / "config.json"
    path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "large":
        with path.open("wb") as out:
            out.truncate((16 << 20) + 1)
    elif kind == "directory":
        path.mkdir()
    with pytest.raises(
        BundleError, match={"missing": "ENOENT", "fifo": "EINVAL", "large": "EFBIG"}.get(kind, "EISDIR")
    ):
        bundle.read_bundle(str(place))


@pytest.mark.parametrize("change", ["content", "same size and time", "replaced", "gone"])
def test_a_configuration_that_is_not_what_was_read_is_noticed(change, place):
    path = place / "config.json"
    found = bundle.read_bundle(str(place))
    assert bundle.unchanged(found)
    before = path.stat()
    if change == "content":
        path.write_text("{}")
    elif change == "same size and time":
        path.write_text(path.read_text().replace("rootfs", "rootsf"))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif change == "replaced":
        text = path.read_text()
        path.rename(place / "old")
        path.write_text(text)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    else:
        path.unlink()

    assert not bundle.unchanged(found)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab/.\0\u202e", max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["annotations", "process", "env", "args", "root", "path", "linux", "devices", "mounts", "source"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(JSON)
def test_no_tree_makes_anything_but_a_bundle_or_a_bundle_error(tmp_path, tree):
    (tmp_path / "config.json").write_text(json.dumps(tree))
    found = None
    with contextlib.suppress(BundleError):
        found = bundle.read_bundle(str(tmp_path))
    if found is None:
        return
    assert all(isinstance(one, str) for one in (*found.env, *found.args, *found.devices, *found.annotations.values()))
