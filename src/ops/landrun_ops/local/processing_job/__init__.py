"""SageMaker Processing on this machine: a job's files, hosts, containers and log."""
