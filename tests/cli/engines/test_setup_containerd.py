"""`hostfit setup` for containerd, alone and as k3s, RKE2 and MicroK8s lay it out (CH8)."""

from __future__ import annotations

import stat
import tomllib

import pytest

CRI = "io.containerd.grpc.v1.cri"
CRI_3 = "io.containerd.cri.v1.runtime"
DEBIAN = """\
version = 2

[plugins]
  [plugins."io.containerd.grpc.v1.cri"]
    [plugins."io.containerd.grpc.v1.cri".cni]
      bin_dir = "/usr/lib/cni"
      conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.internal.v1.opt"]
    path = "/var/lib/containerd/opt"
"""
SITE = """\
version = 2
# the site's registry
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "registry.example/pause:3"
[plugins."io.containerd.grpc.v1.cri".containerd]
default_runtime_name = "runc"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
pod_annotations = ["example.org/*"]
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = true
"""


def toml(host, path):
    return tomllib.loads(host.read(path))


class TestContainerd:
    MAIN = "etc/containerd/config.toml"
    CONF = "etc/containerd/conf.d/zz-hostfit.toml"

    def test_debian_s_file_imports_a_complete_table(self, make_host):
        """On containerd 1.6 an imported file replaces the whole CRI table."""
        host = make_host("containerd")
        host.write(self.MAIN, DEBIAN)

        assert host.hostfit("setup", "containerd") == 0

        main, ours = toml(host, self.MAIN), toml(host, self.CONF)
        assert main == tomllib.loads(DEBIAN) | {"imports": ["/etc/containerd/conf.d/zz-hostfit.toml"]}
        assert ours["plugins"][CRI]["cni"] == tomllib.loads(DEBIAN)["plugins"][CRI]["cni"]
        assert ours["plugins"][CRI]["containerd"]["runtimes"] == {
            "hostfit": {
                "runtime_type": "io.containerd.runc.v2",
                "runtime_path": "/usr/bin/containerd-shim-hostfit-v2",
                "pod_annotations": ["io.hostfit.*"],
                "options": {"BinaryName": "/usr/bin/hostfit-runtime"},
            }
        }

    def test_the_handler_is_made_after_the_default_one(self, make_host):
        host = make_host("containerd")
        host.write(self.MAIN, SITE)

        host.hostfit("setup", "containerd", "--default")

        table = toml(host, self.CONF)["plugins"][CRI]
        handler = table["containerd"]["runtimes"]["hostfit"]
        assert table["containerd"]["default_runtime_name"] == "hostfit"
        assert table["sandbox_image"] == "registry.example/pause:3"
        # Pods of a RuntimeClass `runc` are containers too.
        assert table["containerd"]["runtimes"]["runc"] == {
            key: value for key, value in handler.items() if key != "runtime_path"
        }
        assert handler["options"] == {"SystemdCgroup": True, "BinaryName": "/usr/bin/hostfit-runtime"}
        assert handler["pod_annotations"] == ["example.org/*", "io.hostfit.*"]

    def test_without_the_shim_the_plain_one_calls_the_runtime(self, make_host):
        host = make_host("containerd")
        (host.root / "usr/bin/containerd-shim-hostfit-v2").unlink()

        host.hostfit("setup", "containerd")

        assert "runtime_path" not in host.read(self.CONF)
        assert toml(host, self.MAIN) == {"version": 2, "imports": ["/etc/containerd/conf.d/zz-hostfit.toml"]}

    def test_tables_of_imported_files_count_as_containerd_reads_them(self, make_host):
        host = make_host("containerd")
        host.write(self.MAIN, f'imports = ["conf.d/*.toml"]\n{SITE}')
        host.write("etc/containerd/conf.d/50.toml", f'version = 2\n[plugins."{CRI}"]\nsandbox_image = "other"\n')

        host.hostfit("setup", "containerd")

        assert toml(host, self.MAIN)["imports"] == ["conf.d/*.toml"]
        table = toml(host, self.CONF)["plugins"][CRI]
        assert table["sandbox_image"] == "other"
        assert set(table["containerd"]["runtimes"]) == {"hostfit"}

    def test_a_password_of_the_main_file_stays_secret(self, make_host):
        host = make_host("containerd")
        secret = f'[plugins."{CRI}".registry.configs.x.auth]\npassword = "hunter2"\n'
        host.write(self.MAIN, SITE + secret)
        (host.root / self.MAIN).chmod(0o600)

        host.hostfit("setup", "containerd")

        assert "hunter2" in host.read(self.CONF)
        assert stat.S_IMODE((host.root / self.CONF).stat().st_mode) == 0o600
        assert stat.S_IMODE((host.root / "var/lib/hostfit/setup/containerd.json").stat().st_mode) == 0o600

    def test_version_3_merges_tables_so_only_ours_is_written(self, make_host):
        host = make_host("containerd")
        host.write(self.MAIN, f"version = 3\n[plugins.'{CRI_3}']\nmax_container_log_line_size = 1\n")

        host.hostfit("setup", "containerd", "--default")

        assert set(toml(host, self.CONF)["plugins"][CRI_3]) == {"containerd"}
        assert toml(host, self.CONF)["version"] == 3

    def test_a_changed_main_file_is_taken_in_again(self, make_host):
        host = make_host("containerd")
        host.write(self.MAIN, SITE)
        host.hostfit("setup", "containerd")
        host.write(self.MAIN, host.read(self.MAIN).replace("pause:3", "pause:4"))

        host.hostfit("setup", "containerd")
        assert toml(host, self.CONF)["plugins"][CRI]["sandbox_image"] == "registry.example/pause:4"
        host.hostfit("setup", "containerd", "--remove")

        assert host.read(self.MAIN) == SITE.replace("pause:3", "pause:4")

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("root = '/x'\n", "version: required 2 or 3, found 1"),
            ("version = 4\n", "version: required 2 or 3, found 4"),
            ('version = 2\ndisabled_plugins = ["cri"]\n', "disables containerd's CRI plugin"),
            ("version = \n", "required TOML, found an error"),
            ("version = 2\nimports = 'x'\n", "imports: required a list"),
        ],
    )
    def test_what_cannot_work_is_refused(self, make_host, text, complaint, capsys):
        host = make_host("containerd")
        host.write(self.MAIN, text)

        assert host.hostfit("setup", "containerd") == 2
        assert complaint in capsys.readouterr().err
        assert host.read(self.MAIN) == text

    def test_a_default_of_another_kind_is_not_replaced(self, make_host, capsys):
        host = make_host("containerd")
        kata = SITE.replace('_name = "runc"', '_name = "kata"').replace("runtimes.runc", "runtimes.kata")
        host.write(self.MAIN, kata.replace("io.containerd.runc.v2", "io.containerd.kata.v2"))

        assert host.hostfit("setup", "containerd", "--default") == 2
        assert "its default runtime kata is of type io.containerd.kata.v2" in capsys.readouterr().err
        assert host.hostfit("setup", "containerd") == 0


