"""One run of the same files on each engine, and what must be equal of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from pyspark.sql import SparkSession

from cluster import job as on_spark
from here import Here
from messages import job as one_machine
from messages.options import Options, Reading, Rules

# What says how a run went rather than what came of it.
OWN = ("parts", "seconds")


@dataclass(frozen=True)
class Result:
    """What a run left behind."""

    output: Path

    @property
    def summary(self) -> dict[str, Any]:
        return json.loads((self.output / "summary.json").read_bytes())

    @property
    def rejected(self) -> list[dict[str, Any]]:
        lines = (self.output / "rejected.jsonl").read_bytes().splitlines()
        return [json.loads(line) for line in lines]

    @property
    def frame(self) -> pl.DataFrame:
        return pl.concat(pl.read_parquet(part) for part in self.parts)

    @property
    def parts(self) -> list[Path]:
        return sorted(self.output.glob("part-*.parquet"))

    @property
    def rows(self) -> pl.DataFrame:
        """All rows, sorted: neither engine promises an order."""
        frame = self.frame
        keys = [n for n, t in frame.schema.items() if not t.is_nested()]
        return frame.sort(keys, nulls_last=True)

    @property
    def counts(self) -> dict[str, Any]:
        return {name: value for name, value in self.summary.items() if name not in OWN}


@dataclass(frozen=True)
class Runs:
    """Runs both engines in ``folder``."""

    spark: SparkSession
    folder: Path

    def on_spark(
        self, files: Path, reading: Reading | None = None, rules: Rules | None = None
    ) -> Result:
        manifests, output = self.folder / "manifests", self.folder / "spark"
        manifests.mkdir(exist_ok=True)
        names = [p.relative_to(files).as_posix() for p in files.rglob("*") if p.is_file()]
        content = [{"prefix": f"file://{files.resolve()}/"}, *sorted(names, reverse=True)]
        (manifests / "run.json").write_text(json.dumps(content))
        given = reading or Reading()
        options = Options(manifests, output, given, rules or Rules(), opt_ml=self.folder / "opt")
        on_spark.process(options, self.spark)
        return Result(output)

    def on_one_machine(
        self, files: Path, reading: Reading | None = None, rules: Rules | None = None
    ) -> Result:
        output, given = self.folder / "one", reading or Reading()
        options = Options(files, output, given, rules or Rules(), opt_ml=self.folder / "opt")
        one_machine.process(options, Here(), self.folder / "scratch")
        return Result(output)

    def equal(
        self, files: Path, reading: Reading | None = None, rules: Rules | None = None
    ) -> Result:
        """Run both and compare; give Spark's."""
        ours = self.on_spark(files, reading, rules)
        theirs = self.on_one_machine(files, reading, rules)
        assert ours.counts == theirs.counts
        assert ours.rejected == theirs.rejected
        assert ours.frame.schema == theirs.frame.schema
        assert ours.rows.equals(theirs.rows)
        return ours
