"""Write the table of counts anew: when one is to change, `git diff` says which."""

from __future__ import annotations

from .counting import TABLE, measured

TABLE.write_text(measured(), encoding="utf-8")
