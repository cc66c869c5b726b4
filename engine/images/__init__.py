"""Image files: finding, reading, hashing and decoding them. Originals are only ever opened for reading."""
