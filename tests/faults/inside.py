"""What moto holds, read past every door: for checking, and for indexes that lag behind."""

import copy
import time

from boto3.dynamodb.types import TypeDeserializer
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.logs.models import logs_backends
from moto.s3.models import s3_backends
from moto.sagemaker.models import sagemaker_backends
from moto.sqs.models import sqs_backends

from landrun.models.processing_job import LOG_GROUP
from template.physical import ACCOUNT, REGION

_plain = TypeDeserializer().deserialize


def objects(bucket, prefix):
    """Give the versions of each object below a prefix, by its key, as moto has them."""
    keys = s3_backends[ACCOUNT]["aws"].buckets[bucket].keys
    return {key: keys.getlist(key) for key in list(keys) if key.startswith(prefix)}


def job(name, status):
    jobs = sagemaker_backends[ACCOUNT][REGION]
    made = jobs.create_processing_job({}, {}, {}, [], name, {}, "arn:aws:iam:::role/job", [], {})
    made.processing_job_status = status


def log(job_name, message):
    logs = logs_backends[ACCOUNT][REGION]
    if LOG_GROUP not in logs.groups:
        logs.create_log_group(LOG_GROUP, {})
    logs.create_log_stream(LOG_GROUP, f"{job_name}/algo-1-1700000000")
    events = [{"timestamp": int(time.time() * 1000), "message": message}]
    logs.put_log_events(LOG_GROUP, f"{job_name}/algo-1-1700000000", events)


def _table(name):
    return dynamodb_backends[ACCOUNT][REGION].tables[name]


def items(table):
    return [_spelled(item) for item in _table(table).all_items()]


def row(table, key):
    item = _table(table).items.get(DynamoType({"S": key}))
    return item and _spelled(item)


def _spelled(item):
    attributes = item.to_json()["Attributes"]
    return {name: _plain(value) for name, value in attributes.items()}


class Lagging:
    """What a table's secondary indexes show while they lag: the items of an earlier moment."""

    def __init__(self, table):
        self._moto = _table(table)
        self._then = copy.deepcopy(self._moto.items)

    def __enter__(self):
        self._now, self._moto.items = self._moto.items, self._then

    def __exit__(self, *_):
        self._moto.items = self._now


def dead_letters(name):
    """Give what lies in a dead-letter queue: body, and the reason if somebody gave one."""
    queue = sqs_backends[ACCOUNT][REGION].get_queue(name)
    return [
        (message.body, message.message_attributes.get("Reason", {}).get("StringValue"))
        for message in queue._messages
    ]
