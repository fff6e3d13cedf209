"""Names of runs and execution inputs: all that exist today stay, to the byte."""

from __future__ import annotations

from functools import partial

import pytest

from landrun.errors import InvalidName
from landrun.models import run
from unit.functions.fakes import SCHEDULE

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
        (landing("bucket", "incoming/a.csv", "v1"), "landrun-e8114a95b88152338e01dfd9f626ff96"),
        (landing("bucket", ODD_KEY, "v1"), "landrun-7c3a525371cc56d393e6f81978b260cd"),
        (landing("b", "k", "sequencer:0A"), "landrun-9cbcae05fb045acca6c1fe166d008237"),
        (run.landing_run_name(LONGEST, *"bkv"), f"{LONGEST}-b5db3daa390f54f49939d95c457c9b51"),
        (tick(TIME), "landrun-2819c4974ed35410b2a7ba891755dae0"),
        (tick(TIME, 0), "landrun-2819c4974ed35410b2a7ba891755dae0"),
        (tick(TIME, 1), "landrun-d7f5ba59dd89551e8c84e239bbbdef1c"),
    ],
)
def test_a_name_that_exists_today_stays_and_fits_step_functions_and_sagemaker(name, known):
    assert name == known
    assert len(run.check_run_name(name)) <= 54  # SageMaker's 63 less the attempt's suffix of 9


def test_every_part_of_an_identity_changes_the_name():
    landings = ["bkv", "ckv", "blv", "bkw", ("b", "a,b", "c"), ("b", "a", "b,c")]
    names = [landing(*identity) for identity in landings]
    names += [tick(TIME, part) for part in range(20)]
    names += [tick("2026-11-23T03:00:00Z"), run.tick_run_name("landrun", f"{SCHEDULE}2", TIME)]
    names += [run.manual_run_name("landrun"), run.manual_run_name("landrun")]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("prefix", ["", "A", "a_b", "-a", "a-", "a--b", "x" * 22, "ä"])
def test_a_prefix_that_sagemaker_would_refuse_is_refused_with_the_parameter_to_change(prefix):
    with pytest.raises(InvalidName, match="JobNamePrefix"):
        run.manual_run_name(prefix)


@pytest.mark.parametrize("name", ["", "-a", "a-", "a b", "a/b", "a.b", "x" * 55, "é"])
def test_a_run_name_that_aws_would_refuse_is_refused(name):
    with pytest.raises(InvalidName, match="54"):
        run.check_run_name(name)


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


def test_a_trigger_leaves_out_what_it_does_not_have():
    assert MANUAL.to_json() == '{"Kind":"manual","StartedBy":"ada"}'
    assert TICKED.to_json() == '{"Kind":"schedule","ScheduleArn":"a","ScheduledTime":"t","Part":1}'


@pytest.mark.parametrize(
    "trigger", [LANDED, TICKED, run.ManualTrigger(StartedBy="\n\x1b", RerunOf=LONGEST)]
)
def test_a_trigger_reads_back_as_itself(trigger):
    assert run.parse_trigger(trigger.to_json()) == trigger


@pytest.mark.parametrize(
    "text",
    ["", b"\xff", "[" * 100_000, '{"Kind": "full-moon"}', '{"Kind": "manual", "StartedBy": 7}'],
)
def test_what_is_not_a_trigger_is_an_error(text):
    with pytest.raises(ValueError, match="validation error"):
        run.parse_trigger(text)
