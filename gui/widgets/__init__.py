"""Small widgets shared by panels and dialogs; none knows the session."""
