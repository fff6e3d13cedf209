"""Patches of moto where it lacks something or differs from AWS, one module per service.

Each patch says why it is there; its test in ``tests/local/moto_lacks`` fails once moto has it.
"""
