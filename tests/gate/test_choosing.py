"""DE5, SEC2, CH6: the gate chooses among runtimes by request, host and image, and says why each other was not taken."""

from __future__ import annotations

import json

import pytest

from hostfit.core.facts import Feature
from hostfit.core.image import Image, Platform, Resolution
from hostfit.gate import gate
from hostfit.gate.full import text
from hostfit.oci.request import Bundle, Request

from .conftest import FACTS, Recorded

GPU = {
    "nvidia.driver": Feature(attributes={"loaded": "true", "version": "470.57.02", "cuda": "11.4"}),
    "nvidia.gpu": Feature(attributes={"count": "1", "arch_min": "8.0", "arch_max": "8.0", "brand": "tesla"}),
    "device.node": Feature(instances=[{"path": "/dev/nvidiactl"}, {"path": "/dev/nvidia0"}]),
    "cdi.device": Feature(instances=[]),
    "system.platform": Feature(attributes={"os": "linux", "architecture": "amd64"}),
    "kernel.binfmt": Feature(instances=[]),
    "runtime.available": Feature(instances=[{"name": "crun-wasm", "features": "oci,wasm"}]),
}
PROGRAMS = {
    "runc": "runc",
    "crun": "crun",
    "nvidia": "nvidia-container-runtime",
    "runsc": "runsc",
    "crun-wasm": "crun-wasm",
}
POD = {"io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.sandbox-id": "s1"}
RUNTIME = "io.hostfit.runtime"
REQUIRE = {"io.hostfit.require": "kernel.version.full >=5.15"}


class Choices:
    """A site whose runtimes are all there, and requests on it."""

    def __init__(self, site):
        self.site = site
        self.paths = {}
        for name, program in PROGRAMS.items():
            binary = site.write(f"bin/{program}", "#!/bin/sh\n")
            binary.chmod(0o755)
            self.paths[name] = str(binary)
        self.facts = {**FACTS, **GPU}
        self.policy("")

    def policy(self, text_, **tables):
        """Write the configuration: the programs' places, and lines that are added to their tables."""
        head, tail = text_ if isinstance(text_, tuple) else (text_, "")
        own = "".join(
            f'[runtime.{name}]\nbinary = "{path}"\n' + tables.get(name.replace("-", "_"), "")
            for name, path in self.paths.items()
        )
        self.site.write("hostfit.toml", f"{head}\n{own}\n{tail}")

    def decide(
        self, *, image=None, resolution=None, entry="runtime", sandbox="", runtime="", extra=(), **parts
    ):  # fmt: skip
        bundle = Bundle(f"{self.site.base}/bundle", **parts)
        request = Request(entry=entry, verb="create", id="c0ffee", bundle=bundle, runtime=runtime, sandbox=sandbox)
        if resolution is None:
            resolution = Resolution("docker" if image is not None else "", image)
        return gate.decide(request, self.site.paths, host=Recorded(self.facts), resolution=resolution, extra=extra)


@pytest.fixture
def choices(site):
    return Choices(site)


def why(report, name):
    return next(one.reason for one in report.decision.candidates if one.name == name)


def image(**parts):
    return Image(
        name="docker.io/library/app:1", names=("docker.io/library/app:1",), digest="sha256:" + "a" * 64, **parts
    )


def test_deployer_s_request_is_executed(choices):
    report = choices.decide(annotations={RUNTIME: "crun"})

    assert (report.starts, report.runtime_path) == (True, choices.paths["crun"])
    assert report.tree()["runtime"]["because"] == "the deployer asked for it"
    assert why(report, "runc") == "crun comes first"


def test_request_that_cannot_be_met_stops_the_start_and_says_why(choices):
    report = choices.decide(annotations={RUNTIME: "kata"})

    assert not report.starts
    assert report.line.startswith("hostfit: the deployer asked for runtime kata: ")


def test_break_glass_file_does_not_lift_that(choices):
    choices.site.write("disabled", "")

    assert not choices.decide(annotations={RUNTIME: "kata"}).starts


