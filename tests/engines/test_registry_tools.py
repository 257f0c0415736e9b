"""hostfit, ORAS and NFD on the same registries: what one attaches the others read (IA1, DE7, RM2).

olareg has the referrers API, Debian's docker-registry has not. The programs are built from the versions that
`registry_tools` pins, into a cache outside the tree.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hostfit_bed import registries
from hostfit_bed.command import run
from hostfit_bed.layout import LayoutMaker

from hostfit.cli.main import main

SOURCE = Path(__file__).parent / "registry_tools"
PROGRAMS = (
    "github.com/olareg/olareg/cmd/olareg", "oras.land/oras/cmd/oras", "sigs.k8s.io/node-feature-discovery/cmd/nfd",
)  # fmt: skip
SPEC_TYPE = "application/vnd.nfd.image-compatibility.v1alpha1"
SPEC_YAML = "application/vnd.nfd.image-compatibility.spec.v1alpha1+yaml"
SPEC = """\
version: v1alpha1
compatibilities:
- rules:
  - name: name-of-the-kernel
    matchFeatures:
    - feature: kernel.version
      matchExpressions:
        full: {op: Exists}
"""

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def tools():
    """The directory of the programs, built once for each state of what is pinned."""
    if shutil.which("go") is None:
        pytest.skip("go is not installed")
    state = hashlib.sha256(b"".join([one.read_bytes() for one in sorted(SOURCE.iterdir())])).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hostfit-tests"
    directory = cache / f"registry-tools-{state}"
    if not directory.exists():
        fresh = cache / f"{directory.name}.{os.getpid()}"
        fresh.mkdir(parents=True)
        command = ["go", "build", "-mod=readonly", "-o", f"{fresh}/", *PROGRAMS]
        built = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, check=False)
        assert built.returncode == 0, built.stderr
        fresh.replace(directory)
    return directory


@pytest.fixture(scope="module", params=["olareg", "docker-registry"])
def registry(request, tools, tmp_path_factory):
    place = tmp_path_factory.mktemp(request.param)
    one = registries.olareg(tools / "olareg", place) if request.param == "olareg" else registries.docker_registry(place)
    one.api = request.param == "olareg"
    yield one
    one.end()


@pytest.fixture
def layout(tmp_path):
    """A layout with an index of two platforms."""
    layout = LayoutMaker(tmp_path / "layout")
    one, other = layout.manifest(), layout.manifest(platform={"architecture": "arm64"})
    layout.tag("v1", layout.index(
        one | {"platform": {"os": "linux", "architecture": "amd64"}},
        other | {"platform": {"os": "linux", "architecture": "arm64"}},
    ))  # fmt: skip
    layout.member = one["digest"]
    return layout


@pytest.fixture
def image(registry, layout, request):
    """That index on the registry, in a repository of this test alone."""
    own = request.node.name.partition("[")[0].replace("_", "-")
    return registries.push(layout.directory, "v1", f"{registry.host}/{own}/upf:v1")


@pytest.fixture
def spec(tmp_path):
    file = tmp_path / "upf.yaml"
    file.write_text(SPEC)
    return file


@pytest.fixture
def hostfit(tmp_path, capsys):
    def hostfit(*words):
        code = main(["--prefix", str(tmp_path), *[str(word) for word in words]])
        captured = capsys.readouterr()
        assert code == 0, captured.err
        return captured.out

    return hostfit


@pytest.fixture
def oras(tools, tmp_path):
    def oras(*words):
        return run([tools / "oras", *words], check=True, cwd=tmp_path).out

    return oras


@pytest.fixture
def discovered(oras):
    """What ORAS finds attached, by digest with its type."""

    def discovered(target, way="--plain-http"):
        found = json.loads(oras("discover", way, "--format", "json", target))
        return {one["digest"]: one["artifactType"] for one in found.get("manifests") or ()}

    return discovered


@pytest.fixture
def nfd(tools):
    """The names of the rules that NFD finds for an image, and whether they match here."""

    def nfd(image):
        words = ["compat", "validate-node", "--image", image, "--plain-http", "--output-json"]
        done = run([tools / "nfd", *words], check=True)
        return {rule["name"]: rule["isMatch"] for one in json.loads(done.out) for rule in one["rules"]}

    return nfd


def inspected(hostfit, image):
    """The specs of each subject, by its digest."""
    tree = json.loads(hostfit("inspect", "--plain-http", "--format", "json", image))
    return {one["digest"]: one for one in tree["subjects"]}


def test_oras_reads_what_hostfit_attaches(hostfit, oras, discovered, image, spec, tmp_path):
    artifact = hostfit("attach", "--plain-http", spec, image).split(": attached ")[1].strip()

    assert discovered(image) == {artifact: SPEC_TYPE}
    oras("pull", "--plain-http", "--output", tmp_path / "pulled", f"{image.rpartition(':')[0]}@{artifact}")
    assert (tmp_path / "pulled" / "upf.yaml").read_text() == SPEC


def test_hostfit_reads_what_oras_attaches(hostfit, oras, discovered, registry, image, spec):
    oras("attach", "--plain-http", "--artifact-type", SPEC_TYPE, image, f"upf.yaml:{SPEC_YAML}")

    (found,) = [one for subject in inspected(hostfit, image).values() for one in subject["specs"]]
    assert (found["state"], found["sets"][0]["rules"][0]["name"]) == ("present", "name-of-the-kernel")
    assert ("referrers of registry" in found["place"]) is registry.api
    assert hostfit("detach", "--plain-http", image).count(": detached sha256:") == 1
    assert discovered(image) == {}


def test_nfd_reads_what_hostfit_attaches(hostfit, nfd, image, spec):
    hostfit("attach", "--plain-http", spec, image)

    assert nfd(image) == {"name-of-the-kernel": True}


def test_newest_for_nfd_is_the_newest_for_hostfit(hostfit, oras, nfd, image, spec):
    """The one that hostfit attaches last counts, whoever attached the one before."""
    oras("attach", "--plain-http", "--artifact-type", SPEC_TYPE, image, f"upf.yaml:{SPEC_YAML}")
    spec.write_text(SPEC.replace("name-of-the-kernel", "newer"))
    hostfit("attach", "--plain-http", spec, image)

    assert nfd(image) == {"newer": True}
    (subject,) = [one for one in inspected(hostfit, image).values() if one["specs"]]
    assert [one["older"] for one in subject["specs"]] == [False, True]
    assert subject["specs"][0]["sets"][0]["rules"][0]["name"] == "newer"


def test_manifest_of_one_platform_is_a_subject_of_its_own(hostfit, oras, image, spec, layout):
    hostfit("attach", "--plain-http", "--platform", "linux/amd64", spec, image)
    name = f"{image.rpartition(':')[0]}@{layout.member}"
    (tree,) = [one for one in inspected(hostfit, image).values() if one["specs"]]

    assert (tree["digest"], tree["platform"]) == (layout.member, "linux/amd64")
    assert SPEC_TYPE in oras("discover", "--plain-http", "--format", "tree", name)
    assert SPEC_TYPE not in oras("discover", "--plain-http", "--format", "tree", image)


def test_sbom_that_oras_attaches_is_listed(hostfit, oras, image, tmp_path):
    (tmp_path / "sbom.json").write_text("{}")
    oras("attach", "--plain-http", "--artifact-type", "application/spdx+json", image, "sbom.json:application/spdx+json")

    (sbom,) = [one for subject in inspected(hostfit, image).values() for one in subject["sboms"]]
    assert sbom["format"] == "SPDX"


def test_oras_and_hostfit_share_a_layout(hostfit, oras, discovered, layout, spec):
    ours = hostfit("attach", "--layout", layout.directory, spec, "v1").split(": attached ")[1].strip()
    target = f"{layout.directory}:v1"
    oras("attach", "--oci-layout", "--artifact-type", SPEC_TYPE, target, f"upf.yaml:{SPEC_YAML}")

    listed = discovered(target, "--oci-layout")
    assert (len(listed), listed[ours]) == (2, SPEC_TYPE)
    gone = hostfit("detach", "--layout", layout.directory, "v1")
    assert {line.rpartition(" ")[2] for line in gone.splitlines()} == set(listed)
    assert discovered(target, "--oci-layout") == {}


def test_olareg_with_tls_is_read(tools, tmp_path, hostfit, layout, spec):
    authority = registries.Authority(tmp_path / "authority")
    registry = registries.olareg(tools / "olareg", tmp_path / "secure", authority)
    try:
        folder = tmp_path / "etc" / "hostfit" / "certs.d" / registry.host
        folder.mkdir(parents=True)
        (folder / "ca.crt").write_bytes(authority.certificate.read_bytes())
        image = registries.push(layout.directory, "v1", f"{registry.host}/upf:v1")
        hostfit("attach", spec, image)
        assert "name-of-the-kernel (required)" in hostfit("inspect", image)
    finally:
        registry.end()
