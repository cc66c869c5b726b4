"""The project's rule for groups: setting it, and applying it to the labels of a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import NO_CLASS, LabelSnapshot
from engine.errors import TrainingError
from engine.evaluation.groups import BY_FOLDER, groups_of, held_together, rule_words
from engine.project import Project

_FEW_GROUPS: Final = 3
_ANOTHER_RULE: Final = "Choose another pattern, one that names what images have in common (a plant, a part, a day)."


@dataclass(frozen=True, slots=True)
class Grouping:
    """What is held out together. `units` names it for each labelled image; without a rule that is its content."""

    rule: str | None
    units: list[str]
    notes: list[str]

    @property
    def method_words(self) -> str:
        """What the method of the validation says of it."""
        return f", {rule_words(self.rule)} kept together" if self.rule else ""


def grouping_of(project: Project, labels: LabelSnapshot) -> Grouping:
    """Returns the grouping of labelled images by the project's rule.

    Raises:
        TrainingError: the rule fits none of them.
    """
    rule = project.group_rule()
    if rule is None:
        return Grouping(None, list(labels.content_hashes), [])
    names = [image.name for image in project.images(labels.image_ids.tolist())]
    groups = groups_of(names, rule)
    num_without = groups.count(None)
    if num_without == len(names):
        raise _fits_nothing(rule, "labelled images", names)
    notes = []
    if num_without:
        images = "1 labelled image is" if num_without == 1 else f"{num_without:,} labelled images are"
        notes.append(f"{images} in no group by the rule for groups, and held out one by one.")
    return Grouping(rule, held_together(labels.content_hashes, groups), notes)


def usable_labels(
    labels: LabelSnapshot, rows: NDArray[np.int64], grouping: Grouping
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[str]]:
    """Returns which labelled images can be used, the positions of their classes (ascending), and notes for the user.

    A class needs two different images, or images of two groups: one to learn from and one to be measured on.

    Raises:
        TrainingError: fewer than two classes have that many.
    """
    embedded = np.flatnonzero(rows >= 0)
    if not len(embedded):
        raise TrainingError("None of the labelled images could be read.", "Rescan the image folder, then retrain.")
    units: dict[int, set[str]] = {}
    for index in embedded:
        units.setdefault(int(labels.targets[index]), set()).add(grouping.units[index])
    positions = np.array(sorted(target for target, found in units.items() if len(found) > 1), np.int64)
    unit = "different images" if grouping.rule is None else "different groups of images"
    if len(positions) < 2:
        hint = "Label at least two images of each of two classes, then retrain."
        if grouping.rule is not None:
            hint = "Label images of more groups, or choose another rule for the groups (graft train --group-by)."
        raise TrainingError(f"Fewer than two classes have two {unit}.", hint)
    left_out = [image_class.name for index, image_class in enumerate(labels.classes) if index not in positions]
    notes = []
    if left_out:
        names = ", ".join(f"“{name}”" for name in left_out)
        verb = "is not part of the model: it has" if len(left_out) == 1 else "are not part of the model: they have"
        notes.append(f"{names} {verb} fewer than two {unit}.")
    if grouping.rule is not None:
        few = [labels.classes[target].name for target in positions.tolist() if len(units[target]) < _FEW_GROUPS]
        notes += [f"“{name}” comes from two groups only: its figures are uncertain." for name in few]
    kept = embedded[np.isin(labels.targets[embedded], positions)]
    return kept, positions, notes


def set_group_rule(project: Project, rule: str | None) -> int:
    """Sets the project's rule for groups (None = no groups) and returns how many groups there are now.

    Raises:
        TrainingError: the rule does not divide these images, or puts every class into one group.
    """
    num_groups = 0
    if rule is not None:
        columns = project.columns()
        groups = groups_of(columns.names, rule)
        if not columns.names or groups.count(None) == len(groups):
            raise _fits_nothing(rule, "images", columns.names)
        num_groups = len(set(groups) - {None})
        if num_groups == 1 and None not in groups:
            raise TrainingError(f"There is only one group: all images are in “{groups[0]}”.", _ANOTHER_RULE)
        of_class: dict[int, set[str | int]] = {}
        for row, class_id in enumerate(columns.class_ids.tolist()):
            if class_id != NO_CLASS:
                of_class.setdefault(class_id, set()).add(groups[row] or row)
        if len(of_class) > 1 and all(len(found) == 1 for found in of_class.values()):
            what = "The folders are the classes themselves: groups by folder" if rule == BY_FOLDER else "These groups"
            raise TrainingError(
                f"{what} put all images of each class into one group, so no class could be learned and measured.",
                "Choose a pattern for what images of one class differ in, or sub-folders below the folders of the "
                "classes.",
            )
    project.set_group_rule(rule)
    return num_groups


def _fits_nothing(rule: str, images: str, names: list[str]) -> TrainingError:
    example = f", for instance “{names[0]}”" if names else ""
    if rule == BY_FOLDER:
        return TrainingError(
            f"None of the {images} lies in a sub-folder{example}, so there are no groups by folder.", _ANOTHER_RULE
        )
    return TrainingError(f"The pattern “{rule}” fits none of the {images}{example}.", _ANOTHER_RULE)