class TestSecondDefault:
    """SEC2: crun, which takes the containers where runc is not installed, is judged like any other runtime."""

    @pytest.fixture
    def without_runc(self, choices):
        def write(runc="", crun=""):
            text_ = f'[runtime.runc]\nbinary = "/nowhere/runc"\n{runc}\n'
            choices.site.write("hostfit.toml", f'{text_}[runtime.crun]\nbinary = "{choices.paths["crun"]}"\n{crun}\n')

        return write

    def test_takes_them(self, choices, without_runc):
        without_runc()

        assert choices.decide().decision.runtime == "crun"

    def test_does_not_where_it_isolates_less(self, choices, without_runc):
        without_runc(runc="isolation = 2")
        report = choices.decide()

        assert (report.starts, report.runtime_path) == (False, "")
        assert why(report, "crun") == "its isolation 1 is below the 2 of runc"

    def test_does_not_where_what_it_requires_does_not_hold(self, choices, without_runc):
        module = '{ feature = "kernel.loadedmodule", matchExpressions = { gtp5g = { op = "Exists" } } }'
        without_runc(crun=f'requires = [{{ name = "module", matchFeatures = [{module}] }}]')
        report = choices.decide()

        assert (report.starts, report.runtime_path) == (False, "")
        assert why(report, "crun").startswith("requires kernel.loadedmodule gtp5g: ")

    def test_takes_no_container_of_a_pod_of_another_kind(self, choices, without_runc):
        without_runc(crun='kernel = "own"')

        assert not choices.decide(annotations=POD).starts


def test_full_report_names_each_runtime(choices):
    report = choices.decide(annotations={RUNTIME: "runsc"})
    shown = " ".join(text(report.tree()).split())

    assert "because: the deployer asked for it" in shown
    assert "runtimes that were not taken:" in shown
    assert "runc, crun, nvidia, crun-wasm" in shown
    assert ": its isolation 1 is below the 2 of runsc" in shown


class TestGpu:
    """A container that is given a GPU goes to nvidia-container-runtime; one whose image only says so does not."""

    ALL = "NVIDIA_VISIBLE_DEVICES=all"

    def test_device_node(self, choices):
        report = choices.decide(devices=("/dev/nvidia0",))

        assert report.runtime_path == choices.paths["nvidia"]
        assert report.tree()["runtime"]["because"] == "requests like this are for it"

    def test_variable_of_the_deployer(self, choices):
        report = choices.decide(image=image(env=("NVIDIA_VISIBLE_DEVICES=none",)), env=(self.ALL,))

        assert report.decision.runtime == "nvidia"

    def test_variable_of_the_image(self, choices):
        report = choices.decide(image=image(env=(self.ALL,)), env=(self.ALL,))

        assert report.decision.runtime == "runc"
        assert why(report, "nvidia") == "it adds access to the host that nobody but the image asks for"

    def test_variable_of_the_image_where_the_administrator_takes_its_word(self, choices):
        choices.policy("", nvidia="from_image = true\n")

        assert choices.decide(image=image(env=(self.ALL,)), env=(self.ALL,)).decision.runtime == "nvidia"

    @pytest.mark.parametrize("engine", ["containerd", "buildah"])
    def test_variable_where_the_image_is_not_known(self, choices, engine):
        unresolved = Resolution(engine, None, "nothing tells")

        assert choices.decide(resolution=unresolved, env=(self.ALL,)).decision.runtime == "runc"

    def test_device_node_that_is_mounted(self, choices):
        assert choices.decide(mounts=(("/dev/nvidia0", "/dev/nvidia0"),)).decision.runtime == "nvidia"

    @pytest.mark.parametrize("value", ["", "void", "none"])
    def test_variable_that_means_no_gpu(self, choices, value):
        assert choices.decide(env=(f"NVIDIA_VISIBLE_DEVICES={value}",)).decision.runtime == "runc"

    def test_cdi_annotation_requires_a_cdi_spec(self, choices):
        notes = {"cdi.k8s.io/gpu": "nvidia.com/gpu=0"}
        without = choices.decide(annotations=notes)
        choices.facts["cdi.device"] = Feature(instances=[{"name": "nvidia.com/gpu=0", "vendor": "nvidia.com"}])

        assert (without.decision.runtime, "cdi.device" in why(without, "nvidia")) == ("runc", True)
        assert choices.decide(annotations=notes).decision.runtime == "nvidia"

    def test_driver_that_is_not_loaded_is_the_reason_against(self, choices):
        choices.facts["nvidia.driver"] = Feature(attributes={"loaded": "false"})
        report = choices.decide(devices=("/dev/nvidia0",))

        assert report.decision.runtime == "runc"
        assert why(report, "nvidia") == "requires nvidia.driver loaded: required true, found false"

    @pytest.mark.parametrize("off", [(), ("NVIDIA_DISABLE_REQUIRE=1",)])
    @pytest.mark.parametrize("devices", [("/dev/nvidia0",), ()], ids=["by device", "by variable"])
    def test_driver_that_is_too_old_is_named_with_what_is_needed(self, choices, devices, off):
        """Whatever the mode of NVIDIA's runtime: in jit-cdi it would not look. Nor does the container start without."""
        env = ("NVIDIA_REQUIRE_CUDA=cuda>=12.4", *off)
        asked = () if devices else (self.ALL,)
        report = choices.decide(image=image(env=env), env=(*env, *asked), devices=devices)

        assert not report.starts
        line = "nvidia.driver cuda: required >= 12.4 (version), found 11.4"
        assert f"{line} (driver 470.57.02 is there, 550 or newer is needed)" in report.line

    def test_only_the_administrator_switches_that_off(self, choices):
        digest = "sha256:" + "a" * 64
        choices.policy(("", f'[[scope]]\ndigest = "{digest}"\non_misfit = "warn"\n'))
        env = ("NVIDIA_REQUIRE_CUDA=cuda>=12.4",)
        report = choices.decide(image=image(env=env), env=env, devices=("/dev/nvidia0",))

        assert (report.starts, report.decision.runtime) == (True, "nvidia")

    def test_requirement_of_an_image_that_is_given_no_gpu_is_only_reported(self, choices):
        env = (self.ALL, "NVIDIA_REQUIRE_CUDA=cuda>=12.4")
        report = choices.decide(image=image(env=env), env=env)

        assert (report.starts, report.decision.runtime) == (True, "runc")
        assert [one.document.reported_only for one in report.decision.judgements] == [True]


