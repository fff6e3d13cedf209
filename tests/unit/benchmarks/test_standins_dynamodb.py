"""What stands in for DynamoDB does as moto does, and bills as AWS says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from benchmarks.standins import ACCOUNT, Clients, Refusal, json_service
from benchmarks.standins_dynamodb import Design, DynamoDB, Index
from benchmarks.standins_expressions import Given, holds, updated
from benchmarks.tick import LANDINGS
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws
from moto.dynamodb.comparisons import get_filter_expression
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.dynamo_type import Item as MotoItem

from landrun.adapters import landings_table
from landrun.adapters.landings_table import LandingsTable, landing_id
from landrun.adapters.runs_table import _IS_NEWER
from landrun.models.landing import Landing
from landrun.models.run import ManualTrigger

NOW = datetime(2026, 11, 22, tzinfo=UTC)
THINGS = Design(
    "things",
    "id",
    [Index("whole", "group", "at"), Index("thin", "group", "at", frozenset({"colour"}))],
)

# Expressions


CONDITIONS = [
    landings_table._NEWER,
    landings_table._ANOTHER_AND_NEWER,
    f"attribute_exists(#waiting) AND ({landings_table._MINE_OR_NOBODYS})",
    "NOT #waiting = :version_id OR #sequencer >= :sequencer",
    "#version_id IN (:version_id, :sequencer) AND begins_with(#waiting, :version_id)",
    "contains(#waiting, :version_id) OR (#sequencer <> :sequencer AND #waiting <= :sequencer)",
    "attribute_exists(#trigger.Kind) AND #trigger.Kind > :version_id",
    _IS_NEWER,
]
ATTRIBUTES = [
    "sequencer", "version_id", "waiting", "claimed_by", "trigger", "name", "unfinished",
    "redrive_count", "status_rank",
]  # fmt: skip
NAMES = {f"#{name}": name for name in ATTRIBUTES}
texts = st.sampled_from(["", "a", "ab", "b", "ba"]).map(lambda text: {"S": text})
numbers = st.sampled_from(["-1", "0", "2", "10"]).map(lambda number: {"N": number})
either = st.one_of(texts, numbers)
maps = texts.map(lambda text: {"M": {"Kind": text}})
items = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(ATTRIBUTES[:4] + ATTRIBUTES[5:7], texts)
    | {"trigger": maps, "redrive_count": numbers, "status_rank": numbers},
)
values = st.fixed_dictionaries(
    {":sequencer": texts, ":version_id": texts, ":claimed_by": texts, ":pending": texts}
    | {":redrive_count": numbers, ":status_rank": numbers}
)


@pytest.mark.parametrize("condition", CONDITIONS)
@settings(max_examples=60, deadline=None)
@given(item=items, given_values=values)
def test_a_condition_holds_where_motos_does(
    condition: str, item: dict[str, Any], given_values: dict[str, Any]
) -> None:
    moto = get_filter_expression(condition, NAMES, given_values)
    if "redrive_count" in condition and "name" in item:
        item |= {"redrive_count": {"N": "1"}, "status_rank": {"N": "0"}}  # as every row has them
    theirs = MotoItem(DynamoType({"S": "x"}), None, item)
    assert holds(condition, item, Given(NAMES, given_values)) == moto.expr(theirs)


@pytest.mark.parametrize(
    "condition", ["size(#a) > :b", "a = b = c", "a BETWEEN :b AND :c", "a ~ b"]
)
def test_a_condition_that_is_not_known_is_an_error(condition: str) -> None:
    with pytest.raises((NotImplementedError, KeyError)):
        holds(condition, {"a": {"S": "1"}}, Given({"#a": "a"}, {":b": {"S": ""}, ":c": {"S": ""}}))


@pytest.mark.parametrize("update", ["ADD a :b", "SET a = a + :b", "SET a = if_not_exists(a, :b)"])
def test_an_update_that_is_not_known_is_an_error(update: str) -> None:
    with pytest.raises(NotImplementedError):
        updated(update, {}, Given({}, {":b": {"N": "1"}}))


# The whole


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name, value in ACCOUNT.items():
        monkeypatch.setenv(name, value)


@contextmanager
def motos() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("dynamodb")
        client.create_table(
            TableName=LANDINGS.name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in ("id", "waiting")
            ],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by-waiting",
                    "KeySchema": [
                        {"AttributeName": "waiting", "KeyType": "HASH"},
                        {"AttributeName": "id", "KeyType": "RANGE"},
                    ],
                    "Projection": {
                        "ProjectionType": "INCLUDE",
                        "NonKeyAttributes": sorted(LANDINGS.indexes[0].projected or ()),
                    },
                }
            ],
        )
        yield client


def _told(client: Any) -> list[Any]:
    """What the door to landings says while some land, are claimed, overtaken and settled."""
    door = LandingsTable(client, LANDINGS.name, lambda: NOW)
    first = Landing("b", "k", "v1", "0A", 5, "2026-11-22T08:00:00Z")
    second = replace(first, version_id="v2", sequencer="0B")
    other, by = replace(first, key="other"), ManualTrigger(StartedBy="me")
    said: list[Any] = [door.record(one) for one in (first, first, second, first, other)]
    said += [door.claim(landing_id(one), "run-1", by) for one in (second, other)]
    said += [
        door.claim(landing_id(second), "run-2", by),
        door.record(replace(first, sequencer="0C")),
    ]
    said += [door.record(replace(first, version_id="v3", sequencer="0D"))]
    said += [list(door.candidates())]
    door.settle("run-1", second)
    door.settle("run-1", other)
    door.settle("run-2", other)
    said += [list(door.candidates()), door.claim(landing_id(first), "run-2", by)]
    door.release("run-2", landing_id(first))
    return [*said, list(door.candidates())]


def _sorted(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(found, key=lambda item: item["id"]["S"])


def test_landings_wait_as_they_do_in_motos_table() -> None:
    with motos() as client:
        said = _told(client)
        left = client.scan(TableName="landings")["Items"]
    database = DynamoDB([LANDINGS])
    ours = _told(Clients(dynamodb=(json_service(database), 0.0))("dynamodb"))
    assert ours == said
    assert _sorted(database.items("landings")) == _sorted(left)


# Capacity


def _put(database: DynamoDB, key: str, **values: str) -> None:
    item = {name: {"S": value} for name, value in {"id": key, **values}.items()}
    database("PutItem", {"TableName": "things", "Item": item})


def _update(database: DynamoDB, expression: str, value: str = "", **more: Any) -> None:
    call = {"TableName": "things", "Key": {"id": {"S": "a"}}, "UpdateExpression": expression}
    database("UpdateItem", call | {"ExpressionAttributeValues": {":v": {"S": value}}} | more)


def _wrote(database: DynamoDB) -> float:
    units = database.write_units
    database.forget_counts()
    return units


def test_a_write_costs_a_unit_per_kilobyte_and_one_for_each_index_whose_entry_changes() -> None:
    database = DynamoDB([THINGS])
    _put(database, "a", group="g", at="1", colour="red", text="x" * 1500)
    assert _wrote(database) == 2 + 2 + 1
    _update(database, "SET text = :v", "y")
    assert _wrote(database) == 2 + 2, "the larger of before and after; the thin index has no text"
    _update(database, "SET colour = :v", "blue")
    assert _wrote(database) == 1 + 1 + 1
    _update(database, "SET at = :v", "2")
    assert _wrote(database) == 1 + 2 + 2, "an entry that moves is taken out and put in"
    _update(database, "REMOVE at")
    assert _wrote(database) == 1 + 1 + 1
    _update(database, "SET text = :v", "z")
    assert _wrote(database) == 1, "in no index any more"


def test_a_condition_that_fails_costs_a_write_of_what_stands_and_changes_nothing() -> None:
    database = DynamoDB([THINGS])
    _put(database, "a", text="x" * 3000)
    _wrote(database)
    with pytest.raises(Refusal) as refusal:
        _update(
            database,
            "SET text = :v",
            "y",
            ConditionExpression="text = :v",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert _wrote(database) == 3
    assert refusal.value.about["Item"]["text"] == {"S": "x" * 3000}


def test_a_read_costs_half_a_unit_per_four_kilobytes_and_twice_that_when_it_is_consistent() -> None:
    database = DynamoDB([THINGS])
    _put(database, "a", text="x" * 5000)
    for consistent, units in ((False, 1.0), (True, 2.0)):
        database.forget_counts()
        call = {"TableName": "things", "Key": {"id": {"S": "a"}}, "ConsistentRead": consistent}
        database("GetItem", call)
        assert database.read_units == units
    database.forget_counts()
    keys = {"Keys": [{"id": {"S": "a"}}, {"id": {"S": "none"}}], "ConsistentRead": True}
    database("BatchGetItem", {"RequestItems": {"things": keys}})
    assert database.read_units == 2 + 1


def _query(database: DynamoDB, index: str = "whole", **more: Any) -> dict[str, Any]:
    call = {
        "TableName": "things",
        "IndexName": index,
        "KeyConditionExpression": "group = :g",
        "ExpressionAttributeValues": {":g": {"S": "g"}, ":c": {"S": "red"}},
    }
    return database("Query", call | more)


def test_a_query_costs_what_it_looks_at_whether_it_is_given_or_not() -> None:
    database = DynamoDB([THINGS])
    for number in range(10):
        _put(database, f"k{number}", group="g", at=str(number), text="x" * 1000)
    database.forget_counts()
    answer = _query(database, FilterExpression="colour = :c")
    assert (answer["Count"], answer["ScannedCount"]) == (0, 10)
    assert database.read_units == 0.5 * 3, "10 KB, rounded up once"
    database.forget_counts()
    _query(database, "thin")
    assert database.read_units == 0.5, "entries without the text"


@pytest.mark.parametrize("forward", [True, False])
def test_pages_of_a_query_give_every_item_once_and_in_order(*, forward: bool) -> None:
    database = DynamoDB([THINGS])
    for number in range(25):
        _put(database, f"k{number % 7}-{number}", group="g", at=f"{number // 2:02}")
    _put(database, "another", group="h", at="03")
    found, position = [], {}
    while True:
        page = _query(database, Limit=4, ScanIndexForward=forward, **position)
        found += [(item["at"]["S"], item["id"]["S"]) for item in page["Items"]]
        if "LastEvaluatedKey" not in page:
            break
        position = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert len(found) == len(set(found)) == 25
    assert found == sorted(found, reverse=not forward)


def test_a_page_ends_after_a_megabyte() -> None:
    database = DynamoDB([THINGS])
    for number in range(30):
        _put(database, f"k{number:02}", group="g", at="1", text="x" * 100_000)
    assert _query(database)["Count"] == 11


def test_what_is_loaded_is_in_the_table_and_its_indexes_and_costs_nothing() -> None:
    database = DynamoDB([THINGS])
    names = ("id", "group", "at")
    database.load("things", [{name: {"S": "g"} for name in names}, {"id": {"S": "alone"}}])
    assert (database.write_units, database.indexed("things", "thin")) == (0, 1)
    assert _query(database)["Count"] == 1
