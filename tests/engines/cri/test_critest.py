"""Kubernetes' own tests of a container runtime see no difference between hostfit and plain runc (CH9)."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from hostfit_bed.cri import RELEASES

pytestmark = pytest.mark.engines

LEFT_OUT = {
    "this kernel has neither of them": ["AppArmor", "SELinux"],
    "they pull from public registries": ["Image Manager"],
    "their images come from public registries alone": [
        "Networking .* port mapping",
        "HostPID",
        "PodPID",
        "ContainerPID",
        "Multiple Containers",
        "Streaming .* portforward",
        "NoNewPrivs",
        "SupplementalGroupsPolicy",
    ],
    "Debian's busybox has no pgrep and no ipcs": ["execSync with timeout", "HostIpc"],
    "it masks /bin, where the only shell of the image is": ["MaskedPaths"],
    "containerd hears of an OOM and of the exit that follows in any order": ["Container OOM"],
    "they measure, and judge nothing": ["benchmark"],
}
"""Names of tests that say nothing here, with plain runc either, by the reason."""
WANTED = 40
AGAIN = 3
"""How often tests are asked again that differ: a machine that is busy makes single ones fail on either side."""


class Critest:
    """critest on one engine; `run` gives the state of each test that ran: passed or failed."""

    def __init__(self, cri):
        self.cri = cri
        (cri.room.run_dir / "critest.yaml").write_text("defaultTestContainerImage: localhost/hostfit/tools:1\n")

    def run(self, handler, only=()):
        report = self.cri.room.run_dir / f"critest-{handler}.json"
        report.unlink(missing_ok=True)
        chosen = [f"-ginkgo.focus={re.escape(name)}$" for name in only]
        left_out = [f"-ginkgo.skip={name}" for names in LEFT_OUT.values() for name in names]
        done = self.cri.room.run(
            ["/opt/tools/critest", "-runtime-handler", handler, "-test-images-file", "/run/critest.yaml",
             "-ginkgo.no-color", "-ginkgo.seed=1", f"-ginkgo.json-report=/run/{report.name}", *left_out, *chosen],
            env=self.cri.environment, timeout=900,
        )  # fmt: skip
        assert report.exists(), repr(done)
        answer = {}
        for spec in json.loads(report.read_text())[0]["SpecReports"]:
            if spec["LeafNodeType"] == "It" and spec["State"] != "skipped":
                name = " ".join([*spec["ContainerHierarchyTexts"], spec["LeafNodeText"]])
                answer[name] = spec["State"]
        return answer

    def compare(self):
        """Give what plain runc and hostfit answer, once each, but for differences that do not stay."""
        plain, ours = self.run("runc"), self.run("hostfit")
        for _ in range(AGAIN):
            different = sorted(name for name in plain.keys() | ours.keys() if plain.get(name) != ours.get(name))
            if not different:
                break
            plain |= self.run("runc", different)
            ours |= self.run("hostfit", different)
        return plain, ours


@pytest.fixture(scope="module")
def answers(engine_of):
    """The answers on every release; the tests wait more than they work, so the releases run side by side."""
    engines = [Critest(engine_of(release)) for release in RELEASES]
    with ThreadPoolExecutor() as pool:
        return dict(zip(RELEASES, pool.map(Critest.compare, engines), strict=True))


@pytest.mark.parametrize("release", RELEASES)
def test_every_test_answers_with_hostfit_as_with_plain_runc(answers, release):
    plain, ours = answers[release]

    assert ours == plain
    assert sum(state == "passed" for state in ours.values()) >= WANTED


@pytest.mark.parametrize("release", RELEASES)
def test_hostfit_decided_on_their_containers_and_keeps_nothing_of_them(answers, release, engine_of):
    cri = engine_of(release)
    reports = [
        one for place in ("reports", "service/reports") for one in (cri.room.run_dir / "hostfit" / place).glob("*~*")
    ]

    assert len(reports) > len(answers[release][1])
    assert cri.left() == []
