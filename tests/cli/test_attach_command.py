"""`hostfit attach` and `detach`: one spec for many images, published independently of them (IA1, IA4, DE3)."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import sys
import time
from pathlib import Path

import pytest

BED = str(Path(__file__).resolve().parents[1] / "bed")
if BED not in sys.path:
    sys.path.insert(0, BED)

from hostfit_bed import registries  # noqa: E402 - the bed lies beside the tests, not on the path
from hostfit_bed.layout import LayoutMaker  # noqa: E402 - see above
from hostfit_bed.scripted import Scripted  # noqa: E402 - see above

SPEC = """\
version: v1alpha1
compatibilities:
- rules:
  - name: vectors
    matchFeatures:
    - feature: cpu.cpuid
      matchExpressions:
        AVX2: {op: Exists}
"""
TYPE = "application/vnd.nfd.image-compatibility.v1alpha1"


@pytest.fixture
def spec(tmp_path):
    file = tmp_path / "upf.yaml"
    file.write_text(SPEC)
    return file


@pytest.fixture
def layout(tmp_path):
    return LayoutMaker(tmp_path / "layout")


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    one = registries.docker_registry(tmp_path_factory.mktemp("registry"))
    yield one
    one.end()


@pytest.fixture
def published(registry, layout, request):
    """Two images on a registry, in repositories of this test alone."""
    layout.tag("v1", layout.manifest())
    own = request.node.name.replace("_", "-")
    return [registries.push(layout.directory, "v1", f"{registry.host}/{own}/{one}:v1") for one in ("upf", "smf")]


class TestRegistry:
    def test_one_spec_is_attached_to_many_images_and_taken_off_again(self, hostfit, spec, published):
        done = hostfit("attach", "--plain-http", spec, *published)

        assert (done.code, done.err) == (0, "")
        lines = re.findall(r"^(\S+)@sha256:[0-9a-f]{64}: attached sha256:", done.out, re.MULTILINE)
        assert lines == [name.removesuffix(":v1") for name in published]
        again = hostfit("attach", "--plain-http", spec, *published)
        assert again.out.count("already attached as") == 2
        gone = hostfit("detach", "--plain-http", *published)
        assert (gone.code, gone.out.count(": detached sha256:")) == (0, 2)
        assert hostfit("detach", "--plain-http", *published).out.count(": nothing is attached") == 2

    def test_changed_spec_becomes_the_newest_at_once(self, hostfit, spec, published):
        hostfit("attach", "--plain-http", spec, published[0])
        spec.write_text(SPEC + "# changed\n")
        changed = hostfit("attach", "--plain-http", spec, published[0])
        again = hostfit("attach", "--plain-http", spec, published[0])

        digest = changed.out.split(": attached ")[1].strip()
        assert again.out.endswith(f": already attached as {digest}\n")

    def test_spec_is_dated_now_and_after_every_other(self, hostfit, spec):
        for newest, year in (("2020-01-01T00:00:00Z", None), ("2999-12-31T23:59:58Z", "2999")):
            with contextlib.closing(Scripted()) as registry:
                registry.artifact(registry.image(), b"version: v1alpha1\n", created=newest)
                before = time.strftime("%Y")
                done = hostfit("attach", "--strict", "--plain-http", spec, f"{registry.host}/upf:v1")
                (made,) = [json.loads(one.body)["annotations"] for one in registry.asked("^PUT .*/manifests/")]

            assert done.code == 0
            assert made["org.opencontainers.image.created"][:4] in ({year} if year else {before, time.strftime("%Y")})

    def test_nothing_can_be_newer_than_the_end_of_the_calendar(self, hostfit, spec):
        with contextlib.closing(Scripted()) as registry:
            registry.artifact(registry.image(), b"version: v1alpha1\n", created="9999-12-31T23:59:59Z")

            done = hostfit("attach", "--plain-http", spec, f"{registry.host}/upf:v1")

        assert done.code == 4
        assert "dated 9999-12-31T23:59:59.000000000Z: no other can be newer\n  hint: detach it first" in done.err

    def test_what_the_registry_wants_users_to_read_is_told(self, hostfit, spec):
        with contextlib.closing(Scripted()) as registry:
            kind, data = registry.manifests[registry.image()["digest"]]
            registry.lie("GET .*/manifests/v1", lambda handler, _: handler.reply(
                200, data, content_type=kind, warning='299 - "this tag goes away \x9b31m"',
            ))  # fmt: skip
            said = f"hostfit: warning: registry {registry.host} says: this tag goes away \\x9b31m\n"
            attached = hostfit("attach", "--plain-http", spec, f"{registry.host}/upf:v1")
            detached = hostfit("detach", "--plain-http", f"{registry.host}/upf:v1")

        assert (attached.code, attached.err) == (0, said)
        assert (detached.code, detached.err) == (0, said)

    def test_image_that_is_not_there_stops_no_other(self, hostfit, spec, published, registry):
        done = hostfit("attach", "--plain-http", spec, f"{registry.host}/none:v1", published[1])

        assert done.code == 2
        assert done.err.startswith(
            f'hostfit: {registry.host}/none:v1: repository {registry.host}/none: no manifest "v1"'
        )
        assert done.out.startswith(published[1].removesuffix(":v1") + "@sha256:")

    def test_invalid_spec_is_never_sent(self, hostfit, spec):
        spec.write_text("version: v1alpha1\ncompatibilities: 5\n")

        done = hostfit("attach", spec, "registry.invalid/x:1")

        assert done.code == 5
        assert "compatibilities" in done.err

    def test_warning_of_lint_is_told_and_with_strict_nothing_is_sent(self, hostfit, spec, published):
        spec.write_text(
            SPEC.replace("cpu.cpuid", "kernel.version").replace("AVX2: {op: Exists}", "major: {op: Ge, value: ['4']}")
        )

        strict = hostfit("attach", "--plain-http", "--strict", spec, published[0])
        lenient = hostfit("attach", "--plain-http", spec, published[0])

        assert (strict.code, strict.out, lenient.code) == (5, "", 0)
        assert "warning: " in strict.err
        assert ": attached " in lenient.out

    def test_short_name_is_refused(self, hostfit, spec):
        done = hostfit("attach", spec, "busybox:1")

        assert done.code == 2
        assert done.err == (
            'hostfit: busybox:1: "busybox:1": the registry must be named before the first slash\n'
            "  hint: write it in full, such as docker.io/library/busybox:1\n"
        )


class TestLayout:
    def test_spec_is_attached_to_the_only_image_as_an_artifact_with_its_subject(self, hostfit, spec, layout):
        digest = layout.tag("", layout.manifest())

        done = hostfit("attach", spec, "--layout", layout.directory)

        assert (done.code, done.err) == (0, "")
        artifact = done.out.removeprefix(f"{digest}: attached ").strip()
        manifest = layout.read(artifact)
        assert (manifest["artifactType"], manifest["subject"]["digest"]) == (TYPE, digest)
        assert manifest["layers"][0]["digest"] == "sha256:" + hashlib.sha256(SPEC.encode()).hexdigest()
        entries = json.loads((layout.directory / "index.json").read_text())["manifests"]
        assert [one["digest"] for one in entries] == [digest, artifact]

    def test_layout_with_an_attached_spec_still_has_one_image(self, hostfit, spec, layout):
        layout.tag("", layout.manifest())
        hostfit("attach", spec, "--layout", layout.directory)

        assert "already attached" in hostfit("attach", spec, "--layout", layout.directory).out
        assert hostfit("check", f"oci:{layout.directory}").code in (0, 3)
        assert "detached" in hostfit("detach", "--layout", layout.directory).out
        assert "nothing is attached" in hostfit("detach", "--layout", layout.directory).out

    def test_nothing_is_written_outside_of_a_layout(self, hostfit, spec, layout, tmp_path):
        layout.tag("", layout.manifest())
        outside = tmp_path / "outside"
        (layout.directory / "blobs").rename(outside)
        (layout.directory / "blobs").symlink_to(outside)
        before = sorted(outside.rglob("*"))

        done = hostfit("attach", spec, "--layout", layout.directory)

        assert done.code != 0
        assert sorted(outside.rglob("*")) == before

    def test_no_directory_is_made_outside_of_a_layout(self, hostfit, spec, layout, tmp_path):
        """Whoever reads finds the link's target inside the layout."""
        layout.tag("", layout.manifest())
        outside = tmp_path / "outside"
        outside.mkdir()
        inside = layout.directory / str(outside).lstrip("/")
        inside.parent.mkdir(parents=True)
        (layout.directory / "blobs").rename(inside)
        (layout.directory / "blobs").symlink_to(outside)

        done = hostfit("attach", spec, "--layout", layout.directory)

        assert done.code == 4
        assert "must lie in the layout, found a link elsewhere" in done.err
        assert done.err.startswith("hostfit: OCI layout ")
        assert list(outside.iterdir()) == []

    def test_platform_chooses_the_manifest_of_an_index(self, hostfit, spec, layout):
        one, other = layout.manifest(), layout.manifest(platform={"architecture": "arm64"})
        layout.tag("v1", layout.index(
            one | {"platform": {"os": "linux", "architecture": "amd64"}},
            other | {"platform": {"os": "linux", "architecture": "arm64"}},
        ))  # fmt: skip

        done = hostfit("attach", "--layout", layout.directory, "--platform", "linux/arm64", spec, "v1")
        unknown = hostfit("attach", "--layout", layout.directory, "--platform", "linux/riscv64", spec, "v1")

        assert done.out.startswith(f"{other['digest']}: attached ")
        assert unknown.code == 2
        assert 'no platform "linux/riscv64", found "linux/amd64, linux/arm64"' in unknown.err
