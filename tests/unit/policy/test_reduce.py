from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from mountcloud.model.change import Change, Removed, Upserted
from mountcloud.model.ids import NodeId, Version
from mountcloud.model.node import Kind, Node, Rights
from mountcloud.policy.reduce import Plan, reduce
from mountcloud.policy.treediff import compare

NODES = st.builds(
    lambda id, name, version: Node(NodeId(id), NodeId("root"), name, Kind.FILE, 1, Version(version), 0, Rights.ALL),
    st.sampled_from("pqrs"),
    st.sampled_from("abc"),
    st.sampled_from("12"),
)
CHANGES = st.lists(st.one_of(NODES.map(Upserted), st.sampled_from("pqrs").map(lambda id: Removed(NodeId(id)))))
PINNED = st.sets(st.sampled_from("pqrs").map(NodeId))


def replay(before: dict[NodeId, Node], changes: list[Change], pinned: set[NodeId]) -> dict[NodeId, Node]:
    picture = dict(before)
    for change in changes:
        if isinstance(change, Upserted):
            picture[change.node.id] = change.node
        else:
            picture.pop(change.id, None)
    return {
        **{id: node for id, node in picture.items() if id not in pinned},
        **{id: node for id, node in before.items() if id in pinned},
    }


@given(st.dictionaries(st.sampled_from("pqrs").map(NodeId), NODES), CHANGES, PINNED)
def test_a_plan_comes_to_the_same_as_every_change_in_order(
    before: dict[NodeId, Node], changes: list[Change], pinned: set[NodeId]
) -> None:
    before = {id: replace(node, id=id) for id, node in before.items()}
    plan = reduce(changes, pinned)
    after = {id: node for id, node in before.items() if id not in plan.remove}
    after |= {node.id: node for node in plan.upsert}
    assert after == replay(before, changes, pinned)
    assert len(set(plan.remove)) == len(plan.remove)


def test_a_move_between_directories_is_no_removal() -> None:
    node = Node(NodeId("p"), NodeId("root"), "a", Kind.FILE, 1, Version("1"), 0, Rights.ALL)
    assert reduce([Removed(node.id), Upserted(node)], ()) == Plan((), (node,))
    assert reduce([Upserted(node), Removed(node.id)], ()) == Plan((node.id,), ())


@given(st.lists(NODES, unique_by=lambda node: node.id), st.lists(NODES, unique_by=lambda node: node.id))
def test_a_difference_turns_one_listing_into_the_other(before: list[Node], after: list[Node]) -> None:
    changes = compare(before, after)
    known = {node.id: node for node in before}
    assert replay(known, list(changes), set()) == {node.id: node for node in after}
    kinds = [isinstance(change, Upserted) for change in changes]
    assert kinds == sorted(kinds), "removals come first"
    assert all(known.get(change.node.id) != change.node for change in changes if isinstance(change, Upserted))
