"""`hostfit doctor`: each finding about an engine's configuration and hooks where its cause is there (CH8)."""

from __future__ import annotations

import json
import tomllib

import pytest

CRI = "io.containerd.grpc.v1.cri"
HOOK = "etc/containers/oci/hooks.d/50-hostfit.json"
MAIN = {"etc/containerd/config.toml": "version = 2\n"}
RUNC = f"""\
version = 2
[plugins."{CRI}".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."{CRI}".containerd.runtimes.runc.options]
SystemdCgroup = true
"""


class TestHooks:
    @pytest.mark.parametrize(
        ("change", "found"),
        [
            ({"stages": ["createContainer"]}, "hook-stage"),
            ({"when": {"annotations": {"^a$": "b"}}}, "hook-condition"),
            ({"hook": {"path": "/usr/libexec/oci/hooks.d/hostfit-hook", "timeout": 5}}, "hook-environment"),
            (
                {"hook": {"path": "/usr/libexec/oci/hooks.d/hostfit-hook", "env": ["A=b"], "timeout": 60}},
                "hook-timeout",
            ),
            ({"hook": {"path": "/usr/gone/hostfit-hook", "env": ["A=b"], "timeout": 5}}, "hook-dropped"),
        ],
    )
    def test_a_definition_that_engines_take_otherwise_than_it_looks(self, ready, doctor, change, found):
        host = ready("podman", "--default")
        host.write(HOOK, json.dumps(json.loads(host.read(HOOK)) | change))

        assert found in doctor(host, "podman")[0]

    def test_a_definition_that_stops_every_container(self, ready, doctor):
        host = ready("podman", "--default")
        host.write("usr/share/containers/oci/hooks.d/x.json", "{")

        assert doctor(host, "podman")[0] == {"hook-invalid"}

    def test_a_definition_that_nobody_reads(self, ready, doctor):
        host = ready("podman", "--default")
        host.write(
            "etc/containers/containers.conf.d/zzz.conf", '[engine]\nhooks_dir = ["/usr/share/containers/oci/hooks.d"]\n'
        )

        assert doctor(host, "podman")[0] == {"hook-unread"}

    def test_a_definition_of_the_same_name_in_a_later_directory(self, ready, doctor):
        host = ready("podman", "--default")
        host.write("etc/containers/containers.conf.d/zzz.conf",
                   '[engine]\nhooks_dir = ["/etc/containers/oci/hooks.d", "/srv/hooks"]\n')  # fmt: skip
        host.write("srv/hooks/50-hostfit.json", '{"hook": {"path": "/bin/true"}}')

        assert doctor(host, "podman")[0] == {"hook-masked", "setup-outdated"}

    def test_a_directory_that_others_may_write(self, ready, doctor):
        host = ready("podman", "--default")
        (host.root / HOOK).parent.chmod(0o777)

        assert doctor(host, "podman")[0] == {"hook-writable"}

    def test_crun_says_nothing_where_the_hook_is_the_only_gate(self, ready, doctor):
        host = ready("podman", "--default")
        (host.root / "etc/containers/containers.conf.d/zz-hostfit.conf").unlink()
        host.write(
            "etc/containers/containers.conf",
            '[engine]\nruntime = "crun"\nhooks_dir = ["/etc/containers/oci/hooks.d"]\n',
        )
        (host.root / "var/lib/hostfit/setup/podman.json").unlink()

        ids, code, document = doctor(host, "podman")

        assert (ids, code) == ({"crun-silent"}, 0)
        assert document["engines"][0]["containers"] == "every"

    def test_ordinary_users_podman_reads_no_default_directory(self, ready, doctor):
        host = ready("podman", "--default")
        (host.root / "etc/containers/containers.conf.d/zz-hostfit.conf").unlink()
        (host.root / "var/lib/hostfit/setup/podman.json").unlink()
        host.write("usr/share/containers/oci/hooks.d/50-hostfit.json", host.read(HOOK))
        (host.root / HOOK).unlink()

        assert doctor(host, "podman")[0] == {"crun-silent", "rootless-no-hooks"}


