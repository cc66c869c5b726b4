"""What the user decides about measuring: groups, the locked test set, suspects that were looked at."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import asdict, dataclass, replace

import numpy as np
from sqlite_utils import Database

from engine.domain import LabelSnapshot
from engine.project.labels import LabelWriting, plain_ids
from engine.store import annotation_log, meta, snapshot


@dataclass(frozen=True, slots=True)
class TestSet:
    """Images that no training sees, by their content. `unlocked_at` is when it was given up: then it is history."""

    hashes: list[str]
    share: float
    seed: int
    locked_at: float
    unlocked_at: float | None = None

    __test__ = False  # pytest takes the name for that of a test

    @property
    def is_locked(self) -> bool:
        return self.unlocked_at is None


class HonestyChoices(LabelWriting):
    """The part of `Project` that holds what measuring takes into account. Blocking; for jobs."""

    def snapshot(self) -> LabelSnapshot:
        """Returns the present labels, for a training: without those of the locked test set."""
        labels, test = self._labels_and_test()
        return labels if test is None else snapshot.part(labels, ~_is_in(labels, test))

    def test_snapshot(self) -> LabelSnapshot | None:
        """Returns the present labels of the locked test set; None where none is locked."""
        labels, test = self._labels_and_test()
        return None if test is None else snapshot.part(labels, _is_in(labels, test))

    # ---- groups

    def group_rule(self) -> str | None:
        """Returns the user's rule by which images are held out together, or None."""
        return self.store.call(lambda db: meta.get(db, meta.GROUP_RULE))

    def set_group_rule(self, rule: str | None) -> None:
        """Sets or, with None, removes the rule; `engine.tasks.grouping` checks it first."""
        self._write(lambda db: meta.set_group_rule(db, rule)).result()

    def has_automatic_groups(self) -> bool:
        """Returns whether near-duplicates and bursts are held out together."""
        return self.store.call(lambda db: meta.get(db, meta.AUTOMATIC_GROUPS)) != meta.NO

    def set_automatic_groups(self, on: bool) -> None:
        self._write(lambda db: meta.set_choice(db, meta.AUTOMATIC_GROUPS, None if on else meta.NO)).result()

    def group_table(self) -> dict[str, str]:
        """Returns the groups of the rule "column" by content hash."""
        return dict(json.loads(self.store.call(lambda db: meta.get(db, meta.GROUP_TABLE)) or "{}"))

    def set_group_table(self, groups: Mapping[str, str]) -> None:
        """Sets the groups of the rule "column", by content hash."""
        text = json.dumps(dict(groups), ensure_ascii=False)
        self._write(lambda db: meta.set_choice(db, meta.GROUP_TABLE, text)).result()

    # ---- the locked test set

    def test_set(self) -> TestSet | None:
        """Returns the test set, also one that was unlocked; None where there never was one."""
        return self.store.call(_test_set)

    def set_test_set(self, hashes: Iterable[str], share: float, seed: int) -> TestSet:
        """Locks images, by content, away from every training; `engine.tasks.locked_test` draws them."""
        test = TestSet(sorted(set(hashes)), share, seed, time.time())
        self._write(lambda db: meta.set_choice(db, meta.TEST_SET, json.dumps(asdict(test)))).result()
        return test

    def unlock_test_set(self) -> None:
        """Gives the test set up: its images are trained on again. That it was is kept, and said at every training."""
        test = self.test_set()
        if test is not None and test.is_locked:
            text = json.dumps(asdict(replace(test, unlocked_at=time.time())))
            self._write(lambda db: meta.set_choice(db, meta.TEST_SET, text)).result()

    # ---- suspects

    def dismissed_suspects(self) -> set[int]:
        """Returns the images whose present class was found right by the user, by id."""

        def read(db: Database) -> set[int]:
            dismissed = _dismissed(db)
            return {
                image_id
                for image_id, content, class_id in annotation_log.labelled(db)
                if class_id in dismissed.get(content, ())
            }

        return self.store.call(read)

    def dismiss_suspects(self, image_ids: Iterable[int]) -> Future[None]:
        """Notes that the present class of these images is right, whatever a model thinks; until it is another."""
        return self._change_dismissed(image_ids, dismiss=True)

    def restore_suspects(self, image_ids: Iterable[int]) -> Future[None]:
        """Takes `dismiss_suspects` back."""
        return self._change_dismissed(image_ids, dismiss=False)

    # ---- inside

    def _labels_and_test(self) -> tuple[LabelSnapshot, TestSet | None]:
        labels, test = self.store.call(lambda db: (snapshot.take(db), _test_set(db)))
        return labels, test if test is not None and test.is_locked else None

    def _change_dismissed(self, image_ids: Iterable[int], dismiss: bool) -> Future[None]:
        wanted = set(plain_ids(list(image_ids)))

        def change(db: Database) -> None:
            dismissed = _dismissed(db)
            for image_id, content, class_id in annotation_log.labelled(db):
                if image_id in wanted:
                    kept = set(dismissed.get(content, ())) - {class_id}
                    dismissed[content] = sorted(kept | {class_id} if dismiss else kept)
            text = json.dumps({content: class_ids for content, class_ids in dismissed.items() if class_ids})
            meta.set_choice(db, meta.DISMISSED, text)

        return self._write(change)


def _test_set(db: Database) -> TestSet | None:
    text = meta.get(db, meta.TEST_SET)
    return TestSet(**json.loads(text)) if text else None


def _dismissed(db: Database) -> dict[str, list[int]]:
    return dict(json.loads(meta.get(db, meta.DISMISSED) or "{}"))


def _is_in(labels: LabelSnapshot, test: TestSet) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    hashes = set(test.hashes)
    return np.fromiter((content in hashes for content in labels.content_hashes), np.bool_, len(labels.content_hashes))
