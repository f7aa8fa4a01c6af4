"""What a table of minutes means for people."""
