"""The administrator's side of a room: policy, images.d, the break-glass file, kept reports, and the command line."""

from __future__ import annotations

import shutil

from hostfit_bed import product


class Host:
    """hostfit's own directories in a room, written and read from outside."""

    def __init__(self, room):
        self.room = room

    def reset(self):
        """Back to a host on which nothing is configured and nothing was decided."""
        for directory in (self.room.policy, self.room.lib / "hostfit", self.room.run_dir / "hostfit"):
            for entry in directory.iterdir() if directory.is_dir() else ():
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        self.room.set_sysctl("net.ipv4.ip_forward", 0)

    def policy(self, text):
        """Write /etc/hostfit/hostfit.toml."""
        self.write("hostfit.toml", text)

    def write(self, path, text):
        """Write a file below /etc/hostfit."""
        target = self.room.policy / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def hostfit(self, *words, **options):
        """Run the command line."""
        return self.room.run([product.HOSTFIT, *words], **options)

    def why(self, container):
        """What `hostfit why` says about a container."""
        return self.hostfit("why", container, check=True).out

    def records(self):
        """What the wrapper remembers about containers: names of files below /run/hostfit/containers."""
        directory = self.room.run_dir / "hostfit" / "containers"
        return sorted(entry.name for entry in directory.iterdir()) if directory.is_dir() else []
