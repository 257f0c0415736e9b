"""How `hostfit setup` writes and takes back: all or nothing, inside the root, never from under a container (CH8)."""

from __future__ import annotations

import json

import pytest

from hostfit.cli.main import main

PODMAN = "etc/containers/containers.conf.d/zz-hostfit.conf"
CONTAINERD = "etc/containerd/config.toml"
MAIN = "version = 2\n\n[plugins]\n"


class TestWriting:
    def test_a_dry_run_shows_the_difference_and_writes_nothing(self, make_host, capsys):
        host = make_host("containerd")
        host.write(CONTAINERD, MAIN)
        before = host.files()

        assert host.hostfit("setup", "containerd", "--dry-run") == 0

        shown = capsys.readouterr().out
        assert "--- /etc/containerd/config.toml\n+++ /etc/containerd/config.toml\n@@ -1,3 +1,4 @@\n" in shown
        assert '\n+imports = ["/etc/containerd/conf.d/zz-hostfit.toml"]\n' in shown
        assert "--- /dev/null\n+++ /etc/containerd/conf.d/zz-hostfit.toml\n" in shown
        assert host.files() == before
        assert not (host.root / "var").exists()

    def test_an_engine_that_is_not_there_is_a_usage_error(self, make_host, capsys):
        assert make_host().hostfit("setup", "podman") == 2
        assert "podman: required on this host, found nothing of it" in capsys.readouterr().err

    def test_without_the_runtime_nothing_is_told_to_run_it(self, make_host, capsys):
        host = make_host("podman")
        (host.root / "usr/bin/hostfit-runtime").unlink()

        assert host.hostfit("setup", "podman") == 2
        assert "hostfit-runtime: required in /usr/bin or /usr/local/bin, found in none" in capsys.readouterr().err

    def test_a_program_that_others_could_replace_is_not_given_to_an_engine(self, make_host, capsys):
        host = make_host("podman")
        (host.root / "usr/bin").chmod(0o777)

        assert host.hostfit("setup", "podman") == 2
        assert "/usr/bin: must not be writable by group or others, found mode 0777" in capsys.readouterr().err
        assert not (host.root / "etc").exists()

    def test_a_root_that_is_not_there(self, capsys):
        assert main(["setup", "podman", "--root", "/nonexistent/root"]) == 2
        assert "option --root: required a directory, found none" in capsys.readouterr().err

    def test_another_directory_of_the_programs(self, make_host):
        host = make_host("podman")
        for name in ("hostfit-runtime", "hostfit-hook"):
            host.write(f"opt/hostfit/bin/{name}", "")

        host.hostfit("setup", "podman", "--default", "--bin", "/opt/hostfit/bin")

        assert '"/opt/hostfit/bin/hostfit-runtime"' in host.read(PODMAN)
        assert '"/opt/hostfit/bin/hostfit-hook"' in host.read("etc/containers/oci/hooks.d/50-hostfit.json")

    def test_links_of_an_image_stay_inside_of_it(self, make_host, tmp_path):
        host = make_host("docker")
        outside = tmp_path / "outside"
        outside.mkdir()
        (host.root / "etc").mkdir()
        (host.root / "etc/docker").symlink_to("/outside")
        (host.root / "outside").mkdir()

        host.hostfit("setup", "docker")

        assert list(outside.iterdir()) == []
        assert (host.root / "outside/daemon.json").exists()

    def test_nothing_is_half_written(self, make_host, monkeypatch, capsys):
        from hostfit.cli.engines import tree

        host = make_host("containerd")
        host.write(CONTAINERD, MAIN)
        before = host.files()
        real = tree.write_atomic

        def full(path, data, mode, **more):
            if path.endswith("config.toml"):
                raise OSError(28, "full", path)
            real(path, data, mode, **more)

        monkeypatch.setattr(tree, "write_atomic", full)
        assert host.hostfit("setup", "containerd") == 2

        assert "/etc/containerd/config.toml: required writable, found ENOSPC" in capsys.readouterr().err
        assert host.files() == before
        assert not (host.root / "var/lib/hostfit/setup").exists()

    def test_a_file_of_ours_that_somebody_changed_is_kept_where_no_engine_reads_it(self, make_host):
        host = make_host("podman")
        before = host.files()
        host.hostfit("setup", "podman")
        changed = host.read(PODMAN) + "num_locks = 1\n"
        host.write(PODMAN, changed)

        host.hostfit("setup", "podman", "--remove")

        assert host.files() == before | {"etc/containers/zz-hostfit.conf.hostfit-saved": changed.encode()}


class TestContainersLeft:
    @pytest.mark.parametrize(
        ("engine", "files", "name"),
        [
            (
                "containerd",
                {"run/containerd/io.containerd.runtime.v2.task/k8s.io/abc/runtime": "/usr/bin/hostfit-runtime"},
                "abc (namespace k8s.io)",
            ),
            (
                "containerd",
                {
                    "run/containerd/io.containerd.runtime.v2.task/k8s.io/abc/shim-binary-path": (
                        "/usr/bin/containerd-shim-hostfit-v2"
                    )
                },
                "abc (namespace k8s.io)",
            ),
            (
                "k3s",
                {
                    "run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/abc/options.json": (
                        '{"binary_name":"/usr/bin/hostfit-runtime"}'
                    )
                },
                "abc (namespace k8s.io)",
            ),
            (
                "docker",
                {
                    "var/lib/docker/containers/abc/hostconfig.json": '{"Runtime": "hostfit"}',
                    "var/lib/docker/containers/abc/config.v2.json": '{"Name": "/web"}',
                },
                "web",
            ),
            (
                "docker",
                {
                    "etc/systemd/system/docker.service.d/root.conf": (
                        "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H fd:// --data-root=/srv/docker\n"
                    ),
                    "srv/docker/containers/abc/hostconfig.json": '{"Runtime": "hostfit"}',
                },
                "abc",
            ),
            (
                "crio",
                {
                    "var/lib/containers/storage/overlay-containers/abc/userdata/config.json": json.dumps(
                        {
                            "annotations": {
                                "io.kubernetes.cri-o.ContainerType": "sandbox",
                                "io.kubernetes.cri-o.RuntimeHandler": "hostfit",
                                "io.kubernetes.cri-o.SandboxName": "web",
                            }
                        }
                    )
                },
                "pod web",
            ),
        ],
    )
    def test_removal_is_refused_while_one_needs_hostfit(self, make_host, engine, files, name, capsys):
        host = make_host(engine)
        host.hostfit("setup", engine)
        before = host.files()
        for path, text in files.items():
            host.write(path, text)

        assert host.hostfit("setup", engine, "--remove") == 2
        assert f"required no container that is on hostfit, found 1: {name}" in capsys.readouterr().err
        for path in files:
            (host.root / path).unlink()
        assert host.files() == before
        assert host.hostfit("setup", engine, "--remove") == 0

    def test_containers_of_other_runtimes_do_not_count(self, make_host):
        host = make_host("containerd", "docker")
        host.write("run/containerd/io.containerd.runtime.v2.task/k8s.io/a/runtime", "/usr/bin/runc")
        host.write("run/containerd/io.containerd.runtime.v2.task/moby/b/runtime", "/usr/bin/hostfit-runtime")
        host.write("var/lib/docker/containers/abc/hostconfig.json", '{"Runtime": "runc"}')
        for engine in ("containerd", "docker"):
            host.hostfit("setup", engine)

            assert host.hostfit("setup", engine, "--remove") == 0
