"""Errors of the laptop's AWS; their messages name the remedy and are shown to people."""

from landrun.errors import LandrunError


class LocalAwsError(LandrunError):
    """The laptop's AWS cannot be brought up."""


class NotUpError(LocalAwsError):
    """The laptop's AWS is not up in the given state folder."""


class TemplateError(LocalAwsError):
    """The template, a parameter given to it, a file it names, or a resource of it is wrong."""