class TestPodman:
    def test_another_file_that_wins(self, ready, doctor):
        host = ready("podman", "--default", "--no-hook")
        host.write("etc/containers/containers.conf.d/zzz.conf", '[engine]\nruntime = "crun"\n')

        ids, code, document = doctor(host, "podman")

        assert (ids, code) == ({"overridden"}, 1)
        assert document["engines"][0]["containers"] == "none"

    def test_a_host_that_ran_crun_is_told_that_it_will_run_runc(self, ready, doctor):
        crun = {"etc/containers/containers.conf": '[engine]\nruntime = "crun"\n'}
        host = ready("podman", "--default", files=crun)
        assert doctor(host, "podman")[:2] == ({"runtime-changes"}, 0)

        host.write("usr/bin/crun", "")
        (host.root / "usr/bin/crun").chmod(0o755)
        host.write("etc/hostfit/hostfit.toml", '[policy]\ndefault = "crun"\n')

        assert doctor(host, "podman")[:2] == (set(), 0)

    def test_a_user_who_sets_another_runtime(self, ready, doctor):
        host = ready("podman", "--default")
        host.write("etc/passwd", "ann:x:1000:1000::/home/ann:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\n")
        host.write("home/ann/.config/containers/containers.conf", '[engine]\nruntime = "crun"\n')
        host.write("home/bob/.config/containers/containers.conf", "[engine]\nnum_locks = 1\n")

        ids, _, document = doctor(host, "podman")

        assert ids == {"rootless-overrides"}
        assert [one["subject"] for one in document["findings"] if one["id"] in ids] == [
            "/home/ann/.config/containers/containers.conf"
        ]

    def test_images_of_wasm_go_around_the_runtime(self, ready, doctor):
        host = ready("podman", "--default", "--no-hook")
        host.write("usr/bin/crun-wasm", "")

        assert doctor(host, "podman")[0] == {"platform-bypasses"}

    def test_a_list_of_the_site_that_lacks_the_runtime(self, ready, doctor):
        host = ready("podman", "--default")
        host.write("etc/containers/containers.conf.d/zzz.conf", '[engine]\nruntime_supports_json = ["crun"]\n')

        assert doctor(host, "podman")[0] == {"json-list", "setup-outdated"}

    def test_a_file_that_is_no_toml(self, ready, doctor):
        host = ready("podman")
        host.write("etc/containers/containers.conf", "[engine\n")

        ids, code, _ = doctor(host, "podman")

        assert (ids, code) == ({"config-invalid"}, 1)


class TestCrio:
    CONF = "etc/crio/crio.conf.d/zzz.conf"

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ('[crio.runtime]\ndefault_runtime = "runc"\n', {"overridden", "setup-outdated"}),
            ('[crio.runtime.runtimes.runsc]\nruntime_path = "/usr/bin/runsc"\n', {"handler-bypasses"}),
            (
                """\
[crio.runtime.runtimes.hostfit]
runtime_path = "/usr/bin/hostfit-runtime"
runtime_root = "/var/lib/x"
allowed_annotations = ["io.hostfit.require"]
[crio.runtime.runtimes.hostfit.platform_runtime_paths]
"wasi/wasm" = "/usr/bin/crun-wasm"
""",
                {"runtime-root", "annotation-list", "platform-bypasses"},
            ),
            ('[crio.runtime.runtimes.hostfit]\nruntime_path = "/usr/gone/hostfit-runtime"\n', {"program-missing"}),
            ("[crio.runtime.runtimes.x]\ninherit_default_runtime = true\n", set()),
            ("[crio.runtime.runtimes.runc]\n", {"handler-bypasses"}),
            ("[crio.runtime.runtimes.not-installed]\n", set()),
        ],
    )
    def test_a_file_of_the_site(self, ready, doctor, text, found):
        host = ready("crio", "--default", "--no-hook", files={"etc/crio/crio.conf": ""})
        host.write(self.CONF, text)

        assert doctor(host, "crio")[0] == found

    def test_the_hook_sees_other_handlers_and_crun_hides_what_it_says(self, ready, doctor):
        host = ready("crio", "--default", files={"etc/crio/crio.conf": ""})
        host.write("usr/bin/crun", "")
        host.write(self.CONF, '[crio.runtime.runtimes.kata]\nruntime_type = "vm"\nruntime_path = "/usr/bin/kata"\n')

        ids, _, document = doctor(host, "crio")

        assert ids == {"crun-silent", "handler-bypasses", "runtime-changes"}
        assert {one["id"]: one["subject"] for one in document["findings"] if one["id"] in ids} == {
            "crun-silent": "handler crun", "handler-bypasses": "handler kata", "runtime-changes": "runtime crun",
        }  # fmt: skip

    def test_the_handler_that_no_file_names(self, ready, doctor):
        """CRI-O 1.31 and newer have a handler crun wherever crun is installed, and it is their default."""
        crun = {"usr/bin/crun": "", "etc/crio/crio.conf": ""}
        host = ready("crio", files=crun)

        ids, _, document = doctor(host, "crio")

        assert ids == {"not-default"}
        assert [one["message"] for one in document["findings"] if one["id"] in ids] == [
            "default_runtime: required hostfit, found none, so crun"
        ]

        assert host.hostfit("setup", "crio", "--default", "--no-hook") == 0
        ids, _, document = doctor(host, "crio")

        assert ids == {"handler-bypasses", "runtime-changes"}
        assert {one["subject"] for one in document["findings"] if one["id"] in ids} == {"handler crun", "runtime crun"}


