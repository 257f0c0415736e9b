"""Runtimes that may be executed, kernels of their own, and the end of an evaluation."""

from __future__ import annotations

import json
import os
import signal
import threading
import time

import pytest

from hostfit.core.facts import Feature, Wanted
from hostfit.gate import gate
from hostfit.gate.candidates import candidate, candidates_for, unsafe
from hostfit.gate.deadline import Deadline, Expired
from hostfit.gate.guest import Guest
from hostfit.policy.model import OWN, Policy, RuntimeDefinition


class TestCandidate:
    """A binary is taken only if it is safe to execute (R3)."""

    @pytest.fixture
    def binary(self, site):
        file = site.write("runc", "")
        file.chmod(0o755)
        return file

    def test_first_usable_binary_is_taken(self, binary):
        one = candidate(RuntimeDefinition("runc", binaries=("/nowhere/runc", str(binary), "/bin/true")))

        assert (one.path, one.reason) == (str(binary), "")

    def test_without_any_each_place_is_named(self):
        one = candidate(RuntimeDefinition("runc", binaries=("/nowhere/runc", "/nothing/runc")))

        assert (one.path, one.reason) == ("", "/nowhere/runc: ENOENT; /nothing/runc: ENOENT")

    def test_file_that_is_wrong_is_named_and_empty_places_are_not(self, binary):
        binary.chmod(0o775)

        one = candidate(RuntimeDefinition("runc", binaries=("/nowhere/runc", str(binary))))

        assert one.reason == f"{binary}: must not be writable by group or others, found mode 0775"

    def test_link_of_root_is_followed(self, binary, site):
        (site.etc / "link").symlink_to(binary)

        assert unsafe(str(site.etc / "link")) == ""

    @pytest.mark.parametrize(
        ("spoil", "why"),
        [
            (lambda file: file.chmod(0o644), "{}: required executable"),
            (lambda file: os.chown(file, 1234, 0), "{}: owner must be root, found uid 1234"),
            (
                lambda file: file.parent.chmod(0o777),
                "{parent}: must not be writable by group or others, found mode 0777",
            ),
            (lambda file: (file.unlink(), file.mkdir()), "{}: EISDIR"),
            (lambda file: (file.unlink(), os.mkfifo(file)), "{}: EINVAL"),
        ],
    )
    def test_unsafe_file_is_named_with_the_reason(self, binary, spoil, why):
        spoil(binary)

        assert unsafe(str(binary)) == why.format(binary, parent=binary.parent)

    def test_shim_is_no_oci_runtime(self):
        assert candidate(RuntimeDefinition("kata", shims=("/usr/bin/containerd-shim-kata-v2",)), "runtime").reason

    def test_defaults_are_tried_in_order(self, binary, request_of):
        runtimes = {
            "runc": RuntimeDefinition("runc", binaries=("/nowhere/runc",)),
            "crun": RuntimeDefinition("crun", binaries=(str(binary),)),
        }

        found, path = candidates_for(request_of(), Policy(runtimes=runtimes))

        assert ([one.name for one in found], path) == (["runc", "crun"], str(binary))


class TestGuest:
    """CH7: a container with a kernel of its own sees other facts than the host's."""

    def guest(self, host, **fields):
        return Guest(host, RuntimeDefinition("runsc", kernel=OWN, **fields))

    def test_facts_of_the_kernel_are_unknown_without_a_record(self, host):
        found = self.guest(host).read(Wanted({"kernel.version": {"full"}, "cpu.model": {"vendor_id"}}))

        assert found["kernel.version"].unknown.reason == "runtime runsc has a kernel of its own and no facts file"
        assert found["cpu.model"].attributes == {"vendor_id": "Intel"}
        assert host.asked == {"cpu.model": {"vendor_id"}}

    def test_facts_of_the_kernel_come_from_the_record(self, host, site):
        record = {"version": "hostfit.facts/v1", "attributes": {"kernel.version": {"elements": {"full": "4.4.0"}}}}
        file = site.write("gvisor.json", json.dumps(record))

        found = self.guest(host, facts=str(file)).read(Wanted({"kernel.version": {"full"}}))

        assert found["kernel.version"].attributes == {"full": "4.4.0"}

    @pytest.mark.parametrize("content", ["{", '{"version": "other"}'])
    def test_record_that_cannot_be_read_makes_them_unknown(self, host, site, content):
        file = site.write("gvisor.json", content)

        found = self.guest(host, facts=str(file)).read(Wanted({"kernel.version": {"full"}}))

        assert found["kernel.version"].unknown.reason.startswith("facts of runtime runsc: ")

    def test_record_that_others_may_write_makes_them_unknown(self, host, site):
        file = site.write("gvisor.json", "{}")
        file.chmod(0o666)

        found = self.guest(host, facts=str(file)).read(Wanted({"pci.device": None}))

        assert "must not be writable" in found["pci.device"].unknown.reason

    def test_vocabulary_is_the_hosts(self, host):
        assert self.guest(host).lookup("kernel.version").name == "kernel.version"


