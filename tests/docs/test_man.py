"""The man pages build without a complaint and say what the code does: options, exit codes, keys, features, caps."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest

from hostfit.cli.checks.findings import KINDS
from hostfit.cli.main import COMMANDS
from hostfit.core import errors, limits
from hostfit.core.decision import ACTIONS, Knobs

WRITTEN = (
    "hostfit.1", "hostfit.7", "hostfit-runtime.8", "hostfit-hook.8", "hostfit.toml.5", "hostfit-spec.7",
    "hostfit-facts.7", "hostfitd.8", "containerd-shim-hostfit-v2.8",
)  # fmt: skip
PAGES = (*WRITTEN, *[f"hostfit-{name}.1" for name in COMMANDS])


@pytest.fixture(scope="module")
def built(tree, tmp_path_factory):
    """The directory of the built pages."""
    if shutil.which("go-md2man") is None:
        pytest.skip("go-md2man is not installed")
    target = tmp_path_factory.mktemp("man")
    subprocess.run([sys.executable, tree / "packaging" / "man" / "build.py", target], check=True)
    return target


def man(path, *words):
    """Let man format a page on lines so long that no phrase is broken."""
    if shutil.which("man") is None:
        pytest.skip("man is not installed")
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "MANWIDTH": "2000", "MANPAGER": "cat"}
    return subprocess.run(["man", *words, "-l", path], capture_output=True, text=True, check=True, env=environment)


@pytest.fixture(scope="module")
def shown(built):
    """The text of each page as it is read, spaces made single."""
    return {name: " ".join(re.sub(r".\x08", "", man(built / name).stdout).split()) for name in PAGES}


def test_every_page_is_built(built):
    assert sorted(path.name for path in built.iterdir()) == sorted(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_man_has_no_complaint(built, page):
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "MANWIDTH": "80"}
    done = subprocess.run(
        ["man", "--warnings", "-E", "UTF-8", "-Tutf8", "-Z", "-l", built / page],
        capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip

    assert done.stderr == ""


@pytest.mark.parametrize("page", PAGES)
def test_no_mark_of_the_builder_is_left(shown, page):
    assert re.findall(r"@[A-Z]+@", shown[page]) == []


def test_every_option_of_every_command_is_there(shown):
    from hostfit.cli.main import parser

    top = parser(every=True)
    commands = next(one for one in top._actions if one.dest == "command").choices
    assert set(commands) == set(COMMANDS)
    for name, one in {"": top, **commands}.items():
        for action in one._actions:
            if not action.option_strings or "--help" in action.option_strings:
                continue
            for page in ("hostfit.1", *([f"hostfit-{name}.1"] if name else [])):
                assert f"{', '.join(action.option_strings)} " in shown[page], action
                assert " ".join(action.help.split()) in shown[page], action


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_of_a_command_says_what_it_does_and_how_it_ends(shown, name):
    page = shown[f"hostfit-{name}.1"]

    assert name in page.partition("DESCRIPTION ")[2].partition("hostfit(1) describes all commands")[0].split()
    assert ("after an error and 3 after a warning" if name == "doctor" else "2 usage or policy error") in page


def test_the_table_of_failures_is_what_the_code_does(shown):
    """Read back from the page and held against the decisions themselves."""
    from hostfit.core.decision import decide, failed, judge
    from hostfit.core.document import BROKEN, IMAGE, UNSYNCED, Document, Provenance
    from hostfit.core.results import SpecResult

    page = shown["hostfit.7"].partition("WHAT STOPS A CONTAINER")[2]
    rows = re.findall(r"(?<= )(fit|misfit|unknown|invalid) (on_\w+|none) (deny|warn|allow)", page)
    knobs = {"fit": "none", "misfit": "on_misfit", "unknown": "on_unknown", "invalid": "on_error"}

    for verdict, knob in knobs.items():
        one = judge(Document(Provenance(IMAGE, "")), SpecResult(verdict, (), None), Knobs())
        assert (verdict, knob, decide((one,)).action) in rows
    for state in (BROKEN, UNSYNCED):
        one = judge(Document(Provenance(IMAGE, ""), state=state), None, Knobs())
        assert (one.verdict, one.knob, one.action) in rows
    assert rows.count((failed("").verdict, "none", failed("").action)) == 2
    assert len(rows) == 9


def test_every_message_of_the_journal_is_listed(shown):
    from hostfit.gate.journal import MESSAGE_IDS

    assert [one for one in MESSAGE_IDS.values() if f" {one} Container ... was " not in shown["hostfit.7"]] == []


def test_every_finding_of_doctor_is_explained(shown):
    page = shown["hostfit.1"].partition("WHAT DOCTOR FINDS")[2].partition("EXIT STATUS")[0]

    assert [one.id for one in KINDS if f"{one.id} ({one.severity}) {one.meaning}" not in page] == []


def test_exit_codes_are_those_of_the_code(shown):
    page = shown["hostfit.1"]
    listed = dict(re.findall(r" (\d) ([a-z]+)", page.partition("EXIT STATUS")[2].partition("FILES")[0]))

    assert listed == {"0": "fit", "1": "misfit", "2": "usage", "3": "unknown", "4": "internal", "5": "invalid"}
    assert (errors.UsageError.exit_code, errors.HostfitError.exit_code, errors.SpecError.exit_code) == (2, 4, 5)


def test_knobs_and_their_defaults_are_those_of_the_code(shown):
    for knob in Knobs.__slots__:
        said = re.search(rf"{knob} = deny \| warn \| allow .*?Default: (\w+)\.", shown["hostfit.toml.5"])

        assert said[1] == getattr(Knobs(), knob), knob
    assert set(ACTIONS) == {"deny", "warn", "allow"}


def test_every_key_of_the_configuration_is_described_and_no_other(shown):
    from hostfit.policy import imagefile, read, runtimes, trust

    page = shown["hostfit.toml.5"]
    described = set(re.findall(r"\b([a-z_]+) = ", page.partition("EXAMPLE")[0]))

    assert described == {*read._POLICY, *read._SCOPE, *runtimes.KEYS, *trust.KEYS}
    assert [key for key in imagefile._KEYS if f"{key}:" not in page] == []


def test_every_feature_of_the_vocabulary_is_listed(shown):
    from hostfit.facts import vocabulary

    missing = [info.name for info in vocabulary.features() if f" {info.name} (" not in shown["hostfit-facts.7"]]

    assert missing == []


def test_every_difference_from_nfd_is_told(shown):
    from hostfit.core.differences import DIFFERENCES as OF_RULES
    from hostfit.facts.differences import DIFFERENCES as OF_FACTS

    page = shown["hostfit-spec.7"]
    missing = [one.nfd for one in (*OF_RULES, *OF_FACTS) if f"NFD: {one.nfd} hostfit: {one.hostfit}" not in page]

    assert missing == []


def test_every_operator_is_described(shown):
    from hostfit.core.expressions import OPERATORS

    page = shown["hostfit-spec.7"].partition("OPERATORS")[2].partition("FLAT FORM")[0]

    assert [op for op in OPERATORS if op and not re.search(rf"\b{op}\b", page)] == []


def test_the_caps_of_a_document_are_those_of_the_code(shown):
    said = (
        f"at most {limits.DOCUMENT >> 20} MiB, {limits.DEPTH} levels, {limits.SETS} sets, {limits.RULES_PER_SET} rules"
    )

    assert f"{said} in a set and {limits.EXPRESSIONS} expressions" in shown["hostfit-spec.7"]


def test_the_clauses_of_the_flat_form_are_valid(tree):
    from hostfit.core import flat
    from hostfit.facts import vocabulary

    text = (tree / "packaging/man/hostfit-spec.7.md").read_text()
    example = re.search(r"\n\n((?:    \S.*\n)+)\nTerms are", text)[1]

    flat.parse(" ".join(example.split()), level="required", lookup=vocabulary.lookup, place="man page", strict=True)


def test_the_configuration_of_the_example_is_valid(tree, tmp_path):
    from hostfit.core.paths import Paths
    from hostfit.policy import load

    text = (tree / "packaging/man/hostfit.toml.5.md").read_text()
    example = re.search(r"# EXAMPLE\n\n((?:(?:    .*)?\n)+)#", text)[1]
    (tmp_path / "hostfit.toml").write_text(re.sub("^    ", "", example, flags=re.MULTILINE))

    policy = load.load(Paths(etc=str(tmp_path), run=str(tmp_path), var=str(tmp_path)))

    assert policy.default == "crun"
    assert policy.knobs(None, "").on_unknown == "deny"


def test_the_vocabulary_of_the_example_is_valid(tree, tmp_path):
    from hostfit.facts.host import Host

    text = (tree / "packaging/man/hostfit-facts.7.md").read_text()
    example = re.search(r"\n\n(    version: hostfit.vocabulary/v1\n(?:    .*\n)+)", text)[1]
    directory = tmp_path / "vocabulary.d"
    (directory / "published").mkdir(parents=True)
    (directory / "mpi.yaml").write_text(re.sub("^    ", "", example, flags=re.MULTILINE))
    (directory / "published" / "mpi-abi.yaml").write_text("version: hostfit.vocabulary/v1\nfeatures: []\n")

    host = Host(etc=str(tmp_path))

    assert host.problems() == ()
    assert host.lookup("hpc.mpi").meaning == "the MPI that jobs on this host are started with"


def test_the_reports_are_kept_as_said(shown):
    from hostfit.gate import keep

    assert f"the last {keep.REPORTS} decisions on containers, at most {keep.BYTES >> 20} MiB" in shown["hostfit.1"]
