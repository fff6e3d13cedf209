"""Brings the laptop's AWS up and takes it down once, in a process that laptops are forked from.

The forks find every module imported, and AWS's models read: this takes moto seconds.
"""

import gc
import os
import tempfile
from functools import lru_cache
from pathlib import Path

import botocore.session
from botocore.loaders import create_loader

from landrun_ops.local import LocalAws

os.environ.pop("PYTHONPATH")  # by which this module was found
botocore.session.create_loader = lru_cache(create_loader)
with (
    tempfile.TemporaryDirectory() as folder,
    LocalAws.up(Path(__file__).resolve().parents[2], state_dir=Path(folder)),
):
    pass
gc.freeze()
