"""For runtimes that take pictures of one size only: how predict.py cuts and resizes them, exactly as the program does.

Pillow resizes floating-point pictures with the same filters as the program, so nothing is lost by doing it outside.
"""

from __future__ import annotations

from typing import Any

from engine.language import tr
from engine.nn.preprocessing import CUT_EIGHTHS, MIRROR, WHOLE, Preprocessing

_VIEWS = '''def views_of(pixels):
    """Returns what the model takes: float32 ({num_views}, 3, {side}, {side}), red, green and blue from 0 to 255."""
    height, width = pixels.shape[:2]

    def middle(eighths):
        square = max(1, min(height, width) * eighths // 8)
        top, left = (height - square) // 2, (width - square) // 2
        return pixels[top : top + square, left : left + square]

    def resized(part):
        channels = [Image.fromarray(part[:, :, at].astype(np.float32)) for at in range(3)]
        return [np.asarray(channel.resize(({side}, {side}), Image.Resampling.{filter})) for channel in channels]

    return np.stack([np.stack(resized(part)) for part in {parts}])
'''

_PARTS = {
    WHOLE: "pixels",
    MIRROR: "pixels[:, ::-1]",
    **{view: f"middle({eighths})" for view, eighths in CUT_EIGHTHS.items()},
}


def prepared_views_source(preprocessing: Preprocessing) -> str:
    """Returns Python source of `views_of(pixels)`; `np` and `Image` are imported already."""
    return _VIEWS.format(
        num_views=preprocessing.num_views,
        side=preprocessing.input_size_px,
        filter=preprocessing.interpolation.upper(),
        parts=f"[{', '.join(_PARTS[view] for view in preprocessing.views)}]",
    )


def preparation_note(preprocessing: Preprocessing) -> str:
    """Returns for the model card what must happen to a picture before the model sees it."""
    side = preprocessing.input_size_px
    what = {WHOLE: tr("the whole picture"), MIRROR: tr("its mirror image")} | {
        view: tr("the square in its middle whose side is {eighths}/8 of the shorter side", eighths=eighths)
        for view, eighths in CUT_EIGHTHS.items()
    }
    return tr(
        "Resizing is not inside this format: the model takes {num_views} × 3 × {side} × {side} numbers from 0 to 255 "
        "({parts}; each squeezed to {side} × {side} with a {filter}, antialiased filter). Normalisation is inside. "
        "`views_of` in predict.py does it.",
        num_views=preprocessing.num_views,
        side=side,
        parts=tr(", then ").join(what[view] for view in preprocessing.views),
        filter=preprocessing.interpolation,
    )


def input_document(preprocessing: Preprocessing) -> dict[str, Any]:
    """Returns the same for programs: what the model's only input is."""
    side = preprocessing.input_size_px
    return {
        "name": "views",
        "type": "float32",
        "shape": [preprocessing.num_views, 3, side, side],
        "range": [0, 255],
        "views": list(preprocessing.views),
    }
