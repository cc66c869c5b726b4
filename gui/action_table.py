"""The table of actions: id, text, shortcut, menu, when it can be used, what it does. Menus and shortcuts come from it.

Adding an action is adding a record here and a method to `gui.commands.Commands`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.language import tr, trc
from gui.commands import Commands
from gui.session import Session

Condition = Callable[[Session], bool]


def _always(_session: Session) -> bool:
    return True


def _has_project(session: Session) -> bool:
    return session.project is not None


def _has_images(session: Session) -> bool:
    return session.project is not None and len(session.columns) > 0


def _can_write(session: Session) -> bool:
    return session.project is not None and not session.is_read_only


def _has_run(session: Session) -> bool:
    return session.run is not None


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action. `menu` names the menu it stands in, in English; `starts_group` puts a line above it."""

    id: str
    text: str
    shortcut: str
    menu: str
    handler: Callable[[Commands], Callable[[], None]]
    is_enabled: Condition = _always
    icon: str = ""
    starts_group: bool = False
    is_checkable: bool = False
    needs_selection: bool = False
    is_for_label: bool = False
    """True where it means nothing outside the Label workspace."""
    has_own_key: bool = True
    """False where the workspace handles the key itself; the menu only shows it."""


ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("new", tr("New project…"), "Ctrl+N", "File", lambda c: c.new_project, icon="plus"),
    ActionSpec("open", tr("Open project…"), "Ctrl+O", "File", lambda c: c.open_project, icon="folder-open"),
    ActionSpec("sample", tr("Try the sample"), "", "File", lambda c: c.open_sample, icon="leaf"),
    ActionSpec("close", tr("Close project"), "Ctrl+W", "File", lambda c: c.close_project, _has_project),
    ActionSpec(
        "add_folder",
        tr("Add images from a folder…"),
        "Ctrl+Shift+O",
        "File",
        lambda c: c.add_folder,
        _can_write,
        icon="folder-plus",
        starts_group=True,
    ),
    ActionSpec("rescan", tr("Look for changed images"), "F5", "File", lambda c: c.rescan, _can_write, icon="retrain"),
    ActionSpec(
        "import_labels",
        tr("Import labels (CSV)…"),
        "",
        "File",
        lambda c: c.import_labels,
        _can_write,
        icon="download",
        starts_group=True,
    ),
    ActionSpec(
        "merge",
        tr("Take over labels of a project…"),
        "",
        "File",
        lambda c: c.merge_project,
        _can_write,
        icon="layers",
    ),
    ActionSpec(
        "export_labels", tr("Export labels (CSV)…"), "", "File", lambda c: c.export_labels, _has_project, icon="tag"
    ),
    ActionSpec("export", tr("Export model…"), "Ctrl+E", "File", lambda c: c.export_model, _has_run, icon="export"),
    ActionSpec("report", tr("Report on the model…"), "", "File", lambda c: c.report.write, _has_run, icon="file"),
    ActionSpec(
        "preferences",
        tr("Preferences…"),
        "Ctrl+,",
        "File",
        lambda c: c.show_preferences,
        icon="sliders",
        starts_group=True,
    ),
    ActionSpec("quit", tr("Quit"), "Ctrl+Q", "File", lambda c: c.quit, starts_group=True),
    ActionSpec(
        "undo", tr("Undo"), "Ctrl+Z", "Edit", lambda c: c.undo, lambda s: _can_write(s) and s.can_undo, icon="undo"
    ),
    ActionSpec(
        "redo",
        tr("Redo"),
        "Ctrl+Shift+Z",
        "Edit",
        lambda c: c.redo,
        lambda s: _can_write(s) and s.can_redo,
        icon="redo",
    ),
    ActionSpec(
        "undo_history",
        tr("Undo history…"),
        "Ctrl+Alt+Z",
        "Edit",
        lambda c: c.show_undo_history,
        _can_write,
        icon="clock",
    ),
    ActionSpec(
        "note",
        tr("Note on this image"),
        "Ctrl+T",
        "Edit",
        lambda c: c.edit_note,
        _can_write,
        icon="pencil",
        starts_group=True,
        is_for_label=True,
    ),
    ActionSpec("paste", tr("Classify pasted pictures"), "Ctrl+V", "Edit", lambda c: c.use.paste, icon="copy"),
    ActionSpec(
        "auto_advance",
        tr("On to the next image after a label"),
        "Ctrl+Shift+A",
        "Edit",
        lambda c: c.toggle_auto_advance,
        starts_group=True,
        is_checkable=True,
    ),
    ActionSpec(
        "find_class",
        tr("Find class…"),
        "/",
        "Classes",
        lambda c: c.find_class,
        _has_project,
        icon="search",
        has_own_key=False,
        is_for_label=True,
    ),
    ActionSpec(
        "new_class",
        tr("New class"),
        "Ctrl+Shift+C",
        "Classes",
        lambda c: c.new_class,
        _can_write,
        icon="plus",
        is_for_label=True,
    ),
    ActionSpec(
        "split_class",
        tr("New class from the selection…"),
        "Ctrl+Shift+N",
        "Classes",
        lambda c: c.split_class,
        lambda s: _can_write(s) and len(s.selected_ids) > 0,
        icon="layers",
        needs_selection=True,
        is_for_label=True,
    ),
    ActionSpec(
        "label_mode",
        tr("Several classes per image"),
        "",
        "Classes",
        lambda c: c.toggle_label_mode,
        _can_write,
        starts_group=True,
        is_checkable=True,
    ),
    ActionSpec(
        "label",
        trc("workspace", "Label"),
        "Alt+1",
        "View",
        lambda c: c.show_label,
        _has_project,
        icon="tag",
        is_checkable=True,
    ),
    ActionSpec(
        "review",
        trc("workspace", "Review"),
        "Alt+2",
        "View",
        lambda c: c.show_review,
        _has_project,
        icon="chart",
        is_checkable=True,
    ),
    ActionSpec("use", trc("workspace", "Use"), "Alt+3", "View", lambda c: c.use.show, icon="play", is_checkable=True),
    ActionSpec(
        "toggle_viewer",
        tr("Single image"),
        "Ctrl+Return",
        "View",
        lambda c: c.toggle_viewer,
        _has_project,
        icon="single",
        has_own_key=False,
        is_for_label=True,
    ),
    ActionSpec(
        "next_unlabelled",
        tr("Next unlabelled image"),
        "Tab",
        "View",
        lambda c: c.next_unlabelled,
        _has_project,
        icon="next",
        has_own_key=False,
        is_for_label=True,
    ),
    ActionSpec(
        "show_next",
        tr("Most useful to label next"),
        "Ctrl+Shift+U",
        "View",
        lambda c: c.assistance.show_next,
        _has_images,
        icon="sparkle",
        starts_group=True,
        is_for_label=True,
    ),
    ActionSpec(
        "show_similar",
        tr("Similar images"),
        "Ctrl+Shift+S",
        "View",
        lambda c: c.assistance.show_similar,
        lambda s: _has_images(s) and len(s.selected_ids) > 0,
        icon="images",
        needs_selection=True,
        is_for_label=True,
    ),
    ActionSpec(
        "show_stacks",
        tr("Stacks of look-alikes"),
        "Ctrl+Shift+G",
        "View",
        lambda c: c.show_stacks,
        _has_images,
        icon="layers",
        is_for_label=True,
    ),
    ActionSpec(
        "show_blocks",
        tr("Check suggestions in blocks"),
        "Ctrl+Shift+K",
        "View",
        lambda c: c.blocks.show_blocks,
        _has_images,
        icon="grid",
        is_for_label=True,
    ),
    ActionSpec(
        "show_changed",
        tr("What the last training changed"),
        "Ctrl+Shift+M",
        "View",
        lambda c: c.blocks.show_changed,
        _has_run,
        icon="retrain",
        is_for_label=True,
    ),
    ActionSpec(
        "show_duplicates",
        tr("Near-duplicates together"),
        "Ctrl+Shift+D",
        "View",
        lambda c: c.assistance.show_duplicates,
        _has_images,
        icon="copy",
        is_for_label=True,
    ),
    ActionSpec(
        "show_orders",
        tr("Order of the images…"),
        "F4",
        "View",
        lambda c: c.assistance.show_orders,
        _has_images,
        icon="sort",
        is_for_label=True,
    ),
    ActionSpec(
        "zoom_in",
        tr("Larger pictures"),
        "Ctrl++",
        "View",
        lambda c: c.zoom_in,
        _has_project,
        icon="zoom-in",
        starts_group=True,
    ),
    ActionSpec(
        "zoom_out", tr("Smaller pictures"), "Ctrl+-", "View", lambda c: c.zoom_out, _has_project, icon="zoom-out"
    ),
    ActionSpec(
        "theme_system", trc("theme", "As the system"), "", "Theme", lambda c: c.follow_system_theme, is_checkable=True
    ),
    ActionSpec("theme_light", trc("theme", "Light"), "", "Theme", lambda c: c.use_light_theme, is_checkable=True),
    ActionSpec("theme_dark", trc("theme", "Dark"), "", "Theme", lambda c: c.use_dark_theme, is_checkable=True),
    ActionSpec(
        "retrain",
        tr("Retrain"),
        "Ctrl+R",
        "Model",
        lambda c: c.retrain,
        lambda s: not s.why_no_retrain(),
        icon="retrain",
    ),
    ActionSpec(
        "cancel",
        tr("Cancel what is going on"),
        "Ctrl+.",
        "Model",
        lambda c: c.cancel,
        lambda s: s.work.current() is not None,
        icon="close",
    ),
    ActionSpec(
        "details",
        tr("What it is worth"),
        "Ctrl+I",
        "Model",
        lambda c: c.show_review,
        _has_run,
        icon="chart",
        starts_group=True,
    ),
    ActionSpec(
        "backbones", tr("Choose the backbone…"), "", "Model", lambda c: c.choose_backbone, _has_project, icon="layers"
    ),
    ActionSpec(
        "training",
        tr("Training settings"),
        "Ctrl+Shift+R",
        "Model",
        lambda c: c.toggle_training,
        _has_project,
        icon="sliders",
    ),
    ActionSpec(
        "use_files",
        tr("Classify pictures…"),
        "Ctrl+P",
        "Model",
        lambda c: c.use.choose_files,
        icon="image",
        starts_group=True,
    ),
    ActionSpec(
        "use_folder", tr("Classify a folder…"), "Ctrl+D", "Model", lambda c: c.use.classify_folder, icon="folder"
    ),
    ActionSpec("use_watch", tr("Watch a folder…"), "Ctrl+Shift+W", "Model", lambda c: c.use.watch_folder, icon="eye"),
    ActionSpec("use_model", tr("Use an exported model…"), "", "Model", lambda c: c.use.open_model, icon="folder-open"),
    ActionSpec("local_server", tr("Local server…"), "", "Model", lambda c: c.local_server.show, icon="server"),
    ActionSpec(
        "groups", tr("Groups and test set…"), "", "Model", lambda c: c.choose_groups, _has_images, icon="layers"
    ),
    ActionSpec("guide", tr("Guide"), "Shift+F1", "Help", lambda c: c.show_guide, icon="info"),
    ActionSpec("shortcuts", tr("Keyboard shortcuts"), "F1", "Help", lambda c: c.show_shortcuts, icon="keyboard"),
    ActionSpec("tour", tr("Guided first loop"), "", "Help", lambda c: c.begin_tour, _has_images, icon="leaf"),
    ActionSpec("first_keys", tr("The keys that matter"), "", "Help", lambda c: c.show_first_keys, icon="info"),
    ActionSpec("about", tr("About Graft"), "", "Help", lambda c: c.show_about, icon="info"),
)
