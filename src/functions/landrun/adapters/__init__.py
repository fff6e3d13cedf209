"""One client per AWS service; nothing else calls boto3.

Every method that calls AWS raises `ServiceError` when the service refuses the call, for another
reason than the condition of a write, or cannot be reached. Those of tables may be repeated.
"""
