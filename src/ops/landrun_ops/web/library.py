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

        return str(
            vl_convert.javascript_bundle("window.vegaEmbed=vegaEmbed;", vl_version=VEGA_LITE)
        )
    except (ImportError, ValueError) as error:
        raise ConfigurationError(
            f"the report needs vl-convert-python with Vega-Lite {VEGA_LITE}: run make setup"
            f" ({error})"
        ) from error
