"""A cleaner that kills its process over one text; Spark's workers find it on their path."""

from __future__ import annotations

import os


def clean(texts):
    return texts if "kill" not in texts else os.abort()
