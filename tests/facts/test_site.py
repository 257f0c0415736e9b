"""Features that a site or a domain group adds without writing code (DA1, DA2, SA7, DE4)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hostfit.core.facts import Unknown, Wanted
from hostfit.core.match import evaluate
from hostfit.core.read import read_spec
from hostfit.facts import sitefile
from hostfit.facts.host import Host
from hostfit.facts.recorded import Recorded, dump

EXAMPLE = Path(__file__).parent / "site"
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="files must belong to root")
SPEC = """
version: v1alpha1
compatibilities:
  - rules:
      - name: mpi
        matchFeatures:
          - feature: hpc.mpi
            matchExpressions:
              abi-family: {op: In, value: [mpich]}
              version: {op: Ge, value: ["8.1"], type: version}
              cuda-aware: {op: Exists}
              container-ready: {op: Exists}
          - feature: hpc.mpi-install
            matchExpressions:
              vendor: {op: In, value: [cray]}
              abi: {op: GeLe, value: ["12.0", "12.9"], type: version}
"""
ONE = """
version: hostfit.vocabulary/v1
features:
  - name: site.thing
    meaning: a thing
    file: thing
    elements:
      - {name: size, comparison: number, meaning: how big it is}
"""


@pytest.fixture
def host(tree):
    """Give a function that puts the example, or other files, on a host."""

    def build(files=None):
        root = tree({"/proc/filesystems": "nodev\toverlay\n", "/etc/hostfit/vocabulary.d": None})
        if files is None:
            shutil.copytree(EXAMPLE, f"{root}/etc/hostfit", dirs_exist_ok=True)
        else:
            tree({f"/etc/hostfit/{path}": text for path, text in files.items()})
        return Host(root)

    return build


def read(host, name, names=None):
    return host.read(Wanted({name: names}))[name]


def test_published_vocabulary_is_included_and_its_features_are_known(host):
    """DA1, SA2."""
    found = host()
    assert found.problems() == ()
    row = found.lookup("hpc.mpi")
    assert row.meaning == "the MPI that jobs on this host are started with"
    assert row.link == "https://www.mpich.org/abi/"
    assert row.comparison("version") == "version"
    assert found.lookup("hpc.mpi-install").link == "https://docs.open-mpi.org/"
    assert "hpc.mpi" in [info.name for info in found.features()]


def test_values_come_from_files_and_rules(host):
    """DE4."""
    found = read(host(), "hpc.mpi")
    assert found.attributes == {"implementation": "cray-mpich", "version": "8.1.29", "abi-family": "mpich"}
    assert found.flags == {"cuda-aware", "container-ready"}
    assert [one["vendor"] for one in read(host(), "hpc.mpi-install").instances] == ["cray", "mpich"]


def test_spec_that_names_the_sites_features_is_judged(host):
    """SA7: the runtime need not know the topic."""
    found = host()
    spec = read_spec(SPEC, place="test", lookup=found.lookup)
    assert evaluate(spec, found.read(spec.wanted())).verdict == "fit"
    other = read_spec(SPEC.replace("[mpich]", "[openmpi]"), place="test", lookup=found.lookup)
    assert evaluate(other, found.read(other.wanted())).verdict == "misfit"


def test_lint_of_such_a_spec_finds_the_misspelt_element(host):
    from hostfit.core.errors import SpecError

    with pytest.raises(SpecError) as caught:
        read_spec(SPEC.replace("abi-family", "abi-familie"), place="test", lookup=host().lookup)
    assert "abi-family" in str(caught.value.problems[0])


def test_recorded_values_of_a_site_are_judged_elsewhere(host):
    """SA4, SA5."""
    found = host()
    spec = read_spec(SPEC, place="test")
    from hostfit.core import fastjson

    record = Recorded.load(fastjson.dumps(dump(found.read(spec.wanted()))).encode())
    assert evaluate(spec, record.read(spec.wanted())).verdict == "fit"
    assert record.lookup("hpc.mpi") is not None


def test_values_without_a_vocabulary_are_local_facts(host):
    assert read(host(), "local.fact").attributes == {"rack": "b7", "cooling": "water"}


def test_rule_whose_facts_are_unknown_gives_unknown(host):
    found = host()
    os.remove(f"{found._path}/etc/hostfit/facts.d/mpi-install.json")
    value = read(found, "hpc.mpi", {"abi-family"}).attributes["abi-family"]
    assert isinstance(value, Unknown)


def test_missing_values_are_unknown_with_the_path(host):
    found = read(host({"vocabulary.d/a.yaml": ONE}), "site.thing")
    assert found.unknown == Unknown("/etc/hostfit/facts.d/thing: ENOENT")


def test_program_in_facts_d_is_not_run(host):
    found = host({"vocabulary.d/a.yaml": ONE, "facts.d/thing": "#!/bin/sh\necho size=1\n"})
    os.chmod(f"{found._path}/etc/hostfit/facts.d/thing", 0o755)
    assert "a program" in read(found, "site.thing").unknown.reason


def test_feature_that_needs_itself_is_unknown(host):
    text = (
        ONE
        + """
    rules:
      - element: size
        value: "1"
        matchFeatures:
          - feature: site.thing
            matchExpressions: {size: {op: Exists}}
