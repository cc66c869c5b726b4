"""Where a model looks: how much each place of a picture speaks for a class.

*Exact*, for every network whose embedding is the mean of feature maps (all of the catalogue but ViT, ConvNeXt and
some of timm's), fine-tuned ones as well. A picture has V views with maps F_v of h times w cells. The model computes

    m = mean over all cells of all views of F_v[cell]        (D,)
    logit_k = weight_k . (m / |m| - mean) / scale + bias_k

so the cell's contribution  weight_k . (F_v[cell] / |m| - mean) / (scale * V * h * w)  sums over all cells of all views
to logit_k - bias_k, to the last digit of float32. Where spreads are part of the embedding they have maps of their own,
of other sizes, whose means are the spreads (`engine.nn.feature_maps.spread_map`): the contributions of all maps are
added up. Two things to know: |m| and the lengths of the parts belong to the picture or view as a whole (each cell is
divided by the same length), and a cell has seen more of the picture than the square it stands for. A cell speaks for
the class where it does so more than the average place of the labelled images (`mean`).

*Gradient* elsewhere (see `engine.nn.gradient_maps`), with the lengths held fixed, as above. *Occlusion* for networks
that keep no map and for exported graphs: by how much the logit falls when a place is covered.

Source: Zhou et al. 2016, "Learning Deep Features for Discriminative Localization"; we differ in the normalised,
standardised embedding and in the several views. Zeiler and Fergus 2014 for occlusion.

Letters: V views, h and w cells of a map, D embedding size, K classes, H and W the picture in pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.nn.feature_maps import FeatureMapSession, NoFeatureMapError
from engine.nn.head import Head
from engine.nn.preprocess_graph import Preprocessor
from engine.nn.run_model import RunModel
from engine.nn.view_maps import Floats, HeatMap, even_map, picture_map

EXACT: Final = "exact"
GRADIENT: Final = "gradient"
OCCLUSION: Final = "occlusion"

OCCLUSION_CELLS: Final = 8
_COVERED: Final = 2
"""A patch covers so many cells, so that neighbouring patches overlap by half."""


def class_activation_map(model: RunModel, pixels: NDArray[np.uint8], class_index: int, num_threads: int = 1) -> Floats:
    """Returns where a picture uint8 (H, W, 3) speaks for a class: (rows, columns) in 0..1, covering the picture.

    For more than one picture make an `Explainer`, which keeps the network loaded.
    """
    return Explainer(model, num_threads).explain(pixels, class_index).heat()


class Explainer:
    """Explains pictures of one run. For one thread at a time; loads the network at its first use."""

    def __init__(self, model: RunModel, num_threads: int) -> None:
        self._model, self._num_threads = model, num_threads
        self._preprocess = Preprocessor(model.preprocessing)
        self._run: Callable[[NDArray[np.uint8], Floats, int], HeatMap] | None = None

    def explain(self, pixels: NDArray[np.uint8], class_index: int) -> HeatMap:
        """Returns how much each place of a decoded picture uint8 (H, W, 3) speaks for a class (index of the head).

        Raises:
            BackboneError: the weights cannot be used.
        """
        views = self._preprocess(pixels)
        if self._run is not None:
            return self._run(pixels, views, class_index)
        for make in (self._exactly, self._by_gradient):
            try:
                run = make()
                heat = run(pixels, views, class_index)
            except (NoFeatureMapError, _NoPlaceError):
                continue
            self._run = run
            return heat
        self._run = self._by_occlusion()
        return self._run(pixels, views, class_index)

    def _exactly(self) -> Callable[[NDArray[np.uint8], Floats, int], HeatMap]:
        session = FeatureMapSession(self._model.spec, self._model.weights, self._num_threads)

        def run(pixels: NDArray[np.uint8], views: Floats, class_index: int) -> HeatMap:
            cells = exact_contributions(session.run(views), self._model.head, class_index)
            return self._heat_map(cells, pixels, EXACT)

        return run

    def _by_gradient(self) -> Callable[[NDArray[np.uint8], Floats, int], HeatMap]:
        import torch  # takes seconds; most networks do without

        from engine.nn.gradient_maps import GradientNetwork, NoPlaceError

        torch.set_num_threads(self._num_threads)
        network = GradientNetwork(self._model.spec, self._model.weights)

        def run(pixels: NDArray[np.uint8], views: Floats, class_index: int) -> HeatMap:
            try:
                cells = network.run(views, lambda outputs: _direction(outputs, self._model.head, class_index))
            except NoPlaceError as err:
                raise _NoPlaceError from err
            return self._heat_map(cells, pixels, GRADIENT)

        return run

    def _by_occlusion(self) -> Callable[[NDArray[np.uint8], Floats, int], HeatMap]:
        from engine.nn.device import CPU
        from engine.nn.forward import Forward

        forward = Forward(self._model.spec, self._model.weights, self._num_threads, CPU)
        head, num_views = self._model.head, self._model.preprocessing.num_views

        def run(pixels: NDArray[np.uint8], views: Floats, class_index: int) -> HeatMap:
            def logits(pictures: list[NDArray[np.uint8]]) -> Floats:
                outputs = np.concatenate([forward(self._preprocess(picture)) for picture in pictures])
                means = outputs.reshape(len(pictures), num_views, -1).mean(axis=1)
                lengths = np.linalg.norm(means, axis=1, keepdims=True)
                return head.logits(means / np.where(lengths > 0, lengths, 1))[:, class_index]

            return occlusion_map(pixels, logits)

        return run

    def _heat_map(self, cells: Sequence[Floats], pixels: NDArray[np.uint8], method: str) -> HeatMap:
        """Lays contributions (V, h, w) over the picture; there may be several, of different sizes."""
        height_px, width_px = pixels.shape[:2]
        views = self._model.preprocessing.views
        even = even_map(cells[0].shape, views, height_px, width_px)
        whole = np.sum([picture_map(each, views, height_px, width_px) for each in cells], axis=0)
        return HeatMap(whole, even, method)


class _NoPlaceError(Exception):
    """As gradient_maps.NoPlaceError, which is only there with torch."""


def exact_contributions(maps: Sequence[Floats], head: Head, class_index: int) -> list[Floats]:
    """Returns what each cell of feature maps (V, h, w, C) adds to a class's logit (V, h, w); see the module.

    The sum over all is the logit without the bias; what the average place adds is taken off the first map. A picture of
    which the network sees nothing (|m| = 0) has the same everywhere.
    """
    weight = head.weight[class_index].astype(np.float64) / head.scale
    means = np.concatenate([each.mean(axis=(0, 1, 2), dtype=np.float64) for each in maps])
    length = float(np.linalg.norm(means))
    found, column = list[Floats](), 0
    for each in maps:
        part = weight[column : column + each.shape[3]] / (length if length > 0 else 1.0)
        found.append(each @ part / np.prod(each.shape[:3]))
        column += each.shape[3]
    found[0] = found[0] - float(weight @ head.mean) / found[0].size
    return [each.astype(np.float32) for each in found]


def occlusion_map(
    pixels: NDArray[np.uint8], logits: Callable[[list[NDArray[np.uint8]]], Floats], num_cells: int = OCCLUSION_CELLS
) -> HeatMap:
    """Returns by how much a class's logit falls when a place of a picture uint8 (H, W, 3) is covered.

    `logits` gives the class's logit (n,) of pictures. Places are covered with the picture's mean colour. The map has
    `num_cells` cells along each side.
    """
    height_px, width_px = pixels.shape[:2]
    colour = pixels.reshape(-1, 3).mean(axis=0).astype(np.uint8)
    rows = np.linspace(0, height_px, num_cells + 1).round().astype(int)
    columns = np.linspace(0, width_px, num_cells + 1).round().astype(int)
    whole = float(logits([pixels])[0])
    falls = np.zeros((num_cells, num_cells))
    times = np.zeros((num_cells, num_cells))
    last = num_cells - _COVERED + 1
    for row in range(last):
        pictures = []
        for column in range(last):
            picture = pixels.copy()
            picture[rows[row] : rows[row + _COVERED], columns[column] : columns[column + _COVERED]] = colour
            pictures.append(picture)
        for column, logit in enumerate(logits(pictures)):
            falls[row : row + _COVERED, column : column + _COVERED] += whole - float(logit)
            times[row : row + _COVERED, column : column + _COVERED] += 1
    shape = falls.shape
    return HeatMap((falls / times).astype(np.float32), np.full(shape, 1 / np.prod(shape), np.float32), OCCLUSION)


def _direction(outputs: Floats, head: Head, class_index: int) -> Floats:
    """Returns the gradient of a class's logit with respect to the views' outputs (V, D), their length held fixed."""
    length = float(np.linalg.norm(outputs.mean(axis=0)))
    weight = head.weight[class_index] / head.scale / (length if length > 0 else 1.0) / len(outputs)
    direction: Floats = np.tile(weight.astype(np.float32), (len(outputs), 1))
    return direction
