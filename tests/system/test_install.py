"""`pip install .` into a fresh virtual environment gives every command, and each of them runs."""

from __future__ import annotations

import pytest
from hostfit_bed.product import COMMANDS, HOOK, HOSTFIT, RUNTIME


@pytest.mark.parametrize("command", COMMANDS, ids=lambda path: path.name)
def test_what_engines_execute_is_the_native_launcher_and_the_rest_is_the_environment_s_python(room, command):
    found = room.run(["head", "-n", "1", command], check=True).out

    assert room.run(["test", "-x", command]).code == 0
    assert found.startswith("\x7fELF" if command in (RUNTIME, HOOK) else "#!/opt/hostfit/bin/python")


def test_command_line_says_its_version(room):
    done = room.run([HOSTFIT, "--version"])

    assert done.code == 0
    assert done.out.startswith("hostfit 0.")


def test_wrapper_answers_as_the_default_runtime(room, host):
    assert room.run([RUNTIME, "--version"]) == room.run(["runc", "--version"])


def test_hook_denies_what_it_cannot_understand(room, host):
    done = room.run([HOOK], stdin="not a state")

    assert done.code == 1
    assert done.err.startswith("hostfit: ")
    assert len(done.err.splitlines()) == 1


def test_package_data_came_along(room):
    shipped = room.run(["find", "/opt/hostfit/lib", "-path", "*/hostfit/*", "-name", "*.json"], check=True).out

    assert "spec-v1alpha1.schema.json" in shipped
    assert "report-v1.schema.json" in shipped


def test_every_command_line_word_works_without_the_source_tree(room, host):
    for words in (["facts", "kernel.version"], ["explain", "kernel.version"], ["lint", "--help"], ["check", "--help"]):
        done = room.run([HOSTFIT, *words])

        assert done.code == 0, done
        assert done.out