"""
    )
    found = host({"vocabulary.d/a.yaml": text, "facts.d/thing": "size=7\n"})
    assert isinstance(read(found, "site.thing").attributes["size"], Unknown)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ("siez=1\n", '"siez" is not declared'),
        ("size\n", "KEY=VALUE is required"),
        ('{"size": [1]}', "text, an integer or true or false is required"),
        ('[{"size": "1"}]', "an object of values is required"),
        ('{"size": 1, "size": 2}', "thing:"),
        ('{"size": ', "thing:"),
        (b"\xff\xfe", "UTF-8"),
    ],
)
def test_values_that_are_no_such_values_are_unknown(host, values, reason):
    found = read(host({"vocabulary.d/a.yaml": ONE, "facts.d/thing": values}), "site.thing")
    assert reason in found.unknown.reason
    assert found.attributes == {}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("meaning: a thing", "meening: a thing", 'did you mean "meaning"'),
        ("comparison: number", "comparison: numer", 'did you mean "number"'),
        ("name: site.thing", "name: kernel.version", "a name that hostfit does not have itself"),
        ("name: site.thing", "name: rule.matched", "a name that hostfit does not have itself"),
        ("name: site.thing", "name: Thing", "DOMAIN.NAME in lower case"),
        ("file: thing", "file: ../../shadow", "below facts.d"),
        ("    file: thing\n", "", "file or rules is required"),
        ("/v1", "/v9", "hostfit.vocabulary/v1"),
        ("meaning: a thing", "meaning: &a x", "line 5"),
    ],
)
def test_file_with_a_problem_counts_for_nothing_and_says_why(host, old, new, message):
    """IA3 for vocabularies: strict, with suggestions and lines."""
    found = host({"vocabulary.d/a.yaml": ONE.replace(old, new)})
    assert found.lookup("site.thing") is None
    assert any(message in problem for problem in found.problems()), found.problems()
    assert "vocabulary.d/a.yaml" in read(found, "site.thing").unknown.reason


def test_second_declaration_of_a_feature_is_a_problem_and_the_first_counts(host):
    found = host({"vocabulary.d/a.yaml": ONE, "vocabulary.d/b.yaml": ONE.replace("a thing", "another")})
    assert found.lookup("site.thing").meaning == "a thing"
    assert "declared by another file" in found.problems()[0]


def test_files_that_include_each_other_are_read_once(host):
    text = "version: hostfit.vocabulary/v1\ninclude: [{}]\n"
    found = host({"vocabulary.d/a.yaml": text.format("b.yaml"), "vocabulary.d/b.yaml": text.format("a.yaml")})
    assert found.problems() == ()


def test_missing_included_file_is_a_problem(host):
    found = host({"vocabulary.d/a.yaml": "version: hostfit.vocabulary/v1\ninclude: [gone.yaml]\n"})
    assert found.problems() == ("/etc/hostfit/vocabulary.d/gone.yaml: ENOENT",)


@ROOT_ONLY
def test_on_a_live_host_only_files_of_root_count(tmp_path):
    """Security rule R3."""
    shutil.copytree(EXAMPLE, tmp_path / "etc")
    etc = str(tmp_path / "etc")
    assert read(Host("/", etc=etc), "hpc.mpi").attributes["implementation"] == "cray-mpich"
    (tmp_path / "etc/facts.d/mpi").chmod(0o666)
    assert "mpi" in read(Host("/", etc=etc), "hpc.mpi").unknown.reason
    os.chown(tmp_path / "etc/vocabulary.d/published/mpi.yaml", 12345, 12345)
    assert Host("/", etc=etc).lookup("hpc.mpi") is None


def test_yaml_is_not_imported_for_features_of_hostfits_own(tmp_path):
    script = (
        f"import sys; sys.path.insert(0, {str(Path(sitefile.__file__).parents[2])!r})\n"
        "from hostfit.core.facts import Wanted\nfrom hostfit.facts.host import Host\n"
        f"Host('/', etc={str(tmp_path)!r}).read(Wanted({{'kernel.version': None}}))\n"
        "print('yaml' in sys.modules, 'hostfit.facts.site' in sys.modules)\n"
    )
    run = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "False False\n"


def test_format_in_the_documentation_is_valid():
    """What the docstring shows is what the reader takes."""
    text = sitefile.__doc__.split("code (DA1, DA2, SA7, DE4):\n")[1].split("\n`kind` is attribute")[0]
    features, includes, problems = sitefile.parse("\n".join(line[4:] for line in text.split("\n")).encode(), "docs")
    assert problems == ()
    assert includes == ("published/mpi-abi.yaml",)
    assert [one.info.name for one in features] == ["hpc.mpi"]


def test_format_in_the_documentation_says_what_it_promises(host):
    """A rule may ask for the values that the feature's own file gives."""
    text = sitefile.__doc__.split("code (DA1, DA2, SA7, DE4):\n")[1].split("\n`kind` is attribute")[0]
    text = "\n".join(line[4:] for line in text.split("\n") if "include:" not in line)
    found = host({"vocabulary.d/a.yaml": text, "facts.d/mpi": "implementation=cray-mpich\nversion=8.1.29\n"})
    assert read(found, "hpc.mpi", {"abi-family"}).attributes["abi-family"] == "mpich"
    assert read(found, "hpc.mpi").attributes == {
        "implementation": "cray-mpich",
        "version": "8.1.29",
        "abi-family": "mpich",
    }
