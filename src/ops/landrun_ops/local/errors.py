"""What can go wrong on the laptop's AWS.

::

    LocalAwsError
    ├── AlreadyUpError     a landrun is up in this folder, or in this process
    ├── NotUpError         nothing is up in this folder
    ├── PortInUseError     another program listens there
    ├── TemplateError      the template, its parameters or the files it names
    └── StackError         a resource that could not be created
"""

from __future__ import annotations

from landrun.errors import LandrunError


class LocalAwsError(LandrunError):
    """Says what is wrong and what to do about it; meant to be shown to people as it is."""


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
