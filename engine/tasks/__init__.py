"""The jobs, one verb each: what the window and the command line ask the engine to do."""
