"""Memory, storage, operating system, firmware, platform, and NFD's feature files."""

from __future__ import annotations

import pytest

from hostfit.core.facts import Unknown
from hostfit.facts.probes import local
from hostfit.facts.probes.memory import quantity

NFD_FILES = "/etc/kubernetes/node-feature-discovery/features.d"


def test_os_release_of_etc_comes_before_that_of_usr(feature):
    files = {"/etc/os-release": "ID=debian\n", "/usr/lib/os-release": "ID=other\n"}
    assert feature("system.osrelease", files).attributes == {"ID": "debian"}


def test_os_release_of_usr_is_read_where_etc_has_none(feature):
    """NFD knows nothing of such a host."""
    files = {"/usr/lib/os-release": 'NAME="Fedora Linux"\nID=fedora\nVERSION_ID=40\n# VARIANT=x\n\nbroken line\n'}
    assert feature("system.osrelease", files).attributes == {
        "NAME": "Fedora Linux",
        "ID": "fedora",
        "VERSION_ID": "40",
        "VERSION_ID.major": "40",
    }


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("22.04", {"major": "22", "minor": "04"}), ("12", {"major": "12"}), ("rolling", {}), ("8.x", {"major": "8"})],
)
def test_numbers_of_the_version(feature, version, numbers):
    found = feature("system.osrelease", {"/etc/os-release": f"VERSION_ID='{version}'\n"}).attributes
    assert found == {"VERSION_ID": version, **{f"VERSION_ID.{name}": value for name, value in numbers.items()}}


def test_dangling_os_release_link_falls_back(feature):
    found = feature("system.osrelease", {"/usr/lib/os-release": "ID=nixos\n"}, links={"/etc/os-release": "/gone"})
    assert found.attributes == {"ID": "nixos"}


def test_firmware_names(feature):
    base = "/sys/devices/virtual/dmi/id"
    found = feature("system.dmiid", {f"{base}/sys_vendor": "Dell Inc.\n", f"{base}/product_serial": "SECRET\n"})
    assert found.attributes == {"sys_vendor": "Dell Inc."}


def test_machine_without_firmware_tables_has_none(feature):
    assert feature("system.dmiid", {"/sys/devices/virtual": None}).attributes == {}


@pytest.mark.parametrize(
    ("files", "platform"),
    [
        (
            {"/proc/sys/kernel/arch": "aarch64\n", "/proc/cpuinfo": "Features: fp asimd\nCPU implementer: 0x41\n"},
            {"os": "linux", "architecture": "arm64", "variant": "v8"},
        ),
        (
            {
                "/proc/sys/kernel/arch": "aarch64\n",
                "/proc/cpuinfo": "Features: fp asimd crc32 atomics asimdrdm dcpop\nCPU implementer: 0x41\n",
            },
            {"os": "linux", "architecture": "arm64", "variant": "v8.2"},
        ),
        ({"/proc/sys/kernel/arch": "armv7l\n"}, {"os": "linux", "architecture": "arm", "variant": "v7"}),
        ({"/proc/sys/kernel/arch": "s390x\n"}, {"os": "linux", "architecture": "s390x"}),
        (
            {"/proc/cpuinfo": "vendor_id: GenuineIntel\nflags: lm cmov cx8 fpu fxsr mmx syscall sse sse2\n"},
            {"os": "linux", "architecture": "amd64", "variant": "v1"},
        ),
    ],
)
def test_platform_by_gos_names(feature, files, platform):
    """IA2c."""
    assert feature("system.platform", files).attributes == platform


def test_platform_of_a_tree_that_does_not_say_is_unknown(feature):
    found = feature("system.platform", {"/proc/cpuinfo": "processor: 0\n"}).attributes
    assert isinstance(found["architecture"], Unknown)


def test_memory_in_bytes(feature):
    text = "MemTotal:       16384 kB\nMemFree: 1 kB\nMemAvailable:   8192 kB\nSwapTotal:          0 kB\n"
    assert feature("memory.size", {"/proc/meminfo": text}).attributes == {
        "total": "16777216",
        "available": "8388608",
        "swap": "0",
    }


