"""One client per AWS service; nothing else calls boto3."""
