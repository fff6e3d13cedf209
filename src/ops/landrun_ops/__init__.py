"""What people run: the workflow SDK, AWS on a laptop and the landrun command. Never ships."""
