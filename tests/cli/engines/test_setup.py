"""`hostfit setup ENGINE`: what is written for each engine, what is refused, and that others' settings survive (CH8)."""

from __future__ import annotations

import json
import stat
import tomllib
from pathlib import Path

import pytest

from hostfit.cli.main import main

TREE = Path(__file__).resolve().parents[3]
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


class TestPodman:
    CONF = "etc/containers/containers.conf.d/zz-hostfit.conf"

    def test_a_runtime_to_ask_for(self, make_host):
        host = make_host("podman")

        assert host.hostfit("setup", "podman") == 0

        engine = toml(host, self.CONF)["engine"]
        assert engine["runtimes"] == {"hostfit": ["/usr/bin/hostfit-runtime"]}
        assert "runtime" not in engine
        assert not (host.root / "etc/containers/oci").exists()

    def test_every_container_by_runtime_and_hook(self, make_host):
        host = make_host("podman")

        assert host.hostfit("setup", "podman", "--default") == 0

        engine = toml(host, self.CONF)["engine"]
        assert engine["runtime"] == "hostfit"
        assert engine["hooks_dir"] == ["/usr/share/containers/oci/hooks.d", "/etc/containers/oci/hooks.d"]
        assert host.read("etc/containers/oci/hooks.d/50-hostfit.json") is not None

    def test_the_hook_is_the_shipped_definition(self, make_host):
        host = make_host("podman")
        host.hostfit("setup", "podman", "--default")

        shipped = json.loads((TREE / "hooks" / "50-hostfit.json").read_text())
        assert json.loads(host.read("etc/containers/oci/hooks.d/50-hostfit.json")) == shipped

    def test_lists_of_the_site_are_added_to(self, make_host):
        host = make_host("podman")
        host.write(
            "etc/containers/containers.conf", '[engine]\nhooks_dir = ["/srv/hooks"]\nruntime_supports_json = ["x"]'
        )

        host.hostfit("setup", "podman", "--default")

        engine = toml(host, self.CONF)["engine"]
        assert engine["hooks_dir"] == ["/srv/hooks", "/etc/containers/oci/hooks.d"]
        assert engine["runtime_supports_json"] == ["x", "hostfit", "hostfit-runtime"]

    def test_a_hook_that_the_site_laid_there_comes_back(self, make_host):
        host = make_host("podman")
        host.write("etc/containers/oci/hooks.d/50-hostfit.json", '{"hook": {"path": "/opt/hostfit-hook"}}')
        before = host.files()

        host.hostfit("setup", "podman", "--default")
        host.hostfit("setup", "podman", "--remove")

        assert host.files() == before

    def test_without_the_hook(self, make_host):
        host = make_host("podman")

        host.hostfit("setup", "podman", "--default", "--no-hook")

        assert "hooks_dir" not in toml(host, self.CONF)["engine"]

    def test_a_stricter_default_is_not_lowered(self, make_host, capsys):
        """SEC2: hostfit-runtime hands over to runc, so it may not take the place of runsc."""
        host = make_host("podman")
        host.write("etc/containers/containers.conf", '[engine]\nruntime = "runsc"\n')

        assert host.hostfit("setup", "podman", "--default") == 2
        assert "its default runtime is runsc, required runc, crun or a link" in capsys.readouterr().err

        host.write("usr/bin/hostfit-runtime-runsc", "")
        assert host.hostfit("setup", "podman", "--default") == 0
        assert toml(host, self.CONF)["engine"]["runtimes"] == {"hostfit": ["/usr/bin/hostfit-runtime-runsc"]}


