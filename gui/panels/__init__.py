"""Panels, one per file; they read the session and react to its signals."""
