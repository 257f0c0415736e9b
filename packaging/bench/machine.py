"""What the figures were taken on."""

import os
import platform
import subprocess
from pathlib import Path


def describe():
    """Processor, memory, kernel, load and versions, as a tree for JSON."""
    return {
        "processor": _line("/proc/cpuinfo", "model name") or platform.machine(),
        "processors": os.cpu_count(),
        "memory_mib": int((_line("/proc/meminfo", "MemTotal") or "0 kB").split()[0]) // 1024,
        "kernel": platform.release(),
        "system": _release(),
        "python": platform.python_version(),
        "load": [round(one, 2) for one in os.getloadavg()],
        "runtimes": {name: version for name in ("runc", "crun") if (version := _version(name))},
    }


def _line(path, key):
    for line in Path(path).read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""


def _release():
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return ""


def _version(program):
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.partition("\n")[0].rpartition(" ")[2]
