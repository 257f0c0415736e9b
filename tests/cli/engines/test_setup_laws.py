"""Laws of `setup` over generated configurations: twice is once, and removing gives back what was there (CH8)."""

from __future__ import annotations

import json
import shutil
import tempfile
import tomllib
from contextlib import contextmanager
from pathlib import Path

import tomlkit
from hostfit_bed.hosttree import HostTree
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROUNDS = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CRI = "io.containerd.grpc.v1.cri"
WORDS = st.sampled_from(["a", "runc", "x.y", "Ünïcode", "with space", "hostfit", "version"])
VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(-5, 5), st.text(max_size=8), st.lists(st.text(max_size=4), max_size=2)),
    lambda inner: st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
TABLES = st.dictionaries(WORDS, VALUES, max_size=3)
COMMENTS = st.text(st.characters(blacklist_categories=["Cc", "Cs"]), max_size=12).map(lambda text: f"# {text}")
FLAGS = st.sampled_from([(), ("--default",)])


@contextmanager
def host_with(engine, files):
    """A host of one example."""
    directory = Path(tempfile.mkdtemp(prefix="hostfit-laws-"))
    try:
        host = HostTree(directory, engine)
        for path, text in files.items():
            host.write(path, text)
        yield host
    finally:
        shutil.rmtree(directory)


def laws(engine, files, flags):
    """Set up, again, with the other flags, and remove; each step as often as it likes."""
    with host_with(engine, files) as host:
        before, directories = host.files(), host.directories()
        assert host.hostfit("setup", engine, *flags) == 0
        once = host.files()
        assert host.hostfit("setup", engine, *flags) == 0
        assert host.files() == once
        other = () if flags else ("--default",)
        assert host.hostfit("setup", engine, *other) == 0
        assert host.hostfit("setup", engine, *flags) == 0
        assert host.files() == once
        assert host.hostfit("setup", engine, "--remove") == 0
        assert host.files() == before
        assert host.directories() == directories
        assert host.hostfit("setup", engine, "--remove") == 0
        assert host.files() == before
        return before, once


@st.composite
def toml_files(draw, version):
    """A main file of containerd with comments, tables and perhaps imports."""
    tree = {"version": version, "root": draw(st.text(max_size=6))}
    if draw(st.booleans()):
        tree["imports"] = draw(st.lists(st.sampled_from(["/nowhere.toml", "conf.d/*.toml", "x"]), max_size=2))
    cri = draw(TABLES)
    cri["containerd"] = {
        "default_runtime_name": "runc",
        "runtimes": {"runc": {"runtime_type": "io.containerd.runc.v2", "options": draw(TABLES)}},
    }
    tree["plugins"] = {CRI: cri, "another": draw(TABLES)}
    lines = tomlkit.dumps(tree).split("\n")
    for comment in draw(st.lists(COMMENTS, max_size=3)):
        lines.insert(draw(st.sampled_from([0, len(lines)])), comment)
    return draw(st.sampled_from(["\n".join(lines), "\n".join(lines).rstrip("\n")]))


@ROUNDS
@given(st.sampled_from([2, 3]).flatmap(toml_files), FLAGS)
def test_containerd(text, flags):
    before, once = laws("containerd", {"etc/containerd/config.toml": text}, flags)

    main = once["etc/containerd/config.toml"].decode()
    assert {**tomllib.loads(main), "imports": 0} == {**tomllib.loads(text), "imports": 0}
    assert [line for line in text.split("\n") if line.startswith("#") and line not in main.split("\n")] == []
    assert before["etc/containerd/config.toml"].decode() == text


@ROUNDS
@given(TABLES, FLAGS, st.sampled_from([None, 1, 2, 4, "\t"]), st.sampled_from(["", "\n"]))
def test_docker(values, flags, indent, end):
    values = {key: value for key, value in values.items() if key not in ("runtimes", "default-runtime")}
    text = json.dumps(values, indent=indent) + end

    _, once = laws("docker", {"etc/docker/daemon.json": text}, flags)

    made = json.loads(once["etc/docker/daemon.json"])
    assert {key: value for key, value in made.items() if key not in ("runtimes", "default-runtime")} == values


@ROUNDS
@given(TABLES, st.lists(st.text(max_size=5), max_size=2), FLAGS)
def test_podman(values, hooks, flags):
    conf = tomlkit.dumps(
        {"containers": values, "engine": {"hooks_dir": hooks, "runtimes": {"runc": ["/usr/bin/runc"]}}}
    )

    laws("podman", {"etc/containers/containers.conf": conf}, flags)


@ROUNDS
@given(TABLES, FLAGS)
def test_crio(values, flags):
    conf = tomlkit.dumps(
        {"crio": {"image": values, "runtime": {"runtimes": {"runc": {"runtime_path": "/usr/bin/runc"}}}}}
    )

    laws("crio", {"etc/crio/crio.conf.d/10-site.conf": conf}, flags)


@ROUNDS
@given(st.text(st.characters(blacklist_categories=["Cs"]), max_size=40), FLAGS, st.sampled_from(["k3s", "rke2"]))
def test_templates(text, flags, name):
    path = f"var/lib/rancher/{name}/agent/etc/containerd/config.toml.tmpl"

    laws(name, {path: text}, flags)


@ROUNDS
@given(toml_files(2), FLAGS, TABLES)
def test_what_was_changed_in_between_stays(text, flags, added):
    """Not to the byte then, but nothing of the site is lost and nothing of hostfit stays."""
    with host_with("containerd", {"etc/containerd/config.toml": text}) as host:
        host.hostfit("setup", "containerd", *flags)
        more = tomlkit.dumps({"site": {"table": added}})
        host.write("etc/containerd/config.toml", f"{host.read('etc/containerd/config.toml')}\n{more}")

        host.hostfit("setup", "containerd", "--remove")

        left, wanted = tomllib.loads(host.read("etc/containerd/config.toml")), tomllib.loads(text)
        if wanted.get("imports") == []:
            left.setdefault("imports", [])
        assert left == wanted | tomllib.loads(more)


@ROUNDS
@given(toml_files(2), FLAGS)
def test_without_a_record_the_files_themselves_tell(text, flags):
    with host_with("containerd", {"etc/containerd/config.toml": text}) as host:
        host.hostfit("setup", "containerd", *flags)
        shutil.rmtree(host.root / "var/lib/hostfit")

        host.hostfit("setup", "containerd", "--remove")

        assert not (host.root / "etc/containerd/conf.d/zz-hostfit.toml").exists()
        left, wanted = tomllib.loads(host.read("etc/containerd/config.toml")), tomllib.loads(text)
        if wanted.get("imports") == []:
            left.setdefault("imports", [])
        assert left == wanted
