"""`hostfit doctor`: each finding where its cause is there, none where all is well, and nothing changed (CH8)."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import tomllib
from pathlib import Path

import jsonschema
import pytest

from hostfit.cli.checks.findings import KINDS
from hostfit.cli.schemas import schema_text
from hostfit.service import wire
from hostfit.version import VERSION

CRI = "io.containerd.grpc.v1.cri"
NOTES = {"store-unsynced"}
"""On a host that never ran `hostfit sync`."""
HOOK = "etc/containers/oci/hooks.d/50-hostfit.json"
TREE = Path(__file__).resolve().parents[3]


@pytest.fixture
def doctor(capsys):
    """Run doctor on a host and give the ids it finds for an engine, and the exit code."""

    def call(host, *words):
        before = host.files()
        capsys.readouterr()
        code = host.hostfit("doctor", *words, "--format", "json")
        document = json.loads(capsys.readouterr().out)
        jsonschema.Draft202012Validator(json.loads(schema_text("doctor-v1"))).validate(document)
        assert host.files() == before
        ids = [one["id"] for one in document["findings"]]
        return {name for name in ids if name not in NOTES}, code, document

    return call


@pytest.fixture
def ready(make_host):
    """A host on which an engine was set up, with programs that may be executed."""

    def make(engine, *words, files=None):
        host = make_host(engine)
        for path in (
            "bin/hostfit-runtime",
            "bin/containerd-shim-hostfit-v2",
            "libexec/oci/hooks.d/hostfit-hook",
            "bin/runc",
        ):
            host.write(f"usr/{path}", "#!/bin/sh\n")
            (host.root / "usr" / path).chmod(0o755)
        for path, text in (files or {}).items():
            host.write(path, text)
        assert host.hostfit("setup", engine, *words) == 0
        return host

    return make


MAIN = {"etc/containerd/config.toml": "version = 2\n"}
RUNC = f"""\
version = 2
[plugins."{CRI}".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."{CRI}".containerd.runtimes.runc.options]
SystemdCgroup = true
"""


@pytest.mark.parametrize(
    ("engine", "files"),
    [("podman", {}), ("crio", {"etc/crio/crio.conf": ""}), ("containerd", MAIN)],
)
def test_nothing_is_wrong_after_setup(ready, doctor, engine, files):
    ids, code, document = doctor(ready(engine, "--default", files=files), engine)

    assert (ids, code) == (set(), 0)
    assert document["engines"] == [{"name": engine, "containers": "every"}]


def test_docker_can_always_be_asked_for_another_runtime(ready, doctor):
    ids, code, _ = doctor(ready("docker", "--default"))

    assert (ids, code) == ({"runtime-choice"}, 0)


@pytest.mark.parametrize("engine", ["containerd", "crio", "docker", "podman", "k3s", "rke2"])
def test_an_engine_without_hostfit_is_an_error(make_host, doctor, engine):
    ids, code, document = doctor(make_host(engine), engine)

    assert ("not-set-up" in ids, code) == (True, 1)
    assert document["engines"] == [{"name": engine, "containers": "none"}]


@pytest.mark.parametrize("engine", ["containerd", "crio", "docker", "podman"])
def test_a_runtime_that_must_be_asked_for_is_a_warning(ready, doctor, engine):
    ids, code, document = doctor(ready(engine, files={"etc/crio/crio.conf": ""} if engine == "crio" else {}), engine)

    assert ("not-default" in ids, code) == (True, 3)
    assert document["engines"] == [{"name": engine, "containers": "asked"}]


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
            ('[crio.runtime]\ndefault_runtime = "runc"\n', {"overridden"}),
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
        ],
    )
    def test_a_file_of_the_site(self, ready, doctor, text, found):
        host = ready("crio", "--default", "--no-hook", files={"etc/crio/crio.conf": ""})
        host.write(self.CONF, text)

        assert doctor(host, "crio")[0] == found

    def test_the_hook_sees_other_handlers_and_crun_hides_what_it_says(self, ready, doctor):
        host = ready("crio", "--default", files={"etc/crio/crio.conf": ""})
        host.write(self.CONF, '[crio.runtime.runtimes.crun]\n[crio.runtime.runtimes.kata]\nruntime_type = "vm"\n')

        ids, _, document = doctor(host, "crio")

        assert ids == {"crun-silent", "handler-bypasses"}
        assert {one["id"]: one["subject"] for one in document["findings"] if one["id"] in ids} == {
            "crun-silent": "handler crun", "handler-bypasses": "handler kata",
        }  # fmt: skip


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


class TestInstallation:
    def test_a_program_that_others_could_replace(self, ready, doctor):
        host = ready("podman", "--default")
        (host.root / "usr/bin/hostfit-runtime").chmod(0o775)

        ids, code, document = doctor(host, "podman")

        assert (ids, code) == ({"program-unsafe"}, 1)
        assert "/usr/bin/hostfit-runtime: must not be writable by group or others, found mode 0775" in {
            one["message"] for one in document["findings"]
        }

    def test_a_link_to_a_program_that_others_could_replace(self, ready, doctor):
        """The program is root's, and so is every directory above it; the link that the engine follows is not."""
        host = ready("podman", "--default")
        program, elsewhere = host.root / "usr/bin/hostfit-runtime", host.root / "opt/real"
        elsewhere.mkdir(parents=True, mode=0o755)
        program.rename(elsewhere / "hostfit-runtime")
        (host.root / "home").mkdir(mode=0o777)
        (host.root / "home").chmod(0o777)
        (host.root / "home/hostfit-runtime").symlink_to("/opt/real/hostfit-runtime")
        program.symlink_to("/home/hostfit-runtime")

        ids, code, document = doctor(host, "podman")

        assert (ids, code) == ({"program-unsafe"}, 1)
        assert "/home: must not be writable by group or others, found mode 0777" in {
            one["message"] for one in document["findings"]
        }

    def test_a_program_that_cannot_be_executed(self, ready, doctor):
        host = ready("podman", "--default")
        (host.root / "usr/libexec/oci/hooks.d/hostfit-hook").chmod(0o644)

        assert doctor(host, "podman")[0] == {"program-unsafe"}

    def test_an_uninstalled_runtime(self, ready, doctor):
        host = ready("podman", "--default", "--no-hook")
        (host.root / "usr/bin/hostfit-runtime").unlink()

        assert doctor(host, "podman")[0] == {"program-missing", "setup-outdated"}

    def test_a_policy_that_refuses_everything(self, ready, doctor):
        host = ready("podman", "--default")
        host.write("etc/hostfit/hostfit.toml", "[policy]\non_misfit = 1\n")

        assert doctor(host, "podman")[0] == {"policy-invalid"}

    def test_a_policy_whose_runtime_is_not_installed(self, ready, doctor):
        host = ready("podman", "--default")
        host.write("etc/hostfit/hostfit.toml", '[policy]\ndefault = "crun"\n')

        assert doctor(host, "podman")[0] == {"no-runtime"}

    def test_the_break_glass_file(self, ready, doctor):
        host = ready("podman", "--default")
        host.write("etc/hostfit/disabled", "")
        assert doctor(host, "podman")[0] == {"checks-disabled"}

        (host.root / "etc/hostfit/disabled").chmod(0o666)

        assert doctor(host, "podman")[0] == {"disabled-ignored"}

    def test_a_configuration_that_others_could_write(self, ready, doctor):
        host = ready("podman", "--default")
        host.write("etc/hostfit/conf.d/x.toml", "")
        (host.root / "etc/hostfit").chmod(0o777)

        assert {"directory-unsafe", "policy-invalid"} == doctor(host, "podman")[0]

    def test_no_engine(self, make_host, doctor):
        assert "no-engine" in doctor(make_host())[0]

    @pytest.fixture
    def listener(self):
        """Where hostfitd would listen, and the findings about whoever does."""
        from hostfit.cli.checks import installation
        from hostfit.core.paths import Paths

        # pytest's own directories may be longer than the address of a socket.
        with tempfile.TemporaryDirectory(prefix="hf-", dir="/tmp") as run, socket.socket(socket.AF_UNIX) as one:
            Path(run, "service").mkdir()
            one.bind(f"{run}/service/decide")
            yield one, lambda: [finding.message for finding in installation._service(Paths(run=run))]

    def answering(self, listener, answer):
        """Answer one question, as hostfitd answers what it does not understand."""

        def serve():
            connection, _ = listener.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(answer)

        listener.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        return thread

    def test_a_service_that_answers_is_no_finding(self, listener):
        one, findings = listener
        thread = self.answering(one, wire.encode_answer(wire.Answer(wire.YOURSELF)))

        assert findings() == []
        thread.join(timeout=60)

    def test_a_service_of_another_version_answers_nobody(self, listener):
        one, findings = listener
        answer = wire.encode_answer(wire.Answer(wire.YOURSELF))
        other = answer.replace(VERSION.encode(), b"9" * len(VERSION))
        thread = self.answering(one, other)

        (message,) = findings()

        assert message.endswith(f"required an answer of version {VERSION}, found {'9' * len(VERSION)}")
        thread.join(timeout=60)

    def test_a_socket_that_nobody_answers(self, listener):
        _, findings = listener

        (message,) = findings()

        assert message.endswith("/service/decide: required an answer, found ConnectionRefusedError")
        assert "service-silent" in {one.id for one in KINDS}

    def test_joined_code_that_is_not_the_modules(self, tmp_path):
        """What hostfit.runtime.join made, before and after a module was changed, and of another Python."""
        copy = tmp_path / "hostfit"
        shutil.copytree(TREE / "src/hostfit", copy, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        look = "from hostfit.cli.checks import installation; print([x.kind.id for x in installation._joined()])"

        def found(*words):
            done = subprocess.run(
                [sys.executable, "-B", *words], cwd=tmp_path, capture_output=True, text=True, check=True
            )
            return done.stdout.splitlines()[-1]

        found("-m", "hostfit.runtime.join", "hostfit")
        assert found("-c", look) == "[]"

        with (copy / "core/text.py").open("a") as file:
            file.write("\nMORE = 1\n")
        assert found("-c", look) == "['joined-stale']"

        (copy / "_pass.pyc").write_bytes(b"....")
        (copy / "_start.pyc").unlink()
        assert found("-c", look) == "['joined-stale']"


def test_text_is_one_line_a_finding_with_its_fix(ready, capsys):
    host = ready("podman")
    capsys.readouterr()

    assert host.hostfit("doctor", "podman") == 3

    found = "only containers that ask for hostfit are checked; fix: run hostfit setup podman --default"
    assert capsys.readouterr().out.splitlines()[1:] == [
        f"podman: warning: not-default: {found}",
        "podman: containers that ask for it go through hostfit",
    ]


def test_an_unknown_engine_is_a_usage_error(make_host, capsys):
    assert make_host().hostfit("doctor", "rkt") == 2
    assert "engine rkt: required one of containerd" in capsys.readouterr().err


def test_every_finding_is_shown_by_a_test_or_needs_a_live_host():
    """The rest is in tests/system/test_setup.py."""
    text = (TREE / "tests/cli/engines/test_doctor.py").read_text() + (TREE / "tests/system/test_setup.py").read_text()

    named = set(re.findall(r"""["']([a-z-]+)["']""", text))
    assert [one.id for one in KINDS if one.id not in named] == []


def test_why_and_the_journal_name_findings_as_doctor_does():
    known = {one.id for one in KINDS}
    why = re.findall(r"hostfit doctor: ([a-z-]+)", (TREE / "src/hostfit/gate/remedies.py").read_text())
    catalogue = " ".join((TREE / "systemd/hostfit.catalog").read_text().split())
    journal = re.findall(
        r'"hostfit doctor" shows (?:it|what is still wrong,) as ([a-z-]+)(?: or ([a-z-]+))?', catalogue
    )

    assert (len(why), len(journal)) == (4, 2)
    assert {*why, *[one for pair in journal for one in pair if one]} <= known


def test_findings_have_names_and_sentences_of_one_form():
    for one in KINDS:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", one.id)
        assert one.severity in ("error", "warning", "note")
        assert [text for text in (one.meaning, one.fix) if text.endswith(".")] == []
    assert len({one.id for one in KINDS}) == len(KINDS)
