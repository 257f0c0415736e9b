"""Kernel modules: loaded, built in, loadable; names with - and _ are the same (CH4)."""

from __future__ import annotations

import pytest

from hostfit.core.facts import Unknown
from hostfit.core.match import evaluate
from hostfit.core.read import read_spec
from hostfit.facts import modinfo
from hostfit.facts.host import Host

BASE = "/lib/modules/5.4.0"
HOST = {
    "/proc/sys/kernel/osrelease": "5.4.0\n",
    "/proc/modules": "gtp5g 163840 0 - Live 0x0000000000000000 (OE)\nvfio_pci 53248 0 - Live 0x0000000000000000\n",
    f"{BASE}/modules.builtin": "kernel/fs/ext4/ext4.ko\nkernel/net/tls/tls-core.ko\n",
    f"{BASE}/modules.builtin.modinfo": b"ext4.license=GPL\0tls_core.version=1.2\0",
    f"{BASE}/modules.dep": "kernel/drivers/vfio/pci/vfio-pci.ko: kernel/drivers/vfio/vfio.ko\nextra/gtp5g.ko:\n"
    "kernel/net/sctp/sctp.ko.xz:\nextra/mine.ko:\n",
    "/sys/module/gtp5g/version": "0.8.3\n",
    "/sys/module/gtp5g/parameters/debug": "Y\n",
    "/sys/module/vfio_pci/parameters/disable_idle_d3": "N\n",
}


def signed(data, name=b"Build time key"):
    rdn = b"\x06\x03\x55\x04\x03\x0c" + bytes([len(name)]) + name
    signature = b"0\x82" + rdn + b"\x01\x02"
    return data + signature + bytes(8) + len(signature).to_bytes(4, "big") + b"~Module signature appended~\n"


def by_name(feature, files, names=None):
    return {one["name"]: one for one in feature("kernel.module", files, names=names).instances}


def test_loaded_modules_by_any_spelling(feature):
    """NFD's own example asks for vfio-pci, which there never matches."""
    assert feature("kernel.loadedmodule", HOST).flags == {"gtp5g", "vfio_pci"}
    assert "vfio-pci" in feature("kernel.loadedmodule", HOST, names=["vfio-pci"]).flags


def test_enabled_modules_are_the_loaded_and_the_built_in(feature):
    assert feature("kernel.enabledmodule", HOST).flags == {"gtp5g", "vfio_pci", "ext4", "tls_core"}
    assert "tls-core" in feature("kernel.enabledmodule", HOST, names=["tls-core"]).flags


def test_without_modules_builtin_the_loaded_ones_stay_known(feature):
    files = {path: text for path, text in HOST.items() if "builtin" not in path}
    found = feature("kernel.enabledmodule", files)
    assert {"gtp5g", "vfio_pci"} <= found.flags
    assert found.unknown == Unknown(f"{BASE}/modules.builtin: ENOENT")


def test_states(feature):
    states = {name: one["state"] for name, one in by_name(feature, HOST, ["name", "state"]).items()}
    assert states == {
        "gtp5g": "loaded",
        "vfio_pci": "loaded",
        "ext4": "builtin",
        "tls_core": "builtin",
        "sctp": "loadable",
        "mine": "loadable",
    }


def test_version_parameters_and_signer(feature, elf):
    files = {
        **HOST,
        f"{BASE}/extra/gtp5g.ko": signed(elf({".modinfo": b"version=0.8.3\0"})),
        f"{BASE}/extra/mine.ko": elf({".modinfo": b"license=GPL\0version=2.1\0version=9\0"}),
        f"{BASE}/kernel/drivers/vfio/pci/vfio-pci.ko": elf({".modinfo": b"license=GPL\0"}),
    }
    found = by_name(feature, files)
    assert found["gtp5g"] == {
        "name": "gtp5g",
        "state": "loaded",
        "version": "0.8.3",
        "signer": "Build time key",
        "parameter.debug": "Y",
    }
    assert found["mine"] == {"name": "mine", "state": "loadable", "version": "2.1"}
    assert found["vfio_pci"] == {"name": "vfio_pci", "state": "loaded", "parameter.disable_idle_d3": "N"}
    assert found["tls_core"]["version"] == "1.2"
    assert "version" not in found["ext4"]
    assert isinstance(found["sctp"]["version"], Unknown)


