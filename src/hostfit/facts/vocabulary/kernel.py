"""Vocabulary of `kernel.*`."""

from __future__ import annotations

from hostfit.core.vocabulary import (
    ATTRIBUTE,
    BOOLEAN,
    FLAG,
    INSTANCE,
    NUMBER,
    TEXT,
    VERSION,
    VOLATILE,
    ElementInfo,
    FeatureInfo,
)


def _a(name: str, comparison: str, meaning: str) -> ElementInfo:
    return ElementInfo(name, ATTRIBUTE, comparison, meaning)


def _i(name: str, comparison: str, meaning: str) -> ElementInfo:
    return ElementInfo(name, INSTANCE, comparison, meaning)


FEATURES = (
    FeatureInfo(
        "kernel.version",
        meaning="release of the running kernel",
        source="/proc/sys/kernel/osrelease",
        link="https://docs.kernel.org/admin-guide/sysctl/kernel.html#osrelease-ostype-version",
        elements=(
            _a("full", VERSION, "the release; characters outside [-A-Za-z0-9_.] are _, as in NFD"),
            _a("major", NUMBER, "first number"),
            _a("minor", NUMBER, "second number; 0 where the release has none, NFD leaves it empty"),
            _a("revision", NUMBER, "third number; 0 where the release has none, NFD leaves it empty"),
        ),
    ),
    FeatureInfo(
        "kernel.config",
        meaning="options the kernel was built with, without CONFIG_; options that are not set are absent",
        source="/proc/config.gz, /boot/config-RELEASE and other places",
        link="https://docs.kernel.org/kbuild/kconfig.html",
        open_kinds=(ATTRIBUTE,),
        open_comparison=NUMBER,
    ),
    FeatureInfo(
        "kernel.loadedmodule",
        meaning="modules that are loaded; - and _ in names are the same",
        source="/proc/modules",
        link="https://man7.org/linux/man-pages/man5/proc_modules.5.html",
        stability=VOLATILE,
        open_kinds=(FLAG,),
    ),
    FeatureInfo(
        "kernel.enabledmodule",
        meaning="modules that are loaded or built in; - and _ in names are the same",
        source="/proc/modules, /lib/modules/RELEASE/modules.builtin, /sys/module",
        link="https://docs.kernel.org/kbuild/kbuild.html#modules-builtin",
        stability=VOLATILE,
        open_kinds=(FLAG,),
    ),
    FeatureInfo(
        "kernel.module",
        meaning="modules that are loaded, built in, or could be loaded (listed in modules.dep)",
        source="/proc/modules, /sys/module, /lib/modules/RELEASE/modules.{builtin,builtin.modinfo,dep}, .modinfo",
        link="https://man7.org/linux/man-pages/man8/modinfo.8.html",
        stability=VOLATILE,
        elements=(
            _i("name", TEXT, "name of the module; - and _ are the same"),
            _i("state", TEXT, "loaded, builtin or loadable"),
            _i("version", VERSION, "what the module declares as its version; absent where it declares none"),
            _i("signer", TEXT, "who signed the module file; absent where nobody did"),
        ),
        open_kinds=(INSTANCE,),
        open_comparison=NUMBER,
        open_prefix="parameter.",
    ),
    FeatureInfo(
        "kernel.selinux",
        meaning="SELinux",
        source="/sys/fs/selinux/enforce",
        link="https://docs.kernel.org/admin-guide/LSM/SELinux.html",
        stability=VOLATILE,
        elements=(_a("enabled", BOOLEAN, "whether SELinux is enforcing; false where it is permissive, as in NFD"),),
    ),
    FeatureInfo(
        "kernel.kvm",
        meaning="KVM",
        source="/sys/devices/virtual/misc/kvm",
        link="https://docs.kernel.org/virt/kvm/",
        stability=VOLATILE,
        elements=(_a("enabled", BOOLEAN, "whether the KVM device is there"),),
    ),
    FeatureInfo(
        "kernel.cmdline",
        meaning="parameters the kernel was started with, by name; without a value they are empty",
        source="/proc/cmdline",
        link="https://docs.kernel.org/admin-guide/kernel-parameters.html",
        open_kinds=(ATTRIBUTE,),
        open_comparison=NUMBER,
    ),
    FeatureInfo(
        "kernel.sysctl",
        meaning="sysctls by dotted name; read one by one, only those that are named",
        source="/proc/sys",
        link="https://docs.kernel.org/admin-guide/sysctl/",
        stability=VOLATILE,
        open_kinds=(ATTRIBUTE,),
        open_comparison=NUMBER,
    ),
    FeatureInfo(
        "kernel.lsm",
        meaning="Linux security modules that are active",
        source="/sys/kernel/security/lsm",
        link="https://docs.kernel.org/admin-guide/LSM/",
        open_kinds=(FLAG,),
    ),
    FeatureInfo(
        "kernel.lockdown",
        meaning="kernel lockdown",
        source="/sys/kernel/security/lockdown",
        link="https://man7.org/linux/man-pages/man7/kernel_lockdown.7.html",
        stability=VOLATILE,
        elements=(_a("mode", TEXT, "none, integrity or confidentiality"),),
    ),
    FeatureInfo(
        "kernel.cgroup",
        meaning="control groups: hierarchy, and the controllers (flags) that can be used",
        source="/sys/fs/cgroup, /proc/cgroups",
        link="https://docs.kernel.org/admin-guide/cgroup-v2.html",
        elements=(
            _a("version", NUMBER, "2 where the unified hierarchy holds the controllers, else 1"),
            _a("hybrid", BOOLEAN, "whether version 1 has a unified hierarchy without controllers beside it"),
        ),
        open_kinds=(FLAG,),
    ),
    FeatureInfo(
        "kernel.filesystem",
        meaning="filesystems that the kernel can mount now, without loading a module",
        source="/proc/filesystems",
        link="https://man7.org/linux/man-pages/man5/proc_filesystems.5.html",
        stability=VOLATILE,
        open_kinds=(FLAG,),
    ),
    FeatureInfo(
        "kernel.binfmt",
        meaning="handlers of binary formats, such as emulators of other architectures",
        source="/proc/sys/fs/binfmt_misc",
        link="https://docs.kernel.org/admin-guide/binfmt-misc.html",
        stability=VOLATILE,
        elements=(
            _i("name", TEXT, "name of the handler"),
            _i("enabled", BOOLEAN, "whether it and binfmt_misc as a whole are enabled"),
            _i("interpreter", TEXT, "path of the program that runs such files"),
            _i("architecture", TEXT, "what ELF files it is for, by Go's name (arm64, riscv64); absent if not ELF"),
            _i("fixed", BOOLEAN, "whether the interpreter was opened beforehand and so works inside containers"),
        ),
    ),
)
PROBES = {
    "kernel.version": "kernel",
    "kernel.selinux": "kernel",
    "kernel.kvm": "kernel",
    "kernel.lsm": "kernel",
    "kernel.lockdown": "kernel",
    "kernel.filesystem": "kernel",
    "kernel.config": "kconfig",
    "kernel.loadedmodule": "modules",
    "kernel.enabledmodule": "modules",
    "kernel.module": "moduleinfo",
    "kernel.cmdline": "cmdline",
    "kernel.sysctl": "sysctl",
    "kernel.cgroup": "cgroup",
    "kernel.binfmt": "binfmt",
}
