"""Where figures come from: commit, processor, compiler, flags, versions, settings, date."""

import datetime
import os
import platform
import re
import subprocess

from comparison.peers import PEERS

def _output(*command):
    """A command's output, or '' when it cannot be had."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _text(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""


def _commit():
    folder = os.path.dirname(os.path.abspath(__file__))
    commit = _output("git", "-C", folder, "rev-parse", "HEAD")
    if not commit:
        return "none"
    # results themselves may be on their way in
    all_but_results = (":/", ":(exclude,top)bench/results")
    is_dirty = _output("git", "-C", folder, "status", "--porcelain", "--", *all_but_results)
    return commit + (" with uncommitted changes" if is_dirty else "")


def _processor():
    fields = dict(re.findall(r"^([\w ]+?)\s*: (.+)$", _text("/proc/cpuinfo"), re.MULTILINE))
    name = fields.get("model name", platform.machine())
    if "cpu family" in fields:
        name += f" (family {fields['cpu family']}, model {fields.get('model')})"
    return f"{name}, {os.cpu_count()} cores"


def _cmake_cache(build):
    return dict(re.findall(r"^(\w+):\w+=(.*)$", _text(os.path.join(build, "CMakeCache.txt")), re.MULTILINE))


def _compiler(cache):
    return _output(cache.get("CMAKE_CXX_COMPILER", "c++"), "--version").partition("\n")[0] or "unknown"


def _flags(cache):
    build_type = cache.get("CMAKE_BUILD_TYPE", "")
    flags = [cache.get("CMAKE_CXX_FLAGS", ""), cache.get(f"CMAKE_CXX_FLAGS_{build_type.upper()}", "")]
    flags.append("-O3 -falign-functions=64 -falign-loops=32")  # CMakeLists.txt's
    words = dict.fromkeys(" ".join(flags).split())
    return f"-std=c++20 {' '.join(words)} ({build_type or 'no'} build type; no -march)"


def _versions(cache, allocators):
    given = {name: cache[f"FLUX_BENCH_{name}_ROOT"] for name in allocators if cache.get(f"FLUX_BENCH_{name}_ROOT")}
    packages = {PEERS[name].package for name in allocators if name not in given}
    packages |= {"libbenchmark-dev", "libboost-container-dev"}
    found = [f"{name} in {folder}" for name, folder in given.items()]
    for package in sorted(packages - {""}):
        version = _output("dpkg-query", "-W", "-f", "${Version}", package)
        if version:
            found.append(f"{package} {version}")
    return ", ".join(found) or "unknown"


def _governor():
    path = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
    return _text(path) or "not told (a virtual machine, say)"


def provenance(build, allocators):
    """Ordered {what: words}."""
    cache = _cmake_cache(build)
    return {
        "commit": _commit(),
        "date": datetime.date.today().isoformat(),
        "processor": _processor(),
        "governor": _governor(),
        "load before": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "kernel": platform.release(),
        "compiler": _compiler(cache),
        "flags": _flags(cache),
        "versions": _versions(cache, allocators),
        "transparent huge pages": _text("/sys/kernel/mm/transparent_hugepage/enabled") or "unknown",
    }
