"""What deserves a look: suspected label errors and near-duplicates. Plain arrays; knows no network and no store."""
