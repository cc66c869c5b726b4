"""What PyInstaller collects and the program never opens."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final

EXCLUDED_MODULES: Final = [
    "IPython",
    "PyInstaller",
    "matplotlib",
    "pandas",
    "pip",
    "hf_xet",
    "pytest",
    "readline",
    "setuptools",
    "tensorboard",
    "tkinter",
    "torch.utils.tensorboard",
    "triton",
]
"""Optional imports of our dependencies that we have no use for; readline is under the GPL, which we do not ship."""

_UNNEEDED: Final = re.compile(
    r"""
      ^torch/(include|share|test)/          # headers and tests
    | ^torch/bin/(?!torch_shm_manager)      # test programs; the shared-memory helper is used by data exchange
    | ^torch/lib/.*\.(a|lib)$               # for linking
    | ^torch/(_dynamo|_functorch|_inductor|_vendor|ao|testing|distributed(?!/optim))/(.*/)?(?![^/]*config)[^/]*\.py$
                                            # sources; the modules are packed apart, but torch reads those of settings
    | ^torchvision/datasets/.*\.py$
    | ^torchvision(\.libs)?/.*\.(so|pyd|dll|dylib)(\.|$)   # boxes and video; torchvision_shim does without them
    | ^lib(nvjpeg|cudart)[^/]*\.so         # of those
    | ^resources/(help/)?screenshots/
    | \.dist-info/(RECORD|licenses/)        # the texts of licences lie in licences/
    | ^onnx/backend/test/
    | ^onnx/.*\.(proto|cc|h)$
    | ^sklearn/datasets/(data|images|descr)/
    | (^|/)tests?/                          # tests of NumPy, SciPy, scikit-learn, ...
    | (^|/)test_[^/]*\.py$
    | ^PySide6/Qt/qml/
    | ^PySide6/Qt/translations/(?!qt(base)?_(de|en)\.)
    | ^PySide6/Qt/plugins/(qmltooling|sqldrivers|position|sceneparsers|assetimporters|renderers|geometryloaders)/
    | ^PySide6/Qt/plugins/(egldeviceintegrations|platformthemes/libqgtk3|platforms/libq(eglfs|linuxfb|minimalegl|vnc))
    | (^|/)libQt6(EglFS|EglFs)[^/]*\.so
    | ^lib(gtk-3|gdk-3|gdk_pixbuf-2|epoxy|atk-1|atk-bridge-2|atspi|cairo|cairo-gobject|pango-1|pangocairo-1|pangoft2-1
          |pixman-1|fribidi|thai|datrie|graphite2|Xcomposite|Xcursor|Xdamage|Xinerama)[.-]   # of the GTK theme
    | (^|/)libQt6(Qml|Quick|Pdf|Sql|Test|Designer|Quick3D|VirtualKeyboard)[^/]*\.so
    | (^|/)Qt6(Qml|Quick|Pdf|Sql|Test|Designer|Quick3D|VirtualKeyboard)[^/]*\.dll$
    | \.pyi$
    """,
    re.VERBOSE,
)


STRIPPED: Final = re.compile(r"^(libpython3|torch/lib/libtorch)[^/]*\.so|\.cpython-3\d+[^/]*\.so$")
"""What carries symbols for debuggers (some 130 MB). Other libraries are left as they came: stripping breaks some."""


def is_needed(destination: str) -> bool:
    """Returns whether a collected file belongs in the folder; `destination` is its place there."""
    return _UNNEEDED.search(str(PurePosixPath(*destination.replace("\\", "/").split("/")))) is None
