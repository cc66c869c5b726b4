"""Brings what another project says of the same pictures into the open one, as one undoable step.

`read` takes the other project's part, `plan` compares and writes nothing, `apply` does what the plan says. Nothing that
the open project says is overwritten unless that is asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlite_utils import Database

from engine.domain import NO_CLASS, Change, LabelMode, Mark, display_name
from engine.language import tr
from engine.store import annotation_log, classes, image_notes, marks, meta, refusals, same_pictures, steps
from engine.store.same_pictures import Picture

KIND: Final = "merge"
CLASSES: Final = "classes"
NOTE: Final = "note"
_PRESENT: Final = """
    SELECT image_id, classes.name, image_classes.source FROM image_classes JOIN classes ON classes.id = class_id
    ORDER BY image_id, classes.position, class_id
"""
_SPOKEN_OF: Final = """
    SELECT images.id, roots.path, relative_path, content_hash, size_bytes FROM images JOIN roots ON roots.id = root_id
    WHERE images.id IN (
        SELECT image_id FROM image_classes UNION SELECT image_id FROM image_marks WHERE marks != 0
        UNION SELECT image_id FROM image_notes UNION SELECT image_id FROM image_refusals
    ) ORDER BY images.position
"""
_BIRTHS: Final = """
    SELECT class_id, made_at FROM class_history JOIN steps ON steps.id = step_id WHERE class_history.before IS NULL
"""
_AUTHORS: Final = """
    SELECT DISTINCT who FROM steps WHERE who != '' AND id IN (
        SELECT max(step_id) FROM annotations JOIN image_classes USING (image_id, class_id) GROUP BY image_id, class_id
    ) ORDER BY who
