"""What one can travel on: streets and timetables."""
