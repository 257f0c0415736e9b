"""Whatever the files of a host hold, a parser gives values or an unknown (security rule R9)."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from hostfit.core.facts import Feature, Unknown, Wanted
from hostfit.facts import elf, libraries, modinfo, sitefile, values
from hostfit.facts.host import Host
from hostfit.facts.probes import (
    binfmt,
    cgroup,
    cmdline,
    cpuid,
    cpuinfo,
    cputopology,
    glibc,
    kconfig,
    kernel,
    local,
    memory,
    modules,
    osrelease,
    software,
    sysctl,
)

FUZZ = settings(deadline=None, max_examples=150)
WORDS = st.sampled_from(
    [
        *("processor", "flags", "Features", "model", "siblings", "CPU", "implementer", "part", "CONFIG_A", "y", "m"),
        *(":", "=", "#", ",", "-", "--", ".", "/", "\n", "\t", '"', "'", "0x41", "0", "1", "-1", "\x00", "²", "٣"),
        *("kernel/a.ko:", "interpreter", "magic", "7f454c46", "mask", "flags:", "offset", "enabled", "MemTotal:", "kB"),
        "+expiry-time=",
    ]
)
TEXT = st.one_of(
    st.text(max_size=200), st.lists(WORDS, max_size=40).map(" ".join), st.lists(WORDS, max_size=40).map("".join)
)


def strings(mapping):
    return all(isinstance(name, str) and isinstance(value, str | Unknown) for name, value in mapping.items())


@FUZZ
@example("CPU implementer: 0x\nCPU part: 0xzz\nFeatures: fp\n")
@example("flags: hypervisor\nsiblings: ²\ncpu cores: ٣\n")
@given(TEXT)
def test_cpuinfo(text):
    info = cpuinfo.parse(text)
    assert info.vendor
    if info.kind:
        assert isinstance(cpuid.levels(info), set)
        assert isinstance(cpuid.x86(info, None), Feature)


@FUZZ
@given(TEXT)
def test_parsers_of_text(text):
    assert strings(kconfig.options(text, None))
    assert strings(osrelease.parse(text))
    assert strings(kernel.version(text))
    assert strings(cmdline.parameters(text))
    assert strings(memory.sizes(text))
    assert strings(binfmt.handler(text))
    assert strings(local.parse(text, "no-label", 0.0))
    assert cgroup.version_one(text) is not None
    assert cputopology.count_list(text) is not None
    assert isinstance(modules.module_name(text), str)
    assert isinstance(memory.quantity(text), str)
    assert isinstance(binfmt.architecture(text, text), str)
    kernel.lockdown(text)
    libraries.parse(text)
    glibc.from_name(text)
    path = sysctl.path_of(text)
    assert path is None or "/../" not in path + "/"


@FUZZ
@given(st.binary(max_size=300))
def test_parsers_of_bytes(data):
    assert isinstance(cpuid.auxv(data), dict)
    assert kconfig.inflate(data) is None or data
    assert isinstance(glibc.banner(data), str)
    assert isinstance(software.release(data, b"v"), str)
    for parse, raised in ((modinfo.common_name, ValueError), (lambda d: values.parse(d, "file"), ValueError)):
        try:
            parse(data)
        except raised:
            continue


@FUZZ
@given(st.binary(max_size=200), st.integers(0, 63), st.binary(min_size=1, max_size=8))
def test_elf_headers_that_lie(tmp_path_factory, rest, at, patch):
    head = bytearray(b"\x7fELF\x02\x01\x01".ljust(64, b"\0"))
    head[40:48] = (64).to_bytes(8, "little")
    head[58:64] = (64).to_bytes(2, "little") + (2).to_bytes(2, "little") + (1).to_bytes(2, "little")
    head[at : at + len(patch)] = patch
    path = tmp_path_factory.mktemp("elf") / "file"
    path.write_bytes(bytes(head) + rest)
    with path.open("rb") as file:
        try:
            assert isinstance(elf.section(file.fileno(), b".modinfo", 1000), bytes)
        except ValueError:
            return


@FUZZ
@given(st.one_of(st.binary(max_size=200), TEXT.map(lambda text: text.encode("utf-8", "replace"))))
def test_vocabulary_files(data):
    features, _, problems = sitefile.parse(data, "file")
    assert not (features and problems)


FILES = [
    "/proc/cpuinfo",
    "/proc/modules",
    "/proc/sys/kernel/osrelease",
    "/proc/config.gz",
    "/proc/cmdline",
    "/proc/meminfo",
    "/proc/swaps",
    "/proc/filesystems",
    "/proc/cgroups",
    "/proc/sys/fs/binfmt_misc/x",
    "/etc/os-release",
    "/lib/modules/1/modules.dep",
    "/lib/modules/1/modules.builtin",
    "/sys/kernel/security/lsm",
    "/sys/fs/cgroup/cgroup.controllers",
    "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages",
    "/sys/bus/cpu/devices/cpu0/topology/thread_siblings_list",
]


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.sampled_from(FILES), st.one_of(st.binary(max_size=60), TEXT.map(str.encode)), min_size=1))
def test_whole_host_of_rubbish(tmp_path_factory, files):
    root = tmp_path_factory.mktemp("host")
    for path, content in files.items():
        place = root / path[1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    host = Host(str(root), etc="/nonexistent")
    wanted = Wanted({row.name: None for row in host.features() if row.name.partition(".")[0] in OURS})
    for name, found in host.read(wanted).items():
        assert found.unknown is None or "Error" not in found.unknown.reason, (name, found.unknown)
        assert strings(found.attributes or {})


OURS = ("cpu", "kernel", "memory", "system", "storage", "os", "software", "local")
