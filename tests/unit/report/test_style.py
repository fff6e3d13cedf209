"""Colours that can be told apart and read: WCAG 2.2, contrast (minimum) and non-text contrast."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

STYLE = (files("landrun_ops.web") / "page" / "style.css").read_text(encoding="utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
    for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
)
SIGNS = (
    *("succeeded", "failed", "timed-out", "aborted", "running", "other", "in", "duplicates"),
    *("empty", "rejected", "p50", "p90", "p99", "edge"),
)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_texts_can_be_read_on_every_ground(colours: dict[str, str]) -> None:
    for text in ("ink", "muted", "accent"):
        for ground in ("ground", "card", "field"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    assert contrast(colours["accent-ink"], colours["accent"]) >= 4.5


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_bars_and_borders_can_be_seen(colours: dict[str, str]) -> None:
    for sign in SIGNS:
        assert contrast(colours[sign], colours["card"]) >= 3, sign