class TestContainerd:
    CONF = "etc/containerd/conf.d/zz-hostfit.toml"

    def test_the_main_file_changed_since(self, ready, doctor):
        """The drop-in hides the change on containerd 1.6."""
        host = ready("containerd", "--default", files={"etc/containerd/config.toml": RUNC})
        host.write("etc/containerd/config.toml", host.read("etc/containerd/config.toml") + '[debug]\nlevel = "info"\n')
        assert doctor(host)[0] == set()

        host.write("etc/containerd/config.toml", f'{host.read("etc/containerd/config.toml")}[plugins."{CRI}"]\nx = 1\n')

        assert doctor(host)[0] == {"setup-outdated"}

    def test_the_import_is_gone(self, ready, doctor):
        host = ready("containerd", "--default", files=MAIN)
        host.write("etc/containerd/config.toml", "version = 2\n")

        ids, code, document = doctor(host)

        assert ({"import-missing", "not-set-up"} <= ids, code) == (True, 1)
        assert {one["name"]: one["containers"] for one in document["engines"]}["containerd"] == "none"

    def test_the_cri_plugin_is_off(self, make_host, doctor):
        host = make_host("containerd")
        host.write("etc/containerd/config.toml", 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')

        assert "cri-disabled" in doctor(host)[0]

    @pytest.mark.parametrize(
        ("old", "new", "found"),
        [
            ("SystemdCgroup = true\nBinaryName", "BinaryName", {"cgroup-driver"}),
            ("io.containerd.runc.v2", "io.containerd.hostfit.v2", {"shim-options"}),
            # The shim is in the handler's way, but of a pod it sees only the sandbox.
            ('BinaryName = "/usr/bin/hostfit-runtime"', 'BinaryName = "/usr/bin/runc"', {"containers-unchecked"}),
            ('"io.hostfit.*"', "", {"annotations-dropped"}),
            ('"/usr/bin/containerd-shim', '"/usr/gone/containerd-shim', {"program-missing"}),
        ],
    )
    def test_a_handler_that_does_not_do_what_it_looks_like(self, ready, doctor, old, new, found):
        host = ready("containerd", "--default", files={"etc/containerd/config.toml": RUNC})
        head, mark, handler = host.read(self.CONF).partition("runtimes.hostfit]")
        assert old in handler
        host.write(self.CONF, head + mark + handler.replace(old, new))
        usr = host.root / "usr/bin/runc"
        usr.chmod(0o755)

        assert doctor(host)[0] == {*found, "setup-outdated"}

    def test_a_handler_of_another_kind_that_pods_can_ask_for(self, ready, doctor):
        kata = f'[plugins."{CRI}".containerd.runtimes.kata]\nruntime_type = "io.containerd.kata.v2"\n'
        host = ready("containerd", "--default", files={"etc/containerd/config.toml": RUNC + kata})

        ids, code, _ = doctor(host)

        assert (ids, code) == ({"handler-bypasses"}, 3)

    def test_plugins_that_change_containers(self, ready, doctor):
        host = ready("containerd", "--default", files=MAIN)
        host.write("opt/nri/plugins/10-x", "")

        assert doctor(host)[0] == {"nri-plugins"}


class TestDocker:
    def test_a_default_that_the_daemon_is_given_twice(self, ready, doctor):
        host = ready("docker", "--default")
        host.write("usr/lib/systemd/system/docker.service", "ExecStart=dockerd --default-runtime=crun\n")

        assert "flag-conflict" in doctor(host)[0]


class TestDistributions:
    def test_a_template_counts_once_the_configuration_was_made_from_it(self, ready, doctor):
        made = "var/lib/rancher/k3s/agent/etc/containerd/config.toml"
        host = ready("k3s", "--default", files={made: RUNC})
        assert doctor(host, "k3s")[0] == {"restart-needed"}

        template = host.read(f"{made}.tmpl").partition("\n")[2]
        tomllib.loads(template)
        base = RUNC.replace(
            "version = 2\n", f'version = 2\n[plugins."{CRI}".containerd]\ndefault_runtime_name = "hostfit"\n'
        )
        host.write(made, base + template)

        assert doctor(host, "k3s")[0] == {"handler-bypasses"}
