"""`hostfit doctor`: each finding about hostfit's own programs, policy and service where its cause is there (CH8)."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from hostfit.cli.checks.findings import KINDS
from hostfit.service import wire
from hostfit.version import VERSION

TREE = Path(__file__).resolve().parents[3]


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

        found("-m", "hostfit.runtime.join", "hostfit")
        assert found("-c", look) == "[]"
        with (copy / "core/regex.py").open("a") as file:
            file.write("\nMORE = 1\n")
        assert found("-c", look) == "['joined-stale']"

        found("-m", "hostfit.runtime.join", "hostfit")
        whole = (copy / "_rest.joined").read_bytes()
        (copy / "_rest.joined").write_bytes(whole[:-10])
        assert found("-c", look) == "['joined-stale']"

        (copy / "_pass.pyc").write_bytes(b"....")
        (copy / "_start.pyc").unlink()
        (copy / "_rest.joined").write_bytes(b"....")
        assert found("-c", look) == "['joined-stale', 'joined-stale']"