"""


@dataclass(frozen=True, slots=True)
class Say:
    """What a project says of one picture: its classes by name, each with its source, marks, note, refused classes."""

    classes: dict[str, str] = field(default_factory=dict)
    marks: int = 0
    note: str = ""
    refused: frozenset[str] = frozenset()

    @property
    def is_confirmed(self) -> bool:
        return bool(self.marks & Mark.CONFIRMED)


@dataclass(frozen=True, slots=True)
class OtherProject:
    """What another project says. `class_rows` are name, colour, key and id of its classes, in palette order."""

    name: str
    authors: tuple[str, ...]
    label_mode: LabelMode
    class_rows: tuple[tuple[str, str, str | None, int], ...]
    births: dict[int, float]
    """When each class was made: a class of a copy of this project is known by that, whatever it is called now."""
    pictures: list[Picture]
    says: list[Say]


@dataclass(frozen=True, slots=True)
class Conflict:
    """A picture of which both projects say something else. `kind` is CLASSES or NOTE; `is_taken`: theirs counts now."""

    image_id: int
    image: str
    kind: str
    here: str
    there: str
    is_taken: bool
    reason: str = ""


@dataclass(slots=True)
class MergePlan:
    """What a merge does, in pictures of the open project; `not_found` are pictures that only the other one knows."""

    num_new: int = 0
    num_equal: int = 0
    num_marks: int = 0
    num_notes: int = 0
    conflicts: list[Conflict] = field(default_factory=list)
    not_found: list[tuple[str, str]] = field(default_factory=list)
    new_classes: list[str] = field(default_factory=list)
    class_wishes: list[tuple[int, str, str]] = field(default_factory=list)
    """All classes that the images are to have: (image id, name of the class here, source); a name "" is none."""
    mark_wishes: list[tuple[int, int]] = field(default_factory=list)
    note_wishes: dict[int, str] = field(default_factory=dict)
    refusal_wishes: list[tuple[int, str]] = field(default_factory=list)
    """Classes that the images are not: (image id, name of the class here)."""

    @property
    def changes_nothing(self) -> bool:
        return not (self.class_wishes or self.mark_wishes or self.note_wishes or self.refusal_wishes)


def read(db: Database) -> OtherProject:
    """Returns what an open database says of its pictures now."""
    says = _says(db)
    pictures = [Picture(*row) for row in db.execute(_SPOKEN_OF)]
    return OtherProject(
        name=meta.get(db, meta.NAME) or "",
        authors=tuple(who for (who,) in db.execute(_AUTHORS)),
        label_mode=meta.label_mode(db),
        class_rows=tuple((each.name, each.color, each.key, each.id) for each in classes.all_classes(db)),
        births=dict(db.execute(_BIRTHS).fetchall()),
        pictures=pictures,
        says=[says[picture.id] for picture in pictures],
    )


def plan(db: Database, other: OtherProject, prefers_other: bool) -> MergePlan:
    """Returns what `apply` would do now; writes nothing.

    Args:
        db: the open project.
        other: the project whose labels come.
        prefers_other: whether theirs counts where both say something else.
    """
    return _Comparison(db, other, prefers_other).run()


def apply(db: Database, other: OtherProject, wanted: MergePlan) -> Change | None:
    """Does what a plan says, as one step; None where that changes nothing. In the transaction that made the plan."""
    if wanted.changes_nothing:
        return None
    text = (
        tr("merge labels of {authors} from {project}", authors=", ".join(other.authors), project=other.name)
        if set(other.authors) - {steps.who()}
        else tr("merge labels from {project}", project=other.name)
    )
    step_id = steps.begin(db, KIND, text)
    colors = {name: (color, key) for name, color, key, _ in other.class_rows}
    for name in wanted.new_classes:
        color, key = colors[name]
        used = {each.key for each in classes.all_classes(db)}
        classes.insert(db, step_id, name, color, classes.next_key(db, name) if key in used else key)
    ids = {each.name: each.id for each in classes.all_classes(db)} | {"": NO_CLASS}
    if annotation_log.want(db, [(image_id, ids[name], source) for image_id, name, source in wanted.class_wishes]):
        annotation_log.apply(db, step_id)
    marks.apply(db, step_id, wanted.mark_wishes)
    image_notes.apply(db, step_id, wanted.note_wishes.items())
    for image_id, name in wanted.refusal_wishes:  # the run that suggested it is none of this project's
        refusals.add(db, step_id, [image_id], ids[name], 0)
    return steps.finish(db, step_id)


class _Comparison:
    """One comparison in progress."""

    def __init__(self, db: Database, other: OtherProject, prefers_other: bool) -> None:
        self._db, self._other, self._prefers_other = db, other, prefers_other
        self._here = _says(db)
        self._has_several = meta.label_mode(db) is LabelMode.SEVERAL
        self._name_here = _names_here(db, other)
        self._image_names: dict[int, str] = {}
        self._known = {each.name for each in classes.all_classes(db)}
        self._plan = MergePlan()

    def run(self) -> MergePlan:
        matches: dict[int, list[same_pictures.Match]] = defaultdict(list)
        for match in same_pictures.find(self._db, self._other.pictures):
            matches[match.image_id].append(match)
        self._image_names = dict(self._db.execute("SELECT id, name FROM images").fetchall())
        for image_id, found in sorted(matches.items()):
            best = min(match.rank for match in found)
            self._compare(image_id, [self._translated(match.place) for match in found if match.rank == best])
        met = {match.place for found in matches.values() for match in found}
        self._note_not_found([each for place, each in enumerate(self._other.pictures) if place not in met])
        wanted = {name for _, name, _ in self._plan.class_wishes}
        theirs = [name for name, *_ in self._other.class_rows]
        self._plan.new_classes = [name for name in theirs if name in wanted and name not in self._known]
        return self._plan

    def _translated(self, place: int) -> Say:
        """Returns what they say of a picture, with the names that classes have here."""
        say = self._other.says[place]
        named = {self._name_here.get(name, name): source for name, source in say.classes.items()}
        # "These are all of its classes" means nothing where an image has one.
        is_meant = self._other.label_mode is LabelMode.SEVERAL and self._has_several
        refused = frozenset(self._name_here.get(name, name) for name in say.refused)
        return Say(named, say.marks if is_meant else int(say.marks & ~Mark.CONFIRMED), say.note, refused)

    def _compare(self, image_id: int, says: Sequence[Say]) -> None:
        here, there = self._here.get(image_id, Say()), says[0]
        for other in says[1:]:
            if other.classes.keys() != there.classes.keys() or other.is_confirmed != there.is_confirmed:
                told = "; ".join(_words(say) for say in says)
                self._conflict(
                    image_id, CLASSES, _words(here), told, reason=tr("Its copies there do not say the same.")
                )
                return
        final = here
        if len(there.classes) > 1 and not self._has_several:
            reason = tr("It has several classes there, and this project allows one per image.")
            self._conflict(image_id, CLASSES, _words(here), _words(there), reason=reason)
        elif there.classes or there.is_confirmed:
            final = self._compare_classes(image_id, here, there)
        self._want_marks(image_id, here, there, final)
        self._compare_notes(image_id, here, there)
        if not final.classes:
            missing = sorted((there.refused - here.refused) & self._known)
            self._plan.refusal_wishes += [(image_id, name) for name in missing]

    def _compare_classes(self, image_id: int, here: Say, there: Say) -> Say:
        """Notes what becomes of the classes of an image, and returns them, with the mark CONFIRMED."""
        missing, more = there.classes.keys() - here.classes.keys(), here.classes.keys() - there.classes.keys()
        if self._has_several:
            is_conflict = bool(missing and here.is_confirmed) or bool(more and there.is_confirmed)
        else:
            is_conflict = bool(missing and more)
        if is_conflict:
            self._conflict(image_id, CLASSES, _words(here), _words(there), is_taken=self._prefers_other)
            if not self._prefers_other:
                return here
            keeps = self._has_several and not there.is_confirmed
            final = Say(there.classes | here.classes if keeps else there.classes, there.marks)
        elif missing or (there.is_confirmed and not here.is_confirmed):
            self._plan.num_new += 1
            final = Say(there.classes | here.classes, here.marks | there.marks)
        else:
            self._plan.num_equal += 1
            return here
        if final.classes.keys() != here.classes.keys():
            wishes = final.classes or {"": ""}
            self._plan.class_wishes += [(image_id, name, source) for name, source in wishes.items()]
        return final

    def _want_marks(self, image_id: int, here: Say, there: Say, final: Say) -> None:
        """Their marks join those that are here; but what is labelled here is not skipped because they did."""
        added = there.marks & ~(Mark.CONFIRMED | here.marks)
        if here.classes and not there.classes:
            added &= ~Mark.SKIPPED
        wanted = (here.marks & ~Mark.CONFIRMED) | added | (final.marks & Mark.CONFIRMED)
        self._plan.num_marks += bool(added)
        if wanted != here.marks:
            self._plan.mark_wishes.append((image_id, int(wanted)))

    def _compare_notes(self, image_id: int, here: Say, there: Say) -> None:
        if not there.note or there.note == here.note:
            return
        if here.note:
            self._conflict(image_id, NOTE, here.note, there.note, is_taken=self._prefers_other)
        if not here.note or self._prefers_other:
            self._plan.note_wishes[image_id] = there.note
            self._plan.num_notes += 1

    def _conflict(
        self, image_id: int, kind: str, here: str, there: str, is_taken: bool = False, reason: str = ""
    ) -> None:
        image = self._image_names[image_id]
        self._plan.conflicts.append(Conflict(image_id, image, kind, here, there, is_taken, reason))

    def _note_not_found(self, pictures: Sequence[Picture]) -> None:
        paths = same_pictures.paths_here(self._db) if pictures else set()
        for picture in pictures:
            reason = (
                tr("The picture of that name has other content here.")
                if picture.relative_path in paths
                else tr("There is no such picture here.")
            )
            self._plan.not_found.append((display_name(picture.relative_path), reason))


def _says(db: Database) -> dict[int, Say]:
    """Returns what an open database says of each picture that it says something of."""
    found_classes: dict[int, dict[str, str]] = defaultdict(dict)
    for image_id, name, source in db.execute(_PRESENT):
        found_classes[image_id][name] = source
    found_marks = dict(db.execute("SELECT image_id, marks FROM image_marks WHERE marks != 0").fetchall())
    notes = image_notes.all_notes(db)
    names = {each.id: each.name for each in classes.all_classes(db)}
    found_refused: dict[int, set[str]] = defaultdict(set)
    for image_id, class_id in refusals.pairs(db).tolist():
        found_refused[image_id].add(names[class_id])
    spoken_of = found_classes.keys() | found_marks.keys() | notes.keys() | refusals.all_refused(db).keys()
    return {
        image_id: Say(
            found_classes.get(image_id, {}),
            found_marks.get(image_id, 0),
            notes.get(image_id, ""),
            frozenset(found_refused.get(image_id, ())),
        )
        for image_id in spoken_of
    }


def _names_here(db: Database, other: OtherProject) -> dict[str, str]:
    """Returns what their classes are called here: the same, unless this is a copy and one was renamed or merged."""
    names = {each.id: each.name for each in classes.all_classes(db)}
    into = classes.merged(db)
    ours = set(db.execute(_BIRTHS).fetchall())
    found: dict[str, str] = {}
    for name, _, _, class_id in other.class_rows:
        is_ours = (class_id, other.births.get(class_id)) in ours
        if name not in names.values() and is_ours:
            found[name] = names.get(into.get(class_id, class_id), name)
    return found


def _words(say: Say) -> str:
    return "|".join(name.replace("|", "\\|") for name in say.classes)
