"""Vocabulary of `system.*`."""

from __future__ import annotations

from hostfit.core.vocabulary import ATTRIBUTE, NUMBER, TEXT, VERSION, ElementInfo, FeatureInfo

DMI = (
    "bios_date",
    "bios_vendor",
    "bios_version",
    "board_asset_tag",
    "board_name",
    "board_vendor",
    "board_version",
    "chassis_asset_tag",
    "chassis_type",
    "chassis_vendor",
    "chassis_version",
    "product_family",
    "product_name",
    "product_sku",
    "product_version",
    "sys_vendor",
)
"""The files of /sys/devices/virtual/dmi/id that NFD reads; serial numbers are not among them."""

FEATURES = (
    FeatureInfo(
        "system.osrelease",
        meaning="the operating system's name and version; any key of os-release",
        source="/etc/os-release, else /usr/lib/os-release (NFD reads the first only)",
        link="https://www.freedesktop.org/software/systemd/man/latest/os-release.html",
        elements=(
            ElementInfo("ID", ATTRIBUTE, TEXT, "name of the distribution in lower case"),
            ElementInfo("VERSION_ID", ATTRIBUTE, VERSION, "version of the distribution"),
            ElementInfo("VERSION_ID.major", ATTRIBUTE, NUMBER, "first number of VERSION_ID"),
            ElementInfo("VERSION_ID.minor", ATTRIBUTE, NUMBER, "second number of VERSION_ID; absent if there is none"),
        ),
        open_kinds=(ATTRIBUTE,),
        open_comparison=VERSION,
    ),
    FeatureInfo(
        "system.dmiid",
        meaning="what the firmware says the machine is",
        source="/sys/devices/virtual/dmi/id",
        link="https://docs.kernel.org/admin-guide/abi-stable-files.html",
        elements=tuple([ElementInfo(name, ATTRIBUTE, TEXT, name.replace("_", " ")) for name in DMI]),
    ),
    FeatureInfo(
        "system.name",
        meaning="the host's name",
        source="/proc/sys/kernel/hostname (NFD: the environment of its pod)",
        link="https://docs.kernel.org/admin-guide/sysctl/kernel.html#hostname-domainname",
        elements=(ElementInfo("nodename", ATTRIBUTE, TEXT, "the kernel's host name"),),
    ),
    FeatureInfo(
        "system.platform",
        meaning="the platform as image indexes name it",
        source="/proc/sys/kernel/{ostype,arch}, uname(2), /proc/cpuinfo",
        link="https://github.com/opencontainers/image-spec/blob/main/image-index.md",
        elements=(
            ElementInfo("os", ATTRIBUTE, TEXT, "operating system by Go's name"),
            ElementInfo("architecture", ATTRIBUTE, TEXT, "architecture by Go's name"),
            ElementInfo("variant", ATTRIBUTE, TEXT, "highest variant: v1 to v4 on amd64, v8, v8.1 ... on arm64"),
            ElementInfo("os_version", ATTRIBUTE, VERSION, "version of a recorded host that is not Linux"),
            ElementInfo("os_edition", ATTRIBUTE, TEXT, "edition of a recorded Windows host: server, nano"),
        ),
    ),
)
PROBES = {
    "system.osrelease": "osrelease",
    "system.dmiid": "system",
    "system.name": "system",
    "system.platform": "platform",
}
