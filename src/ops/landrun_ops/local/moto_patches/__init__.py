"""What moto lacks or does otherwise than AWS, one module per service.

Each patch says why it is there; its test in ``tests/local/moto_lacks`` fails once moto has it.
"""
