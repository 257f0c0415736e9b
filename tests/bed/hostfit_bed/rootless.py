"""An ordinary user of a room, with Podman's rootless containers."""

from __future__ import annotations

import shutil

from hostfit_bed.command import need


class User:
    """A user with subordinate ids and a runtime directory, as a login makes them; `runtime_dir` is outside the room."""

    def __init__(self, room, name="alice"):
        need("podman", "conmon", "runc", "crun", "newuidmap", "setpriv", "useradd")
        self.room = room
        self.name = name
        room.run(["useradd", "--create-home", "--home-dir", f"/var/lib/{name}", name], check=True)
        self.uid = int(room.run(["id", "-u", name], check=True).out)
        self.inside = f"/run/user/{self.uid}"
        self.runtime_dir = room.run_dir / "user" / str(self.uid)
        room.run(["install", "-d", "-m", "755", "/run/user"], check=True)
        room.run(["install", "-d", "-m", "700", "-o", name, "-g", name, self.inside], check=True)

    def run(self, command, **options):
        """Run a command as this user, in the environment of a login."""
        user = ["setpriv", f"--reuid={self.name}", f"--regid={self.name}", "--init-groups", "--reset-env"]
        login = ["sh", "-c", 'cd && export XDG_RUNTIME_DIR="$0" && exec "$@"', self.inside]
        return self.room.run([*user, *login, *command], **options)

    def podman(self, *words, **options):
        """Run one podman command."""
        return self.run(["podman", "--log-level=error", *words], **options)

    def load(self, image):
        """Bring an image of the bed into the user's own store."""
        archive = self.room.lib / self.name / image.oci.name
        shutil.copyfile(image.oci, archive)
        archive.chmod(0o644)
        self.podman("load", "-q", "-i", f"/var/lib/{self.name}/{archive.name}", check=True)
