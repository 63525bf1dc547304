from dataclasses import replace

from bench.rig.table import MIB, Sample, as_json, rows, text

OURS = Sample("cold", 30, "plain", "mountcloud", 2.0, 1024, "MiB", requests=9, sent=MIB, cpu_s=3.0, peak=5 * MIB)
PEER = replace(OURS, peer="other", seconds=5.0)


def test_the_median_of_each_peer_is_compared_with_the_first() -> None:
    slow, fast = replace(PEER, seconds=90.0), replace(PEER, seconds=3.0)
    ours, other = rows([OURS, PEER, slow, fast])
    assert (ours.peer, ours.ratio, ours.samples) == ("mountcloud", 1.0, 1)
    assert (other.peer, other.ratio, other.samples, other.seconds) == ("other", 2.5, 3, 5.0)


def test_each_case_distance_and_group_has_a_reference_of_its_own() -> None:
    near = [replace(each, rtt_ms=0, seconds=each.seconds / 2) for each in (OURS, PEER)]
    secret = replace(PEER, group="encrypted")
    found = rows([OURS, near[0], secret, PEER, near[1]])
    assert [(row.group, row.rtt_ms, row.peer, row.ratio) for row in found] == [
        ("plain", 30, "mountcloud", 1.0),
        ("plain", 30, "other", 2.5),
        ("plain", 0, "mountcloud", 1.0),
        ("plain", 0, "other", 2.5),
        ("encrypted", 30, "other", 1.0),
    ]


def test_what_it_cost() -> None:
    (row,) = rows([OURS, replace(OURS, cpu_s=5.0, peak=7 * MIB), replace(OURS, cpu_s=4.0)])
    assert (row.rate, row.cpu_s, row.cpu_s_per_gib) == (512, 4.0, 4.0)
    assert (row.requests, row.sent_mib, row.peak_mib) == (9, 1, 7)


def test_processor_time_for_a_gibibyte_is_for_bytes_only() -> None:
    (row,) = rows([replace(OURS, unit="files")])
    assert row.cpu_s_per_gib == 0


def test_one_block_for_each_comparison() -> None:
    lines = text(rows([OURS, PEER, replace(OURS, rtt_ms=0)])).splitlines()
    assert [line.split("  ")[0] for line in lines if line and not line.startswith(" ")] == [
        "cold, plain, 30 ms",
        "cold, plain, 0 ms",
    ]
    assert lines[2].split()[:3] == ["other", "2.50", "5.000"]


def test_for_programs() -> None:
    assert as_json(rows([OURS]))[0]["peer"] == "mountcloud"
