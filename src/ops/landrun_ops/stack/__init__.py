"""Reads a stack into typed models: runs, execution history, objects, queues and logs."""
