"""What a Linux desktop wants beside the program: desktop entry, AppStream metadata, an installer, a .deb."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from bundle.toolbox import size_of

QT_LIBRARIES = ("libegl1", "libgl1", "libdbus-1-3", "libfontconfig1")
"""What Qt takes from the system; the rest is in the package."""
APP_ID = "org.graft.Graft"
SUMMARY = "Label a few images, press Retrain, and take the classifier anywhere"

DESKTOP_ENTRY = """\
[Desktop Entry]
Type=Application
Name=Graft
GenericName=Image classifier
Comment={summary}
Exec={program} %f
Icon={app_id}
Terminal=false
Categories=Science;Graphics;
Keywords=images;labels;classifier;machine learning;
StartupWMClass=graft
"""

METAINFO = """\
<?xml version="1.0" encoding="UTF-8"?>
<component type="desktop-application">
  <id>{app_id}</id>
  <metadata_license>CC0-1.0</metadata_license>
  <project_license>Apache-2.0</project_license>
  <name>Graft</name>
  <summary>{summary}</summary>
  <description>
    <p>
      Graft is for people who know their images: label a small set of them very fast, press one button, and seconds
      later have a classifier of your own classes, honestly measured, and exported to files that run anywhere.
      Everything happens on this machine; no picture and no label ever leaves it.
    </p>
  </description>
  <launchable type="desktop-id">{app_id}.desktop</launchable>
  <releases><release version="{version}" date="{date}"/></releases>
  <content_rating type="oars-1.1"/>
</component>
"""

INSTALL = """\
#!/bin/sh
# Installs Graft for this user, without administrator rights: puts this folder into ~/.local/opt/graft and an entry into
# the desktop's menu. `./install.sh --remove` takes both away again; projects and settings stay.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
data=${{XDG_DATA_HOME:-$HOME/.local/share}}
target=$HOME/.local/opt/graft
entry=$data/applications/{app_id}.desktop
if [ "${{1:-}}" = "--remove" ]; then
  rm -rf "$target"
  rm -f "$entry" "$data/icons/hicolor/256x256/apps/{app_id}.png" "$HOME/.local/bin/graft"
  echo "Graft was removed. Your projects and settings are where they were."
  exit 0
fi
mkdir -p "$HOME/.local/opt" "$data/applications" "$data/icons/hicolor/256x256/apps" "$HOME/.local/bin"
if [ "$here" != "$target" ]; then
  rm -rf "$target.new"
  cp -a "$here" "$target.new"
  rm -rf "$target"
  mv "$target.new" "$target"
fi
cp "$target/share/{app_id}.png" "$data/icons/hicolor/256x256/apps/"
sed "s|^Exec=.*|Exec=\\"$target/graft\\" %f|" "$target/share/{app_id}.desktop" >"$entry"
ln -sf "$target/graft" "$HOME/.local/bin/graft"
echo "Graft is installed in $target. It is in the menu now, and on the command line as ~/.local/bin/graft."
"""


def add_desktop_files(folder: Path, icon_png: Path, version: str, date: str) -> None:
    """Puts the desktop's files and the installer into the folder of the program."""
    share = folder / "share"
    share.mkdir()
    facts = {"app_id": APP_ID, "summary": SUMMARY, "version": version, "date": date}
    (share / f"{APP_ID}.desktop").write_text(
        DESKTOP_ENTRY.format(program="/opt/graft/graft", **facts), encoding="utf-8"
    )
    (share / f"{APP_ID}.metainfo.xml").write_text(METAINFO.format(**facts), encoding="utf-8")
    shutil.copy(icon_png, share / f"{APP_ID}.png")
    installer = folder / "install.sh"
    installer.write_text(INSTALL.format(**facts), encoding="utf-8")
    installer.chmod(0o755)


def write_deb(folder: Path, deb: Path, version: str, work: Path) -> bool:
    """Makes a package for Debian and Ubuntu; tells whether this machine has what that takes."""
    if shutil.which("dpkg-deb") is None:
        return False
    tree = work / "deb"
    shutil.rmtree(tree, ignore_errors=True)
    applications, metainfo, icons = (
        tree / "usr/share" / name for name in ("applications", "metainfo", "icons/hicolor/256x256/apps")
    )
    for each in (tree / "DEBIAN", tree / "opt", tree / "usr/bin", applications, metainfo, icons):
        each.mkdir(parents=True)
    shutil.copytree(folder, tree / "opt/graft", symlinks=True)
    share = folder / "share"
    shutil.copy(share / f"{APP_ID}.desktop", applications)
    shutil.copy(share / f"{APP_ID}.metainfo.xml", metainfo)
    shutil.copy(share / f"{APP_ID}.png", icons)
    (tree / "usr/bin/graft").symlink_to("/opt/graft/graft")
    size_kb = size_of(folder) // 1024
    architecture = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    ).stdout.strip()
    control = [
        "Package: graft",
        f"Version: {version.removeprefix('v')}",
        f"Architecture: {architecture}",
        "Maintainer: Graft <graft@localhost>",
        f"Installed-Size: {size_kb}",
        "Section: science",
        "Priority: optional",
        f"Depends: {', '.join(('libc6', *QT_LIBRARIES))}",
        f"Description: {SUMMARY}",
        " Everything happens on this machine; no picture and no label ever leaves it.",
    ]
    (tree / "DEBIAN/control").write_text("\n".join(control) + "\n", encoding="utf-8")
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zxz", "-z3", "--build", str(tree), str(deb)], check=True)
    shutil.rmtree(tree)
    return True