def test_memory_is_the_same_fact_for_whoever_does_not_ask_what_is_free(feature):
    text = "MemTotal:       16384 kB\nMemAvailable:   {} kB\n"
    found = [feature("memory.size", {"/proc/meminfo": text.format(free)}, {"total"}) for free in (8192, 4096)]

    assert found[0].attributes == {"total": "16777216"}
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("swaps", "enabled"),
    [
        ("Filename\tType\tSize\tUsed\tPriority\n/dev/dm-1 partition 1 0 -2\n", "true"),
        ("Filename\tType\tSize\tUsed\tPriority\n", "false"),
        (None, "false"),
    ],
)
def test_swap(feature, swaps, enabled):
    files = {"/proc/meminfo": "", **({} if swaps is None else {"/proc/swaps": swaps})}
    assert feature("memory.swap", files).attributes == {"enabled": enabled}


def test_huge_pages_by_kubernetes_sizes(feature):
    base = "/sys/kernel/mm/hugepages"
    files = {f"{base}/hugepages-2048kB/nr_hugepages": "512\n", f"{base}/hugepages-1048576kB/nr_hugepages": "0\n"}
    assert feature("memory.hugepages", files).attributes == {
        "enabled": "true",
        "hugepages-2Mi": "512",
        "hugepages-1Gi": "0",
    }


@pytest.mark.parametrize(
    ("kib", "text"), [("64", "64Ki"), ("2048", "2Mi"), ("16777216", "16Gi"), ("0", "0Ki"), ("x", "x")]
)
def test_quantities(kib, text):
    assert quantity(kib) == text


def test_nodes_and_kernels_without_numa(feature):
    base = "/sys/bus/node/devices"
    assert feature("memory.numa", {f"{base}/node0": None, f"{base}/node1": None}).attributes == {
        "is_numa": "true",
        "node_count": "2",
    }


def test_kernel_without_numa_has_one_node(feature):
    assert feature("memory.numa", {"/sys/bus": None}).attributes == {"is_numa": "false", "node_count": "1"}


def test_nvdimms(feature):
    base = "/sys/bus/nd/devices"
    files = {f"{base}/namespace0.0/devtype": "nd_namespace_pmem\n", f"{base}/namespace0.0/mode": "fsdax\n"}
    assert feature("memory.nv", files).instances == (
        {"name": "namespace0.0", "devtype": "nd_namespace_pmem", "mode": "fsdax"},
    )


def test_block_devices(feature):
    files = {
        "/sys/block/sda/queue/rotational": "1\n",
        "/sys/block/nvme0n1/queue/rotational": "0\n",
        "/sys/block/nvme0n1/queue/dax": "0\n",
        "/sys/block/nvme0n1/queue/zoned": "none\n",
        "/sys/block/nvme0n1/queue/nr_zones": "0\n",
    }
    assert feature("storage.block", files).instances == (
        {"name": "nvme0n1", "dax": "0", "rotational": "0", "nr_zones": "0", "zoned": "none"},
        {"name": "sda", "rotational": "1"},
    )


def test_name_is_the_kernels(feature):
    assert feature("system.name", {"/proc/sys/kernel/hostname": "node-7\n"}).attributes == {"nodename": "node-7"}


LINES = """
plain
vendor.example/speed = 40 = fast
# a comment
# +no-feature
only-label=1
# +no-label
only-feature=1
# +expiry-time=2001-01-01T00:00:00Z
old=1
# +expiry-time=2999-01-01T00:00:00Z
new=1
# +expiry-time=tomorrow
never=1
"""


def test_feature_files_of_nfd(feature):
    files = {f"{NFD_FILES}/site": LINES, f"{NFD_FILES}/.hidden": "no=1\n"}
    common = {"plain": "true", "vendor.example/speed": "40 = fast", "new": "1"}
    assert feature("local.label", files).attributes == {**common, "only-label": "1"}
    assert feature("local.feature", files).attributes == {**common, "only-feature": "1"}


def test_feature_file_over_64_kib_hides_only_what_it_would_have_said(feature):
    found = feature("local.feature", {f"{NFD_FILES}/big": "x=1\n" * 20_000, f"{NFD_FILES}/small": "y=1\n"})
    assert found.attributes == {"y": "1"}
    assert found.unknown == Unknown(f"{NFD_FILES}/big: EFBIG")


def test_host_without_feature_files_has_no_features(feature):
    found = feature("local.label", {})
    assert found.attributes == {}
    assert found.unknown is None


def test_expiry_time_without_a_zone_has_expired():
    assert local.expiry("2999-01-01T00:00:00") == 0.0
    assert local.expiry("2999-01-01T00:00:00+02:00") > 1e10