class TestDeadline:
    """R9: whatever blocks, an evaluation ends."""

    def test_what_blocks_is_interrupted(self):
        reader, writer = os.pipe()
        start = time.monotonic()

        with pytest.raises(Expired), Deadline(0.1):
            os.read(reader, 1)

        assert 0.1 <= time.monotonic() - start < 1
        os.close(reader)
        os.close(writer)

    def test_nothing_is_left_armed_and_the_old_handler_is_back(self):
        """A timer would survive the exec of the runtime and kill it."""
        seen = []
        old = signal.signal(signal.SIGALRM, lambda *_: seen.append(1))
        try:
            with Deadline(5):
                assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
            assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
            signal.raise_signal(signal.SIGALRM)
        finally:
            signal.signal(signal.SIGALRM, old)

        assert seen == [1]

    def test_steps_share_one_span(self):
        deadline = Deadline(0.2)
        with deadline:
            time.sleep(0.1)
        with pytest.raises(Expired), deadline:
            time.sleep(5)
        with pytest.raises(Expired), deadline:
            pass
        assert deadline.passed

    def test_steps_share_one_timer_that_interrupts_nothing_between_them(self):
        deadline = Deadline(0.05)
        deadline.arm()
        try:
            time.sleep(0.2)
            with pytest.raises(Expired), deadline:
                pass
        finally:
            deadline.disarm()
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)

        deadline = Deadline(0.1)
        deadline.arm()
        try:
            with pytest.raises(Expired), deadline:
                time.sleep(60)
            with Deadline(5):
                pass
        finally:
            deadline.disarm()
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)

    def test_ignored_signal_stays_ignored(self):
        old = signal.signal(signal.SIGALRM, signal.SIG_IGN)
        try:
            with Deadline(5):
                pass
            assert signal.getsignal(signal.SIGALRM) == signal.SIG_IGN
        finally:
            signal.signal(signal.SIGALRM, old)

    def test_outside_the_main_thread_the_end_is_seen_between_steps(self):
        ended = []

        def work():
            deadline = Deadline(0.05)
            with deadline:
                time.sleep(0.1)
            try:
                deadline.check()
            except Expired:
                ended.append(deadline.passed)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

        assert ended == [True]


def test_feature_is_never_read_from_the_host_for_a_guest_in_any_domain_of_its_own(host):
    wanted = Wanted({f"{domain}x": None for domain in ("kernel.", "network.", "pci.", "udev.", "device.")})

    found = TestGuest().guest(host).read(wanted)

    assert host.asked == {}
    assert all(isinstance(one, Feature) and one.unknown for one in found.values())


@pytest.mark.parametrize(("entry", "verdict"), [("runtime", "unknown"), ("hook", "fit")])
def test_gpu_of_a_default_runtime_that_gives_one_makes_its_requirements_count(site, host, request_of, entry, verdict):
    """Nothing is known here of a GPU. The hook cannot know what runs the container and goes by devices alone."""
    binary = site.write("runtime", "#!/bin/sh\n")
    binary.chmod(0o755)
    site.write("hostfit.toml", f'[policy]\ndefault = "nvidia"\n[runtime.nvidia]\nbinary = "{binary}"\n')
    request = request_of(entry=entry)
    request.bundle.env = ("NVIDIA_VISIBLE_DEVICES=all", "NVIDIA_REQUIRE_CUDA=cuda>=99.0")

    report = gate.decide(request, site.paths, host=host)

    assert report.decision.verdict == verdict
