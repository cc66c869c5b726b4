"""The images behind a figure of Review: a grid where class keys relabel, exactly as in Label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from engine.domain import ImageClass
from engine.language import tr, trc
from gui import wording
from gui.models.image_filter import ImageFilter, Order
from gui.models.image_index import ImageIndex
from gui.models.image_list import ImageListModel
from gui.models.picked_images import PickedImages
from gui.panels.card_faces import CardFaces
from gui.panels.key_repeats import KeyRepeats
from gui.panels.label_hints import painting_hints
from gui.panels.label_keys import LabelKeys
from gui.panels.label_page import finder_title
from gui.panels.labelling import Labelling
from gui.panels.list_place import ListPlace
from gui.panels.painting import Painting
from gui.panels.workspace_keys import class_key_text
from gui.session import Session
from gui.theme import icon, notifier
from gui.thumbnails import Thumbnails
from gui.widgets.buttons import button
from gui.widgets.class_finder import ClassFinder
from gui.widgets.empty_state import EmptyState
from gui.widgets.grid_layout import MARGIN_PX, PICTURE_RATIO
from gui.widgets.hint_line import Hint, HintLine
from gui.widgets.image_card import CAPTION_PX, CardFace, percent
from gui.widgets.image_grid import ImageGrid
from gui.widgets.text import text_label

FINDER_TOP_PX, HEAD_PX = 48, 44
CARD_PX, SMALLEST_CARD_PX = 196, 128
Opinions = dict[int, tuple[int, float]]
"""By image id: the class that the model said when it had not seen the image, and how sure it was."""


class ReviewImages(QWidget):
    """Keeps its own list, selection and keys: the Label workspace notices nothing but the labels."""

    closed = Signal()
    view_wanted = Signal(object, str, int)
    """Enter on an image: ids and title of what is shown here, and the position to look at."""

    def __init__(self, session: Session, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._opinions: Opinions = {}
        self._seen: NDArray[np.int32] = np.zeros(0, np.int32)
        self.title = ""
        self.images = ImageListModel(self)
        self._faces = CardFaces(session, self.images, thumbnails)
        self.grid = ImageGrid(self.images, thumbnails, self._face_at)
        self.grid.setObjectName("reviewGrid")
        self.grid.is_drag_source = False
        self.grid.set_card_px(CARD_PX)
        self.grid.setAccessibleName(tr("Images of this figure"))
        self.labelling = Labelling(session, self.images, self.grid, self)
        self._place = ListPlace(session, self.images, self.grid)
        repeats = KeyRepeats(self)
        self._painting = Painting(self.labelling, repeats, self.grid)
        self._painting.changed.connect(self._show_hints)
        self._keys = LabelKeys(self, repeats, self._painting.press)
        self._caption = text_label(role="caption", wrap=True)
        self._empty = EmptyState()
        self._stack = QStackedWidget()
        self._hints = HintLine()
        self._build()
        self.finder = ClassFinder(self)
        self.finder.closed.connect(self.grid.setFocus)
        self._bind_keys()
        self._connect()
        self.show_nothing()

    # ------------------------------------------------------------------------------------------------ what is shown

    def show_images(self, title: str, image_ids: NDArray[np.int64], opinions: Opinions | None = None) -> None:
        """Shows images in this order under a title; `opinions` are drawn beside the classes that they have."""
        self.title, self._opinions = title, opinions or {}
        self.images.set_filter(ImageFilter(picked=PickedImages(title, image_ids)), Order.PICKED)
        self._take_labels()
        number = len(self.images.rows)
        self._caption.setText(f"{title} · {wording.count(number, 'image')}".upper())
        self.grid.setAccessibleName(f"{title}, {wording.count(number, 'image')}")
        self._label_button.setVisible(number > 0)
        if number:
            self._stack.setCurrentWidget(self.grid)
            self.grid.go_to(0)
            self.grid.verticalScrollBar().setValue(0)
        else:
            self._show_empty("check-circle", tr("No image here"), tr("No image was measured to be in this place."))
        self._show_hints()

    def show_nothing(self) -> None:
        """Forgets what was shown."""
        self.title, self._opinions = "", {}
        self.images.set_filter(ImageFilter(picked=PickedImages("", np.zeros(0, np.int64))), Order.PICKED)
        self._caption.setText(tr("Images").upper())
        self._label_button.hide()
        self._show_empty(
            "matrix", tr("Choose a cell"), tr("Its images appear here, the worst first. Class keys relabel them.")
        )
        self._hints.set_hints([])

    def focus_images(self) -> None:
        """Gives the keyboard to the images."""
        self.grid.setFocus(Qt.FocusReason.OtherFocusReason)

    def fit_cards(self, height_px: int) -> None:
        """Chooses the size of the pictures so that a whole row of them is seen in a pane of this height."""
        picture = height_px - HEAD_PX - self._hints.sizeHint().height() - 2 * MARGIN_PX - CAPTION_PX
        self.grid.set_card_px(max(SMALLEST_CARD_PX, min(CARD_PX, int(picture / PICTURE_RATIO))))

    def set_can_close(self, on: bool) -> None:
        """Offers to put it away, or not."""
        self._close_button.setVisible(on)

    def _show_empty(self, icon_name: str, title: str, text: str) -> None:
        self._empty.set_state(icon_name, title, text)
        self._stack.setCurrentWidget(self._empty)

    def _face_at(self, position: int) -> CardFace:
        face = self._faces.at(position)
        said_id, confidence = self._opinions.get(face.image_id, (0, 0.0))
        said = self._session.class_by_id(said_id)
        if said is None or not face.class_name or face.is_suggestion:
            return face
        return replace(face, opinion=(said.name, percent(confidence), said.color))

    # ------------------------------------------------------------------------------------------------------- set-up

    def _build(self) -> None:
        self._label_button = button(
            tr("Show in Label"), "chip", tooltip=tr("These images in the Label workspace (Ctrl+Enter)")
        )
        self._label_button.clicked.connect(self._show_in_label)
        self._close_button = QToolButton()
        self._close_button.setIcon(icon("close"))
        self._close_button.setToolTip(tr("Put the images away (Esc)"))
        self._close_button.setAccessibleName(tr("Put the images away"))
        self._close_button.clicked.connect(self.closed)
        head = QHBoxLayout()
        head.setContentsMargins(16, 8, 8, 4)
        head.addWidget(self._caption, 1)
        head.addWidget(self._label_button)
        head.addWidget(self._close_button)
        self._stack.addWidget(self.grid)
        self._stack.addWidget(self._empty)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self._stack, 1)
        column.addWidget(self._hints)
        self.setProperty("role", "window")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)

    def _bind_keys(self) -> None:
        labelling = self.labelling
        handlers: dict[str, Callable[[], object]] = {
            "confirm": labelling.confirm,
            "find": self.find_class,
            "accept": labelling.accept,
            "skip": labelling.skip,
            "unsure": labelling.toggle_unsure,
            "clear": labelling.clear,
            "clear_all": labelling.clear,
            "toggle_viewer": self._show_in_label,
        }
        self._keys.bind_table(handlers, images=self.grid, left=self)
        self._keys.listen_to_mouse(self.grid.viewport())
        self._keys.set_mode(self._session.label_mode)
        leave = QShortcut(QKeySequence(Qt.Key.Key_Escape), self)
        leave.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        leave.activated.connect(self.closed)

    def _connect(self) -> None:
        session = self._session
        session.columns_reset.connect(self._on_columns_reset)
        session.rows_changed.connect(self._on_rows_changed)
        session.classes_changed.connect(self._on_classes_changed)
        session.mode_changed.connect(lambda: self._keys.set_mode(session.label_mode))
        session.project_closed.connect(self.show_nothing)
        notifier().theme_changed.connect(self.grid.viewport().update)
        self.grid.position_activated.connect(self._on_activated)
        self.grid.positions_changed.connect(self._show_hints)
        self._on_columns_reset()
        self._on_classes_changed()

    # ------------------------------------------------------------------------------------------------------- events

    def find_class(self) -> None:
        """Opens the type-ahead over all classes."""
        count, labelling = len(self.labelling.targets()), self.labelling
        if count:
            classes, title = self._session.classes, finder_title(count)
            self.finder.open(classes, labelling.recent, title, labelling.label, labelling.label_new_class)
            self.finder.move(QPoint((self.width() - self.finder.width()) // 2, FINDER_TOP_PX))

    def _on_columns_reset(self) -> None:
        self.images.set_columns(self._session.columns, ImageIndex())
        self._take_labels()

    def _on_rows_changed(self, rows: NDArray[np.int64]) -> None:
        self.images.note_changes(rows)
        relabelled = self._take_labels()
        if not self.labelling.is_acting and self.isVisible():
            self._place.show_changed(relabelled, is_viewing=False)
        self.grid.update_rows(rows)

    def _take_labels(self) -> NDArray[np.int64]:
        """Notes the classes that the images have now; returns the rows of those that had another one."""
        now, before = self._session.columns.class_ids[self.images.rows], self._seen
        self._seen = now.copy()
        return self.images.rows[now != before] if len(now) == len(before) else np.zeros(0, np.int64)

    def _on_classes_changed(self) -> None:
        self._faces.classes_changed()
        self._keys.bind_classes(self._session.classes)
        self.grid.viewport().update()
        self._show_hints()

    def _on_activated(self, position: int) -> None:
        self.view_wanted.emit(self.images.image_ids(), self.title, position)

    def _show_in_label(self) -> None:
        self._session.show_images(self.images.image_ids(), self.title)

    def _show_hints(self) -> None:
        if not len(self.images.rows):
            return
        if self._painting.is_on:
            self._hints.set_hints(painting_hints(self._session, self.labelling))
            return
        hints = []
        count = len(self.labelling.targets())
        item = self._class_to_name()
        is_several = self._session.has_several_classes
        if item is not None:
            verb = tr("relabel") if count < 2 else tr("relabel {number:,} images", number=count)
            verb = tr("give or take") if is_several else verb
            hints.append(Hint(class_key_text(item.key), verb, item.name, item.color))
        hints += [Hint(tr("Enter"), trc("verb", "confirm") if is_several else tr("look closely"))]
        hints += [Hint("/", tr("find class")), Hint("?", tr("unsure")), Hint("Esc", tr("back"))]
        self._hints.set_hints(hints)

    def _class_to_name(self) -> ImageClass | None:
        """Returns the class whose key the hints name: the one that the model said, or else the first; if it has one."""
        said_id = self._opinions.get(self.images.image_id(self.grid.current_position()) or 0, (0, 0.0))[0]
        with_keys = [item for item in self._session.classes if item.key and said_id in (0, item.id)]
        return with_keys[0] if with_keys else None
