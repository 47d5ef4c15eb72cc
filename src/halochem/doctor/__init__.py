"""What this machine has of what halochem needs."""
