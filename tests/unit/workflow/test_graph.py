from __future__ import annotations

from landrun_ops.workflow import WorkflowConfig, definition, graph, template


def test_the_committed_machine_selects_its_input_and_may_wait_for_a_slot() -> None:
    lines = graph(template()).splitlines()

    assert "    [*] --> Select_the_input_27_s_type" in lines
    assert "    Select_the_input_27_s_type --> Read_an_S3_prefix: otherwise" in lines
    assert "    Read_an_S3_prefix --> Is_concurrency_limited_3f_" in lines
    assert "    Refuse_an_S3_prefix --> [*]: fails" in lines
    assert "    Is_concurrency_limited_3f_ --> Process_messages: otherwise" in lines
    assert "    Wait_for_a_slot --> Process_messages" in lines


def test_a_machine_for_one_kind_of_input_is_one_state_with_its_retries(
    config: WorkflowConfig,
) -> None:
    lines = graph(definition(config)).splitlines()

    assert lines[0] == "stateDiagram-v2"
    assert "    [*] --> Process_messages" in lines
    assert "    Process_messages --> [*]" in lines
    assert sum("Process_messages --> Process_messages" in line for line in lines) == 3
    assert lines[-2].endswith("States.TaskFailed (again once)")


def test_a_machine_of_the_users_own_is_drawn_whole() -> None:
    machine = {
        "StartAt": "Which?",
        "States": {
            "Which?": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.x", "IsPresent": True, "Next": "Both"}],
                "Default": "No: stop",
            },
            "Both": {
                "Type": "Parallel",
                "Branches": [
                    {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}},
                    {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}},
                ],
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "No: stop"}],
                "Next": "Each",
            },
            "Each": {
                "Type": "Map",
                "ItemProcessor": {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}},
                "End": True,
            },
            "No: stop": {"Type": "Fail"},
        },
    }

    assert graph(machine) == (
        "stateDiagram-v2\n"
        "    [*] --> Which_3f_\n"
        "    Which_3f_: Which?\n"
        "    Which_3f_ --> Both: choice\n"
        "    Which_3f_ --> No_3a__stop: otherwise\n"
        "    Both: Both\n"
        "    state Both {\n"
        "        [*] --> Both_0_A\n"
        "        Both_0_A: A\n"
        "        Both_0_A --> [*]\n"
        "        --\n"
        "        [*] --> Both_1_A\n"
        "        Both_1_A: A\n"
        "        Both_1_A --> [*]\n"
        "    }\n"
        "    Both --> No_3a__stop: States.ALL\n"
        "    Both --> Each\n"
        "    Each: Each\n"
        "    state Each {\n"
        "        [*] --> Each_0_A\n"
        "        Each_0_A: A\n"
        "        Each_0_A --> [*]\n"
        "    }\n"
        "    Each --> [*]\n"
        "    No_3a__stop: No#58; stop\n"
        "    No_3a__stop --> [*]: fails\n"
    )
