#!/usr/bin/env python3
"""Chooses the inputs of a corpus that reach most, from the control file of a libFuzzer merge.

    choose.py CONTROL_FILE MOST FOLDER    copies at most MOST of the inputs into FOLDER, as 00, 01, ...; what has
                                          another name there stays
    choose.py --self-test                 proves on a made-up control file that it chooses well
"""

import pathlib
import sys
import tempfile

MOST_BYTES = 200


def read(control):
    """The inputs, as (path, bytes, features): the file lists paths, and then of each its features and edges."""
    lines = control.read_text().splitlines()
    count = int(lines[0])
    paths = [pathlib.Path(line) for line in lines[2 : 2 + count]]
    features = [set() for _ in paths]
    for line in lines[2 + count :]:
        kind, number, *numbers = line.split()
        if kind == "FT":
            features[int(number)].update(numbers)
    return [(path, path.stat().st_size, each) for path, each in zip(paths, features)]


def choose(inputs, most):
    """Again and again the input that adds most to what is reached."""
    left = [each for each in inputs if each[1] <= MOST_BYTES]
    chosen, reached = [], set()
    while left and len(chosen) < most:
        best = max(left, key=lambda each: (len(each[2] - reached), -each[1]))
        if not best[2] - reached:
            break
        left.remove(best)
        chosen.append(best[0])
        reached |= best[2]
    return chosen


def replace(folder, chosen):
    """Has in the folder copies of the chosen files, named by their turn, instead of those of earlier times."""
    contents = [path.read_bytes() for path in chosen]
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("[0-9][0-9]"):
        path.unlink()
    for turn, content in enumerate(contents):
        (folder / f"{turn:02}").write_bytes(content)


def self_test():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for file, size in [("a", 3), ("b", 2), ("c", 300), ("d", 1)]:
            (folder / file).write_bytes(b"x" * size)
        control = folder / "control"
        names = "\n".join(str(folder / file) for file in "abcd")
        control.write_text(f"4\n0\n{names}\nSTARTED 0 3\nFT 0 1 2\nCOV 0 9\nFT 1 1 2\nFT 2 1 2 3 4 5\nFT 3 3\n")
        assert choose(read(control), 9) == [folder / "b", folder / "d"], "what is small and reaches most comes first"
        assert choose(read(control), 1) == [folder / "b"], "no more are chosen than asked for"
        into = folder / "chosen"
        replace(into, [folder / "b", folder / "d"])
        (into / "a_crash").write_bytes(b"x")
        replace(into, [folder / "d"])
        assert sorted(path.name for path in into.iterdir()) == ["00", "a_crash"], "only what was chosen before goes"


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    control, most, folder = sys.argv[1:]
    replace(pathlib.Path(folder), choose(read(pathlib.Path(control)), int(most)))


if __name__ == "__main__":
    main()
