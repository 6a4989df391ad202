"""Writing an addon: completely or not at all, and without private paths."""

import json

import numpy as np
import pytest
from onnx import TensorProto, helper
from voxstack_pack import Draft, ExportError, fill_card, write
from voxstack_pack.card import EVALUATION

MANIFEST = {"format": 1, "name": "a", "version": "1", "language": "mul", "license": "x"}
MANIFEST |= {"audio": {"sample_rate": 16000, "hop": 200}, "card": "CARD.md"}


def graph(name="y", weight=2.0):
    """y = weight * x over frames."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "frames"])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", "frames"])
    w = helper.make_tensor("w", TensorProto.FLOAT, [1], np.float32([weight]).tobytes(), raw=True)
    node = helper.make_node("Mul", ["x", "w"], ["y"], name=name)
    made = helper.make_graph([node], "network", [x], [y], [w])
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def draft(**more):
    card = f"# a\n\n## Measured\n\n{EVALUATION}\n\n## Limits\n\nMany.\n"
    return Draft(MANIFEST, {}, more.get("graphs", {}), {"CARD.md": card, "LICENSE": "x"})


def test_an_addon_names_every_file_with_its_hash(tmp_path):
    from voxstack import Host

    write(draft(graphs={"n": graph()}), tmp_path / "a")
    files = json.loads((tmp_path / "a" / "addon.json").read_text())["files"]
    assert set(files) == {"networks/n.onnx", "CARD.md", "LICENSE"}
    with Host() as host:
        assert not host.check(tmp_path / "a")


@pytest.mark.parametrize("name", ["/home/me/model.py", "/work/x", "train.py:12"])
def test_a_path_left_in_a_graph_is_refused_and_nothing_written(tmp_path, name):
    with pytest.raises(ExportError, match=r"n\.onnx contains"):
        write(draft(graphs={"n": graph(name)}), tmp_path / "a")
    assert not list((tmp_path / "a").glob("*.json"))
    assert not (tmp_path / "a" / ".partial").exists()


def test_weights_may_spell_anything(tmp_path):
    spelled = float(np.frombuffer(b".py ", np.float32)[0])
    write(draft(graphs={"n": graph(weight=spelled)}), tmp_path / "a")


def test_figures_go_into_the_card_and_its_hash_into_the_manifest(tmp_path):
    write(draft(), tmp_path)
    before = json.loads((tmp_path / "addon.json").read_text())["files"]["CARD.md"]
    for table in ("| first |", "| second |"):
        fill_card(tmp_path, table)
    card = (tmp_path / "CARD.md").read_text()
    assert "second" in card
    assert "first" not in card
    assert card.endswith("## Limits\n\nMany.\n")
    after = json.loads((tmp_path / "addon.json").read_text())["files"]["CARD.md"]
    assert after != before
    assert after["bytes"] == len(card)


def test_a_card_without_a_place_for_figures_is_refused(tmp_path):
    write(draft(), tmp_path)
    (tmp_path / "CARD.md").write_text("# a\n")
    with pytest.raises(ExportError, match=f"no line '{EVALUATION}'"):
        fill_card(tmp_path, "| x |")


def test_networks_that_an_addon_no_longer_has_are_removed(tmp_path):
    write(draft(graphs={"n": graph(), "m": graph()}), tmp_path)
    (tmp_path / "__init__.py").touch()
    write(draft(graphs={"n": graph()}), tmp_path)
    assert [path.name for path in (tmp_path / "networks").iterdir()] == ["n.onnx"]
    assert (tmp_path / "__init__.py").exists()
