"""Whether a signer signed an artifact: the administrator's program is asked, with nothing from an image but a digest.

Security rules R3, R4 and R20: an absolute path that only root can change, an argument vector and no shell, an
environment of its own, an end in sight.
"""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

from hostfit.core.errors import HostfitError, SourceError
from hostfit.core.text import escape, quoted
from hostfit.oci import digest as digests
from hostfit.oci import reference as references
from hostfit.oci.files import open_trusted, symbol

if TYPE_CHECKING:
    from collections.abc import Sequence

_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class VerifierError(SourceError):
    """A verifier could not be asked, so that nothing is known of who signed."""


def signed(
    verify: Sequence[str], placeholder: str, repository: str, digest: str, *, environment: Sequence[str], timeout: float
) -> bool:
    """Ask whether an artifact carries the signature; `repository` is registry/path, `digest` the artifact manifest's.

    `verify` is the argument vector, in which `placeholder` stands for the artifact. The program says yes with exit
    status 0, and no with any other. Raises VerifierError where it cannot be executed or does not end in time (seconds).
    """
    reference = f"{repository}@{digest}"
    if not _plain(reference):
        raise VerifierError(f"verifier: a reference by digest is required, found {quoted(reference)}")
    program = verify[0]
    words = [reference if one == placeholder else one for one in verify]
    try:
        os.close(open_trusted(program))
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=_environment(environment),
            start_new_session=True,
        )
    except OSError as error:
        raise VerifierError(f"verifier {escape(program, 4096)}: cannot be executed: {symbol(error)}") from None
    except HostfitError as error:
        raise VerifierError(f"verifier {escape(program, 4096)}: {error.message}") from None
    try:
        return process.wait(timeout) == 0
    except subprocess.TimeoutExpired:
        raise VerifierError(
            f"verifier {escape(program, 4096)}: must end within {timeout:g} s, found it still running"
        ) from None
    finally:
        _end(process)


def _plain(reference: str) -> bool:
    """Whether a reference is written in full, is by digest, and cannot be taken for an option."""
    try:
        known = references.qualified(reference)
    except ValueError:
        return False
    return str(known) == reference and digests.valid(known.digest) and reference[0].isalnum()


def _environment(further: Sequence[str]) -> dict[str, str]:
    """PATH, LANG and HOME of the user that runs this, and what the administrator adds; nothing is inherited."""
    import pwd  # only where something is signed

    try:
        home = pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:
        home = "/"
    pairs = [one.partition("=") for one in (_PATH, "LANG=C.UTF-8", f"HOME={home}", *further)]
    return {name: value for name, _, value in pairs}


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program, and whatever it left running in its session."""
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
