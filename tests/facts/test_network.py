"""Links, kinds of link, SR-IOV and RDMA: against trees, and against ip(8) in a network namespace of its own."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from hostfit.core.facts import Feature, Unknown, Wanted
from hostfit.facts import recorded
from hostfit.facts.host import Host
from hostfit.facts.probes import netlink, netlinks, sriov
from hostfit.facts.root import Root

SOURCE = str(Path(__file__).resolve().parents[2] / "src")
NET = "/sys/class/net/"
PF = "/sys/bus/pci/devices/0000:3b:00.0/"
HCA = "/sys/class/infiniband/mlx5_0/"
RELEASE = {"/proc/sys/kernel/osrelease": "5.4.0-1\n", "/proc/modules": "", "/sys/class/net/lo/uevent": ""}
LIB = "/lib/modules/5.4.0-1/"


def test_network_device_has_nfd_s_attributes(feature):
    files = {
        NET + "ens1/operstate": "up\n",
        NET + "ens1/speed": "100000\n",
        NET + "ens1/mtu": "9000\n",
        NET + "ens1/device/sriov_totalvfs": "128\n",
        NET + "ens1/device/sriov_numvfs": "4\n",
        NET + "ens1/device/numa_node": "1\n",
        NET + "lo/mtu": "65536\n",
        NET + "bonding_masters": "",
    }
    links = {NET + "ens1/device/driver": "../../drivers/ice"}

    assert feature("network.device", files, links=links).instances == (
        {
            "name": "ens1",
            "operstate": "up",
            "speed": "100000",
            "mtu": "9000",
            "sriov_totalvfs": "128",
            "sriov_numvfs": "4",
            "numa_node": "1",
            "driver": "ice",
        },
    )


def test_network_virtual_is_what_has_no_device_but_for_bonding_masters(feature):
    files = {NET + "ens1/device/vendor": "", NET + "lo/mtu": "65536\n", NET + "bonding_masters": ""}

    assert feature("network.virtual", files).instances == ({"name": "lo", "mtu": "65536"},)


def test_link_of_a_tree_has_the_kind_that_its_files_show_and_else_an_unknown_one(feature):
    files = {
        NET + "br0/uevent": "DEVTYPE=bridge\nINTERFACE=br0\n",
        NET + "br0/carrier": "0\n",
        NET + "tap0/uevent": "INTERFACE=tap0\n",
        NET + "tap0/tun_flags": "0x1002\n",
        NET + "veth0/uevent": "INTERFACE=veth0\n",
        NET + "eth0/device/vendor": "",
        NET + "lo/uevent": "INTERFACE=lo\n",
    }
    found = {one["name"]: one for one in feature("network.link", files).instances}

    assert found["br0"] == {"name": "br0", "kind": "bridge", "carrier": "false"}
    assert found["tap0"]["kind"] == "tun"
    assert isinstance(found["veth0"]["kind"], Unknown)
    assert "kind" not in found["eth0"]
    assert "kind" not in found["lo"]


@pytest.mark.parametrize("name", ["network.device", "network.virtual", "network.link", "udev.device"])
def test_link_whose_name_is_no_utf_8_can_be_written(feature, name):
    base = NET + "e\udcff0/"
    found = feature(name, {base + "uevent": "INTERFACE=e\n"} | ({base + "device/a": ""} if "device" in name else {}))

    assert found.instances[0]["name"] == "e\ufffd0"
    json.dumps(recorded.dump({name: found}), ensure_ascii=False).encode()


def test_host_whose_sysfs_shows_no_links_has_none(feature):
    assert feature("network.device", {"/sys/class/tty/uevent": ""}) == Feature(instances=())


def in_namespace(setup: str, expression: str) -> tuple[object, list[dict]]:
    """Evaluate an expression, and list the links with ip(8), in new network and mount namespaces."""
    if os.geteuid() != 0:
        pytest.skip("namespaces need root")
    script = (
        f"import sys, json; sys.path.insert(0, {SOURCE!r})\n"
        "from hostfit.facts.host import Host\nfrom hostfit.core.facts import Wanted, Unknown\n"
        f"print(json.dumps({expression}, default=lambda o: o.reason))\n"
    )
    shell = f'mount -t sysfs none /sys && ip link set lo up && {setup} && {sys.executable} -c "$1" && ip -j -d link'
    run = subprocess.run(
        ["unshare", "-n", "-m", "sh", "-c", shell, "sh", script], check=False, capture_output=True, text=True
    )
    if "Unknown device type" in run.stderr or "Operation not supported" in run.stderr:
        pytest.skip(f"this kernel cannot make the link: {run.stderr.strip()}")
    assert run.returncode == 0, run.stderr
    found, links = run.stdout.splitlines()
    return json.loads(found), json.loads(links)


@pytest.mark.parametrize("kind", ["veth", "bridge", "ifb"])
def test_links_of_a_namespace_agree_with_ip_link(kind):
    found, said = in_namespace(
        f"ip link add t0 type {kind} && ip link set t0 up mtu 1400",
        "Host().read(Wanted({'network.link': None}))['network.link'].instances",
    )
    expected = {
        link["ifname"]: (link["operstate"].lower(), str(link["mtu"]), link.get("linkinfo", {}).get("info_kind"))
        for link in said
    }

    assert {one["name"]: (one["operstate"], one["mtu"], one.get("kind")) for one in found} == expected
    assert expected["t0"][2] == kind
    assert {one["name"]: one["carrier"] for one in found}["lo"] == "true"


def test_kind_of_a_link_that_exists_can_be_created_whatever_the_files_say():
    found, _ = in_namespace(
        "ip link add t0 type ifb",
        "sorted(Host().read(Wanted({'network.linkkind': {'ifb'}}))['network.linkkind'].flags)",
    )

    assert found == ["ifb"]


def test_links_are_read_from_files_where_netlink_fails(monkeypatch):
    def fail():
        raise OSError(13, "Permission denied", "RTM_GETLINK")

    monkeypatch.setattr(netlink, "links", fail)
    found = {one["name"]: one for one in netlinks.read(Root(), "network.link", None).instances}

    assert found["lo"]["mtu"] == Path("/sys/class/net/lo/mtu").read_text().strip()
    assert all(one["kind"] == Unknown("RTM_GETLINK: EACCES") for name, one in found.items() if name.startswith("ifb"))


def test_link_kinds_come_from_aliases_of_modules_on_disk(feature):
    files = {
        **RELEASE,
        LIB + "modules.alias": "alias pci:v00008086 ice\nalias rtnl-link-vlan 8021q\nalias rtnl-link-gtp5g gtp5g\n",
        LIB + "modules.builtin": "kernel/net/ipv6/ipv6.ko\n",
    }

    assert feature("network.linkkind", files) == Feature(flags={"vlan", "gtp5g"})


def test_link_kinds_of_modules_on_disk_do_not_count_once_loading_is_disabled(feature):
    files = {
        **RELEASE,
        "/proc/sys/kernel/modules_disabled": "1\n",
        LIB + "modules.alias": "alias rtnl-link-vlan 8021q\nalias rtnl-link-gtp5g gtp5g\n",
        LIB + "modules.builtin": "kernel/net/8021q/8021q.ko\n",
    }

    assert feature("network.linkkind", files) == Feature(flags={"vlan"})


def test_link_kinds_come_from_built_in_modules_by_alias_and_by_name(feature):
    files = {
        **RELEASE,
        LIB + "modules.alias": "",
        LIB + "modules.builtin": "kernel/net/8021q/8021q.ko\nkernel/drivers/net/veth.ko\n",
        LIB + "modules.builtin.modinfo": "amt.alias=rtnl-link-amt\0amt.license=GPL\0",
    }

    assert feature("network.linkkind", files).flags == {"vlan", "veth", "amt"}


def test_link_kind_that_is_not_listed_is_absent(feature):
    complete = {**RELEASE, LIB + "modules.alias": "", LIB + "modules.builtin": ""}

    assert feature("network.linkkind", complete, {"gtp5g"}) == Feature(flags=())


def test_link_kind_is_unknown_where_the_lists_are_missing(feature):
    without = feature("network.linkkind", RELEASE, {"gtp5g"})
    assert without.flags == frozenset()
    assert without.unknown == Unknown(LIB + "modules.builtin: ENOENT")


def test_link_kind_of_a_loaded_module_needs_no_list(feature):
    found = feature("network.linkkind", {**RELEASE, "/sys/module/gtp5g/version": "0.8.10\n"}, {"gtp5g"})

    assert found == Feature(flags={"gtp5g"})


def test_sriov_counts_functions_of_network_devices_only(feature):
    """CH5: how many virtual functions there are and how many could still be had."""
    gpu = PF.replace("3b", "41")
    files = {
        PF + "class": "0x020000\n",
        PF + "vendor": "0x8086\n",
        PF + "device": "0x1592\n",
        PF + "sriov_totalvfs": "64\n",
        PF + "sriov_numvfs": "2\n",
        PF + "net/ens1/mtu": "1500\n",
        gpu + "class": "0x030200\n",
        gpu + "sriov_totalvfs": "20\n",
        "/sys/bus/pci/devices/0000:3b:01.0/class": "0x020000\n",
        "/sys/bus/pci/devices/0000:3b:01.1/class": "0x020000\n",
    }
    links = {
        PF + "driver": "../../drivers/ice",
        PF + "virtfn0": "../0000:3b:01.0",
        PF + "virtfn1": "../0000:3b:01.1",
        "/sys/bus/pci/devices/0000:3b:01.0/driver": "../../drivers/vfio-pci",
        "/sys/bus/pci/devices/0000:3b:01.1/driver": "../../drivers/iavf",
    }

    assert feature("network.sriov", files, links=links).instances == (
        {
            "name": "ens1",
            "address": "0000:3b:00.0",
            "driver": "ice",
            "vendor": "8086",
            "device": "1592",
            "totalvfs": "64",
            "numvfs": "2",
            "freevfs": "62",
            "vf_drivers": "iavf,vfio-pci",
            "vf_link_state": Unknown("IFLA_VFINFO_LIST: only a live host tells"),
        },
    )


def test_sriov_of_a_device_without_functions_says_nothing_of_their_drivers(feature):
    files = {PF + "class": "0x020700\n", PF + "sriov_totalvfs": "16\n", PF + "sriov_numvfs": "0\n"}

    assert feature("network.sriov", files).instances == (
        {"address": "0000:3b:00.0", "totalvfs": "16", "numvfs": "0", "freevfs": "16"},
    )


@pytest.mark.parametrize("text", ["", "many\n", "-1\n", "9" * 5000])
def test_sriov_numbers_that_are_none_do_no_harm(feature, text):
    files = {PF + "class": "0x020000\n", PF + "sriov_totalvfs": text, PF + "sriov_numvfs": "1\n"}
    (found,) = feature("network.sriov", files, {"freevfs", "totalvfs"}).instances

    assert isinstance(found["freevfs"], str | Unknown)


def test_link_states_of_virtual_functions_are_asked_of_the_kernel():
    """A link without functions is all that a virtual machine has: the answer is empty, and it is an answer."""
    assert netlink.vf_link_states(1, sriov._EXT_MASK_VF) == []


def attribute(kind, payload):
    return struct.pack("=HH", 4 + len(payload), kind) + payload + bytes(-len(payload) % 4)


@pytest.mark.parametrize(
    ("states", "expected"), [((0, 0), "auto"), ((1,), "enable"), ((2, 2, 2), "disable"), ((0, 2), "mixed"), ((), None)]
)
def test_link_states_are_read_from_the_kernel_s_message(monkeypatch, states, expected):
    """The message as the kernel lays it out (linux/if_link.h), decoded by pyroute2: no device here has functions."""
    functions = [
        # IFLA_VF_INFO with IFLA_VF_LINK_STATE: number of the function, state.
        attribute(1, attribute(5, struct.pack("=II", number, state)))
        for number, state in enumerate(states)
    ]
    body = struct.pack("=BxHiII", 0, 1, 7, 0, 0) + attribute(3, b"ens1\0") + attribute(22, b"".join(functions))
    message = ifinfmsg(struct.pack("=IHHII", 16 + len(body), 16, 0, 0, 0) + body)
    message.decode()
    monkeypatch.setattr(netlink, "_messages", lambda index, mask: [message])

    assert sriov._link_state(Root(), "lo") == expected


def test_link_that_is_gone_is_an_error_with_its_errno():
    with pytest.raises(OSError, match="RTM_GETLINK") as caught:
        netlink.vf_link_states(0x7FFFFFF0, sriov._EXT_MASK_VF)

    assert caught.value.errno == 19


def test_rdma_has_one_instance_for_each_port(feature):
    files = {
        HCA + "fw_ver": "20.39.3560\n",
        HCA + "node_type": "1: CA\n",
        HCA + "ports/1/link_layer": "InfiniBand\n",
        HCA + "ports/1/state": "4: ACTIVE\n",
        HCA + "ports/1/rate": "200 Gb/sec (4X HDR)\n",
        HCA + "ports/2/link_layer": "Ethernet\n",
        HCA + "ports/2/state": "1: DOWN\n",
        HCA + "ports/2/rate": "2.5 Gb/sec (1X SDR)\n",
        HCA + "ports/2/gid_attrs/ndevs/0": "ens1\n",
    }
    found = feature("network.rdma", files, links={HCA + "device/driver": "../../drivers/mlx5_core"}).instances

    shared = {"name": "mlx5_0", "fw_version": "20.39.3560", "node_type": "CA", "driver": "mlx5_core"}
    assert found == (
        {**shared, "port": "1", "link_layer": "InfiniBand", "state": "active", "rate": "200"},
        {**shared, "port": "2", "link_layer": "Ethernet", "state": "down", "rate": "2", "netdev": "ens1"},
    )


def test_rdma_is_known_to_be_absent_where_the_class_is_not_there(feature):
    assert feature("network.rdma", {NET + "lo/mtu": "65536\n"}) == Feature(instances=())


def test_live_links_of_sysfs_and_netlink_are_the_same():
    facts = Host().read(Wanted({"network.link": None, "network.device": None, "network.virtual": None}))
    of_sysfs = [one["name"] for name in ("network.device", "network.virtual") for one in facts[name].instances]

    assert sorted(of_sysfs) == sorted(one["name"] for one in facts["network.link"].instances)
