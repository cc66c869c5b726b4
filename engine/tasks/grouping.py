"""The project's rule for groups: setting it, and applying it to the labels of a training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.domain import NO_CLASS, ImageColumns, ImageRecord, LabelSnapshot
from engine.errors import TrainingError
from engine.evaluation.groups import BY_COLUMN, BY_FOLDER, bursts, groups_of, held_together, rule_error, rule_words
from engine.language import tr, trn
from engine.project import Project
from engine.tasks.embed import FeatureSource
from engine.tasks.near_duplicates import pairs_file, read_pairs

_FEW_GROUPS: Final = 3
_ANOTHER_RULE: Final = tr("Choose another pattern, one that names what images have in common (a plant, a part, a day).")


@dataclass(frozen=True, slots=True)
class Grouping:
    """What is held out together. `units` names it for each labelled image; without any group that is its content.

    `num_alike` labelled images are held out with others because they are near-duplicates or of one burst, in
    `num_alike_groups` groups. `tied_to_test` are the positions of images that belong to one of the locked test set:
    they are not trained on.
    """

    rule: str | None
    units: list[str]
    notes: list[str]
    num_alike: int = 0
    num_alike_groups: int = 0
    tied_to_test: frozenset[int] = frozenset()

    @property
    def method_words(self) -> str:
        """What the method of the validation says of it."""
        if not self.num_alike:
            return tr(", {groups} kept together", groups=rule_words(self.rule)) if self.rule else ""
        if not self.rule:
            return tr(", near-duplicates and bursts kept together")
        return tr(", {groups} and near-duplicates and bursts kept together", groups=rule_words(self.rule))

    @property
    def alike_words(self) -> str:
        """What near-duplicates and bursts there are, "" for none."""
        if not self.num_alike:
            return ""
        return trn(
            "{num_images:,} near-duplicates or burst pictures in {number:,} group",
            "{num_images:,} near-duplicates or burst pictures in {number:,} groups",
            self.num_alike_groups,
            num_images=self.num_alike,
        )


def cross_validation_words(num_folds: int, grouping: Grouping) -> str:
    """Returns the method of a validation that held out each image once."""
    return tr("{num_folds}-fold cross-validation", num_folds=num_folds) + grouping.method_words


def grouping_of(project: Project, labels: LabelSnapshot, source: FeatureSource) -> Grouping:
    """Returns the grouping of labelled images: by content, by the project's rule, and by how alike they are.

    Groups that are found by themselves never keep a class from being trained: where all images of a class are alike,
    they are held out one by one and a note says so.

    Raises:
        TrainingError: the rule fits none of the images.
    """
    test = project.test_snapshot()
    test_ids = test.image_ids.tolist() if test is not None else []
    test_hashes = list(test.content_hashes) if test is not None else []
    images = project.images([*labels.image_ids.tolist(), *test_ids])
    hashes = [*labels.content_hashes, *test_hashes]
    rule = project.group_rule()
    groups = _groups_by_rule(project, rule, images)
    num_labelled = len(labels.content_hashes)
    notes = []
    if rule is not None:
        num_without = groups[:num_labelled].count(None)
        if num_without == num_labelled:
            raise _fits_nothing(rule, [image.name for image in images], is_of_labelled=True)
        if num_without:
            notes.append(
                trn(
                    "{number:,} labelled image is in no group by the rule for groups, and held out one by one.",
                    "{number:,} labelled images are in no group by the rule for groups, and held out one by one.",
                    num_without,
                )
            )
    plain = held_together(hashes, groups)
    alike = _alike(project, images, hashes, source) if project.has_automatic_groups() else []
    units = held_together(hashes, groups, alike) if alike else plain
    alone = _classes_in_one_unit(labels, units) & ~_classes_in_one_unit(labels, plain)
    if alone.any():
        names = quoted(labels.classes[index].name for index in np.flatnonzero(alone).tolist())
        notes.append(
            tr("All images of {names} are near-duplicates or of one burst: figures on it flatter.", names=names)
        )
        freed_rows = np.flatnonzero(labels.targets_matrix[:, alone].sum(axis=1)).tolist()
        freed = {labels.content_hashes[row] for row in freed_rows}
        alike = [(one, other) for one, other in alike if one not in freed and other not in freed]
        units = held_together(hashes, groups, alike)
    num_alike, num_groups = _count_alike(plain[:num_labelled], units[:num_labelled])
    in_test = set(units[num_labelled:])
    tied = frozenset(index for index, unit in enumerate(units[:num_labelled]) if unit in in_test)
    if tied:
        notes.append(
            trn(
                "{number:,} image is not trained on: they belong together with images of the locked test set.",
                "{number:,} images are not trained on: they belong together with images of the locked test set.",
                len(tied),
            )
        )
    return Grouping(rule, units[:num_labelled], notes, num_alike, num_groups, tied)


def _groups_by_rule(project: Project, rule: str | None, images: Sequence[ImageRecord]) -> list[str | None]:
    if rule is None:
        return [None] * len(images)
    if rule == BY_COLUMN:
        table = project.group_table()
        return [table.get(image.content_hash) for image in images]
    return groups_of([image.name for image in images], rule)


def _alike(
    project: Project, images: Sequence[ImageRecord], hashes: Sequence[str], source: FeatureSource
) -> list[tuple[str, str]]:
    """Returns pairs of contents that are near-duplicates, or follow each other in a burst."""
    there = set(hashes)
    known = read_pairs(pairs_file(project, source)).by_content()
    pairs = [(one, other) for one, other in known if one in there and other in there]
    shots = bursts([image.taken_at for image in images], _cameras(images))
    return pairs + [(hashes[one], hashes[other]) for one, other in shots]


def _cameras(images: Sequence[ImageRecord]) -> list[str]:
    """Returns the camera of each image; one without a name is told by the folder: two of them rarely share one."""
    return [image.camera or str(image.path.parent) for image in images]


def burst_of(project: Project, image_id: int, near_ids: Sequence[int]) -> list[int]:
    """Returns the images of the burst that an image belongs to, it among them, by the time they were taken.

    Args:
        near_ids: images taken at about the same time, of whatever camera; it may or may not be among them.
    """
    images = project.images(sorted({image_id, *near_ids}))
    place = next(at for at, image in enumerate(images) if image.id == image_id)
    found = {place}
    pairs = sorted(bursts([image.taken_at for image in images], _cameras(images)))
    while grown := {at for pair in pairs if found & set(pair) for at in pair} - found:
        found |= grown
    return [images[at].id for at in sorted(found, key=lambda at: images[at].taken_at or 0.0)]


def _classes_in_one_unit(labels: LabelSnapshot, units: Sequence[str]) -> NDArray[np.bool_]:
    """Returns which classes (K,) have all of their images in one unit."""
    codes = np.unique(units[: len(labels.content_hashes)], return_inverse=True)[1]
    return np.array([len(np.unique(codes[column])) < 2 for column in labels.targets_matrix.T], np.bool_)


def _count_alike(plain: Sequence[str], units: Sequence[str]) -> tuple[int, int]:
    """Returns how many images share their unit with another only because they are alike, and in how many units."""
    members: dict[str, set[str]] = {}
    for before, unit in zip(plain, units, strict=True):
        members.setdefault(unit, set()).add(before)
    joined = {unit for unit, parts in members.items() if len(parts) > 1}
    return sum(unit in joined for unit in units), len(joined)


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
        raise TrainingError(
            tr("None of the labelled images could be read."), tr("Rescan the image folder, then retrain.")
        )
    units: dict[int, set[str]] = {}
    for index in embedded:
        units.setdefault(int(labels.targets[index]), set()).add(grouping.units[index])
    positions = np.array(sorted(target for target, found in units.items() if len(found) > 1), np.int64)
    if len(positions) < 2:
        if grouping.rule is None:
            raise TrainingError(
                tr("Fewer than two classes have two different images."),
                tr("Label at least two images of each of two classes, then retrain."),
            )
        raise TrainingError(
            tr("Fewer than two classes have two different groups of images."),
            tr("Label images of more groups, or choose another rule for the groups (graft train --group-by)."),
        )
    left_out = [image_class.name for index, image_class in enumerate(labels.classes) if index not in positions]
    notes = []
    if left_out:
        notes.append(_left_out(left_out, grouping.rule is not None))
    if grouping.rule is not None:
        few = [labels.classes[target].name for target in positions.tolist() if len(units[target]) < _FEW_GROUPS]
        notes += [tr("“{name}” comes from two groups only: its figures are uncertain.", name=name) for name in few]
    kept = embedded[np.isin(labels.targets[embedded], positions)]
    return kept, positions, notes


def quoted(names: Iterable[str]) -> str:
    """Returns names in quotation marks with commas between them, e.g. "“rust”, “scratch”"."""
    return ", ".join(tr("“{name}”", name=name) for name in names)


def _left_out(names: Sequence[str], has_rule: bool) -> str:
    if has_rule:
        return trn(
            "{names} is not part of the model: it has fewer than two different groups of images.",
            "{names} are not part of the model: they have fewer than two different groups of images.",
            len(names),
            names=quoted(names),
        )
    return trn(
        "{names} is not part of the model: it has fewer than two different images.",
        "{names} are not part of the model: they have fewer than two different images.",
        len(names),
        names=quoted(names),
    )


@dataclass(frozen=True, slots=True)
class GroupPreview:
    """What a rule would do to a project's images: `problem` says why it cannot be used, "" where it can."""

    num_groups: int
    largest: int
    num_without: int
    problem: str = ""