class TestPlatforms:
    """A WebAssembly image goes to a runtime that runs it, and nothing else does."""

    @pytest.mark.parametrize("system", ["wasi", "wasip1"])
    def test_wasm_image(self, choices, system):
        report = choices.decide(image=image(platform=Platform(system, "wasm")))

        assert (report.starts, report.decision.runtime) == (True, "crun-wasm")
        assert report.tree()["runtime"]["because"] == "the image does not fit the default"

    def test_image_of_the_host_asking_for_the_wasm_runtime(self, choices):
        report = choices.decide(image=image(platform=Platform("linux", "amd64")), annotations={RUNTIME: "crun-wasm"})

        assert not report.starts
        assert "runtime.platform linux/amd64: required present, found absent" in report.line

    def test_hook_does_not_know_what_the_container_runs_on(self, choices):
        """The engine has chosen crun-wasm itself, by the platform."""
        request = Request(entry="hook", verb="create", id="c1", bundle=Bundle("/b"))
        resolution = Resolution("podman", image(platform=Platform("wasi", "wasm")))
        report = gate.decide(request, choices.site.paths, host=Recorded(choices.facts), resolution=resolution)

        assert (report.starts, report.decision.verdict) == (True, "unknown")

    def test_wasm_image_where_nothing_runs_it(self, choices):
        choices.policy('[policy]\nallowed = ["runc", "crun"]\n')
        report = choices.decide(image=image(platform=Platform("wasi", "wasm")))

        assert not report.starts
        assert "runtime.platform wasi/wasm: required present, found absent" in report.line
        assert why(report, "crun-wasm") == "the policy does not allow it here"


