"""The project's database: one thread owns the one connection; everything else hands it work and gets answers.

Owns `project.db`, `labels.jsonl` and `backups/`. Each group of tables has a module of plain functions that take the
database first. Knows nothing of networks, windows or the contents of image files.
"""
