"""Roles: no more than each needs; tests/permissions shows that each permission is used."""

from cfnlint.data import AdditionalSpecs
from cfnlint.helpers import load_resource

from scan.stacks import STACKS

INTERFACES = "arn:aws:ec2:us-east-1:123456789012:network-interface/*"
PATTERNS = {
    "<LandingBucket.Arn>/*",
    "<OutputBucket.Arn>/manifests/*",
    "<OutputBucket.Arn>/processed/*",
    "arn:aws:s3:::elsewhere/*",
    "arn:aws:ecr:*:*:repository/*",  # with an image that is given
    "<ProcessingStateMachine>:*",  # its executions
    "arn:aws:sagemaker:us-east-1:123456789012:processing-job/landrun-*",
    # To describe: a machine that existed names jobs as it likes.
    "arn:aws:sagemaker:us-east-1:123456789012:processing-job/*",
    "arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker/ProcessingJobs*",
    "arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker/ProcessingJobs:*",
    INTERFACES,  # which have random ids
    "arn:aws:ec2:us-east-1:*:subnet/*",  # named by a condition
    "arn:aws:ec2:us-east-1:*:security-group/*",
}
"""Resources with a star in their names."""

MAY_DELETE = {
    ("sqs:DeleteMessage", "<LandingQueue.Arn>"),
    ("sqs:DeleteMessage", "<StatusQueue.Arn>"),
    ("dynamodb:DeleteItem", "<ConcurrencyTable.Arn>"),  # who leaves the line for a slot
    ("logs:DeleteLogDelivery", "*"),
    ("ec2:DeleteNetworkInterface", INTERFACES),
    ("ec2:DeleteNetworkInterfacePermission", INTERFACES),
}


def test_no_role_may_do_more_than_it_must(deployed):
    """No stars but at the end of names that are ours; nothing for every resource unless AWS offers
    no less; no deleting of data; no changing of the stack or of rights."""
    stacks = [deployed(**given) for name, given in STACKS.items() if name != "all-given"]
    roles = [(one, role) for one in stacks for role in one.of_type("AWS::IAM::Role")]
    granted = {grant for stack, role in roles for grant in stack.grants(role)}
    aws = load_resource(
        AdditionalSpecs, "Policies.json"
    )  # from the Service Authorization Reference
    for action in {action for action, resource in granted if resource == "*"}:
        service, _, name = action.partition(":")
        narrower = aws[service]["Actions"][name.lower()].get("Resources")
        assert not narrower or action == "cloudwatch:PutMetricData"  # by its namespace instead
    assert {resource for _, resource in granted if "*" in resource} == PATTERNS | {"*"}
    assert {grant for grant in granted if "Delete" in grant[0]} == MAY_DELETE
    actions = {action for action, _ in granted}
    assert not [action for action in actions if "*" in action]
    rights = ("iam:", "sts:", "cloudformation:")
    assert {action for action in actions if action.startswith(rights)} == {"iam:PassRole"}


def test_no_role_has_a_policy_of_awss_own_and_each_trusts_one_service_for_this_account(stack):
    """AWSLambdaSQSQueueExecutionRole, say, lets a function read every queue of the account."""
    services = {"StateMachineRole": "states", "ProcessingRole": "sagemaker"}
    services |= {"SchedulerRole": "scheduler"}
    ours = {f"<{name}>" for name in stack.of_type("AWS::IAM::ManagedPolicy")}
    for role, about in stack.of_type("AWS::IAM::Role").items():
        assert set(about.get("ManagedPolicyArns", [])) <= ours, role
        [trusted] = about["AssumeRolePolicyDocument"]["Statement"]
        service = services.get(role, "lambda")
        assert trusted["Principal"] == {"Service": f"{service}.amazonaws.com"}
        if service != "lambda":
            assert trusted["Condition"]["StringEquals"]["aws:SourceAccount"] == "123456789012"


def test_schedules_may_only_invoke_their_functions_and_keep_what_was_not_delivered(stack):
    assert stack.grants("SchedulerRole") == {
        ("lambda:InvokeFunction", "<ScheduleFunction.Arn>"),
        ("lambda:InvokeFunction", "<ReconcileFunction.Arn>"),
        ("sqs:SendMessage", "<ScheduleDeadLetterQueue.Arn>"),
    }


def test_jobs_may_pull_the_stacks_image_and_read_the_bucket_that_a_schedule_names(deployed):
    stack = deployed(ScheduledInput="s3://elsewhere/in/{date:%Y}/")
    elsewhere = "arn:aws:s3:::elsewhere"
    assert ("s3:ListBucket", elsewhere) in stack.grants("ScheduleFunctionRole")
    usual = deployed().grants("ProcessingRole")
    added = {("s3:ListBucket", elsewhere), ("s3:GetObject", f"{elsewhere}/*")}
    assert stack.grants("ProcessingRole") - usual == added
    pulled = {resource for action, resource in usual if action == "ecr:BatchGetImage"}
    assert pulled == {"<ImageRepository.Arn>"}


def test_runs_are_started_by_one_bucket_and_write_to_the_other(deployed):
    """So no output starts a run, whatever the prefixes."""
    stack = deployed(LandingPrefix="", OutputPrefix="incoming/", ManifestPrefix="incoming/lists/")
    rule = stack.of_type("AWS::Events::Rule")["LandingRule"]
    assert rule["EventPattern"]["detail"]["bucket"] == {"name": ["<LandingBucket>"]}
    granted = [grant for role in stack.of_type("AWS::IAM::Role") for grant in stack.grants(role)]
    written = [resource for action, resource in granted if action == "s3:PutObject"]
    assert {resource.partition("/")[0] for resource in written} == {"<OutputBucket.Arn>"}