class TestWhen:
    """The administrator's rules on requests."""

    RULE = """
[[runtime.runsc.when]]
name = "tenants"
matchFeatures = [{ feature = "request.image", matchExpressions = { name = { op = "InRegexp", value = ["/tenant/"] } } }]
"""

    def test_request_that_matches(self, choices):
        choices.policy(("", self.RULE))

        assert choices.decide(image=Image(name="docker.io/tenant/app")).decision.runtime == "runsc"
        assert choices.decide(image=Image(name="docker.io/library/app")).decision.runtime == "runc"

    def test_stricter_runtime_that_is_not_there_is_an_abort(self, choices):
        choices.paths["runsc"] = "/nowhere/runsc"
        choices.policy(("", self.RULE))
        report = choices.decide(image=Image(name="docker.io/tenant/app"))

        assert not report.starts
        assert report.line.startswith("hostfit: no runtime can be used: runsc: /nowhere/runsc: ENOENT; ")

    def test_unless_the_policy_names_what_may_take_its_place(self, choices):
        choices.paths["runsc"] = "/nowhere/runsc"
        choices.policy(("", self.RULE), runsc='instead = ["crun"]\n')
        report = choices.decide(image=Image(name="docker.io/tenant/app"))

        assert (report.starts, report.decision.runtime) == (True, "crun")

    @pytest.mark.parametrize("engine", ["podman", "docker"])
    @pytest.mark.parametrize(("feature", "said"), [("request.env", "env"), ("request.annotation", "annotation")])
    def test_image_does_not_lower_the_floor_by_what_a_rule_excludes(self, choices, engine, feature, said):
        """SEC2: only somebody else than the image makes a request one that the stricter runtime is not for."""
        matcher = f'{{ feature = "{feature}", matchExpressions = {{ TRUSTED = {{ op = "DoesNotExist" }} }} }}'
        choices.policy(("", f'[[runtime.runsc.when]]\nname = "others"\nmatchFeatures = [{matcher}]\n'))
        bundle = {"env": {"env": ("TRUSTED=yes",)}, "annotation": {"annotations": {"TRUSTED": "yes"}}}[said]
        theirs = {"env": bundle, "annotation": {"manifest_annotations": {"TRUSTED": "yes"}}}[said]

        def chosen(image_, **parts):
            return choices.decide(resolution=Resolution(engine, image_), **parts).decision.runtime

        assert chosen(image(**theirs), **bundle) == "runsc"
        assert chosen(image(), **bundle) == "runc"

    def test_image_that_says_something_else_than_a_rule_asks_for_is_not_held_to_it(self, choices):
        matcher = '{ feature = "request.env", matchExpressions = { TIER = { op = "In", value = ["a"] } } }'
        choices.policy(("", f'[[runtime.runsc.when]]\nname = "tier"\nmatchFeatures = [{matcher}]\n'))

        assert choices.decide(image=image(env=("TIER=b",)), env=("TIER=b",)).decision.runtime == "runc"
        assert choices.decide(image=image(env=("TIER=a",)), env=("TIER=a",)).decision.runtime == "runsc"

    def test_image_that_is_not_known_is_taken_for_one_that_matches(self, choices):
        choices.policy(("", self.RULE))
        unresolved = Resolution("containerd", None, "containerd did not answer")

        assert choices.decide(resolution=unresolved).decision.runtime == "runsc"

    def test_request_that_may_be_the_image_s_only_tightens(self, choices):
        unresolved = Resolution("containerd", None, "containerd did not answer")

        assert choices.decide(resolution=unresolved, annotations={RUNTIME: "runsc"}).decision.runtime == "runsc"
        assert choices.decide(resolution=unresolved, annotations={RUNTIME: "nvidia"}).decision.runtime == "runc"

    def test_runtime_that_a_scope_forbids(self, choices):
        choices.policy(("", '[[scope]]\nimage = "*/tenant/*"\nallowed = ["runc", "runsc"]\n'))
        named = Image(name="docker.io/tenant/app")

        assert choices.decide(image=Image(name="x"), annotations={RUNTIME: "crun"}).starts
        report = choices.decide(image=named, annotations={RUNTIME: "crun"})
        assert "the deployer asked for runtime crun: the policy does not allow it here" in report.line


