"""What comes into the program besides images: labels from other programs' files, and exported models."""
