"""The facts of the host at hand, against what its own tools say."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from hostfit.core.facts import Wanted
from hostfit.facts.host import Host


def run(*command):
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]} here")
    return subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C"}).stdout


def read(name, names=None):
    return Host("/", etc="/nonexistent").read(Wanted({name: names}))[name]


@pytest.fixture(scope="module")
def lscpu():
    lines = run("lscpu").split("\n")
    return {line.partition(":")[0].strip(): line.partition(":")[2].strip() for line in lines}


def test_version_is_that_of_uname():
    release = run("uname", "-r").strip()
    found = read("kernel.version").attributes
    if all(char.isalnum() or char in "-_." for char in release):
        assert found["full"] == release.strip("-_.")
    assert release.startswith(f"{found['major']}.{found['minor']}.{found['revision']}")


def test_name_is_that_of_uname():
    assert read("system.name").attributes["nodename"] == run("uname", "-n").strip()


def test_cpu_is_that_of_lscpu(lscpu):
    if not lscpu["Architecture"].startswith("x86_64"):
        pytest.skip("lscpu names Arm cores otherwise")
    model = read("cpu.model").attributes
    vendors = {"GenuineIntel": "Intel", "AuthenticAMD": "AMD", "HygonGenuine": "Hygon"}
    assert model["vendor_id"] == vendors.get(lscpu["Vendor ID"], "VendorUnknown")
    assert (model["family"], model["id"]) == (lscpu["CPU family"], lscpu["Model"])
    kinds = {"KVM": "kvm", "VMware": "vmware", "Microsoft": "msvm", "Xen": "xenhvm"}
    vendor = lscpu.get("Hypervisor vendor")
    assert model["hypervisor"] == ("none" if vendor is None else kinds[vendor])


def test_counts_are_those_of_lscpu_and_getconf(lscpu):
    count = read("cpu.count").attributes
    topology = read("cpu.topology").attributes
    assert count["online"] == run("getconf", "_NPROCESSORS_ONLN").strip()
    assert topology["socket_count"] == count["sockets"] == lscpu["Socket(s)"]
    assert topology["hardware_multithreading"] == ("true" if int(lscpu["Thread(s) per core"]) > 1 else "false")
    assert int(count["cores"]) == int(lscpu["Core(s) per socket"]) * int(lscpu["Socket(s)"])


def test_levels_are_those_of_the_dynamic_loader():
    loader = "/lib64/ld-linux-x86-64.so.2"
    if not os.path.exists(loader):
        pytest.skip("no x86-64 glibc here")
    text = run(loader, "--help")
    flags = read("cpu.microarch").flags
    for level in ("v2", "v3", "v4"):
        assert (f"x86-64-{level}" in flags) is (f"x86-64-{level} (supported" in text), level


def test_memory_is_that_of_getconf():
    pages, size = int(run("getconf", "_PHYS_PAGES")), int(run("getconf", "PAGE_SIZE"))
    assert int(read("memory.size").attributes["total"]) == pages * size


@pytest.mark.parametrize("name", ["net.ipv4.ip_forward", "kernel.pid_max", "vm.max_map_count", "net.ipv4.tcp_rmem"])
def test_sysctl_is_that_of_sysctl(name):
    assert read("kernel.sysctl", {name}).attributes[name] == " ".join(run("sysctl", "-n", name).split())


def test_loaded_modules_are_those_of_lsmod():
    if not os.path.exists("/proc/modules"):
        found = read("kernel.loadedmodule")
        assert found.flags == frozenset()
        assert found.unknown is None
        return
    assert read("kernel.loadedmodule").flags == {line.split()[0] for line in run("lsmod").split("\n")[1:] if line}


def test_configuration_is_that_of_zcat():
    if not os.path.exists("/proc/config.gz"):
        pytest.skip("the kernel keeps no configuration")
    lines = [line for line in run("zcat", "/proc/config.gz").split("\n") if line.startswith("CONFIG_")]
    found = read("kernel.config").attributes
    assert len(found) == len(lines)
    assert all(
        f'CONFIG_{name}="{value}"' in lines or f"CONFIG_{name}={value}" in lines for name, value in found.items()
    )


def test_filesystems_hold_what_is_mounted():
    with open("/proc/mounts") as file:
        mounted = {line.split()[2].partition(".")[0] for line in file}
    assert mounted - {"nfs4", "9p"} <= read("kernel.filesystem").flags | {"nfs4", "9p"}


def test_os_release_is_what_a_shell_reads():
    script = '. /etc/os-release; echo "$ID|$VERSION_ID|$PRETTY_NAME"'
    name, version, pretty = run("sh", "-c", script).strip().split("|")
    found = read("system.osrelease").attributes
    assert (found["ID"], found.get("VERSION_ID", ""), found["PRETTY_NAME"]) == (name, version, pretty)


def test_block_devices_are_those_of_sysfs():
    names = [one["name"] for one in read("storage.block").instances]
    assert names == sorted(os.listdir("/sys/block"))


def test_every_feature_of_this_host_can_be_read_without_a_crash():
    """No probe ends in anything but values or an unknown that names a path and an errno, or says why."""
    host = Host("/", etc="/nonexistent")
    for row in host.features():
        found = host.read(Wanted({row.name: None}))[row.name]
        if found.unknown is not None:
            assert not found.unknown.reason.endswith(("Error", "Exception")), (row.name, found.unknown.reason)
