"""The window. Talks to the engine only through `gui.engine_bridge` and `gui.session`; never names torch or a database."""