class TestKernels:
    """CH7: an image is judged per runtime; a kernel of its own has facts of its own."""

    def test_each_runtime_is_judged_by_what_its_containers_see(self, choices):
        record = {"version": "hostfit.facts/v1", "attributes": {"kernel.version": {"elements": {"full": "4.4.0"}}}}
        facts = choices.site.write("gvisor.json", json.dumps(record))
        choices.policy("", runsc=f'facts = "{facts}"\n')

        assert choices.decide(annotations=REQUIRE).decision.runtime == "runc"
        report = choices.decide(annotations={**REQUIRE, RUNTIME: "runsc"})
        assert not report.starts
        assert "kernel.version full: required >= 5.15 (version), found 4.4.0" in report.line

    def test_image_that_fits_another_kernel_alone_goes_there(self, choices):
        record = {"version": "hostfit.facts/v1", "attributes": {"kernel.version": {"elements": {"full": "6.12.0"}}}}
        facts = choices.site.write("gvisor.json", json.dumps(record))
        choices.policy("", runsc=f'facts = "{facts}"\n')
        report = choices.decide(annotations={"io.hostfit.require": "kernel.version.full >=6.10"})

        assert (report.starts, report.decision.runtime) == (True, "runsc")

    def test_image_is_not_moved_to_a_kernel_that_nobody_knows(self, choices):
        report = choices.decide(annotations={"io.hostfit.require": "kernel.version.full >=6.10"})

        assert not report.starts
        assert "kernel.version full: required >= 6.10 (version), found 6.1.0-13-amd64" in report.line


class TestPreference:
    """Among equals the image's preference counts where it is trusted."""

    SPEC = json.dumps(
        {"version": "v1alpha1", "compatibilities": [{"runtimes": ["runsc", "nvidia", "crun"], "rules": []}]}
    )

    def test_deployer_s(self, choices):
        report = choices.decide(annotations={"io.hostfit.spec": self.SPEC})

        assert (report.decision.runtime, report.decision.because) == ("crun", "the image prefers it")

    @pytest.mark.parametrize(("policy", "name"), [("", "runc"), ("[policy]\npreference = true\n", "crun")])
    def test_image_s(self, choices, policy, name):
        choices.policy(policy)

        assert choices.decide(image=image(labels={"io.hostfit.spec": self.SPEC})).decision.runtime == name


class TestPods:
    """The sandbox fixes the kind, by what was recorded of it."""

    def test_containers_choose_within_the_kind_of_the_host(self, choices):
        report = choices.decide(annotations={**POD, RUNTIME: "crun"}, sandbox=choices.paths["runc"])

        assert report.decision.runtime == "crun"

    def test_containers_of_any_other_kind_take_the_sandbox_s_runtime(self, choices):
        assert choices.decide(annotations=POD, sandbox=choices.paths["runsc"]).decision.runtime == "runsc"
        report = choices.decide(annotations={**POD, RUNTIME: "crun"}, sandbox=choices.paths["runsc"])
        assert "runtime crun: the pod's sandbox is of kind runsc, and its containers are too" in report.line

    def test_containers_cannot_leave_the_host(self, choices):
        report = choices.decide(annotations={**POD, RUNTIME: "runsc"}, sandbox=choices.paths["runc"])

        assert "runtime runsc: the pod's sandbox is of kind host, and its containers are too" in report.line

    @pytest.mark.parametrize("lifted", [False, True])
    def test_sandbox_on_a_runtime_that_the_policy_no_longer_knows(self, choices, lifted):
        if lifted:
            choices.site.write("disabled", "")
        report = choices.decide(annotations=POD, sandbox="/usr/bin/gone")

        assert not report.starts
        assert "the pod's sandbox runs on /usr/bin/gone, for which the policy has no runtime" in report.line

    def test_sandbox_without_a_record_has_the_kind_of_the_default(self, choices):
        assert choices.decide(annotations=POD).decision.runtime == "runc"
        assert choices.decide(annotations=POD, runtime="runsc").decision.runtime == "runsc"
        assert not choices.decide(annotations={**POD, RUNTIME: "crun"}, runtime="runsc").starts

    def test_what_somebody_writes_into_annotations_only_binds(self, choices):
        choices.policy('[policy]\ndefault = "runsc"\n')
        report = choices.decide(annotations=POD, sandbox=choices.paths["runc"])

        assert not report.starts
