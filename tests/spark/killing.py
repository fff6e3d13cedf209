"""A cleaner that kills its process over one text; Spark's workers find it on their path."""

import os


def clean(texts):
    return texts if "kill" not in texts else os.abort()
