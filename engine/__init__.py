"""Graft's engine: everything but the window. It never imports Qt, and torch only inside engine.nn."""
