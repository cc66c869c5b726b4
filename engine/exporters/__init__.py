"""What leaves the program: models, one module per format (see `registry`), and label tables."""
