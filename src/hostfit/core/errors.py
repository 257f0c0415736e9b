"""Every exception that hostfit raises on purpose. A misfit is a value, never one of these."""

from __future__ import annotations


class HostfitError(Exception):
    """Root of all errors. The message is one lower-case line, subject first, required then found.

    `exit_code` is what a command ends with (design: exit codes of `hostfit check`);
    `hint` is one sentence that says what to do about it, or empty.
    """

    exit_code = 4

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(HostfitError):
    """A command was called with arguments that make no sense together."""

    exit_code = 2


class PolicyError(HostfitError):
    """The administrator's configuration cannot be read, trusted or understood."""

    exit_code = 2


class SpecError(HostfitError):
    """A compatibility spec is not valid; `problems` lists all that was found, in document order."""

    exit_code = 5

    def __init__(self, message: str, problems: tuple[object, ...] = (), *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.problems = problems


class SourceError(HostfitError):
    """A place where specs come from (image store, content store, spec store) is broken."""

    exit_code = 4


class RegistryError(SourceError):
    """A registry cannot be reached, refuses, or answers what cannot be believed; nothing is known from it then."""


class UnreachableError(RegistryError):
    """No answer came from a registry, or none about the content: what it has may be asked for again later."""


class NoSuchImageError(SourceError):
    """No local store, or no registry, has an image of this name; nothing was judged."""

    exit_code = 2


class BundleError(HostfitError):
    """A bundle, a state document or an argument vector of an engine cannot be understood."""

    exit_code = 4


class FactsError(HostfitError):
    """A recorded host cannot be read. A probe never raises this: it answers unknown."""

    exit_code = 2


class RuntimeUnusableError(HostfitError):
    """The OCI runtime that should take the container is missing or not safe to run."""

    exit_code = 1
