"""Discovery: entry points are scanned, and nothing else is read or imported."""

import sys

import pytest
from voxstack import PluginError
from voxstack.hookspecs import KINDS
from voxstack.plugins import known_groups, normalized, scan
from voxstack.plugins.discovery import well_formed

GAIN = {"voxstack.effects": {"Gain": "acme_effects:Gain"}}


def found(site):
    return scan([str(site.folder)])


def test_name_and_version_come_from_the_folder_and_metadata_is_not_read(site):
    info = site.install("Acme.Voice_Pack", "2.1.dev3", GAIN)
    (info / "METADATA").mkdir()  # reading it would fail
    (package,) = found(site)
    assert (package.name, package.version) == ("acme-voice-pack", "2.1.dev3")


def test_scanning_imports_nothing(site):
    site.install("acme", entry_points=GAIN, acme_effects="raise SystemExit('imported')")
    before = set(sys.modules)
    (package,) = found(site)
    assert [(kind, c.name, c.target) for kind, c in package.components()] == [
        ("effects", "Gain", "acme_effects:Gain")
    ]
    assert "acme_effects" not in set(sys.modules) - before


def test_a_distribution_without_entry_points_of_voxstack_is_passed_over(site):
    site.install("plain")
    site.install("other", entry_points={"console_scripts": {"other": "other:main"}})
    site.install(
        "near", entry_points={"voxstackx.effects": {"A": "a:A"}, "my.voxstack": {"B": "b:B"}}
    )
    assert found(site) == []


def test_every_kind_has_its_group(site):
    site.install("all", entry_points={kind.group: {"X": "m:X"} for kind in KINDS.values()})
    (package,) = found(site)
    assert [kind for kind, _ in package.components()] == list(KINDS)


def test_modules_and_observers_are_not_components(site):
    groups = {"voxstack": {"acme": "acme_hooks"}, "voxstack.observers": {"log": "acme_log"}}
    site.install("acme", entry_points=groups)
    (package,) = found(site)
    assert list(package.components()) == []
    assert list(package.modules("voxstack")) == [("acme", "acme_hooks")]
    assert list(package.modules("voxstack.observers")) == [("log", "acme_log")]


def test_the_first_of_a_distribution_on_the_path_wins(tmp_path, site):
    site.install("acme", "1.0", GAIN)
    second = type(site)(tmp_path / "second")
    second.install("acme", "2.0", GAIN)
    (package,) = scan([str(site.folder), str(second.folder)])
    assert package.version == "1.0"
    (package,) = scan([str(second.folder), str(site.folder)])
    assert package.version == "2.0"


def test_comments_extras_spaces_and_other_groups_are_read_as_pip_writes_them(site):
    text = """
# made by a tool
[console_scripts]
acme = acme:main

[voxstack.effects]
; a comment
Gain=acme_effects:Gain
 Loud  =  acme_effects:Loud [extra]
"""
    site.install("acme", entry_points=text)
    (package,) = found(site)
    assert [(c.name, c.target) for _, c in package.components()] == [
        ("Gain", "acme_effects:Gain"),
        ("Loud", "acme_effects:Loud"),
    ]
    assert package.damage is None


def test_windows_line_ends_are_read(site):
    site.install("acme", entry_points=b"[voxstack.effects]\r\nGain = acme:Gain\r\n")
    assert [c.target for _, c in found(site)[0].components()] == ["acme:Gain"]


@pytest.mark.parametrize("line", ["Gain", "Gain =", "= acme:Gain", "Gain: acme:Gain"])
def test_a_damaged_line_is_reported_with_its_number_and_the_rest_is_kept(site, line):
    text = f"[voxstack.effects]\nLoud = acme:Loud\n{line}\n"
    site.install("acme", entry_points=text)
    (package,) = found(site)
    assert package.damage == "entry_points.txt, line 3: expected 'Name = module:Class'"
    assert [c.name for _, c in package.components()] == ["Loud"]


def test_damage_in_a_group_of_another_program_is_not_reported(site):
    site.install("acme", entry_points="[other]\nnonsense\n[voxstack.effects]\nGain = a:Gain\n")
    (package,) = found(site)
    assert package.damage is None


def test_entry_points_that_are_not_text_do_not_stop_the_scan(site):
    site.install("binary", entry_points=b"\xff\xfe\x00voxstack")
    site.install("acme", entry_points=GAIN)
    assert "acme" in [package.name for package in found(site)]


def required(site, metadata):
    """Return why a component of a package with this METADATA cannot be used, or None."""
    site.install("acme", entry_points=GAIN, metadata=metadata)
    (registration,) = site.registry().registrations
    try:
        registration.require()
    except PluginError as error:
        assert error.component is registration
        assert registration.status in ("broken", "incompatible")
        return registration.reason
    assert registration.status == "ok"
    return None


