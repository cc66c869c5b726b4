"""Fetches ONNX Runtime Web for the web page export into resources/web/runtime: python build/web_runtime.py

The npm package is pinned by its version and by the hash that the registry states for it. What is needed of it is
3.7 MB, so it lies in the repository, and exporting a page needs no network.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
import urllib.request
from importlib.resources import files
from pathlib import Path

VERSION = "1.30.0"
ADDRESS = f"https://registry.npmjs.org/onnxruntime-web/-/onnxruntime-web-{VERSION}.tgz"
INTEGRITY = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""SHA-512 in base 64, as `npm view onnxruntime-web@VERSION dist.integrity` says."""
SCRIPT, WASM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
FOLDER = Path(__file__).resolve().parent.parent / "resources" / "web" / "runtime"


def main() -> None:
    """Writes the script, the compressed wasm and the licences."""
    with urllib.request.urlopen(ADDRESS, timeout=60) as answer:
        data = answer.read()
    if base64.b64encode(hashlib.sha512(data).digest()).decode() != INTEGRITY:
        raise SystemExit(f"{ADDRESS} is not the file that it should be.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(data)) as package:
        parts = {name: package.extractfile(f"package/dist/{name}") for name in (SCRIPT, WASM)}
        read = {name: part.read() for name, part in parts.items() if part is not None}
    read[SCRIPT] = read[SCRIPT].split(b"//# sourceMappingURL")[0]
    (FOLDER / SCRIPT).write_bytes(read[SCRIPT])
    (FOLDER / f"{WASM}.gz").write_bytes(gzip.compress(read[WASM], 9, mtime=0))
    # The package for Python is of the same source and states its licences; the one for browsers has none with it.
    for name in ("LICENSE", "ThirdPartyNotices.txt"):
        (FOLDER / f"{name.removesuffix('.txt')}.txt").write_bytes(files("onnxruntime").joinpath(name).read_bytes())
    hashes = {name: hashlib.sha256(read[file]).hexdigest() for name, file in (("script", SCRIPT), ("wasm", WASM))}
    pinned = {"package": f"onnxruntime-web {VERSION}", "integrity": f"sha512-{INTEGRITY}"}
    pinned |= {f"{name}_sha256": value for name, value in hashes.items()}
    (FOLDER / "pinned.json").write_text(json.dumps(pinned, indent=2) + "\n", encoding="utf-8")
    for file in sorted(FOLDER.iterdir()):
        print(f"{file.stat().st_size:>10,d}  {file.name}")


if __name__ == "__main__":
    main()
