"""Addons are data: a `.pt2` never runs code, whatever is in it."""

import io
import json
import pickle
import zipfile
from contextlib import suppress
from pathlib import Path

import attrs
import numpy as np
import pytest
import torch
from voxstack import FormatError, NetworkError
from voxstack_torch import Pt2, Torch


class Payload:
    """Makes a folder when it is unpickled."""

    def __init__(self, place):
        self.place = place

    def __reduce__(self):
        return Path.mkdir, (self.place,)


def changed(data, changes):
    """Return an archive with files changed, or added, by functions of their bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w") as new:
        files = {n.partition("/")[2]: old.read(n) for n in old.namelist()}
        for name, content in ({**files, **dict.fromkeys(changes, b"")} | files).items():
            new.writestr(f"archive/{name}", changes.get(name, lambda c: c)(content))
    return made.getvalue()


def model(change):
    def apply(content):
        program = json.loads(content)
        change(program)
        return json.dumps(program)

    return {"models/model.json": apply}


def code(place):
    return f"__import__('os').mkdir({str(place)!r})"


def pickled_constant(place):
    entry = {"path_name": "opaque_obj_0", "is_param": False, "use_pickle": True}
    table = {"config": {"evil": {**entry, "tensor_meta": None}}}
    return {
        "data/constants/model_constants_config.json": lambda c: json.dumps(table),
        "data/constants/opaque_obj_0": lambda c: pickle.dumps(Payload(place)),
    }


def pickled_weight(place):
    def table(content):
        config = json.loads(content)
        config["config"]["table"]["use_pickle"] = True
        return json.dumps(config)

    data = io.BytesIO()
    torch.save(Payload(place), data)
    return {
        "data/weights/model_weights_config.json": table,
        "data/weights/weight_0": lambda c: data.getvalue(),
    }


def expression(place):
    def change(program):
        values = program["graph_module"]["graph"]["tensor_values"]
        values["x"]["sizes"][0]["as_expr"]["expr_str"] = code(place)

    return model(change)


def operator(target):
    def change(program):
        program["graph_module"]["graph"]["nodes"][0]["target"] = target

    return lambda place: model(change)


def text(place):
    def change(program):
        node = program["graph_module"]["graph"]["nodes"][0]
        node["inputs"].append({"name": "filename", "arg": {"as_string": str(place)}, "kind": 2})

    return model(change)


def tree(place):
    def change(program):
        signature = program["graph_module"]["module_call_graph"][0]["signature"]
        signature["in_spec"] = signature["in_spec"].replace("builtins.dict", "evil.Dict")

    return model(change)


def name(place):
    def change(program):
        program["graph_module"]["graph"]["inputs"][-1]["as_tensor"]["name"] = f"x={code(place)}"

    return model(change)


def machine_code(place):
    return {"data/aotinductor/model/evil.so": lambda c: b"\x7fELF"}


@pytest.mark.parametrize(
    ("hostile", "message"),
    [
        (pickled_constant, "'evil' is a pickle, which can run code"),
        (pickled_weight, "'table' is a pickle, which can run code"),
        (expression, "is not an expression of shapes"),
        (operator("torch.hub.load"), "it calls 'torch.hub.load'"),
        (operator("torch.ops.aten.from_file.default"), "it calls 'torch.ops.aten.from_file"),
        (operator("_operator.methodcaller"), "it calls '_operator.methodcaller'"),
        (text, "it gives an operator the text"),
        (tree, "'evil.Dict'; only tuples, lists and dicts"),
        (name, "is not a name"),
        (machine_code, "it holds machine code"),
    ],
)
def test_what_could_run_code_is_refused_with_its_reason(tiny, hostile, message, tmp_path):
    place = tmp_path / "ran"
    network = late_network_of(tiny, changed(tiny.late(), hostile(place)))
    with pytest.raises(FormatError, match=message):
        Pt2().check(network.read("pt2"), network)
    with pytest.raises(NetworkError, match=message) as failure:
        Torch().load(network)
    assert "'tiny:late' (affine.pt2) is refused" in str(failure.value)
    assert not place.exists()


def late_network_of(tiny, data):
    return attrs.evolve(tiny.late_network(), read=lambda format_: data)


@pytest.mark.parametrize("hostile", [pickled_constant, pickled_weight, expression])
def test_torch_alone_would_run_it(tiny, hostile, tmp_path):
    place = tmp_path / "ran"
    data = changed(tiny.late(), hostile(place))
    with suppress(Exception):
        torch.export.load(io.BytesIO(data))
    assert place.exists()


def guards(program, place):
    program["guards_code"] = [code(place)]


def test_what_a_program_can_do_without_is_left_out_and_it_runs(tiny, tmp_path):
    place, data = tmp_path / "ran", io.BytesIO()
    torch.save(((Payload(place),), {}), data)
    changes = model(lambda program: guards(program, place))
    changes["data/sample_inputs/model.pt"] = lambda c: data.getvalue()
    program = Torch().load(tiny.network(changed(tiny.affine(), changes)))
    x = np.ones((1, 2), np.float32)
    assert program({"x": x, "c": x})["y"].tolist() == [[3.0, 3.0]]
    assert not place.exists()


def test_a_program_of_another_torch_is_a_clear_error(tiny):
    def change(program):
        program["schema_version"]["major"], program["torch_version"] = 99, "9.9.0"

    data = changed(tiny.affine(), model(change))
    with pytest.raises(NetworkError, match=r"of torch 9\.9\.0, cannot be read by torch .*again"):
        Torch().load(tiny.network(data))