@pytest.mark.parametrize(
    "metadata",
    [
        "Requires-Dist: voxstack>=0.1,<1\n",
        "Requires-Dist: voxstack (>=0.1)\n",
        "Requires-Dist: voxstack\n",
        "Requires-Dist: voxstack[test]~=0.1\n",
        "Requires-Dist: voxstack-standard>=9\nRequires-Dist: numpy\n",
        "Requires-Dist: voxstack @ git+https://example.invalid/voxstack\n",
        "Requires-Dist: voxstack>=9 ; extra == 'x'\n",
        None,
    ],
)
def test_a_package_whose_requirement_this_voxstack_meets_is_usable(site, metadata):
    assert required(site, metadata) is None


@pytest.mark.parametrize(
    ("metadata", "requirement"),
    [
        ("Requires-Dist: voxstack (>=9)\n", ">=9"),
        ("Requires-Dist: voxstack >= 9 ; python_version > '3'\n", ">= 9"),
        ("Requires-Dist: voxstack[test]>=9\n", ">=9"),
        ("Requires-Dist: numpy>=1\nRequires-Dist: VOXSTACK==0.0.2\n", "==0.0.2"),
    ],
)
def test_a_package_that_requires_another_voxstack_is_refused_with_the_requirement(
    site, metadata, requirement
):
    reason = required(site, metadata)
    assert reason.startswith(f"it needs voxstack {requirement}, this is ")
    assert "install another version of acme" in reason


def test_a_prerelease_of_voxstack_meets_a_requirement_of_what_it_precedes(site, monkeypatch):
    monkeypatch.setattr("voxstack.__version__", "0.3.0.dev1")
    assert required(site, "Requires-Dist: voxstack>=0.2\n") is None


def test_a_requirement_that_is_not_one_makes_the_package_broken(site):
    assert required(site, "Requires-Dist: voxstack>>1\n").startswith("METADATA: ")


def test_a_package_is_broken_whose_metadata_cannot_be_read(site):
    info = site.install("acme", entry_points=GAIN)
    (info / "METADATA").write_bytes(b"Requires-Dist: voxstack>=9 \xff\n")
    (registration,) = site.registry().registrations
    with pytest.raises(PluginError, match="METADATA: "):
        registration.require()
    assert registration.status == "broken"


@pytest.mark.parametrize(
    ("target", "good"),
    [
        ("acme:Gain", True),
        ("acme.effects:Outer.Gain", True),
        ("acme_voice", True),
        ("acme:", False),
        (":Gain", False),
        ("acme effects:Gain", False),
        ("acme..effects:Gain", False),
        ("../acme:Gain", False),
        ("1acme:Gain", False),
        ("", False),
    ],
)
def test_a_target_names_a_module_or_an_attribute_of_one(target, good):
    assert well_formed(target) is good


def test_names_are_compared_as_pypi_does():
    assert normalized("Acme.Voice__Pack") == "acme-voice-pack"


def test_the_leftovers_of_a_failed_uninstall_are_passed_over(site):
    site.install("~cme", "1.0", GAIN)
    site.install("acme", "2.0", GAIN)
    assert [(package.name, package.version) for package in found(site)] == [("acme", "2.0")]


# Groups -----------------------------------------------------------------------------------------


def unread(site):
    packages = found(site)
    known = known_groups(packages)
    return [(p.name, group, name, hint) for p in packages for group, name, hint in p.unread(known)]


def test_an_entry_point_in_an_unknown_group_is_reported_with_the_nearest(site):
    site.install("acme", entry_points={"voxstack.effect": {"Gain": "acme:Gain"}})
    nearest = "did you mean 'voxstack.effects'?"
    assert unread(site) == [("acme", "voxstack.effect", "Gain", nearest)]


def test_a_group_that_a_package_announces_is_read_by_it_and_not_reported(site):
    site.install("kit", entry_points={"voxstack.groups": {"conformance": "kit.conformance"}})
    site.install("acme", entry_points={"voxstack.conformance": {"Gain": "acme_tests:TestGain"}})
    assert unread(site) == []


def test_a_near_miss_of_an_announced_group_is_reported(site):
    site.install("kit", entry_points={"voxstack.groups": {"conformance": "kit.conformance"}})
    site.install("acme", entry_points={"voxstack.conformence": {"Gain": "acme_tests:TestGain"}})
    ((_, _, _, hint),) = unread(site)
    assert hint == "did you mean 'voxstack.conformance'?"