class TestDistributions:
    K3S = "var/lib/rancher/k3s/agent/etc/containerd"
    GENERATED = f"""\
version = 2
[plugins."{CRI}".containerd]
[plugins."{CRI}".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."{CRI}".containerd.runtimes.runc.options]
SystemdCgroup = true
"""
    MICROK8S = f"""\
version = 2
oom_score = 0
# 'plugins."{CRI}"' contains config related to containerd
[plugins."{CRI}".containerd]
  snapshotter = "${{SNAPSHOTTER}}"
  default_runtime_name = "${{RUNTIME}}"
  [plugins."{CRI}".containerd.runtimes.runc]
    runtime_type = "${{RUNTIME_TYPE}}"
[plugins."{CRI}".cni]
  bin_dir = "${{SNAP_DATA}}/opt/cni/bin"
"""

    @pytest.mark.parametrize("name", ["k3s", "rke2"])
    def test_a_template_that_extends_the_built_in_one(self, make_host, name):
        host = make_host(name)
        folder = self.K3S.replace("k3s", name)
        host.write(f"{folder}/config.toml", self.GENERATED)

        assert host.hostfit("setup", name, "--default") == 0

        template = host.read(f"{folder}/config.toml.tmpl")
        first, _, rest = template.partition("\n")
        assert first == '{{ template "base" . }}'
        handler = tomllib.loads(rest)["plugins"][CRI]["containerd"]["runtimes"]["hostfit"]
        assert handler["options"] == {"SystemdCgroup": True, "BinaryName": "/usr/bin/hostfit-runtime"}
        assert host.read(f"etc/rancher/{name}/config.yaml.d/zz-hostfit.yaml").endswith("\ndefault-runtime: hostfit\n")
        assert not (host.root / folder / "config-v3.toml.tmpl").exists()

    def test_containerd_means_the_only_distribution_that_is_there(self, make_host):
        host = make_host("k3s")
        host.write(f"{self.K3S}/config.toml", self.GENERATED)

        assert host.hostfit("setup", "containerd") == 0

        assert (host.root / self.K3S / "config.toml.tmpl").exists()
        assert not (host.root / "etc/containerd").exists()

    def test_a_directory_of_drop_ins_where_it_is_imported(self, make_host):
        host = make_host("k3s")
        imports = f'version = 3\nimports = ["/{self.K3S}/config-v3.toml.d/*.toml"]\n'
        host.write(f"{self.K3S}/config.toml", imports + f"[plugins.'{CRI_3}'.containerd]\n")

        host.hostfit("setup", "k3s")

        ours = toml(host, f"{self.K3S}/config-v3.toml.d/zz-hostfit.toml")
        assert list(ours["plugins"][CRI_3]["containerd"]["runtimes"]) == ["hostfit"]

    def test_before_the_first_start_both_versions_are_served(self, make_host):
        """An image of a host: which containerd it will run is not known yet."""
        host = make_host("k3s")
        before = host.files()

        host.hostfit("setup", "k3s")

        assert CRI in host.read(f"{self.K3S}/config.toml.tmpl")
        assert CRI_3 in host.read(f"{self.K3S}/config-v3.toml.tmpl")
        host.hostfit("setup", "k3s", "--remove")
        assert host.files() == before

    def test_a_template_of_the_site_keeps_all_else(self, make_host):
        host = make_host("k3s")
        site = '{{ template "base" . }}\n[plugins.x]\n{{ if .NodeConfig }}a = 1{{ end }}'
        host.write(f"{self.K3S}/config.toml", self.GENERATED)
        host.write(f"{self.K3S}/config.toml.tmpl", site)

        host.hostfit("setup", "k3s")
        assert host.read(f"{self.K3S}/config.toml.tmpl").startswith(site + "\n")
        host.hostfit("setup", "k3s", "--remove")

        assert host.read(f"{self.K3S}/config.toml.tmpl") == site

    def test_microk8s_has_one_template(self, make_host):
        host = make_host("microk8s")
        path = "var/snap/microk8s/current/args/containerd-template.toml"
        host.write(path, self.MICROK8S)

        assert host.hostfit("setup", "microk8s", "--default") == 0

        made = toml(host, path)
        containerd = made["plugins"][CRI]["containerd"]
        assert containerd["default_runtime_name"] == "hostfit"
        assert containerd["runtimes"]["hostfit"]["runtime_type"] == "io.containerd.runc.v2"
        assert containerd["runtimes"]["runc"] == {"runtime_type": "${RUNTIME_TYPE}"}
        (host.root / "var/lib/hostfit/setup/microk8s.json").unlink()
        host.hostfit("setup", "microk8s", "--remove")
        assert host.read(path) == self.MICROK8S
