"""The stack with names and ARNs for its resources: those of events/, and what is like them."""

from .resolved import PSEUDO, translated

ACCOUNT, REGION = PSEUDO["AWS::AccountId"], PSEUDO["AWS::Region"]
PHYSICAL = {
    "LandingBucket": "landrun-landingbucket-1a2b3c4d5e6f",
    "OutputBucket": "landrun-outputbucket-6f5e4d3c2b1a",
    "LandingQueue": "landrun-LandingQueue-3nV7rB9sD1wK",
    "StatusQueue": "landrun-StatusQueue-5hJ8tC2yF6gM",
    "ProcessingStateMachine": "ProcessingStateMachine-8kQ2mZ4xT7pL",
}
"""The names of resources in events/."""

HERE = f"{REGION}:{ACCOUNT}"
ARNS = {
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{HERE}:table/{{}}",
    "AWS::ECR::Repository": f"arn:aws:ecr:{HERE}:repository/{{}}",
    "AWS::IAM::ManagedPolicy": f"arn:aws:iam::{ACCOUNT}:policy/{{}}",
    "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{{}}",
    "AWS::KMS::Key": f"arn:aws:kms:{HERE}:key/{{}}",
    "AWS::Lambda::Function": f"arn:aws:lambda:{HERE}:function:{{}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{HERE}:log-group:{{}}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::SNS::Topic": f"arn:aws:sns:{HERE}:{{}}",
    "AWS::SQS::Queue": f"arn:aws:sqs:{HERE}:{{}}",
    "AWS::StepFunctions::StateMachine": f"arn:aws:states:{HERE}:stateMachine:{{}}",
}
REF_IS_ARN = {"AWS::IAM::ManagedPolicy", "AWS::SNS::Topic", "AWS::StepFunctions::StateMachine"}


def name_of(logical_id):
    return PHYSICAL.get(logical_id, f"landrun-{logical_id}")


def physical(reference):
    """Give the name, the ARN or another attribute of ``Id`` or ``Id.Att``."""
    logical_id, _, attribute = reference.partition(".")
    kind = translated().template["Resources"][logical_id]["Type"]
    name = name_of(logical_id)
    if attribute.endswith("Arn") or (kind in REF_IS_ARN and not attribute):
        any_arn = f"arn:aws:{kind.split('::')[1].lower()}:{HERE}:any/{{}}"
        return ARNS.get(kind, any_arn).format(name)
    if kind == "AWS::SQS::Queue" and not attribute:
        return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"
    return f"{name}-{attribute}" if attribute else name
