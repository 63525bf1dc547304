from mountcloud.providers.fresh_ids import FreshIds


def test_ids_are_given_once_and_stand_side_by_side() -> None:
    one, other = FreshIds(), FreshIds()
    given = [(one.next(), other.next()) for _ in range(1000)]
    assert len({id for pair in given for id in pair}) == 2000
    for ids in zip(*given, strict=True):
        assert list(ids) == sorted(ids)
