"""What results look like: tables and maps."""
