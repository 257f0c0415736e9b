"""`hostfit setup` for Podman, CRI-O and Docker: what is written and refused, and others' settings kept (CH8)."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[3]


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
        assert engine["runtime_supports_nocgroup"] == ["crun", "krun", "hostfit", "hostfit-runtime"]

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
                    "allowed_annotations": ["io.containers.trace-syscall", "io.kubernetes.cri-o.Devices"],
                }
            }
        }  # fmt: skip

    def test_the_default_keeps_what_cri_o_s_own_handler_sets(self, make_host):
        """CRI-O 1.31 and newer take crun where no file names a default, on their own terms or on the site's."""
        host = make_host("crio")
        host.write("usr/bin/hostfit-runtime-crun", "")

        host.hostfit("setup", "crio", "--default")
        own = toml(host, self.CONF)["crio"]["runtime"]["runtimes"]["hostfit"]
        host.write("etc/crio/crio.conf", '[crio.runtime.runtimes.crun]\nallowed_annotations = ["run.oci."]\n')
        host.hostfit("setup", "crio", "--default")
        given = toml(host, self.CONF)["crio"]["runtime"]["runtimes"]["hostfit"]

        assert own["runtime_path"] == given["runtime_path"] == "/usr/bin/hostfit-runtime-crun"
        assert own["allowed_annotations"] == ["io.containers.trace-syscall", "io.kubernetes.cri-o.Devices"]
        assert given["allowed_annotations"] == ["run.oci."]

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
