"""Every way to start a container in the bed, with and without hostfit, and how each one shows a refusal."""

from __future__ import annotations

import itertools

from hostfit_bed import catalogue, product
from hostfit_bed.command import Done

NUMBERS = itertools.count(1)
WRAPPERS = {"runc": str(product.RUNTIME), "crun": str(product.RUNTIME_CRUN)}
REQUIREMENT = {"fits": catalogue.FITS, "module": catalogue.MODULE, "newer": catalogue.UNKNOWN}
NAMES = [f"{engine}-{runtime}" for engine in ("bare", "podman", "containerd", "docker") for runtime in ("runc", "crun")]


class Way:
    """One engine with one OCI runtime beneath; `start` gives what the user sees.

    `container` is the name a test gives, `known_as` the id under which the OCI runtime got it, as engines print it.
    """

    def __init__(self, engine, images, runtime):
        self.engine = engine
        self.images = images
        self.runtime = runtime
        self.wrapper = WRAPPERS[runtime]

    def new(self):
        """A name that no other container of the session has."""
        return f"hf-{next(NUMBERS)}"

    def image(self, tag):
        """The image of the bed that carries the requirement `tag`."""
        return self.images.built[tag]

    def subject(self, tag, container):
        """What a diagnostic calls the image."""
        return self.image(tag).name

    def known_as(self, container):
        return container

    def _id_file(self, container):
        return self.engine.room.run_dir / f"{container}.cid"

    def _id_option(self, container):
        return ("--rm", "--name", container, "--cidfile", f"/run/{container}.cid")


class Bare(Way):
    """runc or crun themselves, on a bundle with annotations."""

    def start(self, tag, container, *, hostfit=True):
        bundle = self.engine.bundle(container, annotations={catalogue.REQUIRE: REQUIREMENT[tag]})
        return self.engine.start(self.wrapper if hostfit else self.runtime, bundle, container)

    def subject(self, tag, container):
        return f"container {container}"

    def refused(self, line):
        return Done(1, "", f"{line}\n")

    def left(self, container):
        listed = self.engine.room.run([self.runtime, "list", "-q"], check=True).out.split()
        return [name for name in listed if name == container]


class Podman(Way):
    """podman run --rm."""

    def start(self, tag, container, *, hostfit=True):
        chosen = self.wrapper if hostfit else self.runtime
        return self.engine.start(self.image(tag), runtime=chosen, options=self._id_option(container))

    def known_as(self, container):
        return self._id_file(container).read_text()[:12]

    def refused(self, line):
        return Done(126, "", f"Error: OCI runtime error: {self.wrapper}: {line}\n")

    def left(self, container):
        return [name for name in self.engine.names() if name == container]


class Containerd(Way):
    """ctr run --rm with BinaryName."""

    def start(self, tag, container, *, hostfit=True):
        chosen = self.wrapper if hostfit else f"/usr/bin/{self.runtime}"
        return self.engine.start(self.image(tag), container, binary=chosen)

    def refused(self, line):
        return Done(1, "", f"ctr: failed to create shim task: OCI runtime create failed: {line}: unknown\n")

    def left(self, container):
        return [name for name in self.engine.left() if name == container]


class Docker(Way):
    """docker run --rm with a runtime of the daemon's configuration; its store keeps an image's labels alone."""

    def start(self, tag, container, *, hostfit=True):
        chosen = self.runtime if not hostfit else {"runc": "hostfit", "crun": "hostfit-crun"}[self.runtime]
        done = self.engine.start(self.image(tag), runtime=chosen, options=self._id_option(container))
        # The client's own wait for the container that never was, which it loses or wins by chance.
        shown = [line for line in done.err.splitlines(keepends=True) if "error waiting for container" not in line]
        return Done(done.code, done.out, "".join(shown))

    def image(self, tag):
        return self.images.built[f"labelled-{tag}"]

    def known_as(self, container):
        return self._id_file(container).read_text()[:12]

    def refused(self, line):
        text = f"docker: Error response from daemon: failed to create shim task: OCI runtime create failed: {line}"
        return Done(125, "", f"{text}: unknown.\n")

    def left(self, container):
        return [name for name in self.engine.names() if name == container]


WAYS = {"bare": Bare, "podman": Podman, "containerd": Containerd, "docker": Docker}
