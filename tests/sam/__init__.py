"""AWS's SAM CLI on what is deployed: `make sam`."""
