"""The window. Talks to the engine only through `gui.engine_bridge` and `gui.session`; names no torch, no database."""
