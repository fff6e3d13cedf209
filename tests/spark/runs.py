"""One run of the same files on each engine, and what must be equal of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
from pyspark.sql import SparkSession

from cluster import job as on_spark
from default_job import Here, Result
from messages import job as one_machine
from messages.options import Options, Reading, Rules


def counts(result: Result) -> dict[str, Any]:
    """The summary without what says how the run went."""
    return {n: v for n, v in result.summary.items() if n not in ("parts", "seconds")}


def ordered(frame: pl.DataFrame) -> pl.DataFrame:
    """Sort rows, as neither engine promises an order."""
    keys = [name for name, kind in frame.schema.items() if not kind.is_nested()]
    return frame.sort(keys, nulls_last=True)


class Runs:
    """Runs both engines over the files in ``files``."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.spark, self.folder, self.files = spark, folder, folder / "in"
        self.files.mkdir()

    def give(self, **files: str) -> Runs:
        """Write files of JSON Lines by their stems."""
        for stem, text in files.items():
            (self.files / f"{stem}.jsonl").write_text(text)
        return self

    def options(self, folder: Path, output: str, reading: Any, rules: Any) -> Options:
        given = (reading or Reading(), rules or Rules())
        return Options(folder, self.folder / output, *given, opt_ml=self.folder / "opt")

    def on_spark(self, reading: Reading | None = None, rules: Rules | None = None) -> Result:
        manifests = self.folder / "manifests"
        manifests.mkdir(exist_ok=True)
        found = [path for path in self.files.rglob("*") if path.is_file()]
        names = sorted((path.relative_to(self.files).as_posix() for path in found), reverse=True)
        prefix = {"prefix": f"file://{self.files.resolve()}/"}
        (manifests / "run.json").write_text(json.dumps([prefix, *names]))
        options = self.options(manifests, "spark", reading, rules)
        on_spark.process(options, self.spark)
        return Result(options.output)

    def on_one_machine(self, reading: Reading | None = None, rules: Rules | None = None) -> Result:
        options = self.options(self.files, "one", reading, rules)
        one_machine.process(options, Here(), self.folder / "scratch")
        return Result(options.output)

    def equal(self, reading: Reading | None = None, rules: Rules | None = None) -> Result:
        """Run both and compare; give Spark's."""
        ours, theirs = self.on_spark(reading, rules), self.on_one_machine(reading, rules)
        assert counts(ours) == counts(theirs)
        assert ours.rejected == theirs.rejected
        assert ours.frame.schema == theirs.frame.schema
        assert ordered(ours.frame).equals(ordered(theirs.frame))
        return ours
