"""The landrun command."""
