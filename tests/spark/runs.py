"""One run of the same files on each engine, and what must be equal of them."""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal
from pyspark.sql import SparkSession

from cluster import job as on_spark
from default_job import Here, Result
from messages import job as one_machine
from messages.options import Options, Rules

OUT = "processed/run/"


@dataclass
class Runs:
    """Runs both engines over the files in a folder; Spark reads and writes a bucket."""

    spark: SparkSession
    s3: Any
    folder: Path
    bucket: str

    def __post_init__(self):
        self.files, self.output = self.folder / "in", self.folder / "spark"
        self.files.mkdir()
        self.s3.create_bucket(Bucket=self.bucket)

    def give(self, name, data):
        path = self.files / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return self

    def keys(self):
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=OUT)
        return [entry["Key"] for entry in found.get("Contents", [])]

    def rows(self):
        bodies = [self.s3.get_object(Bucket=self.bucket, Key=key)["Body"] for key in self.keys()]
        return pl.concat(pl.read_parquet(io.BytesIO(body.read())) for body in bodies)

    def on_spark(self, *listed, rules=None):
        """Run over all files, or over those that a manifest lists."""
        paths = {p.relative_to(self.files).as_posix(): p for p in self.files.rglob("*.*")}
        for name, path in paths.items():
            self.s3.upload_file(str(path), self.bucket, f"in/{name}")
        manifests, config = self.folder / "manifests", self.folder / "opt/config"
        manifests.mkdir(exist_ok=True)
        config.mkdir(parents=True, exist_ok=True)
        head = {"prefix": f"s3://{self.bucket}/in/"}
        (manifests / "run.json").write_text(json.dumps([head, *(listed or paths)]))
        output = {"LocalPath": "/opt/ml/output/spark", "S3Uri": f"s3://{self.bucket}/{OUT}"}
        job = {"ProcessingOutputConfig": {"Outputs": [{"S3Output": output}]}}
        (config / "processingjobconfig.json").write_text(json.dumps(job))
        opt_ml = self.folder / "opt"
        options = Options(manifests, self.output, rules=rules or Rules(), opt_ml=opt_ml)
        on_spark.process(options, self.spark)
        return Result(self.output)

    def equal(self, rules=None):
        """Run both and compare; return Spark's result."""
        ours = self.on_spark(rules=rules)
        options = Options(self.files, self.folder / "one", rules=rules or Rules())
        one_machine.process(options, Here(), self.folder / "scratch")
        theirs = Result(options.output)
        own = {name: ours.summary[name] for name in ("parts", "seconds")}
        assert ours.summary == theirs.summary | own
        assert ours.rejected == theirs.rejected
        assert [f"{OUT}{name}" for name in ours.summary["parts"]] == self.keys()
        assert_frame_equal(self.rows(), theirs.frame, check_row_order=False, check_exact=True)
        return ours
