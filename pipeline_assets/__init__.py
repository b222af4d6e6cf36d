"""What is made: one file a stage."""
