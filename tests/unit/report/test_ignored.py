"""What landed and started no run: asked of CloudWatch, or read from the laptop's logs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import boto3
from botocore.stub import ANY, Stubber

from landrun_ops.web.ignored import IgnoredCount, from_logs, from_metrics

NOW = datetime(2026, 11, 22, 18, 20, tzinfo=UTC)
EMF = (
    '{"_aws":{"Timestamp":%d,"CloudWatchMetrics":[{"Namespace":"landrun","Dimensions":[["Reason",'
    '"service"]],"Metrics":[{"Name":"LandingsIgnored","Unit":"Count"}]}]},"Reason":"%s",'
    '"service":"landrun","LandingsIgnored":[%s]}\n'
)


def test_cloudwatch_is_asked_and_a_refusal_is_said():
    client = boto3.client("cloudwatch", "eu-west-1")
    stub = Stubber(client)
    stub.activate()
    at = datetime(2026, 11, 22, 3, tzinfo=UTC)
    stub.add_response(
        "get_metric_data",
        {"MetricDataResults": [{"Id": "zero_bytes", "Timestamps": [at, at], "Values": [0.0, 3.0]}]},
        {"MetricDataQueries": ANY, "StartTime": NOW.replace(minute=0), "EndTime": NOW},
    )
    stub.add_client_error("get_metric_data", "AccessDenied", "not authorized")

    found = from_metrics(client, "landrun", NOW, NOW)
    refused = from_metrics(client, "landrun", NOW, NOW)

    assert found.counts == [IgnoredCount(at=at, reason="zero-bytes", count=3)]
    assert "cloudwatch:GetMetricData: AccessDenied" in refused.unknown


def test_the_laptops_logs_have_the_same_counts(tmp_path):
    at = int(NOW.timestamp() * 1000)
    hostile = (
        '{"message": "LandingsIgnored", "Reason": 7}\n[LandingsIgnored\n'
        '{"LandingsIgnored": ["x"], "Reason": "a"}\n'
    )
    old = EMF % (at - 86_400_000, "prefix", "9.0")
    lines = EMF % (at, "prefix", "1.0, 1.0") + EMF % (at, "zero-bytes", "1.0") + hostile + old
    (tmp_path / "ObjectCreatedFunction.log").write_text(lines, encoding="utf-8")

    found = from_logs(tmp_path, NOW - timedelta(hours=1))

    hour = NOW.replace(minute=0)
    assert [(one.at, one.reason, one.count) for one in found.counts] == [
        (hour, "prefix", 2),
        (hour, "zero-bytes", 1),
    ]
    assert from_logs(None, NOW).unknown