def preview_rule(project: Project, rule: str) -> GroupPreview:
    """Returns what a rule would do, without setting it."""
    problem = "" if rule == BY_COLUMN else rule_error(rule)
    if problem:
        return GroupPreview(0, 0, 0, problem)
    columns = project.columns()
    groups = _all_groups(project, rule, columns.names)
    sizes = Counter(group for group in groups if group is not None)
    try:
        _check_rule(rule, groups, columns)
    except TrainingError as err:
        problem = str(err)
    return GroupPreview(len(sizes), max(sizes.values(), default=0), groups.count(None), problem or "")


def set_group_rule(project: Project, rule: str | None) -> int:
    """Sets the project's rule for groups (None = no groups) and returns how many groups there are now.

    Raises:
        TrainingError: the rule does not divide these images, or puts every class into one group.
    """
    num_groups = 0
    if rule is not None:
        columns = project.columns()
        groups = _all_groups(project, rule, columns.names)
        _check_rule(rule, groups, columns)
        num_groups = len(set(groups) - {None})
    project.set_group_rule(rule)
    return num_groups


def _all_groups(project: Project, rule: str, names: list[str]) -> list[str | None]:
    return _groups_by_rule(project, rule, project.images()) if rule == BY_COLUMN else groups_of(names, rule)


