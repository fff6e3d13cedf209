"""What can go wrong on the laptop's AWS; each says what to do about it, and is shown as it is."""

from __future__ import annotations

from landrun.errors import LandrunError


class LocalAwsError(LandrunError):
    """The base of the others."""


class AlreadyUpError(LocalAwsError):
    """The laptop's AWS is up already: in the same state folder, or in this process."""


class NotUpError(LocalAwsError):
    """The laptop's AWS is not up in the given state folder."""


class PortInUseError(LocalAwsError):
    """Another program listens on the port asked for."""


class TemplateError(LocalAwsError):
    """The template, a parameter given to it, or a file it names."""


class StackError(LocalAwsError):
    """A resource of the template could not be created."""
