"""Vega-Lite, the library that draws the report's charts, as one script: from a package, offline."""

from __future__ import annotations

from landrun.errors import ConfigurationError

VEGA_LITE = "6.4"
"""The version that the charts are written for; vl-convert brings several along."""


def chart_library() -> str:
    """Give Vega, Vega-Lite and Vega-Embed as a script that sets ``vegaEmbed``; takes a second.

    Raises
    ------
    ConfigurationError
        When the package is not installed, or is one without that version.
    """
    try:
        import vl_convert  # noqa: PLC0415  (large; of no other use)
    except ImportError as error:
        raise ConfigurationError(
            "the report needs the package vl-convert-python: run make setup"
        ) from error
    try:
        bundle: str = vl_convert.javascript_bundle(
            "window.vegaEmbed=vegaEmbed;", vl_version=VEGA_LITE
        )
    except ValueError as error:
        raise ConfigurationError(
            f"vl-convert-python has no Vega-Lite {VEGA_LITE}: run make setup ({error})"
        ) from error
    return bundle
