"""What SageMaker hands to the job, what the job leaves in S3, and what a person is shown."""

import json
from pathlib import Path

import pytest

from cluster import manifest, store
from cluster.session import settings
from default_job import json_lines
from messages.options import JobError, Rules

from .runs import OUT


def write(folder, **files):
    """Make a folder of JSON files."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def test_the_jobs_own_manifest_names_the_objects_by_their_paths_and_in_order(tmp_path):
    listed = [{"prefix": "s3://b/in/"}, "b.csv", "./a//x.csv", "b.csv"]
    folder = write(tmp_path / "m", run=listed, run2=[])
    source = {"S3Input": {"S3Uri": "s3://b/manifests/run.json"}}
    write(tmp_path / "config", processingjobconfig={"ProcessingInputs": [source]})

    assert manifest.read_manifest(folder, tmp_path) == [
        manifest.Entry("s3://b/in/./a//x.csv", "a/x.csv"),
        manifest.Entry("s3://b/in/b.csv", "b.csv"),
    ]


@pytest.mark.parametrize("content", [{}, ["a"], [{"prefix": "s3://b/"}]])
def test_what_is_no_manifest_is_refused_by_name(tmp_path, content):
    with pytest.raises(JobError, match=r"run\.json"):
        manifest.read_manifest(write(tmp_path / "m", run=content), tmp_path)


def test_parts_go_where_sagemaker_would_upload_the_folder(tmp_path):
    folders = {"logs": "s3://b/l", "processed": "s3://b/p/run"}
    outputs = [
        {"S3Output": {"LocalPath": f"/opt/ml/processing/output/{name}", "S3Uri": uri}}
        for name, uri in folders.items()
    ]
    job = {"ProcessingOutputConfig": {"Outputs": outputs, "KmsKeyId": "key"}}
    write(tmp_path / "config", processingjobconfig=job)

    assert manifest.output_uri(Path("/any/processed"), tmp_path) == ("s3://b/p/run/", "key")
    with pytest.raises(JobError, match="/any/other"):
        manifest.output_uri(Path("/any/other"), tmp_path)


MEMORY, OVERHEAD = "spark.executor.memory", "spark.executor.memoryOverhead"
# As SageMaker's bootstrap computes them for an ml.m5.xlarge: 4 cores, 16 GB.
GIVEN = {MEMORY: "12381m", OVERHEAD: "1238m", "spark.executor.cores": "4"}


@pytest.mark.parametrize(
    ("given", "java", "python"),
    [
        pytest.param(GIVEN, "10547m", "3072m", id="shared"),
        pytest.param(GIVEN | {MEMORY: "1200m"}, "1024m", "1414m", id="Java keeps 1 GB"),
        pytest.param({MEMORY: "2g"}, None, None, id="not as SageMaker's"),
        pytest.param(GIVEN | {"spark.executor.pyspark.memory": "3g"}, None, None, id="decided"),
    ],
)
def test_python_gets_what_its_workers_take_unless_somebody_decided(given, java, python):
    made = settings(given, Path("/opt/program"))

    assert (made.get(MEMORY), made.get(OVERHEAD)) == (java, python)


def test_an_object_that_s3_refuses_is_named_in_one_line(runs):
    with pytest.raises(JobError, match=rf"^cannot read s3://{runs.bucket}/in/none\.jsonl: 404$"):
        runs.on_spark("none.jsonl")


def test_a_job_that_fails_leaves_no_part_and_a_second_attempt_none_but_its_own(runs, monkeypatch):
    def refused(one):
        raise store.StoreError(f"cannot write {one.uri}: AccessDenied")

    runs.give("a.jsonl", json_lines({"text": "a"}))
    with monkeypatch.context() as patch:
        patch.setattr(store, "commit", refused)
        with pytest.raises(JobError, match=r"\S+parquet: AccessDenied"):
            runs.on_spark()
    assert runs.keys() == []

    runs.s3.put_object(Bucket=runs.bucket, Key=f"{OUT}part-00000-0000.parquet", Body=b"torn")
    assert [f"{OUT}{name}" for name in runs.on_spark().summary["parts"]] == runs.keys()
    assert runs.rows()["text"].to_list() == ["a"]

    runs.s3.put_object(Bucket=runs.bucket, Key=f"{OUT}part-00099-0000.parquet", Body=b"another's")
    with pytest.raises(JobError, match="empty it first"):
        runs.on_spark()
    begun = runs.s3.list_multipart_uploads(Bucket=runs.bucket).get("Uploads", [])
    assert len(begun) == 1, "that of the job whose commit was refused"


def test_a_file_that_kills_its_reader_is_rejected_by_name_and_the_others_are_processed(runs):
    runs.give("killer.jsonl", json_lines({"text": "first"}, {"text": "kill"}))
    runs.give("other.jsonl", json_lines({"text": "first"}, {"text": "second"}))

    result = runs.on_spark(rules=Rules(cleaner="killing:clean"))

    assert sorted(runs.rows()["text"]) == ["first", "second"]
    assert [file["status"] for file in result.summary["files"]] == ["rejected", "read"]
    assert result.rejected[0]["reason"] == "reading it took more memory than a worker may have"
