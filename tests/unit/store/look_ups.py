"""What the index keeps in memory must be what its database says."""

from mountcloud.store.index import Index


def remembered_wrongly(index: Index) -> list[str]:
    """Answers that are kept, and that the database would not give."""
    kept = dict(index._hot)
    index._hot.clear()
    asked = {key: index._one(*key) for key in kept}
    return [f"{key}: {kept[key]} instead of {asked[key]}" for key in kept if kept[key] != asked[key]]
