"""Networks: loading, preprocessing, embedding, the head. Takes and returns arrays; the only home of torch."""

import os

# Before torch is imported, which happens only below here: threads that wait must sleep, or beside any other busy
# process they slow each other down many times over.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
