"""SEC1, SEC2: whose word chooses a runtime, and what counts where nobody's is certain."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hostfit.core.document import ADMINISTRATOR, ARTIFACT, DEPLOYER, IMAGE, Document, Provenance
from hostfit.core.facts import Feature, Unknown
from hostfit.core.image import Image, Resolution
from hostfit.core.spec import CompatibilitySet, Spec
from hostfit.policy import shipped

from .test_choosing import RUNTIME, Choices, image, why

PREFERS_CRUN = Spec((CompatibilitySet((), runtimes=("crun",)),))
TENANT = '[{ name = "tenants", matchFeatures = [{ feature = "request.image", matchExpressions = '
TENANT += '{ name = { op = "InRegexp", value = ["/tenant/"] } } }] }]'
NOT_TOLD = Resolution("containerd", None, "containerd did not answer")


@pytest.fixture
def choices(site):
    return Choices(site)


class TestPreference:
    """Among runtimes of the default's isolation."""

    @pytest.mark.parametrize(
        ("authority", "signer", "chosen"),
        [
            (ADMINISTRATOR, "", "crun"),
            (DEPLOYER, "", "crun"),
            (IMAGE, "", "crun"),
            (ARTIFACT, "somebody", "crun"),
            (ARTIFACT, "", "runc"),
        ],
    )
    def test_of_what_was_fetched_counts_only_where_it_is_signed(self, choices, authority, signer, chosen):
        choices.policy("[policy]\npreference = true\n")
        said = Document(Provenance(authority, "here", signer=signer), spec=PREFERS_CRUN)

        assert choices.decide(image=image(), extra=(said,)).decision.runtime == chosen

    def test_of_what_is_only_reported_counts_for_nothing(self, choices):
        said = Document(Provenance(DEPLOYER, "here"), spec=PREFERS_CRUN, reported_only=True)

        assert choices.decide(image=image(), extra=(said,)).decision.runtime == "runc"

    def test_counts_only_as_long_as_the_image_fits_what_it_prefers(self, choices):
        choices.policy('[policy]\non_unknown = "deny"\n', crun='kernel = "own"\n')
        said = Document(Provenance(DEPLOYER, "here"), spec=PREFERS_CRUN)
        asked = {"io.hostfit.require": "kernel.version.full >=5"}

        assert choices.decide(image=image(), extra=(said,), annotations=asked).decision.runtime == "runc"


class TestRequest:
    """io.hostfit.runtime in a bundle, into which Podman 4.3 copies an image's annotations."""

    @pytest.mark.parametrize("of_image", ["manifest_annotations", "index_annotations", "labels"])
    @pytest.mark.parametrize("engine", ["podman", ""])
    def test_that_is_the_images_own_word_chooses_among_no_equals(self, choices, of_image, engine):
        said = {RUNTIME: "crun"}
        report = choices.decide(resolution=Resolution(engine, image(**{of_image: said})), annotations=said)

        assert report.decision.runtime == "runc"

    def test_that_differs_from_the_images_word_is_the_deployers(self, choices):
        theirs = Resolution("podman", image(manifest_annotations={RUNTIME: "nvidia"}))

        assert choices.decide(resolution=theirs, annotations={RUNTIME: "crun"}).decision.runtime == "crun"

    @pytest.mark.parametrize(
        "nobody_tells", [NOT_TOLD, Resolution("podman", None, "gone"), Resolution("buildah")],
        ids=["containerd", "podman", "buildah"],
    )  # fmt: skip
    def test_that_may_be_the_images_word_only_tightens(self, choices, nobody_tells):
        def chosen(name):
            return choices.decide(resolution=nobody_tells, annotations={RUNTIME: name}).decision.runtime

        assert (chosen("crun"), chosen("nvidia"), chosen("runsc")) == ("runc", "runc", "runsc")

    def test_is_the_deployers_where_the_engine_copies_nothing(self, choices):
        said = {RUNTIME: "crun"}
        report = choices.decide(resolution=Resolution("docker", image(labels=said)), annotations=said)

        assert report.decision.runtime == "crun"


