"""What a stack knows, as typed models: runs, execution history, objects, queues and logs."""
