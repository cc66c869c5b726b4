"""What the views show: filtered and ordered row indices over the project's columns, counts, and item models."""
