"""The local prediction server: a model behind HTTP, for programs on this computer only. Off unless it is asked for."""
