"""DVC's own answer about many projects, in one process: importing DVC takes a second, a project some milliseconds.

Reads one folder a line, writes one JSON document a line: {"stages": [...]} in the words of `assay status --plan`, or
{"refused": {"class", "message"}}. Any exception while DVC collects the project and checks its graph is a refusal.

Folders are walked in sorted order. DVC takes the order of the directory, on which it depends in one place: whether a
folder that is an out of a sibling's stage is entered.
"""

import json
import logging
import math
import os
import sys
import warnings

from dvc.dependency import DatasetDependency, ParamsDependency
from dvc.fs import LocalFileSystem
from dvc.ignore import DvcIgnoreFilter
from dvc.repo import Repo
from dvc.stage import PipelineStage
from dvc_data.hashfile import state

logging.disable(logging.CRITICAL)
plain_walk = DvcIgnoreFilter.walk


def sorted_walk(self, fs, path, **kwargs):
    for root, dirs, files in plain_walk(self, fs, path, **kwargs):
        if isinstance(dirs, list):
            dirs.sort()
            files.sort()
        yield root, dirs, files


DvcIgnoreFilter.walk = sorted_walk
# What DVC remembers of file digests is not asked for here, and would be a database for each project.
state.State = lambda *_: state.StateNoop()


def path_of(output, root):
    """Relative to the project; an absolute path that leads out of it stays one."""
    if output.protocol != "local" or output.def_path.lower().startswith("remote://"):
        return output.def_path
    relative = os.path.relpath(output.fs_path, root)
    return output.fs_path if relative.startswith("..") and os.path.isabs(output.def_path) else relative


def json_of(value):
    """A value in JSON; what JSON or a double cannot hold is its text."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [json_of(item) for item in value]
    if isinstance(value, dict):
        return {key_of(key): json_of(item) for key, item in value.items()}
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) and abs(value) < 2**53 else str(value)
    return str(value)


def key_of(key):
    return str(key).lower() if isinstance(key, bool) else str(key)


def commands_of(cmd):
    return [json_of(one) for one in (cmd if isinstance(cmd, list) else [cmd])]


def params_of(stage, root):
    """One entry a file, however its path is spelled; no keys stand for the whole file, which holds any key."""
    params = {}
    for dep in stage.deps:
        if isinstance(dep, ParamsDependency):
            keys = [str(key) for key in dict.fromkeys(dep.params)]
            known = params.setdefault(path_of(dep, root), keys)
            known[:] = dict.fromkeys(known + keys) if known and keys else []
    return params


def out_of(out, root):
    one = {"path": path_of(out, root), "cache": out.use_cache, "persist": bool(out.persist)}
    if not out.can_push:
        one["push"] = False
    if out.remote is not None:
        one["remote"] = str(out.remote)
    return one


def wdir_of(stage, root):
    """As it was written when it leads out of the project by an absolute path, which nothing of the stage tells."""
    relative = os.path.relpath(stage.wdir, root)
    return stage.wdir if relative.startswith("../..") and not stage.wdir.startswith(os.path.dirname(root)) else relative


def stage_of(stage, graph, root):
    deps = [
        dep.def_path if isinstance(dep, DatasetDependency) else path_of(dep, root)
        for dep in stage.deps
        if not isinstance(dep, ParamsDependency)
    ]
    plan = {
        "name": stage.addressing,
        "cmd": commands_of(stage.cmd),
        "wdir": wdir_of(stage, root),
        "deps": list(dict.fromkeys(deps)),
        "params": params_of(stage, root),
        "outs": [out_of(out, root) for out in stage.outs],
        "metrics": [path_of(out, root) for out in stage.outs if out.metric],
        "plots": [path_of(out, root) for out in stage.outs if out.plot],
        "after": sorted(other.addressing for other in graph.successors(stage)),
    }
    if stage.frozen:
        plan["frozen"] = True
    if stage.always_changed:
        plan["always_changed"] = True
    return plan


def answer(folder):
    root = os.path.realpath(folder)
    os.chdir(root)
    with Repo(root) as repo:
        index = repo.index
        index.check_graph()
        stages = [stage for stage in index.stages if isinstance(stage, PipelineStage)]
        return {"stages": [stage_of(stage, index.graph, root) for stage in stages]}


def main():
    # ruamel resets the filters of warnings as it goes.
    warnings.showwarning = lambda *_, **__: None
    for line in sys.stdin:
        try:
            reply = answer(json.loads(line))
        except Exception as error:  # noqa: BLE001 - whatever stops DVC is a refusal
            reply = {"refused": {"class": type(error).__name__, "message": str(error)[:2000]}}
        sys.stdout.write(json.dumps(reply, default=str) + "\n")
        sys.stdout.flush()


main()
