"""What asks for runs."""