class TestWhenNothingTells:
    """A rule on the request that cannot be determined."""

    def test_demands_a_runtime_that_isolates_more(self, choices):
        choices.policy("", runsc=f"when = {TENANT}\n")

        assert choices.decide(resolution=NOT_TOLD).decision.runtime == "runsc"

    def test_demands_none_that_isolates_no_more(self, choices):
        choices.policy("", crun=f"when = {TENANT}\n")

        assert choices.decide(resolution=NOT_TOLD).decision.runtime == "runc"

    def test_demands_none_that_adds_access(self, choices):
        choices.policy("", crun=f"isolation = 2\ngrants = true\nfrom_image = true\nwhen = {TENANT}\n")

        assert choices.decide(resolution=NOT_TOLD).decision.runtime == "runc"

    def test_image_may_turn_down_what_isolates_no_more(self, choices):
        matcher = '{ feature = "request.env", matchExpressions = { PLAIN = { op = "DoesNotExist" } } }'
        choices.policy("", crun=f'when = [{{ name = "r", matchFeatures = [{matcher}] }}]\n')
        env = ("PLAIN=1",)

        assert choices.decide(image=image()).decision.runtime == "crun"
        assert choices.decide(image=image(env=env), env=env).decision.runtime == "runc"


class TestRequires:
    """What a runtime requires of the host, where it cannot be determined."""

    @pytest.fixture
    def unknown(self, choices):
        choices.facts["kernel.loadedmodule"] = Feature(unknown=Unknown("/proc/modules: EACCES"))
        matcher = '{ feature = "kernel.loadedmodule", matchExpressions = { kvm = { op = "Exists" } } }'
        return f'requires = [{{ name = "kvm", matchFeatures = [{matcher}] }}]\n'

    def test_is_no_reason_against_the_default(self, choices, unknown):
        choices.policy("", runc=unknown)

        assert choices.decide().decision.runtime == "runc"

    def test_is_a_reason_against_every_other(self, choices, unknown):
        choices.policy("", runsc=unknown)
        report = choices.decide(annotations={RUNTIME: "runsc"})

        assert not report.starts
        assert why(report, "runsc").startswith("requires kernel.loadedmodule kvm: required present, found unknown")


class TestShipped:
    """Runtimes of which the policy has no word."""

    @pytest.fixture
    def installed(self, choices, monkeypatch):
        monkeypatch.setattr(shipped, "PLACES", (f"{choices.site.etc}/bin/",))
        choices.site.write("hostfit.toml", f'[runtime.runc]\nbinary = "{choices.paths["runc"]}"\n')
        return choices

    def test_takes_what_it_is_for_where_it_is_installed(self, installed):
        assert installed.decide(devices=("/dev/nvidia0",)).decision.runtime == "nvidia"

    def test_is_named_where_it_is_not_installed(self, installed):
        Path(installed.paths["runsc"]).unlink()
        report = installed.decide(devices=("/dev/nvidia0",))

        assert why(report, "runsc") == "not installed"
        assert [one.name for one in report.decision.candidates].count("nvidia") == 1


class TestQuestion:
    """`hostfit check`, whose host need not have any runtime."""

    @pytest.fixture
    def bare(self, choices):
        choices.site.write("hostfit.toml", '[runtime.runc]\nbinary = "/nowhere"\n[runtime.crun]\nbinary = "/nowhere"\n')
        return choices

    def test_is_answered_without_a_runtime(self, bare):
        assert bare.decide(entry="check", image=image()).exit_code == 0

    def test_about_a_runtime_needs_it(self, bare):
        report = bare.decide(entry="check", image=image(), annotations={RUNTIME: "crun"})

        assert (report.exit_code, report.starts) == (1, False)
        assert report.line == "hostfit: the deployer asked for runtime crun: /nowhere: ENOENT (hostfit why c0ffee)"


def test_image_that_asks_for_cuda_is_not_held_to_it_on_a_runtime_that_gives_no_gpu(choices):
    choices.policy("", runsc=f"when = {TENANT}\n")
    env = ("NVIDIA_VISIBLE_DEVICES=all", "NVIDIA_REQUIRE_CUDA=cuda>=99")
    report = choices.decide(image=Image(name="docker.io/tenant/app", env=env), env=env)

    assert (report.starts, report.decision.runtime) == (True, "runsc")


def test_spec_in_a_bundle_whose_image_is_not_known_prefers_nothing(choices):
    spec = json.dumps({"version": "v1alpha1", "compatibilities": [{"runtimes": ["crun"], "rules": []}]})

    assert choices.decide(resolution=NOT_TOLD, annotations={"io.hostfit.spec": spec}).decision.runtime == "runc"
