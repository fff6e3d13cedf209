"""What SageMaker hands to the job, what the job leaves, and what a person is shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cluster import job as on_spark
from cluster import manifest, store
from default_job import Result
from messages.options import JobError, Options, Rules

from .runs import Runs


def write(folder: Path, **files: Any) -> Path:
    """Make a folder of JSON files."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def given(folder: Path, **config: Any) -> Path:
    """A folder that stands for /opt/ml, with this job configuration in it."""
    return write(folder / "config", processingjobconfig=config).parent


def test_the_manifest_names_the_objects_by_their_paths_and_in_order(tmp_path: Path) -> None:
    listed = [{"prefix": "s3://b/in/"}, "b.csv", "./a//x.csv", "b.csv"]
    folder = write(tmp_path / "m", run=listed)

    assert manifest.read_manifest(folder, tmp_path) == [
        manifest.Entry("s3://b/in/./a//x.csv", "a/x.csv"),
        manifest.Entry("s3://b/in/b.csv", "b.csv"),
    ]


def test_of_several_files_under_the_prefix_the_jobs_own_is_the_manifest(tmp_path: Path) -> None:
    folder = write(tmp_path / "m", run=[{"prefix": "s3://b/"}, "a"], run2=[])
    source = {"S3Input": {"S3Uri": "s3://b/manifests/run.json"}}
    opt_ml = given(tmp_path / "opt", ProcessingInputs=[source])

    assert [one.name for one in manifest.read_manifest(folder, opt_ml)] == ["a"]


@pytest.mark.parametrize("content", [{}, [], ["a"], [{"prefix": "s3://b/"}], [{"prefix": "s"}, 1]])
def test_what_is_no_manifest_is_refused_by_name(tmp_path: Path, content: Any) -> None:
    with pytest.raises(JobError, match=r"run\.json"):
        manifest.read_manifest(write(tmp_path / "m", run=content), tmp_path)


def test_parts_go_where_sagemaker_would_upload_the_folder(tmp_path: Path) -> None:
    folders = {"logs": "s3://b/l", "processed": "s3://b/p/run"}
    outputs = [
        {"S3Output": {"LocalPath": f"/opt/ml/processing/output/{name}", "S3Uri": uri}}
        for name, uri in folders.items()
    ]
    opt_ml = given(tmp_path, ProcessingOutputConfig={"Outputs": outputs, "KmsKeyId": "key"})

    uri = manifest.output_uri(Path("/somewhere/processed"), opt_ml)

    assert uri == ("s3://b/p/run/", "key")


def test_an_object_that_is_not_there_is_named_in_one_line(runs: Runs, tmp_path: Path) -> None:
    missing = [{"prefix": f"{tmp_path.as_uri()}/"}, "none.jsonl"]
    options = Options(write(tmp_path / "m", run=missing), tmp_path / "out")

    with pytest.raises(JobError, match=r"^cannot read file://.*none\.jsonl: .*No such file[^\n]*$"):
        on_spark.process(options, runs.spark)


def test_files_that_are_all_rejected_fail_the_job_and_its_summary_says_so(runs: Runs) -> None:
    with pytest.raises(JobError, match=r"no file could be used: a\.jsonl: no text column"):
        runs.give(a='{"colour": "red"}\n').on_spark()

    summary = Result(runs.folder / "spark").summary
    assert summary["files_rejected"] == 1
    assert "problem" in summary


def test_parts_of_an_earlier_run_are_never_mixed_with_new_ones(runs: Runs) -> None:
    earlier = runs.folder / "spark/part-00099-0000.parquet"
    earlier.parent.mkdir()
    earlier.write_bytes(b"of another run")

    with pytest.raises(JobError, match="empty it first"):
        runs.give(a='{"text": "a"}\n').on_spark()

    assert Result(earlier.parent).parts == [earlier]


def test_a_second_attempt_replaces_what_the_first_left_while_it_published(runs: Runs) -> None:
    first = runs.give(a='{"text": "a"}\n').on_spark()
    (first.output / "summary.json").unlink()

    second = runs.on_spark()

    assert second.texts == ["a"]
    assert second.summary["parts"] == [part.name for part in second.parts]


def test_what_is_uploaded_is_no_object_until_it_is_committed(tmp_path: Path) -> None:
    part, folder = tmp_path / "part.parquet", tmp_path / "out"
    part.write_bytes(b"rows")
    folder.mkdir()
    one = store.upload(part, f"{folder.as_uri()}/part.parquet", "")

    assert store.names(f"{folder.as_uri()}/", "part") == []
    store.commit(one)
    assert store.names(f"{folder.as_uri()}/", "part") == ["part.parquet"]


def test_a_file_that_kills_its_reader_is_rejected_by_name_and_the_others_are_processed(
    runs: Runs,
) -> None:
    runs.give(killer='{"text": "first"}\n{"text": "kill"}\n')
    runs.give(other='{"text": "first"}\n{"text": "second"}\n')
    cleaner = Path(on_spark.__file__).parents[1] / "killing_in_a_test.py"
    cleaner.write_text(
        "import os\n\ndef clean(texts):\n    return texts if 'kill' not in texts else os.abort()\n"
    )
    try:
        result = runs.on_spark(rules=Rules(cleaner="killing_in_a_test:clean"))
    finally:
        cleaner.unlink()

    assert sorted(result.texts) == ["first", "second"]
    assert [file["status"] for file in result.summary["files"]] == ["rejected", "read"]
    assert result.rejected[0]["reason"] == "reading it took more memory than a worker may have"
