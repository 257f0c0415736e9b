"""The compiled policy is believed only while it is whole, trusted and as old as its sources; else those are read."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from hostfit.core.errors import PolicyError
from hostfit.core.image import Image
from hostfit.policy import compiled, load, read

UPF = Image(name="docker.io/free5gc/upf:1", names=("docker.io/free5gc/upf:1",))
TOML = """
[policy]
default = "crun"
on_unknown = "deny"
tag = "edge"
[[scope]]
image = "registry.example/*"
on_misfit = "warn"
[runtime.runsc]
binary = ["/usr/bin/runsc", "/opt/runsc"]
isolation = 2
kernel = "own"
[[runtime.runsc.requires]]
name = "kvm"
matchFeatures = [{ feature = "device.node", matchExpressions = { path = { op = "In", value = ["/dev/kvm"] } } }]
"""
YAML = """
images: ["*/free5gc/upf:*"]
mode: replace
spec:
  version: v1alpha1
  compatibilities:
  - rules:
    - name: gtp5g
      matchFeatures: [{feature: kernel.loadedmodule, matchExpressions: {gtp5g: {op: Exists}}}]
"""


@pytest.fixture
def full(site):
    site.write("hostfit.toml", TOML)
    site.write("images.d/upf.yaml", YAML)
    site.write("images.d/wrong.yaml", "images: ['x']\nspec: {}\n")
    site.write("conf.d/a.toml", '[policy]\non_error = "warn"\n')
    return site


def told(policy):
    """Everything that a policy says, for comparison."""
    documents = [(one.spec, one.problems, one.provenance) for one in policy.images.documents(UPF)[0]]
    entries = [(one.images, one.place, one.mode, one.spec, one.problems, one.digest) for one in policy.images.entries]
    scopes = [(one.knobs, one.image, one.digest, one.namespace) for one in policy.scopes]
    return (policy.base, policy.defaults, policy.tag, policy.sources, policy.runtimes, scopes, entries, documents)


def current(site):
    return compiled.load_compiled(site.paths) is not None


def test_compiled_policy_says_what_its_sources_say(full):
    path = compiled.compile_policy(full.paths)

    assert path == f"{full.paths.var}/compiled/policy.json"
    assert told(compiled.load_compiled(full.paths)) == told(read.read(full.paths))
    assert told(load.load(full.paths)) == told(read.read(full.paths))


def test_compiled_policy_is_roots_alone_to_change(full):
    status = os.stat(compiled.compile_policy(full.paths))

    assert (status.st_uid, status.st_mode & 0o7777) == (0, 0o644)


def test_compiled_policy_is_read_without_the_parsers(full):
    compiled.compile_policy(full.paths)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from hostfit.core.paths import Paths; from hostfit.policy import load\n"
        "assert load.load(Paths(*sys.argv[2:])).defaults == ('crun',)\n"
        "print([name for name in ('tomllib', 'yaml', 're', 'json', 'hostfit.policy.read') if name in sys.modules])"
    )
    paths = full.paths

    done = subprocess.run(
        ["/usr/bin/python3", "-I", "-S", "-c", program, next(one for one in sys.path if one.endswith("/src")),
         paths.etc, paths.run, paths.var],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.stdout, done.stderr) == ("[]\n", "")


CHANGES = {
    "content": lambda site: site.write("hostfit.toml", TOML.replace("warn", "deny")),
    "content of the same length": lambda site: site.write("hostfit.toml", TOML.replace("warn", "deny")),
    "another owner": lambda site: os.chown(site.etc / "hostfit.toml", 1234, 0),
    "another mode": lambda site: (site.etc / "hostfit.toml").chmod(0o666),
    "removed": lambda site: (site.etc / "hostfit.toml").unlink(),
    "new file in conf.d": lambda site: site.write("conf.d/b.toml", ""),
    "file of conf.d removed": lambda site: (site.etc / "conf.d" / "a.toml").unlink(),
    "new file in images.d": lambda site: site.write("images.d/b.yaml", YAML),
    "content of images.d": lambda site: site.write("images.d/upf.yaml", YAML.replace("gtp5g", "gtp6g")),
    "images.d removed": lambda site: (site.etc / "images.d").rename(site.etc / "gone"),
    "replaced by another file": lambda site: os.replace(site.write("conf.d/new", TOML), site.etc / "hostfit.toml"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_compiled_policy_is_stale_after_any_change_of_its_sources(full, change):
    compiled.compile_policy(full.paths)
    assert current(full)

    change(full)

    assert not current(full)


def test_change_that_leaves_size_and_modification_time_is_seen(full):
    file = full.etc / "hostfit.toml"
    before = file.stat()
    compiled.compile_policy(full.paths)

    file.write_text(TOML.replace("warn", "deny"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert not current(full)


def test_change_right_after_compiling_is_seen(site):
    """The clock of a file system stands still for some milliseconds at a time."""
    for number in range(5):
        site.write("hostfit.toml", f'[policy]\ntag = "a{number}"\n')
        compiled.compile_policy(site.paths)
        site.write("hostfit.toml", f'[policy]\ntag = "b{number}"\n')
        assert load.load(site.paths).tag == f"b{number}"


def test_first_configuration_is_seen_after_compiling_without_any(site):
    compiled.compile_policy(site.paths)
    site.write("images.d/upf.yaml", YAML)

    assert len(load.load(site.paths).images.entries) == 1


def test_link_to_nowhere_after_compiling_denies(site):
    site.write("hostfit.toml", TOML)
    compiled.compile_policy(site.paths)
    before = os.stat(site.etc)
    (site.etc / "conf.d").symlink_to("elsewhere")
    os.utime(site.etc, ns=(before.st_atime_ns, before.st_mtime_ns))

    with pytest.raises(PolicyError, match=r"conf\.d: required readable, found ENOENT"):
        load.load(site.paths)


@pytest.mark.parametrize("name", load.CONFIGURATION)
def test_configuration_that_cannot_be_looked_for_denies(site, name):
    """R16: whether there is one is not known, so its absence is not assumed."""
    (site.etc / name).symlink_to(name)

    with pytest.raises(PolicyError, match=f"{name}: required readable, found ELOOP"):
        load.load(site.paths)


@pytest.mark.parametrize("instead", ["file", "loop", "link to nowhere"])
def test_directory_that_is_none_denies(site, instead):
    site.etc.rmdir()
    if instead == "file":
        site.etc.touch()
    else:
        site.etc.symlink_to(site.etc.name if instead == "loop" else "elsewhere")

    with pytest.raises(PolicyError, match="required"):
        load.load(site.paths)


def test_sources_that_became_invalid_deny_in_spite_of_the_compiled_form(full):
    compiled.compile_policy(full.paths)
    full.write("hostfit.toml", "[polcy]\n")

    with pytest.raises(PolicyError):
        load.load(full.paths)


def test_invalid_sources_are_not_compiled(site):
    site.write("hostfit.toml", "[polcy]\n")

    with pytest.raises(PolicyError):
        compiled.compile_policy(site.paths)

    assert not os.path.exists(compiled.place(site.paths))


def test_compiled_policy_cut_at_any_length_is_not_believed(site):
    site.write("hostfit.toml", '[policy]\non_error = "warn"\n')
    path = compiled.compile_policy(site.paths)
    with open(path, "rb") as file:
        whole = file.read()

    for length in range(len(whole)):
        with open(path, "wb") as file:
            file.write(whole[:length])
        assert not current(site), length
    assert load.load(site.paths).base.on_error == "warn"


def test_compiled_policy_with_any_byte_flipped_is_not_believed(site):
    site.write("hostfit.toml", '[policy]\non_error = "warn"\n')
    path = compiled.compile_policy(site.paths)
    with open(path, "rb") as file:
        whole = file.read()

    for at in range(len(whole)):
        for bit in (0x01, 0x20, 0x80):
            with open(path, "wb") as file:
                file.write(whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :])
            assert not current(site), (at, bit)


@pytest.mark.parametrize("content", [b"", b"\n", b"{}", b"hostfit-policy 1\n{}", b"\0" * 4096, b"\xff\xfe\n{}"])
def test_other_content_is_not_believed(full, content):
    path = compiled.compile_policy(full.paths)
    with open(path, "wb") as file:
        file.write(content)

    assert not current(full)
    assert load.load(full.paths).defaults == ("crun",)


def spoil_owner(path):
    os.chown(path, 1234, 1234)


def spoil_mode(path):
    os.chmod(path, 0o666)


def spoil_directory(path):
    os.chmod(os.path.dirname(path), 0o777)


def spoil_kind(path):
    os.unlink(path)
    os.mkdir(path)


def spoil_fifo(path):
    os.unlink(path)
    os.mkfifo(path, 0o644)


@pytest.mark.parametrize("spoil", [spoil_owner, spoil_mode, spoil_directory, spoil_kind, spoil_fifo])
def test_compiled_policy_that_others_may_have_written_is_not_believed(full, spoil):
    path = compiled.compile_policy(full.paths)

    spoil(path)

    assert not current(full)
    assert load.load(full.paths).defaults == ("crun",)


def test_compiled_policy_of_another_version_is_not_believed(full, monkeypatch):
    compiled.compile_policy(full.paths)
    monkeypatch.setattr(compiled, "_MARK", "hostfit-policy 1 0.0.0")

    assert not current(full)


def test_compiled_policy_of_another_place_is_not_believed(full, tmp_path):
    compiled.compile_policy(full.paths)
    moved = type(full.paths)(f"{tmp_path}/other", full.paths.run, full.paths.var)

    assert compiled.load_compiled(moved) is None


def test_stale_policy_is_read_by_the_parsers_of_an_interpreter_without_its_packages(full):
    """An engine starts hostfit with `python3 -I -S`, where no third-party package can be imported at first."""
    compiled.compile_policy(full.paths)
    full.write("conf.d/z.toml", '[policy]\ntag = "late"\n')
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from hostfit.core.paths import Paths; from hostfit.policy import load\n"
        "policy = load.load(Paths(*sys.argv[2:]))\n"
        "print(policy.tag, len(policy.images.entries))"
    )
    source = next(one for one in sys.path if one.endswith("/src"))
    arguments = (source, full.paths.etc, full.paths.run, full.paths.var)

    done = subprocess.run(
        ["/usr/bin/python3", "-I", "-S", "-c", program, *arguments], capture_output=True, text=True, check=False
    )

    assert (done.stdout, done.stderr) == ("late 2\n", "")
