"""A package asks what needs it before it goes, and is told what is still there and what to do about it."""

from __future__ import annotations

from hostfit.core.paths import Paths
from hostfit.runtime import inuse, podrecord, record


def asked(directory):
    paths = Paths(etc=str(directory / "etc"), run=str(directory / "run/hostfit"), var=str(directory / "var"))
    return paths, lambda: inuse.complaint(paths, str(directory))


def created(paths, bundle, name="c1"):
    bundle.mkdir(parents=True, exist_ok=True)
    record.save(paths, "", name, record.Record("/usr/bin/runc", str(bundle), 1 << 30, 1))


def test_nothing_is_said_where_nothing_was_ever_started(tmp_path):
    _, complaint = asked(tmp_path)

    assert complaint() == ""


def test_container_counts_until_its_bundle_is_gone(tmp_path):
    paths, complaint = asked(tmp_path)
    created(paths, tmp_path / "bundle")

    assert complaint().startswith(
        "hostfit: not removed, for it is in use\ncontainers can be deleted only through it: 1,"
    )
    assert f"\n  {tmp_path}/bundle\n" in complaint()
    (tmp_path / "bundle").rmdir()
    assert complaint() == ""


def test_pod_behind_the_shim_counts_as_well(tmp_path):
    _, complaint = asked(tmp_path)
    bundle = tmp_path / "run/containerd/io.containerd.runtime.v2.task/k8s.io/pod1"
    bundle.mkdir(parents=True)
    assert complaint() == ""

    podrecord.save(str(bundle), podrecord.PodRecord("kata", "/usr/bin/containerd-shim-kata-v2"))

    assert f"\n  {bundle}\n" in complaint()


def test_engine_that_is_set_up_is_named_with_the_command_that_ends_it(tmp_path):
    _, complaint = asked(tmp_path)
    (tmp_path / "var/setup").mkdir(parents=True)
    for engine in ("podman", "containerd"):
        (tmp_path / f"var/setup/{engine}.json").write_text("{}")

    assert complaint().splitlines()[1:] == [
        "engines are set up to start containers through it: containerd, podman",
        "  hostfit setup containerd --remove",
        "  hostfit setup podman --remove",
    ]


def test_list_is_short_and_one_line_each(tmp_path):
    paths, complaint = asked(tmp_path)
    for number in range(30):
        created(paths, tmp_path / f"bundle {number}\x1b[31m", f"c{number}")

    said = complaint().splitlines()

    assert len(said) == 24
    assert said[22] == "  and 10 more"
    assert "\x1b" not in "".join(said)