def _check_rule(rule: str, groups: list[str | None], columns: ImageColumns) -> None:
    """Raises TrainingError for a rule that does not divide the images, or puts every class into one group."""
    if not columns.names or groups.count(None) == len(groups):
        raise _fits_nothing(rule, columns.names)
    if len(set(groups)) == 1:
        raise TrainingError(tr("There is only one group: all images are in “{name}”.", name=groups[0]), _ANOTHER_RULE)
    of_class: dict[int, set[str | int]] = {}
    for row, class_id in enumerate(columns.class_ids.tolist()):
        if class_id != NO_CLASS:
            of_class.setdefault(class_id, set()).add(groups[row] or row)
    if len(of_class) > 1 and all(len(found) == 1 for found in of_class.values()):
        what = tr(
            "These groups put all images of each class into one group, so no class could be learned and measured."
        )
        if rule == BY_FOLDER:
            what = tr(
                "The folders are the classes themselves: groups by folder put all images of each class into one group, "
                "so no class could be learned and measured."
            )
        hint = tr(
            "Choose a pattern for what images of one class differ in, or sub-folders below the folders of the classes."
        )
        raise TrainingError(what, hint)


def _fits_nothing(rule: str, names: Sequence[str], is_of_labelled: bool = False) -> TrainingError:
    """Returns what to say of a rule that fits none of the images, or of the labelled ones, with these names."""
    example = tr(", for instance “{name}”", name=names[0]) if names else ""
    if rule == BY_FOLDER:
        text = tr(
            "None of the images lies in a sub-folder{example}, so there are no groups by folder.", example=example
        )
        if is_of_labelled:
            text = tr(
                "None of the labelled images lies in a sub-folder{example}, so there are no groups by folder.",
                example=example,
            )
        return TrainingError(text, _ANOTHER_RULE)
    if rule == BY_COLUMN:
        text = tr("The table names none of the images{example}.", example=example)
        if is_of_labelled:
            text = tr("The table names none of the labelled images{example}.", example=example)
        return TrainingError(text, tr("Read a table that does."))
    text = tr("The pattern “{rule}” fits none of the images{example}.", rule=rule, example=example)
    if is_of_labelled:
        text = tr("The pattern “{rule}” fits none of the labelled images{example}.", rule=rule, example=example)
    return TrainingError(text, _ANOTHER_RULE)
