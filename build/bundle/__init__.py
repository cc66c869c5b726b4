"""What build/package.py does, step by step."""
