"""What handlers import, and what each thing that happens asks of AWS: counts do not wobble."""