def test_compressed_module_is_unknown_and_not_absent(feature):
    files = {**HOST, f"{BASE}/modules.dep": "extra/mine.ko.zst:\n"}
    assert by_name(feature, files)["mine"]["version"] == Unknown("extra/mine.ko.zst: compressed")


def test_only_attributes_asked_for_are_read(feature):
    found = by_name(feature, HOST, ["name", "parameter.debug"])["gtp5g"]
    assert found == {"name": "gtp5g", "state": "loaded", "parameter.debug": "Y"}


def test_nothing_is_loadable_once_loading_is_disabled(feature):
    """sysctl kernel.modules_disabled, which cannot be taken back until the next boot."""
    assert by_name(feature, HOST)["sctp"]["state"] == "loadable"
    off = by_name(feature, {**HOST, "/proc/sys/kernel/modules_disabled": "1\n"})
    assert "sctp" not in off
    assert {one["state"] for one in off.values()} == {"loaded", "builtin"}
    on = by_name(feature, {**HOST, "/proc/sys/kernel/modules_disabled": "0\n"})
    assert on["sctp"]["state"] == "loadable"


def test_kernel_without_support_for_modules_has_none_loaded(feature):
    files = {"/proc/sys/kernel/osrelease": "6.18.44\n"}
    found = feature("kernel.loadedmodule", files, names=["gtp5g"])
    assert found.flags == frozenset()
    assert found.unknown is None


def test_module_cannot_be_loaded_there_but_may_be_built_in(feature):
    """`loaded` is then a clear no, `builtin` unknown."""
    (one,) = feature("kernel.module", {"/proc/sys/kernel/osrelease": "6.18.44\n"}, names=["name", "state"]).instances
    assert one["state"] == "builtin"
    assert isinstance(one["name"], Unknown)


@pytest.mark.parametrize(
    ("state", "verdict"),
    [("loaded", "misfit"), ("loadable", "misfit"), ("builtin", "unknown")],
)
def test_verdict_on_a_kernel_without_support_for_modules(tree, state, verdict):
    text = f"""
version: v1alpha1
compatibilities:
  - rules:
      - name: gtp5g
        matchFeatures:
          - feature: kernel.module
            matchExpressions:
              name: {{op: In, value: [gtp5g]}}
              state: {{op: In, value: [{state}]}}
"""
    spec = read_spec(text, place="test")
    facts = Host(tree({"/proc/sys/kernel/osrelease": "6.18.44\n"})).read(spec.wanted())
    assert evaluate(spec, facts).verdict == verdict


def test_hidden_modules_file_is_unknown(feature):
    files = {"/proc/sys/kernel/osrelease": "6.1\n", "/proc/sys/kernel/modules_disabled": "0\n"}
    for name in ("kernel.loadedmodule", "kernel.module"):
        assert feature(name, files).unknown == Unknown("/proc/modules: ENOENT")


def test_nothing_is_known_of_a_tree_without_proc(feature):
    assert feature("kernel.loadedmodule", {"/etc": None}).unknown is not None


@pytest.mark.parametrize("at", range(0, 400, 7))
def test_every_cut_of_a_module_is_an_error_or_less(tmp_path, elf, at):
    whole = signed(elf({".modinfo": b"version=1\0"}))
    path = tmp_path / "cut.ko"
    path.write_bytes(whole[:at])
    with path.open("rb") as file:
        for read in (modinfo.fields, modinfo.signer):
            try:
                found = read(file.fileno())
            except ValueError:
                continue
            assert found in (None, {}, {"version": "1"}, "Build time key")
