"""The job as SageMaker calls it: objects in S3, named by a manifest, parts in S3."""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cluster import executors, store
from cluster import job as on_spark
from cluster.executors import Target
from default_job import Result
from messages.options import JobError, Options, Rules
from messages.tasks import Output

from .runs import Runs, counts, ordered

OUT = "processed/run/"


@dataclass(frozen=True)
class Bucket:
    """A bucket with files in it, and a job that reads them and writes beside them."""

    s3: Any
    name: str
    folder: Path

    def options(self, *keys: str) -> Options:
        manifests, config = self.folder / "manifests", self.folder / "opt/config"
        manifests.mkdir()
        config.mkdir(parents=True)
        listed = [{"prefix": f"s3://{self.name}/in/"}, *keys]
        (manifests / "run.json").write_text(json.dumps(listed))
        output = {"LocalPath": "/opt/ml/out/processed", "S3Uri": f"s3://{self.name}/{OUT}"}
        job = {"ProcessingOutputConfig": {"Outputs": [{"S3Output": output}]}}
        (config / "processingjobconfig.json").write_text(json.dumps(job))
        return Options(manifests, self.folder / "processed", opt_ml=self.folder / "opt")

    def parts(self) -> list[str]:
        found = self.s3.list_objects_v2(Bucket=self.name, Prefix=OUT)
        return [entry["Key"] for entry in found.get("Contents", [])]

    def begun(self) -> list[str]:
        found = self.s3.list_multipart_uploads(Bucket=self.name)
        return [entry["Key"] for entry in found.get("Uploads", [])]

    def read(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=self.name, Key=key)["Body"].read()


@pytest.fixture
def bucket(s3: Any, tmp_path: Path) -> Bucket:
    name = f"b{abs(hash(tmp_path))}"
    s3.create_bucket(Bucket=name)
    return Bucket(s3, name, tmp_path)


def test_objects_of_s3_come_out_as_files_do(runs: Runs, bucket: Bucket) -> None:
    samples = Path(__file__).resolve().parents[2] / "samples"
    shutil.copytree(samples, runs.files, dirs_exist_ok=True)
    names = [path.name for path in samples.iterdir()]
    for name in names:
        bucket.s3.upload_file(str(samples / name), bucket.name, f"in/{name}")
    options = bucket.options(*names)

    on_spark.process(options, runs.spark)

    ours, theirs = Result(options.output), runs.on_one_machine()
    assert counts(ours) == counts(theirs)
    assert ours.rejected == theirs.rejected
    assert [f"{OUT}{name}" for name in ours.summary["parts"]] == bucket.parts()
    frame = pl.concat(pl.read_parquet(io.BytesIO(bucket.read(key))) for key in bucket.parts())
    assert ordered(frame).equals(ordered(theirs.frame))


def test_a_stretch_of_an_object_is_read_alone(bucket: Bucket, tmp_path: Path) -> None:
    bucket.s3.put_object(Bucket=bucket.name, Key="in/a", Body=b"0123456789")
    copy = tmp_path / "copy"
    copy.write_bytes(bytes(10))

    store.copy(f"s3://{bucket.name}/in/a", 3, 6, copy)

    assert copy.read_bytes() == b"\0\0\x00345\0\0\0\0"


def test_an_object_that_s3_refuses_is_named_in_one_line(runs: Runs, bucket: Bucket) -> None:
    with pytest.raises(JobError, match=rf"^cannot read s3://{bucket.name}/in/none\.jsonl: 404$"):
        on_spark.process(bucket.options("none.jsonl"), runs.spark)


def test_a_job_that_fails_before_the_end_leaves_no_part(
    runs: Runs, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.s3.put_object(Bucket=bucket.name, Key="in/a.jsonl", Body=b'{"text": "a"}\n')

    def refused(one: store.Upload) -> None:
        raise store.StoreError(f"cannot write {one.uri}: AccessDenied")

    monkeypatch.setattr(store, "commit", refused)
    with pytest.raises(JobError, match=r"cannot write s3://\S+parquet: AccessDenied"):
        on_spark.process(bucket.options("a.jsonl"), runs.spark)

    assert bucket.parts() == []


def test_what_is_discarded_does_not_stay_begun(bucket: Bucket, tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_bytes(b"rows")
    one = store.upload(part, f"s3://{bucket.name}/{OUT}part", "")
    assert bucket.begun() == [f"{OUT}part"]

    store.discard(one)

    assert (bucket.begun(), bucket.parts()) == ([], [])


def test_parts_are_named_by_partition_so_that_a_task_run_twice_writes_the_same(
    tmp_path: Path,
) -> None:
    frame = pl.DataFrame({"\0order": [0, 1], "text": ["a", "b"]})
    piece = executors._piece(0, 0, executors.ROWS, executors._packed(frame))
    columns = {"task": piece.column("task"), "data": piece.column("data"), "drop": [[1]]}
    batch = executors.pa.RecordBatch.from_pydict(columns)
    schema = executors.pickle.dumps({"text": pl.String()})
    output, target = Output(schema, ("text",), Rules()), Target(f"{tmp_path.as_uri()}/", "")

    for _ in range(2):
        [written] = [
            row for one in executors.write_parts([batch], output, target) for row in one.to_pylist()
        ]
        part = executors.pickle.loads(written["data"])
        store.commit(part.upload)
        assert part.kept == {0: 1}

    assert Result(tmp_path).texts == ["a"]