class TestCrio:
    CONF = "etc/crio/crio.conf.d/zz-hostfit.conf"

    def test_a_handler(self, make_host):
        host = make_host("crio")

        assert host.hostfit("setup", "crio") == 0

        assert toml(host, self.CONF)["crio"]["runtime"] == {
            "runtimes": {
                "hostfit": {
                    "runtime_path": "/usr/bin/hostfit-runtime", "runtime_type": "oci", "runtime_root": "/run/runc",
                    "monitor_env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
                }
            }
        }  # fmt: skip

    def test_the_default_keeps_what_the_last_one_sets(self, make_host):
        host = make_host("crio")
        host.write(
            "etc/crio/crio.conf.d/10-crun.conf",
            '[crio.runtime]\ndefault_runtime = "crun"\n[crio.runtime.runtimes.crun]\nruntime_path = "/usr/bin/crun"\n'
            'runtime_root = "/run/crun"\nmonitor_env = ["A=b"]\nallowed_annotations = ["run.oci."]\n'
            '[crio.runtime.runtimes.crun.platform_runtime_paths]\n"wasi/wasm" = "/usr/bin/crun-wasm"\n',
        )

        host.hostfit("setup", "crio", "--default")

        runtime = toml(host, self.CONF)["crio"]["runtime"]
        assert runtime["default_runtime"] == "hostfit"
        assert runtime["runtimes"]["hostfit"] == {
            "runtime_path": "/usr/bin/hostfit-runtime", "runtime_type": "oci", "runtime_root": "/run/crun",
            "monitor_env": ["A=b"], "allowed_annotations": ["run.oci."],
        }  # fmt: skip

    def test_every_file_of_the_directory_counts_whatever_its_name(self, make_host):
        """CRI-O walks the directory and reads all of it."""
        host = make_host("crio")
        table = '[crio.runtime]\ndefault_runtime = "x"\n[crio.runtime.runtimes.x]\nruntime_root = "/run/x"\n'
        host.write("usr/bin/hostfit-runtime-x", "")
        host.write("etc/crio/crio.conf.d/10-site.conf.bak", table)

        host.hostfit("setup", "crio", "--default")

        assert toml(host, self.CONF)["crio"]["runtime"]["runtimes"]["hostfit"]["runtime_root"] == "/run/x"

    def test_a_vm_is_not_replaced(self, make_host, capsys):
        host = make_host("crio")
        host.write(
            "etc/crio/crio.conf",
            '[crio.runtime]\ndefault_runtime = "kata"\n[crio.runtime.runtimes.kata]\nruntime_type = "vm"\n',
        )

        assert host.hostfit("setup", "crio", "--default") == 2
        assert "its default runtime kata is of type vm, required oci" in capsys.readouterr().err

    @pytest.mark.parametrize("engine", ["crio", "podman"])
    def test_a_lost_record_leaves_nothing_of_ours_behind(self, make_host, engine):
        host = make_host(engine)
        before = host.files()
        host.hostfit("setup", engine, "--default")
        (host.root / f"var/lib/hostfit/setup/{engine}.json").unlink()

        host.hostfit("setup", engine)
        host.hostfit("setup", engine, "--remove")

        assert host.files() == before

    def test_the_hook_of_both_engines_goes_with_the_last(self, make_host):
        host = make_host("crio", "podman")
        before = host.files()
        hook = host.root / "etc/containers/oci/hooks.d/50-hostfit.json"
        host.hostfit("setup", "crio", "--default")
        host.hostfit("setup", "podman", "--default")

        host.hostfit("setup", "crio", "--remove")
        assert hook.exists()
        host.hostfit("setup", "podman", "--remove")

        assert host.files() == before
        assert not hook.parent.exists()


