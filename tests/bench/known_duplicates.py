"""Near-duplicates that the shared image sets have of their own: every pair that was reported, looked at one by one.

Pairs of pictures of one thing (one cell cut out of two frames, one drawing on two backgrounds, one leaf twice), in
November 2026. What is reported beyond these counts as wrong.
"""

from __future__ import annotations

KNOWN_PAIRS = frozenset(
    {
        ("blood_cells", "eosinophil/BloodImage_00204_14.jpg", "eosinophil/BloodImage_00277_14.jpg"),
        ("blood_cells", "lymphocyte/BloodImage_00037_0.jpg", "lymphocyte/BloodImage_00038_0.jpg"),
        ("blood_cells", "lymphocyte/BloodImage_00229_12.jpg", "lymphocyte/BloodImage_00258_1.jpg"),
        ("blood_cells", "neutrophil/BloodImage_00205_13.jpg", "neutrophil/BloodImage_00276_12.jpg"),
        ("blood_cells", "neutrophil/BloodImage_00223_14.jpg", "neutrophil/BloodImage_00263_14.jpg"),
        ("blood_cells", "neutrophil/BloodImage_00227_11.jpg", "neutrophil/BloodImage_00260_5.jpg"),
        ("blood_cells", "neutrophil/BloodImage_00230_10.jpg", "neutrophil/BloodImage_00257_7.jpg"),
        ("blood_cells", "neutrophil/BloodImage_00237_11.jpg", "neutrophil/BloodImage_00252_9.jpg"),
        ("blood_cells", "neutrophil/BloodImage_00243_11.jpg", "neutrophil/BloodImage_00250_0.jpg"),
        ("blood_cells", "neutrophil/BloodImage_00244_14.jpg", "neutrophil/BloodImage_00247_13.jpg"),
        ("blood_cells", "neutrophil/BloodImage_00382_13.jpg", "neutrophil/BloodImage_00395_14.jpg"),
        ("blood_cells", "neutrophil/BloodImage_00384_10.jpg", "neutrophil/BloodImage_00393_11.jpg"),
        ("caltech59", "cougar_face/image_0024.jpg", "cougar_face/image_0066.jpg"),
        ("caltech59", "gerenuk/image_0001.jpg", "gerenuk/image_0019.jpg"),
        ("caltech59", "metronome/image_0002.jpg", "metronome/image_0004.jpg"),
        ("caltech59", "soccer_ball/image_0013.jpg", "soccer_ball/image_0058.jpg"),
        ("caltech59", "stegosaurus/image_0014.jpg", "stegosaurus/image_0038.jpg"),
        ("caltech59", "yin_yang/image_0011.jpg", "yin_yang/image_0012.jpg"),
        ("coffee_leaf", "healthy/758.jpg", "healthy/759.jpg"),
    }
)
"""Set, and the two names below it in the order of the alphabet."""
