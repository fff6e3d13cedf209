"""Names of runs and execution inputs: all that exist today stay, to the byte."""

from functools import partial

import pytest

from landrun.errors import InvalidName
from landrun.models import run

SCHEDULE = "arn:aws:scheduler:us-east-1:123456789012:schedule/default/nightly"
TIME = "2026-11-22T03:00:00Z"
ODD_KEY = "incoming/é 😀 \"'\\\b\f\n\r\t\0\x1b\x7f\x9f\u2028\ufeff+%2B</a>&.csv"
LONGEST = "x" * 21

landing = partial(run.landing_run_name, "landrun")
tick = partial(run.tick_run_name, "landrun", SCHEDULE)
LANDED = run.ObjectCreatedTrigger(
    Bucket="b", Key=ODD_KEY, VersionId="v1", Sequencer="0A", Size=5 * 1024**4, EventTime=TIME
)
TICKED = run.ScheduleTrigger(ScheduleArn="a", ScheduledTime="t", Part=1)
MANUAL = run.ManualTrigger(StartedBy="ada")


@pytest.mark.parametrize(
    ("name", "known"),
    [
        (landing("bucket", ODD_KEY, "v1"), "landrun-7c3a525371cc56d393e6f81978b260cd"),
        (landing("b", "k", "sequencer:0A"), "landrun-9cbcae05fb045acca6c1fe166d008237"),
        (run.landing_run_name(LONGEST, *"bkv"), f"{LONGEST}-b5db3daa390f54f49939d95c457c9b51"),
        (tick(TIME, 0), "landrun-2819c4974ed35410b2a7ba891755dae0"),
        (tick(TIME, 1), "landrun-d7f5ba59dd89551e8c84e239bbbdef1c"),
    ],
)
def test_a_name_that_exists_today_stays_and_fits_step_functions_and_sagemaker(name, known):
    assert name == known
    assert len(run.check_run_name(name)) <= 54  # SageMaker's 63 less the attempt's suffix of 9


@pytest.mark.parametrize(
    ("make", "names", "words"),
    [
        (run.manual_run_name, ["", "A", "a_b", "-a", "a-", "a--b", "x" * 22, "ä"], "JobNamePrefix"),
        (run.check_run_name, ["", "-a", "a-", "a b", "a/b", "a.b", "x" * 55, "é"], "1 to 54"),
    ],
)
def test_a_name_that_aws_would_refuse_is_refused_with_what_to_change(make, names, words):
    for name in names:
        with pytest.raises(InvalidName, match=words):
            make(name)


def test_the_serialised_input_is_the_same_to_the_byte_in_every_release():
    serialised = run.ExecutionInput(
        PreprocessingJobName="landrun-1",
        InputMessage="s3://out/manifests/landrun-1.json",
        OutputProcessedMessage="s3://out/processed/landrun-1/",
        Trigger=LANDED,
    ).to_json()
    assert serialised.encode() == (
        b'{"PreprocessingJobName":"landrun-1",'
        b'"InputMessage":"s3://out/manifests/landrun-1.json",'
        b'"OutputProcessedMessage":"s3://out/processed/landrun-1/",'
        b'"Trigger":{"Kind":"object-created","Bucket":"b",'
        b'"Key":"incoming/\xc3\xa9 \xf0\x9f\x98\x80 \\"\'\\\\\\b\\f\\n\\r\\t\\u0000\\u001b\x7f'
        b'\xc2\x9f\xe2\x80\xa8\xef\xbb\xbf+%2B</a>&.csv","VersionId":"v1","Sequencer":"0A",'
        b'"Size":5497558138880,"EventTime":"2026-11-22T03:00:00Z"}}'
    )
    assert MANUAL.to_json() == '{"Kind":"manual","StartedBy":"ada"}'
    assert TICKED.to_json() == '{"Kind":"schedule","ScheduleArn":"a","ScheduledTime":"t","Part":1}'
