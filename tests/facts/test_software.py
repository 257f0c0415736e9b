"""Libraries by version and ABI, from files alone (DE4)."""

from __future__ import annotations

import pytest

from hostfit.core.facts import Unknown, Wanted
from hostfit.core.match import evaluate
from hostfit.core.read import read_spec
from hostfit.facts.host import Host
from hostfit.facts.probes import glibc, software

LIB = "/usr/lib/x86_64-linux-gnu"
BANNER = b"GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.\n"
LINKS = {f"{LIB}/libmpi.so.40": "libmpi.so.40.30.4", "/lib": "usr/lib"}


@pytest.fixture
def openmpi(elf):
    return elf({".rodata": b"Open MPI v%d.%d.%d\0v4.1.4\x004.1.4\0"})


@pytest.fixture
def mpich(elf):
    return elf({".rodata": b"MPICH Version:\0Thu Apr  7 12:34:45 CDT 2022\0\0\x004.0.2\0\x000.13.99\0"})


@pytest.fixture
def host(elf, openmpi, mpich):
    return {
        f"{LIB}/libmpi.so.40.30.4": openmpi,
        f"{LIB}/libmpich.so.12.2.2": mpich,
        f"{LIB}/libmpi_cxx.so.40.30.1": openmpi,
        f"{LIB}/libfabric.so.1.20.0": b"",
        f"{LIB}/libc.so.6": elf({".rodata": BANNER}),
        f"{LIB}/notes.so.txt": b"",
    }


def test_mpi_implementation_release_and_abi(feature, host):
    first, second = feature("software.mpi", host, links=LINKS).instances
    assert first == {
        "implementation": "openmpi",
        "version": "4.1.4",
        "soname": "libmpi.so.40",
        "abi": "40.30.4",
        "abi.major": "40",
        "abi.minor": "30",
        "path": f"/lib/{LIB[9:]}/libmpi.so.40.30.4",
    }
    assert (second["implementation"], second["version"], second["soname"]) == ("mpich", "4.0.2", "libmpich.so.12")


@pytest.mark.parametrize(
    ("level", "wanted", "verdict"),
    [
        ("major", "40.10", "fit"),
        ("major", "40.99", "fit"),
        ("major", "41.0", "misfit"),
        ("full", "40.10", "fit"),
        ("full", "40.30", "fit"),
        ("full", "40.40", "misfit"),
        ("strict", "40.30", "fit"),
        ("strict", "40.29", "misfit"),
    ],
)
def test_abi_levels_of_sarus_are_rules(tree, host, level, wanted, verdict):
    """DE4: major is the same soname, full also a minor as new as the image's, strict the same minor."""
    major, minor = wanted.split(".")
    op = {"major": "Exists", "full": "Ge", "strict": "In"}[level]
    value = "" if level == "major" else f', value: ["{minor}"]'
    text = f"""
version: v1alpha1
compatibilities:
  - rules:
      - name: mpi
        matchFeatures:
          - feature: software.mpi
            matchExpressions:
              abi.major: {{op: In, value: ["{major}"]}}
              abi.minor: {{op: {op}{value}}}
"""
    spec = read_spec(text, place="test")
    facts = Host(tree(host, LINKS)).read(spec.wanted())
    assert evaluate(spec, facts).verdict == verdict


def test_link_to_a_library_is_no_second_one(feature, host):
    found = feature("software.library", host, names=["name"], links=LINKS).instances
    assert sorted(one["name"] for one in found) == ["libc", "libfabric", "libmpi", "libmpi_cxx", "libmpich"]


def test_directories_of_ld_so_conf_count(feature, mpich):
    files = {
        "/etc/ld.so.conf": "include /etc/ld.so.conf.d/*.conf\n",
        "/etc/ld.so.conf.d/mpi.conf": "# ours\n/opt/mpi/lib\n",
        "/etc/ld.so.conf.d/loop.conf": "include /etc/ld.so.conf\n",
        "/opt/mpi/lib/libmpi.so.12.1.8": mpich,
        "/usr/lib": None,
    }
    (one,) = feature("software.mpi", files).instances
    assert one["path"] == "/opt/mpi/lib/libmpi.so.12.1.8"


def test_directory_of_libraries_that_cannot_be_read_hides_what_it_holds(feature):
    """A network file system that is away; what lies in the other directories is known all the same."""
    files = {"/etc/ld.so.conf": "/opt/mpi\n", "/usr/lib/libpmix.so.2.5": "", "/usr/lib": None}
    links = {"/opt/mpi": "/opt/mpi"}

    mpi = feature("software.mpi", files, links=links)
    assert (mpi.instances, mpi.unknown) == ((), Unknown("/opt/mpi: ELOOP"))
    (tree,) = {one["path"] for one in feature("software.library", files).instances}
    assert tree == "/usr/lib/libpmix.so.2.5"


def test_host_with_libraries_but_no_mpi_has_none(feature):
    assert feature("software.mpi", {"/usr/lib": None}).instances == ()


def test_broken_library_is_unknown_but_its_abi_is_known(feature):
    (one,) = feature("software.mpi", {f"{LIB}/libmpi.so.40.1.0": b"\x7fELF"}).instances
    assert one["abi"] == "40.1.0"
    assert isinstance(one["version"], Unknown)


def test_release_is_not_guessed():
    assert software.release(b"1.2.3\x004.5.6\0", b"") == ""
    assert software.release(b"v1.2.3\0v1.2.3\0", b"v") == "1.2.3"
    assert software.release(b"", b"v") == ""


def test_glibc_from_its_banner(feature, host):
    assert feature("os.glibc", host, links=LINKS).attributes["version"] == "2.36"


def test_glibc_from_its_file_name(feature):
    links = {f"{LIB}/libc.so.6": "libc-2.31.so"}
    found = feature("os.glibc", {f"{LIB}/libc-2.31.so": b"not even ELF"}, links=links)
    assert found.attributes == {"path": f"{LIB}/libc.so.6", "version": "2.31"}


def test_host_with_musl_has_no_glibc(feature):
    found = feature("os.glibc", {"/lib/ld-musl-x86_64.so.1": b"", "/usr/lib": None})
    assert found.attributes == {}
    assert found.unknown is None


def test_glibc_that_is_nowhere_is_unknown(feature):
    assert feature("os.glibc", {"/usr/lib": None}).unknown is not None


@pytest.mark.parametrize("data", [b"", b" release version ", b" release version x", b" release version 2\0"])
def test_banner_without_a_version(data):
    assert glibc.banner(data) == ""


def test_every_cut_of_an_elf_file_is_known_or_unknown(tmp_path, openmpi):
    from hostfit.facts.root import Root

    for at in range(0, len(openmpi), 5):
        (tmp_path / "lib").write_bytes(openmpi[:at])
        found = software.described(Root(str(tmp_path)), "/lib")
        assert set(found) == {"version", "implementation"}


def test_real_library_says_what_the_loader_says():
    import ctypes

    libc = ctypes.CDLL(None)
    libc.gnu_get_libc_version.restype = ctypes.c_char_p
    found = Host("/").read(Wanted({"os.glibc": None}))["os.glibc"].attributes
    assert found["version"] == libc.gnu_get_libc_version().decode()
