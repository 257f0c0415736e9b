"""Vocabulary of `os.*` and `software.*`: libraries of the host, read from files, nothing executed."""

from __future__ import annotations

from hostfit.core.vocabulary import ATTRIBUTE, INSTANCE, NUMBER, TEXT, VERSION, ElementInfo, FeatureInfo

FEATURES = (
    FeatureInfo(
        "os.glibc",
        meaning="the GNU C library of the host; nothing is known to be there on a host with another C library",
        source="libc.so.6 in the library directories",
        link="https://sourceware.org/glibc/wiki/Glibc%20Timeline",
        elements=(
            ElementInfo("version", ATTRIBUTE, VERSION, "release, such as 2.36"),
            ElementInfo("path", ATTRIBUTE, TEXT, "path of libc.so.6"),
        ),
    ),
    FeatureInfo(
        "software.mpi",
        meaning="MPI libraries. ABI major: equal abi.major; full: that and abi.minor at least; strict: both equal",
        source="libmpi.so.* and libmpich.so.* in the library directories",
        link="https://www.mpich.org/abi/",
        elements=(
            ElementInfo("implementation", INSTANCE, TEXT, "openmpi, mpich (its ABI family), or unknown"),
            ElementInfo("version", INSTANCE, VERSION, "release of the implementation"),
            ElementInfo("soname", INSTANCE, TEXT, "libmpi.so.40, libmpi.so.12, libmpich.so.12"),
            ElementInfo("abi", INSTANCE, VERSION, "the numbers in the file name, such as 40.30.4"),
            ElementInfo("abi.major", INSTANCE, NUMBER, "first number of abi"),
            ElementInfo("abi.minor", INSTANCE, NUMBER, "second number of abi"),
            ElementInfo("path", INSTANCE, TEXT, "path of the file"),
        ),
    ),
    FeatureInfo(
        "software.library",
        meaning="shared libraries whose file name carries their ABI version",
        source="lib*.so.N.N.N in the library directories",
        link="https://www.gnu.org/software/libtool/manual/html_node/Versioning.html",
        elements=(
            ElementInfo("name", INSTANCE, TEXT, "name without version, such as libfabric"),
            ElementInfo("soname", INSTANCE, TEXT, "name with the first number, such as libfabric.so.1"),
            ElementInfo("abi", INSTANCE, VERSION, "the numbers in the file name, such as 1.17.0"),
            ElementInfo("abi.major", INSTANCE, NUMBER, "first number of abi"),
            ElementInfo("abi.minor", INSTANCE, NUMBER, "second number of abi"),
            ElementInfo("path", INSTANCE, TEXT, "path of the file"),
        ),
    ),
)
PROBES = {"os.glibc": "glibc", "software.mpi": "software", "software.library": "software"}