class TestDocker:
    CONF = "etc/docker/daemon.json"

    def test_a_runtime_beside_others_in_the_file_s_own_style(self, make_host):
        host = make_host("docker")
        host.write(self.CONF, '{\n\t"log-driver": "journald",\n\t"runtimes": {\n\t\t"x": {"path": "/x"}\n\t}\n}')

        assert host.hostfit("setup", "docker") == 0

        assert host.read(self.CONF) == (
            '{\n\t"log-driver": "journald",\n\t"runtimes": {\n\t\t"x": {\n\t\t\t"path": "/x"\n\t\t},\n'
            '\t\t"hostfit": {\n\t\t\t"path": "/usr/bin/hostfit-runtime"\n\t\t}\n\t}\n}'
        )

    def test_the_default_comes_back(self, make_host):
        host = make_host("docker")
        host.write("usr/bin/hostfit-runtime-nvidia", "")
        host.write(self.CONF, '{"default-runtime": "nvidia"}')
        host.hostfit("setup", "docker", "--default")
        changed = json.loads(host.read(self.CONF))
        assert changed["default-runtime"] == "hostfit"

        host.write(self.CONF, json.dumps({**changed, "debug": True}))
        host.hostfit("setup", "docker", "--remove")

        assert json.loads(host.read(self.CONF)) == {"default-runtime": "nvidia", "debug": True}

    def test_a_flag_that_would_keep_dockerd_from_starting_is_found(self, make_host, capsys):
        host = make_host("docker")
        unit = "etc/systemd/system/docker.service.d/site.conf"
        host.write(unit, "[Service]\n#ExecStart=x --default-runtime=y\n")
        assert host.hostfit("setup", "docker", "--default", "--dry-run") == 0

        host.write(unit, "[Service]\nExecStart=dockerd --default-runtime crun\n")
        assert host.hostfit("setup", "docker", "--default") == 2
        assert f"/{unit}: gives dockerd --default-runtime" in capsys.readouterr().err
        assert not (host.root / self.CONF).exists()

    @pytest.mark.parametrize("text", ["{", "[]", '{"runtimes": 1}'])
    def test_a_file_that_docker_would_refuse_is_left_alone(self, make_host, text, capsys):
        host = make_host("docker")
        host.write(self.CONF, text)

        assert host.hostfit("setup", "docker") == 2
        assert "/etc/docker/daemon.json: " in capsys.readouterr().err
        assert host.read(self.CONF) == text


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


class TestWriting:
    def test_a_dry_run_shows_the_difference_and_writes_nothing(self, make_host, capsys):
        host = make_host("containerd")
        host.write(TestContainerd.MAIN, DEBIAN)
        before = host.files()

        assert host.hostfit("setup", "containerd", "--dry-run") == 0

        shown = capsys.readouterr().out
        assert "--- /etc/containerd/config.toml\n+++ /etc/containerd/config.toml\n@@ -1,4 +1,5 @@\n" in shown
        assert '\n+imports = ["/etc/containerd/conf.d/zz-hostfit.toml"]\n' in shown
        assert "--- /dev/null\n+++ /etc/containerd/conf.d/zz-hostfit.toml\n" in shown
        assert host.files() == before
        assert not (host.root / "var").exists()

    def test_an_engine_that_is_not_there_is_a_usage_error(self, make_host, capsys):
        assert make_host().hostfit("setup", "podman") == 2
        assert "podman: required on this host, found nothing of it" in capsys.readouterr().err

    def test_without_the_runtime_nothing_is_told_to_run_it(self, make_host, capsys):
        host = make_host("podman")
        (host.root / "usr/bin/hostfit-runtime").unlink()

        assert host.hostfit("setup", "podman") == 2
        assert "hostfit-runtime: required in /usr/bin or /usr/local/bin, found in none" in capsys.readouterr().err

    def test_a_program_that_others_could_replace_is_not_given_to_an_engine(self, make_host, capsys):
        host = make_host("podman")
        (host.root / "usr/bin").chmod(0o777)

        assert host.hostfit("setup", "podman") == 2
        assert "/usr/bin: must not be writable by group or others, found mode 0777" in capsys.readouterr().err
        assert not (host.root / "etc").exists()

    def test_a_root_that_is_not_there(self, capsys):
        assert main(["setup", "podman", "--root", "/nonexistent/root"]) == 2
        assert "option --root: required a directory, found none" in capsys.readouterr().err

    def test_another_directory_of_the_programs(self, make_host):
        host = make_host("podman")
        for name in ("hostfit-runtime", "hostfit-hook"):
            host.write(f"opt/hostfit/bin/{name}", "")

        host.hostfit("setup", "podman", "--default", "--bin", "/opt/hostfit/bin")

        assert '"/opt/hostfit/bin/hostfit-runtime"' in host.read(TestPodman.CONF)
        assert '"/opt/hostfit/bin/hostfit-hook"' in host.read("etc/containers/oci/hooks.d/50-hostfit.json")

    def test_links_of_an_image_stay_inside_of_it(self, make_host, tmp_path):
        host = make_host("docker")
        outside = tmp_path / "outside"
        outside.mkdir()
        (host.root / "etc").mkdir()
        (host.root / "etc/docker").symlink_to("/outside")
        (host.root / "outside").mkdir()

        host.hostfit("setup", "docker")

        assert list(outside.iterdir()) == []
        assert (host.root / "outside/daemon.json").exists()

    def test_nothing_is_half_written(self, make_host, monkeypatch, capsys):
        from hostfit.cli.engines import tree

        host = make_host("containerd")
        host.write(TestContainerd.MAIN, DEBIAN)
        before = host.files()
        real = tree.write_atomic

        def full(path, data, mode, **more):
            if path.endswith("config.toml"):
                raise OSError(28, "full", path)
            real(path, data, mode, **more)

        monkeypatch.setattr(tree, "write_atomic", full)
        assert host.hostfit("setup", "containerd") == 2

        assert "/etc/containerd/config.toml: required writable, found ENOSPC" in capsys.readouterr().err
        assert host.files() == before
        assert not (host.root / "var/lib/hostfit/setup").exists()

    def test_a_file_of_ours_that_somebody_changed_is_kept_where_no_engine_reads_it(self, make_host):
        host = make_host("podman")
        before = host.files()
        host.hostfit("setup", "podman")
        changed = host.read(TestPodman.CONF) + "num_locks = 1\n"
        host.write(TestPodman.CONF, changed)

        host.hostfit("setup", "podman", "--remove")

        assert host.files() == before | {"etc/containers/zz-hostfit.conf.hostfit-saved": changed.encode()}


