"""What makes the project's own files; none of it is shipped."""
