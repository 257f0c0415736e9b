"""Who we are at a registry: files of podman, docker and Kubernetes in their order, and helpers (R3, R13)."""

from __future__ import annotations

import base64
import json
import os
import sys
from pathlib import Path

import pytest

from hostfit.core.errors import RegistryError
from hostfit.sources.registry import helper
from hostfit.sources.registry.credentials import Credentials, default_files

HUB = "https://index.docker.io/v1/"


def entry(user, secret="s"):
    return {"auth": base64.b64encode(f"{user}:{secret}".encode()).decode()}


@pytest.fixture
def write(tmp_path):
    def write(name, tree):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(tree if isinstance(tree, str) else json.dumps(tree))
        return str(path)

    return write


def user(found):
    return None if found is None else found.user


class TestOrder:
    def test_files_are_asked_in_the_order_of_the_manual(self):
        environ = {"HOME": "/home/u", "XDG_RUNTIME_DIR": "/run/user/1000"}

        assert default_files("/etc/hostfit", environ, 1000) == (
            "/etc/hostfit/auth.json", "/run/user/1000/containers/auth.json", "/home/u/.config/containers/auth.json",
            "/home/u/.docker/config.json", "/home/u/.dockercfg",
        )  # fmt: skip

    def test_root_has_the_file_that_podman_writes_for_it(self):
        assert default_files("/etc/hostfit", {}, 0) == ("/etc/hostfit/auth.json", "/run/containers/0/auth.json")

    def test_file_of_the_environment_is_the_only_one(self):
        assert default_files("/etc/hostfit", {"REGISTRY_AUTH_FILE": "/a", "HOME": "/root"}, 0) == ("/a",)

    def test_first_file_that_knows_the_registry_counts(self, write):
        first = write("a", {"auths": {"other.example": entry("other")}})
        second, third = (write(name, {"auths": {"r.example": entry(name)}}) for name in ("b", "c"))

        assert user(Credentials((first, "/nowhere", second, third)).find("r.example", "x")) == "b"

    @pytest.mark.parametrize(
        ("repository", "expected"),
        [("a/b/c", "three"), ("a/b/d", "two"), ("a", "one"), ("ab", "host"), ("b/a", "host")],
    )
    def test_most_specific_key_counts(self, write, repository, expected):
        keys = {"r.example": "host", "r.example/a": "one", "r.example/a/b": "two", "r.example/a/b/c": "three"}
        path = write("auth.json", {"auths": {key: entry(name) for key, name in keys.items()}})

        assert user(Credentials((path,)).find("r.example", repository)) == expected

    @pytest.mark.parametrize("key", [HUB, "docker.io", "index.docker.io", "docker.io/library"])
    def test_docker_hub_is_known_by_all_its_names(self, write, key):
        path = write("config.json", {"auths": {key: entry("hub")}})

        assert user(Credentials((path,)).find("registry-1.docker.io", "library/busybox")) == "hub"

    def test_registry_is_no_other_whose_name_begins_alike(self, write):
        path = write("auth.json", {"auths": {"r.example": entry("u")}})

        assert Credentials((path,)).find("r.example:5000", "x") is None
        assert Credentials((path,)).find("r.example.evil", "x") is None