class TestContainersLeft:
    @pytest.mark.parametrize(
        ("engine", "files", "name"),
        [
            (
                "containerd",
                {"run/containerd/io.containerd.runtime.v2.task/k8s.io/abc/runtime": "/usr/bin/hostfit-runtime"},
                "abc (namespace k8s.io)",
            ),
            (
                "containerd",
                {
                    "run/containerd/io.containerd.runtime.v2.task/k8s.io/abc/shim-binary-path": (
                        "/usr/bin/containerd-shim-hostfit-v2"
                    )
                },
                "abc (namespace k8s.io)",
            ),
            (
                "k3s",
                {
                    "run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/abc/options.json": (
                        '{"binary_name":"/usr/bin/hostfit-runtime"}'
                    )
                },
                "abc (namespace k8s.io)",
            ),
            (
                "docker",
                {
                    "var/lib/docker/containers/abc/hostconfig.json": '{"Runtime": "hostfit"}',
                    "var/lib/docker/containers/abc/config.v2.json": '{"Name": "/web"}',
                },
                "web",
            ),
            (
                "docker",
                {
                    "etc/systemd/system/docker.service.d/root.conf": (
                        "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H fd:// --data-root=/srv/docker\n"
                    ),
                    "srv/docker/containers/abc/hostconfig.json": '{"Runtime": "hostfit"}',
                },
                "abc",
            ),
            (
                "crio",
                {
                    "var/lib/containers/storage/overlay-containers/abc/userdata/config.json": json.dumps(
                        {
                            "annotations": {
                                "io.kubernetes.cri-o.ContainerType": "sandbox",
                                "io.kubernetes.cri-o.RuntimeHandler": "hostfit",
                                "io.kubernetes.cri-o.SandboxName": "web",
                            }
                        }
                    )
                },
                "pod web",
            ),
        ],
    )
    def test_removal_is_refused_while_one_needs_hostfit(self, make_host, engine, files, name, capsys):
        host = make_host(engine)
        host.hostfit("setup", engine)
        before = host.files()
        for path, text in files.items():
            host.write(path, text)

        assert host.hostfit("setup", engine, "--remove") == 2
        assert f"required no container that is on hostfit, found 1: {name}" in capsys.readouterr().err
        for path in files:
            (host.root / path).unlink()
        assert host.files() == before
        assert host.hostfit("setup", engine, "--remove") == 0

    def test_containers_of_other_runtimes_do_not_count(self, make_host):
        host = make_host("containerd", "docker")
        host.write("run/containerd/io.containerd.runtime.v2.task/k8s.io/a/runtime", "/usr/bin/runc")
        host.write("run/containerd/io.containerd.runtime.v2.task/moby/b/runtime", "/usr/bin/hostfit-runtime")
        host.write("var/lib/docker/containers/abc/hostconfig.json", '{"Runtime": "runc"}')
        for engine in ("containerd", "docker"):
            host.hostfit("setup", engine)

            assert host.hostfit("setup", engine, "--remove") == 0
