"""Kernel facts: version, configuration, parameters, sysctls, security modules, control groups, binary formats."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from hostfit.core.facts import Unknown, Wanted
from hostfit.facts.host import Host
from hostfit.facts.probes import binfmt, cmdline, kconfig, kernel, sysctl

RELEASE = "/proc/sys/kernel/osrelease"


@pytest.mark.parametrize(
    ("release", "full", "numbers"),
    [
        ("5.0.0-23-generic", "5.0.0-23-generic", ("5", "0", "0")),
        ("6.8", "6.8", ("6", "8", "0")),
        ("6.1.0-rc1+", "6.1.0-rc1", ("6", "1", "0")),
        ("6.0.10-100+123.x86_64~", "6.0.10-100_123.x86_64", ("6", "0", "10")),
        ("5.15.167.4-microsoft-standard-WSL2", "5.15.167.4-microsoft-standard-WSL2", ("5", "15", "167")),
        ("6.1.12_1", "6.1.12_1", ("6", "1", "12")),
        ("4.18.0-553.el8_10.aarch64", "4.18.0-553.el8_10.aarch64", ("4", "18", "0")),
        ("6.18.44-fc-v657", "6.18.44-fc-v657", ("6", "18", "44")),
    ],
)
def test_version_of_odd_releases(feature, release, full, numbers):
    """CH4; NFD gives empty or no numbers for some of these."""
    found = feature("kernel.version", {RELEASE: release + "\n"}).attributes
    assert found == dict(zip(("full", "major", "minor", "revision"), (full, *numbers), strict=True))


def test_release_without_numbers_is_unknown():
    assert isinstance(kernel.version("custom")["major"], Unknown)


def test_release_never_leads_out_of_lib_modules(feature):
    files = {RELEASE: "../../../etc\n", "/etc/config": "CONFIG_HZ=1\n"}
    assert feature("kernel.config", files).unknown is not None


CONFIG = '# comment\nCONFIG_HZ=250\nCONFIG_LSM="lockdown,yama"\n# CONFIG_FOO is not set\nCONFIG_VFIO=m\nCONFIG_SMP=y\n'


@pytest.mark.parametrize(
    "files",
    [
        {"/proc/config.gz": gzip.compress(CONFIG.encode())},
        {"/boot/config-6.1.0": CONFIG},
        {"/usr/lib/modules/6.1.0/config": CONFIG},
        {"/lib/modules/6.1.0/build/.config": CONFIG},
    ],
)
def test_options_from_any_place_the_kernel_keeps_them(feature, files):
    found = feature("kernel.config", {RELEASE: "6.1.0\n", **files}).attributes
    assert found == {"HZ": "250", "LSM": "lockdown,yama", "VFIO": "m", "SMP": "y"}


def test_only_options_asked_for_are_given(feature):
    found = feature("kernel.config", {RELEASE: "6.1.0\n", "/boot/config-6.1.0": CONFIG}, names=["HZ", "FOO"])
    assert found.attributes == {"HZ": "250"}


def test_without_any_configuration_every_option_is_unknown(feature):
    found = feature("kernel.config", {RELEASE: "6.1.0\n"}, names=["HZ"])
    assert found.unknown.reason.startswith("/proc/config.gz: ENOENT")


@pytest.mark.parametrize(
    "content", ["", "not a configuration\n", "# Linux/x86 5.10.4 Kernel Configuration\nCONFIG_HZ=1\n"]
)
def test_a_file_that_is_no_configuration_of_the_running_kernel_is_passed_over(feature, content):
    """/usr/src/linux may be the source of any kernel; an empty file is no kernel without options."""
    files = {RELEASE: "6.1.0-18-amd64\n", "/usr/src/linux/.config": content}
    found = feature("kernel.config", files, names=["HZ"])
    assert found.attributes == {}
    assert found.unknown.reason.startswith("/proc/config.gz: ENOENT")

    own = "# Linux/x86 6.1.76 Kernel Configuration\nCONFIG_HZ=2\n"
    assert feature("kernel.config", {**files, "/boot/config-6.1.0-18-amd64": own}).attributes == {"HZ": "2"}
    assert feature("kernel.config", {**files, RELEASE: "5.10.4\n", "/usr/src/linux/.config": own}).attributes == {}
    same = own.replace("6.1.76", "5.10.4")
    assert feature("kernel.config", {RELEASE: "5.10.4-gentoo\n", "/usr/src/linux/.config": same}).attributes == {
        "HZ": "2"
    }


def test_gzip_bomb_is_refused():
    """Security rule R9."""
    assert kconfig.inflate(gzip.compress(b"A" * (64 << 20))) is None
    assert kconfig.inflate(b"not gzip") is None
    assert kconfig.inflate(gzip.compress(b"CONFIG_A=y\n")[:-9]) is None


def test_parameters_of_the_kernel(feature):
    files = {"/proc/cmdline": 'root=/dev/sda1 quiet intel_iommu=off intel-iommu=on opt="a b" -- rdinit=/bin/sh\n'}
    found = feature("kernel.cmdline", files).attributes
    assert found == {
        "root": "/dev/sda1",
        "quiet": "",
        "intel_iommu": "off",
        "intel-iommu": "on",
        "opt": "a b",
    }


def test_dash_and_underscore_in_parameters_are_the_same(feature):
    files = {"/proc/cmdline": "intel-iommu=on\n"}
    assert feature("kernel.cmdline", files, names=["intel_iommu"]).attributes == {"intel_iommu": "on"}


def test_values_that_may_be_secrets_are_not_shown(feature):
    """NFD issue 2029 asks for this; a diagnostic goes to whoever started the pod."""
    files = {
        "/proc/cmdline": "rd.luks.key=/k ip=dhcp password=hunter2 ds=nocloud;s=http://u:p@h/ rd.iscsi.password=x\n"
    }
    found = feature("kernel.cmdline", files).attributes
    assert found["ip"] == "dhcp"
    for name in ("rd.luks.key", "password", "ds", "rd.iscsi.password"):
        assert isinstance(found[name], Unknown)
        assert "hunter2" not in found[name].reason


def test_parameters_that_only_sound_like_secrets_are_shown(feature):
    """CH5: IOMMU passthrough is what data planes ask for."""
    files = {"/proc/cmdline": "iommu.passthrough=1 spec_store_bypass_disable=on keyboard=us passphrase=x\n"}
    found = feature("kernel.cmdline", files).attributes
    assert isinstance(found.pop("passphrase"), Unknown)
    assert found == {"iommu.passthrough": "1", "spec_store_bypass_disable": "on", "keyboard": "us"}


def test_quoted_names_keep_spaces():
    assert cmdline.parameters('"a b=c d" e\n') == {"a b": "c d", "e": ""}


SYSCTLS = {
    "/proc/sys/net/ipv4/ip_forward": "1\n",
    "/proc/sys/net/ipv4/tcp_rmem": "4096\t131072\t6291456\n",
    "/proc/sys/net/ipv4/conf/eth0.100/forwarding": "1\n",
    "/proc/sys/net/ipv4/tcp_fastopen_key": "00000000-11111111\n",
    "/proc/sys/kernel/random/uuid": "4bd26e8a\n",
}


def test_sysctls_by_name(feature):
    names = ["net.ipv4.ip_forward", "net.ipv4.tcp_rmem", "net.ipv4.nothing"]
    found = feature("kernel.sysctl", SYSCTLS, names=names).attributes
    assert found == {"net.ipv4.ip_forward": "1", "net.ipv4.tcp_rmem": "4096 131072 6291456"}


@pytest.mark.parametrize("name", ["net.ipv4.conf.eth0/100.forwarding", "net/ipv4/conf/eth0.100/forwarding"])
def test_a_dot_in_a_name_is_written_as_sysctl_8_writes_it(feature, name):
    assert feature("kernel.sysctl", SYSCTLS, names=[name]).attributes == {name: "1"}


@pytest.mark.parametrize(
    "name", ["net/../../../etc/passwd", "..", "/etc/passwd", "a..b", "net//ipv4", "x" * 600, "a\0b"]
)
def test_no_sysctl_name_leads_out_of_proc_sys(name):
    path = sysctl.path_of(name)
    assert path is None or ("/../" not in path and path.startswith("/proc/sys/"))


def test_keys_and_identities_are_never_read(feature):
    names = ["net.ipv4.tcp_fastopen_key", "kernel.random.uuid"]
    found = feature("kernel.sysctl", SYSCTLS, names=names).attributes
    assert all(isinstance(found[name], Unknown) for name in names)


def test_all_sysctls_can_be_listed_and_the_walk_ends(feature, monkeypatch):
    assert len(feature("kernel.sysctl", SYSCTLS).attributes) == 5
    monkeypatch.setattr(sysctl, "_WALK", 2)
    bounded = feature("kernel.sysctl", SYSCTLS)
    assert len(bounded.attributes) == 2
    assert bounded.unknown == Unknown("/proc/sys: more than 2 values")


def test_a_walk_over_all_sysctls_hides_nothing_that_it_could_not_read(tree):
    """A recording says of every name what the host would have said."""
    root = Path(tree({"/proc/sys/vm/compact_memory": "", "/proc/sys/vm/swappiness": "60\n"}, {"/proc/sys/a": "a"}))
    (root / "proc/sys/vm/compact_memory").chmod(0o200)
    found = Host(str(root)).read(Wanted({"kernel.sysctl": None}))["kernel.sysctl"]
    assert found.attributes == {
        "vm.compact_memory": Unknown("/proc/sys/vm/compact_memory: can only be written"),
        "vm.swappiness": "60",
    }
    assert found.unknown == Unknown("/proc/sys/a: ELOOP")


def test_security_modules_and_lockdown(feature):
    files = {
        "/sys/kernel/security/lsm": "lockdown,capability,yama,apparmor",
        "/sys/kernel/security/lockdown": "none [integrity] confidentiality\n",
    }
    assert feature("kernel.lsm", files).flags == {"lockdown", "capability", "yama", "apparmor"}
    assert feature("kernel.lockdown", files).attributes == {"mode": "integrity"}


def test_kernel_without_lockdown_is_not_locked_down(feature):
    not_mounted = feature("kernel.lockdown", {"/sys/kernel/security": None})
    assert not_mounted.unknown == Unknown("/sys/kernel/security/lockdown: ENOENT")
    assert feature("kernel.lockdown", {"/sys/kernel/security/lsm": "capability"}).attributes == {"mode": "none"}


def test_lsm_is_unknown_where_securityfs_is_not_mounted(feature):
    assert feature("kernel.lsm", {"/sys/kernel": None}).unknown == Unknown("/sys/kernel/security/lsm: ENOENT")


@pytest.mark.parametrize(("content", "enabled"), [("1\n", "true"), ("0\n", "false"), (None, "false")])
def test_selinux_enabled_is_enforcing_as_in_nfd(feature, content, enabled):
    files = {"/sys/fs": None} if content is None else {"/sys/fs/selinux/enforce": content}
    assert feature("kernel.selinux", files).attributes == {"enabled": enabled}


def test_unified_control_groups(feature):
    found = feature("kernel.cgroup", {"/sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n"})
    assert found.flags == {"cpuset", "cpu", "io", "memory", "pids"}
    assert found.attributes == {"version": "2", "hybrid": "false"}


CGROUPS = "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t1\t5\t1\nmemory\t0\t1\t1\npids\t3\t1\t1\nrdma\t2\t1\t0\n"


def test_hybrid_control_groups_count_what_is_mounted(feature):
    files = {"/sys/fs/cgroup/cpu": None, "/sys/fs/cgroup/unified/cgroup.controllers": "\n", "/proc/cgroups": CGROUPS}
    found = feature("kernel.cgroup", files)
    assert found.attributes == {"version": "1", "hybrid": "true"}
    assert found.flags == {"cpu", "pids"}


def test_control_groups_that_are_not_mounted_are_unknown(feature):
    assert feature("kernel.cgroup", {"/sys/fs/cgroup": None}).unknown is not None


def test_filesystems(feature):
    files = {"/proc/filesystems": "nodev\tproc\n\text4\nnodev\toverlay\n"}
    assert feature("kernel.filesystem", files).flags == {"proc", "ext4", "overlay"}


ARM64 = (
    "enabled\ninterpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P\nflags: POCF\noffset 0\n"
    "magic 7f454c460201010000000000000000000200b700\nmask ffffffffffffff00fffffffffffffffffeffffff\n"
)


def test_emulators_by_architecture(feature):
    """A foreign architecture fits where a handler serves it."""
    files = {
        "/proc/sys/fs/binfmt_misc/status": "enabled\n",
        "/proc/sys/fs/binfmt_misc/register": "",
        "/proc/sys/fs/binfmt_misc/qemu-aarch64": ARM64,
        "/proc/sys/fs/binfmt_misc/python3.11": "disabled\ninterpreter /usr/bin/python3.11\nflags: \noffset 0\n"
        "magic a70d0d0a\n",
    }
    python, qemu = feature("kernel.binfmt", files).instances
    assert qemu == {
        "name": "qemu-aarch64",
        "enabled": "true",
        "interpreter": "/usr/libexec/qemu-binfmt/aarch64-binfmt-P",
        "architecture": "arm64",
        "fixed": "true",
    }
    assert python == {
        "name": "python3.11",
        "enabled": "false",
        "interpreter": "/usr/bin/python3.11",
        "fixed": "false",
    }


def test_no_handler_is_enabled_where_binfmt_misc_is_not(feature):
    files = {
        "/proc/sys/fs/binfmt_misc/status": "disabled\n",
        "/proc/sys/fs/binfmt_misc/qemu-aarch64": ARM64,
    }
    assert feature("kernel.binfmt", files).instances[0]["enabled"] == "false"


def test_kernel_without_binfmt_misc_has_no_handlers(feature):
    assert feature("kernel.binfmt", {"/proc/sys/fs": None}).instances == ()


@pytest.mark.parametrize(
    ("magic", "mask", "name"),
    [
        ("7f454c4602010100000000000000000002003e00", "", "amd64"),
        ("7f454c460201010000000000000000000200f300", "", "riscv64"),
        ("7f454c4602020100000000000000000000020016", "", "s390x"),
        ("7f454c46010101000000000000000000020028", "", ""),
        ("7f454c460101010000000000000000000200280", "", ""),
        ("7f454c4601010100000000000000000002002800", "00" * 20, ""),
        ("zz", "", ""),
    ],
)
def test_architecture_of_magic_bytes(magic, mask, name):
    assert binfmt.architecture(magic, mask) == name
