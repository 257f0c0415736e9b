"""Features are read when asked for and no others; what cannot be read is unknown, with path and errno."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hostfit.core.facts import Unknown, Wanted
from hostfit.facts import vocabulary
from hostfit.facts.host import Host

SOURCE = next(path for path in sys.path if path.endswith("/src"))
READ = """
import sys
sys.path.insert(0, {source!r})
from hostfit.core.facts import Wanted
from hostfit.facts.host import Host
opened = []
sys.addaudithook(lambda event, args: opened.append((event, str(args[0]))) if event in (
    "open", "os.listdir", "subprocess.Popen", "os.exec", "os.posix_spawn", "socket.connect", "os.rename", "os.remove",
    "os.mkdir") else None)
wanted = {wanted!r}
found = Host("/").read(Wanted(wanted))
keep = [path for event, path in opened if path.startswith(("/proc", "/sys", "/etc", "/dev", "/boot", "/lib/modules"))]
print("\\n".join(sorted(set(keep))))
print("--")
print("\\n".join(event for event, path in opened if event not in ("open", "os.listdir")))
print("--")
print("\\n".join(sys.modules))
"""
COLD = {
    "re", "json", "typing", "enum", "dataclasses", "collections", "functools", "contextlib", "pathlib", "logging",
    "argparse", "subprocess", "socket", "struct", "signal", "threading", "tempfile", "importlib", "hashlib", "tomllib",
    "datetime", "string", "base64", "urllib", "yaml",
}  # fmt: skip


def trace(wanted):
    """Read features in a fresh interpreter; give the files of the host it opened, what it ran, and its modules."""
    script = READ.format(source=SOURCE, wanted=wanted)
    run = subprocess.run([sys.executable, "-I", "-S", "-B", "-c", script], capture_output=True, text=True, check=True)
    files, actions, modules = run.stdout.split("--\n")
    return set(files.split()), actions.split(), set(modules.split())


@pytest.mark.parametrize(
    ("wanted", "files"),
    [
        ({"kernel.version": {"full"}}, {"/proc/sys/kernel/osrelease"}),
        ({"cpu.cpuid": {"AVX2"}, "cpu.microarch": {"zen3"}}, {"/proc/cpuinfo"}),
        ({"kernel.sysctl": {"net.ipv4.ip_forward"}}, {"/proc/sys/net/ipv4/ip_forward"}),
        ({"memory.size": {"total"}}, {"/proc/meminfo"}),
        ({"kernel.filesystem": {"overlay"}}, {"/proc/filesystems"}),
        ({"system.osrelease": {"ID"}}, {"/etc/os-release"}),
    ],
)
def test_only_what_is_asked_for_is_read(wanted, files):
    assert trace(wanted)[0] == files


def test_probes_change_nothing_execute_nothing_and_stay_off_slow_modules():
    names = [
        "cpu.model",
        "cpu.topology",
        "kernel.config",
        "kernel.module",
        "kernel.cmdline",
        "kernel.cgroup",
        "kernel.binfmt",
        "memory.hugepages",
        "os.glibc",
        "software.mpi",
        "storage.block",
        "system.platform",
        "system.dmiid",
        "local.label",
    ]
    _, actions, modules = trace(dict.fromkeys(names))
    assert actions == []
    assert modules & COLD == set()


def test_zlib_is_loaded_only_for_the_kernels_configuration():
    assert "zlib" not in trace({"kernel.version": None, "cpu.cpuid": None})[2]


def test_one_domain_is_loaded_for_one_feature():
    modules = {name for name in trace({"kernel.version": None})[2] if name.startswith("hostfit.facts.vocabulary.")}
    assert modules == {"hostfit.facts.vocabulary.kernel"}


def test_feature_outside_the_vocabulary_is_unknown_never_absent():
    found = Host("/").read(Wanted({"kernel.verison": {"full"}}))["kernel.verison"]
    assert found.unknown is not None
    assert found.attributes is None


def test_element_outside_the_vocabulary_is_unknown_never_absent():
    host = Host("/")
    version = host.read(Wanted({"kernel.version": {"major", "majro"}}))["kernel.version"]
    assert version.attributes["major"].isdecimal()
    assert isinstance(version.attributes["majro"], Unknown)
    cpuid = host.read(Wanted({"cpu.cpuid": {"AVX999"}}))["cpu.cpuid"]
    assert "AVX999" in cpuid.unknown_flags
    blocks = host.read(Wanted({"storage.block": {"rotatoinal"}}))["storage.block"]
    assert all(isinstance(one["rotatoinal"], Unknown) for one in blocks.instances)


def test_probe_that_cannot_read_is_unknown_with_path_and_errno(tree):
    found = Host(tree({"/etc/hostname": "x"})).read(Wanted({"kernel.version": None, "storage.block": None}))
    assert found["kernel.version"].unknown == Unknown("/proc/sys/kernel/osrelease: ENOENT")
    assert found["storage.block"].unknown == Unknown("/sys/block: ENOENT")
    assert found["storage.block"].instances == ()


def test_one_broken_probe_makes_its_own_feature_unknown_and_no_other(monkeypatch):
    from hostfit.facts.probes import kernel

    def broken(root, feature, names):
        raise RecursionError(feature)

    monkeypatch.setattr(kernel, "read", broken)
    found = Host("/").read(Wanted({"kernel.version": None, "memory.size": None}))
    assert found["kernel.version"].unknown == Unknown("kernel: RecursionError")
    assert int(found["memory.size"].attributes["total"]) > 0


def test_every_feature_of_an_empty_tree_is_unknown_or_says_why(tree):
    """A tree that holds nothing is no host without devices."""
    host = Host(tree({"/nothing": ""}))
    wanted = Wanted({row.name: None for row in vocabulary.features()})
    for name, found in host.read(wanted).items():
        # These are read from directories that no host needs to have.
        if name.startswith(("local.", "rule.", "cdi.")):
            continue
        unknown = found.unknown is not None
        reasons = [value for value in (found.attributes or {}).values() if isinstance(value, Unknown)]
        assert unknown or reasons or found.unknown_flags, name
