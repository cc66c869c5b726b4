"""The model card of Starter, written from the settings that are shipped beside it."""

from __future__ import annotations

from typing import Any

from views import NUM_PLAIN_VIEWS

# Plain probe at 10 per class with the same script, for comparison.
_MOBILENET_V2 = {
    "blood_cells": 0.809,
    "caltech59": 0.903,
    "clothing10": 0.651,
    "coffee_leaf": 0.635,
    "steel_neu": 0.956,
    "mean": 0.791,
}


def model_card(settings: dict[str, Any]) -> str:
    """Returns the card as Markdown."""
    measured, training = settings["measured"], settings["training"]
    accuracy, speed = measured["accuracy_10_per_class"], measured["speed"]
    side_px = settings["input_size_px"]
    rows = "\n".join(f"| {name} | {value:.3f} | {_MOBILENET_V2[name]:.3f} |" for name, value in accuracy.items())
    schedule = ", then ".join(f"{samples:,} at {px} px" for px, samples in training["schedule"])
    return f"""# Starter

The backbone that comes with Graft, so that the first retrain works on a machine without a network. It is a small
convolutional network ({settings["num_parameters"] / 1e6:.1f} million parameters, {settings["size_bytes"] / 1e6:.1f} MB)
that turns a picture of {side_px}x{side_px} px into {settings["embedding_size"]} numbers. A downloaded network such as
`mobilenet_v2` is more accurate; Starter is {speed["ratio"]:.1f} times as fast.

## How good it is

Accuracy of the plain probe: one view squeezed to a square, features of length 1, logistic regression (C = 30) on 10
random pictures per class, tested on all others, mean over 5 random choices. These are the sets it was developed with:
its weights have not seen them, but the input size, the training settings and what the embedding is made of were chosen
with an eye on them.

| set | Starter | mobilenet_v2 |
|---|---|---|
{rows}

Speed on two processor cores through ONNX Runtime: {speed["images_per_s"]} images/s, beside
{speed["mobilenet_v2_images_per_s"]} images/s of `mobilenet_v2` at 224 px, measured in turns on a machine that was also
doing other work.

## How it was made

From random weights, by knowledge distillation on two processor cores: it learned to agree with two networks that were
trained on ImageNet, torchvision's `mobilenet_v2` (BSD-3, from the int8 release, dequantised) and `mobilenet_v3_small`
(Apache-2.0, from an 8-bit TensorFlow Lite model). For {training["num_views"]} random crops of each picture the pooled
features of both teachers, the 1,000-class probabilities of `mobilenet_v2` and its last feature map were computed once.
The first {NUM_PLAIN_VIEWS} crops are plain, the others recoloured, turned, faded or pasted into each other before the
teachers see them. The student was trained on {training["samples_seen"]:,} of them, shifted, mirrored and mixed
({schedule}), with Muon and AdamW, and the running average of its weights is what is shipped.
No weight of a teacher is part of it. The scripts are in `build/starter`.
{training["note"]}

The last layer was not trained but computed from the pool's pictures. A picture is described by the mean of the last
layer and by the spread (standard deviation over the picture) of three layers, 1,296 numbers; along their principal axes
each is divided by its variance to the power of 1/4, and the first {settings["embedding_size"]} axes are the embedding.
With the weights of the run before this one, mean of the five sets (5 random choices): the mean of the last layer alone,
widened to 768 numbers and trained to please the teachers, .684; its axes so divided .691; the spread of one layer
beside it .709; of three .721. What did not pay: the maximum or the mean of earlier layers instead of their spread (.704
to .706), the distance from the pool's mean instead of that from the picture's own (.695), the spread of still earlier
layers (better on blood_cells and coffee_leaf, worse on caltech59 and clothing10), the teachers' space (.685), pictures
of 144 px (.717).

## Pictures it was trained on

11,631 unlabelled natural pictures, at most 160 px on the short side: parts of ImageNet, Caltech-101, PACS, BSDS and
scene collections, birds, pets, clothing and damaged structures. Most of these collections are licensed for research
only, some are CC0. **None of the pictures is part of Graft.** Whether weights that were trained on research-only
pictures may be used for a given commercial purpose is for their user to judge; who needs to be certain chooses a
backbone whose licence they have cleared. The weights are published under {settings["licence"]}.

Caltech-101 is in both the pool and the development set caltech59, with different classes; three of the 1,180 pictures
of caltech59 (guitars) are in the pool through another collection. Pictures of clothing are in the pool too.

## Limits

- Trained on few, small, everyday pictures. Medical, satellite and document images were not among them.
- It has not been examined for bias against groups of people and should not be used to judge people.
- Differences that need more than {side_px} px to be seen are lost; choose another backbone for those.
- Accuracy on pictures unlike the development sets is unknown until you label some: Graft measures it for you.
"""
