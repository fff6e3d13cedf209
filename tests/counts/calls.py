"""The calls of AWS that things make; the pages about cost and scale count with them."""

START = {"s3:put_object": 1, "stepfunctions:start_execution": 1}
RECORD = {"s3:get_object": 1, "s3:list_objects_v2": 2}
ONE_SLOT = {
    "dynamodb:get_item": 3,
    "dynamodb:put_item": 1,
    "dynamodb:query": 2,
    "dynamodb:transact_write_items": 3,
    "stepfunctions:send_task_success": 1,
}
TICK = START | {"s3:get_object": 2, "s3:put_object": 2, "dynamodb:query": 16}
SWEEP = {
    "dynamodb:batch_get_item": 1,
    "dynamodb:get_item": 3,
    "dynamodb:query": 23,
    "dynamodb:update_item": 2,
    "s3:list_objects_v2": 1,
    "stepfunctions:list_executions": 2,
}
WAITS = {"dynamodb:update_item": 1}
RUN_SUCCEEDS = RECORD | {"dynamodb:put_item": 2}
TICK_OVER_ONE = TICK | {"dynamodb:update_item": 2}
