"""What security scanners say of the stack and of the code: `make scan`, or `python -m scan`."""