class TestEntries:
    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            (entry("u", "p:with:colons"), ("u", "p:with:colons", False)),
            ({"username": "u", "password": "p"}, ("u", "p", False)),
            ({"identitytoken": "t", **entry("00000000-0000-0000-0000-000000000000", "")}, ("", "t", True)),
            ({}, None),
            ({"auth": ""}, None),
            ({"email": "x@y"}, None),
            (5, None),
        ],
    )
    def test_each_form_is_read(self, write, fields, expected):
        path = write("auth.json", {"auths": {"r.example": fields}})

        found = Credentials((path,)).find("r.example", "x")

        assert (None if found is None else (found.user, found.secret, found.identity)) == expected

    def test_dockercfg_has_no_section(self, write):
        path = write(".dockercfg", {"https://r.example/v1/": entry("old")})

        assert user(Credentials((path,)).find("r.example", "x")) == "old"

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("{", "not valid JSON"),
            ("[]", "a mapping is required"),
            ('{"auths": []}', None),
            ('{"auths": [1]}', "must be mappings"),
            ('{"credsStore": 5}', "credsStore text"),
            ('{"auths": {"r.example": {"auth": "%%%"}}}', "auth must be USER:PASSWORD in base64"),
            ('{"auths": {"r.example": {"auth": "bm9jb2xvbg=="}}}', "auth must be USER:PASSWORD in base64"),
        ],
    )
    def test_file_that_cannot_be_understood_is_named(self, write, text, said):
        path = write("auth.json", text)
        if said is None:
            assert Credentials((path,)).find("r.example", "x") is None
            return

        with pytest.raises(RegistryError) as caught:
            Credentials((path,)).find("r.example", "x")

        assert path in caught.value.message
        assert said in caught.value.message

    def test_secret_is_in_no_representation(self, write):
        path = write("auth.json", {"auths": {"r.example": entry("u", "hunter2")}})

        assert "hunter2" not in repr(Credentials((path,)).find("r.example", "x"))


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Make a helper that answers with what is given, in a directory that only root can change."""
    if os.geteuid() != 0:
        pytest.skip("needs root: helpers must belong to it")
    monkeypatch.setattr(helper, "_SECONDS", 60.0)  # an interpreter may be slow to start

    def program(body, name="own", mode=0o755):
        path = tmp_path / "bin" / f"docker-credential-{name}"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!{sys.executable}\nimport sys\n{body}\n")
        path.chmod(mode)
        return str(path.parent)

    return program


ANSWERS = 'server = sys.stdin.read()\nprint(\'{"ServerURL":"x","Username":"USER","Secret":"\' + server + \'"}\')'


class TestHelpers:
    def test_helper_for_a_registry_is_asked_for_it(self, write, program):
        path = write("config.json", {"credHelpers": {"r.example": "own"}, "auths": {"r.example": {}}})
        found = Credentials((path,), (program(ANSWERS),)).find("r.example", "x")

        assert (found.user, found.secret, found.identity) == ("USER", "r.example", False)

    def test_helper_for_all_is_asked_last(self, write, program):
        path = write("config.json", {"credsStore": "own", "auths": {"a.example": entry("plain")}})
        credentials = Credentials((path,), (program(ANSWERS),))

        assert user(credentials.find("a.example", "x")) == "plain"
        assert credentials.find("b.example", "x").secret == "b.example"
        assert credentials.find("registry-1.docker.io", "library/x").secret == HUB

    def test_identity_token_is_known_by_the_users_name(self, write, program):
        path = write("config.json", {"credsStore": "own"})
        found = Credentials((path,), (program(ANSWERS.replace("USER", "<token>")),)).find("r.example", "x")

        assert (found.user, found.identity) == ("", True)

    def test_helper_that_knows_nothing_lets_the_next_file_speak(self, write, program):
        first = write("a.json", {"credsStore": "own"})
        second = write("b.json", {"auths": {"r.example": entry("next")}})
        nothing = 'print("credentials not found in native keychain"); sys.exit(1)'

        assert user(Credentials((first, second), (program(nothing),)).find("r.example", "x")) == "next"

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            ("sys.exit(3)", "must end with 0, found 3"),
            ("print('<html>')", "not valid JSON"),
            ("print('[]')", "Username and Secret are required"),
            ('print(\'{"Username":"u"}\')', "Username and Secret are required"),
            ("print('x' * (1 << 20))", "must be at most 65536 bytes"),
        ],
    )
    def test_helper_that_fails_is_told(self, write, program, body, said):
        path = write("config.json", {"credsStore": "own"})

        with pytest.raises(RegistryError) as caught:
            Credentials((path,), (program(body),)).find("r.example", "x")

        assert caught.value.message.startswith(f'{path}: helper "own": ')
        assert said in caught.value.message

    def test_helper_that_cannot_be_executed_is_told(self, write, program):
        directory = program("")
        Path(directory, "docker-credential-own").write_bytes(b"\0")
        path = write("config.json", {"credsStore": "own"})

        with pytest.raises(RegistryError, match="cannot be executed: ENOEXEC"):
            Credentials((path,), (directory,)).find("r.example", "x")

    def test_helper_that_does_not_answer_is_ended(self, write, program, monkeypatch):
        directory = program("import time; time.sleep(600)")
        monkeypatch.setattr(helper, "_SECONDS", 0.5)
        path = write("config.json", {"credsStore": "own"})

        with pytest.raises(RegistryError, match=r"must answer within 0\.5 s"):
            Credentials((path,), (directory,)).find("r.example", "x")

    @pytest.mark.parametrize("name", ["../own", "own/../own", "Own", "own x", "", "own\n"])
    def test_name_is_never_a_path(self, write, program, name):
        path = write("config.json", {"credHelpers": {"r.example": name or "\0"}})

        with pytest.raises(RegistryError, match="lower-case letters, digits and -"):
            Credentials((path,), (program(ANSWERS),)).find("r.example", "x")

    def test_helper_that_others_could_change_is_not_run(self, write, program):
        path = write("config.json", {"credsStore": "own"})

        with pytest.raises(RegistryError, match="must not be writable by group or others"):
            Credentials((path,), (program(ANSWERS, mode=0o777),)).find("r.example", "x")

    def test_helper_is_found_nowhere_else(self, write, program, monkeypatch):
        directory = program(ANSWERS)
        monkeypatch.setenv("PATH", directory)
        path = write("config.json", {"credsStore": "own"})

        with pytest.raises(RegistryError, match=r"docker-credential-own is required in /nowhere, found none"):
            Credentials((path,), ("/nowhere",)).find("r.example", "x")
