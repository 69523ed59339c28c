"""Scans the files that bench/pickles.ts wrote with picklescan, fickling and modelscan. python pickle_scanners.py FOLDER OUT.json

Each scanner only looks at a file and says whether it is suspicious: "flagged", "passed", or "error" where it raises or reports that it could
not look. Nothing is unpickled.
"""

import json
import logging
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

from fickling.analysis import Severity
from fickling.loader import scan_file, scan_zip_archive
from modelscan.modelscan import ModelScan
from picklescan.scanner import scan_file_path

logging.disable(logging.CRITICAL)


def picklescan(file):
    result = scan_file_path(str(file))
    if result.issues_count > 0 or result.infected_files > 0:
        return "flagged"
    return "error" if result.scan_err or result.scanned_files == 0 else "passed"


def fickling(file, most=Severity.LIKELY_SAFE):
    zipped = zipfile.is_zipfile(file)
    results = list(scan_zip_archive(str(file)).values()) if zipped else [scan_file(str(file))]
    if not results:
        return "error"
    return "passed" if all(one.severity.value[0] <= most.value[0] for one in results) else "flagged"


# It calls every file of PyTorch likely unsafe, because torch is no part of Python's library.
def fickling_overtly(file):
    return fickling(file, Severity.LIKELY_UNSAFE)


def modelscan(file):
    result = ModelScan().scan(file)
    summary = result["summary"]
    if summary["total_issues"] > 0:
        return "flagged"
    return "error" if result["errors"] or summary["scanned"]["total_scanned"] == 0 else "passed"


def outcome(scanner, file):
    try:
        return scanner(file)
    except Exception:
        return "error"


scanners = {
    f"picklescan {version('picklescan')}": picklescan,
    f"fickling {version('fickling')}": fickling,
    f"fickling {version('fickling')}, overtly malicious only": fickling_overtly,
    f"modelscan {version('modelscan')}": modelscan,
}
files = sorted(Path(sys.argv[1]).glob("*/*.pth"))
found = {
    name: {f"{file.parent.name}/{file.name}": outcome(scanner, file) for file in files}
    for name, scanner in scanners.items()
}
Path(sys.argv[2]).write_text(json.dumps(found))
