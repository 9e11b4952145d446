"""Laws that every net in the catalog obeys, on examples drawn from its schema; a new entry is covered at once."""

import dataclasses

import pytest
import torch
from torch import nn

from neurarium.checks import ConfigError, ShapeError, UserError
from neurarium.data.drawn import drawn
from neurarium.nets.spec import NetSpec
from neurarium.record.schema import Field, Schema
from neurarium.tasks.task import Context, Trainable

from .contract import SPECS, batch, build, cut, first, gradients, quiet, task

STEPS = 200

every = pytest.mark.parametrize("name", SPECS)


def by_gradient(spec: NetSpec) -> bool:
    """Whether a net learns by the gradient of a task's loss."""
    return spec.rule == "gradient"


gradient_nets = pytest.mark.parametrize("name", [name for name, spec in SPECS.items() if by_gradient(spec)])


def dense(spec: NetSpec) -> bool:
    field = spec.example().input
    return len(spec.example().inputs) == 1 and not field.is_ragged and not field.categories


@every
def test_answers_examples(name: str) -> None:
    spec = SPECS[name]
    net, asked = build(spec).eval(), task(spec)
    for count in (1, 5):
        some = batch(spec, count)
        if isinstance(asked, Trainable):
            outputs = asked.forward(net, some, Context())
            if by_gradient(spec):
                asked.check(outputs, some)
        else:
            outputs = net(*some.inputs)
        assert first(outputs).isfinite().all()


@every
def test_answers_follow_the_classes(name: str) -> None:
    spec = SPECS[name]
    schema = spec.example()
    if spec.task != "supervised":
        return
    fewer = dataclasses.replace(schema.target, categories=schema.target.categories[:3])
    changed = schema.with_fields(**{next(iter(schema.targets)): fewer})
    if len(schema.target.categories) < 3:
        changed = schema.with_fields(**{next(iter(schema.targets)): Field((), ("a", "b", "c"))})
    try:
        net = build(spec, changed).eval()
    except ConfigError as error:  # a net for so many classes and no others says so
        if "classes" not in str(error):
            raise
        return
    outputs = first(net(*drawn(changed, 4, 0).gather(torch.arange(4)).inputs))
    assert outputs.shape[-1] == changed.outputs


@gradient_nets
def test_every_parameter_gets_a_gradient(name: str) -> None:
    spec = SPECS[name]
    net = build(spec)
    _, found = gradients(net, task(spec), [batch(spec, 64)])
    trained = {key for key, p in net.named_parameters() if p.requires_grad}
    assert trained == {key for key, gradient in found.items() if gradient.any()}
    assert all(gradient.isfinite().all() for gradient in found.values())


@every
def test_seed_decides_the_weights(name: str) -> None:
    spec = SPECS[name]
    first_net, again, other = (build(spec, seed=seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first_net[key], again[key]) for key in first_net)
    assert any(not torch.equal(first_net[key], other[key]) for key in first_net)


@every
def test_state_dict_round_trip(name: str) -> None:
    spec = SPECS[name]
    net, other, x = build(spec).eval(), build(spec, seed=1).eval(), calls(spec)
    assert not torch.equal(first(x(net)), first(x(other)))
    other.load_state_dict(net.state_dict())
    assert torch.equal(first(x(net)), first(x(other)))


@every
def test_evaluation_is_deterministic(name: str) -> None:
    spec = SPECS[name]
    net, x = build(spec).eval(), calls(spec)
    assert torch.equal(first(x(net)), first(x(net)))


@every
def test_float64(name: str) -> None:
    spec = SPECS[name]
    net = build(spec).eval()
    single = first(calls(spec)(net))
    double = first(calls(spec, double=True)(net.double()))
    assert double.dtype == torch.float64
    torch.testing.assert_close(double.float(), single, rtol=1e-4, atol=1e-4)


@gradient_nets
def test_padding_and_neighbors_change_nothing(name: str) -> None:
    """A batch is its examples one by one, and its ragged parts: loss and gradients."""
    spec = SPECS[name]
    if spec.batch_statistics:
        return
    asked, examples = task(spec), drawn(spec.example(), 7, 3)
    assert isinstance(asked, Trainable)
    net = quiet(build(spec).double(), asked, batch(spec, 4, double=True))
    whole, expected = gradients(net, asked, list(cut(examples, (7,))))
    for sizes, ranks in (((1,) * 7, 1), ((4, 2, 1), 1), ((3, 4), 2)):
        loss, found = gradients(net, asked, list(cut(examples, sizes)), ranks)
        torch.testing.assert_close(loss, whole, rtol=1e-6, atol=1e-9)
        for key, gradient in expected.items():
            torch.testing.assert_close(found[key], gradient, rtol=1e-6, atol=1e-9)


@every
def test_examples_do_not_see_each_other(name: str) -> None:
    spec = SPECS[name]
    if not dense(spec):  # held above, by loss and gradient
        return
    net = build(spec).double().eval()
    x = batch(spec, 6, double=True).x
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    torch.testing.assert_close(net(x[order]), net(x)[order], rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(net(x[2:3]), net(x)[2:3], rtol=1e-10, atol=1e-10)


@gradient_nets
def test_overfits_one_batch(name: str) -> None:
    spec = SPECS[name]
    net, asked, some = build(spec), task(spec), batch(spec, 24)
    assert isinstance(asked, Trainable)
    optimizer = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=3e-3)
    losses = []
    for _ in range(STEPS):
        loss, _ = gradients(net.train(), asked, [some])
        optimizer.step()
        losses.append(float(loss))
        if losses[-1] < 0.3 * losses[0]:
            return
    # drawn targets hold nothing to be understood: where an example is one class or number of noise they can be learned
    assert losses[-1] < 0.7 * losses[0], losses[:: STEPS // 10]


@every
def test_bad_input_names_what_fits(name: str) -> None:
    spec = SPECS[name]
    net = build(spec).eval()
    if dense(spec):
        size = spec.example().input.fixed_shape
        for shape in ((4, 2, 28, 28), (28, 28), (4, 1, 5, 5)):
            with pytest.raises(ShapeError) as caught:
                net(torch.zeros(shape))
            layers = {path.rpartition(".")[2] for path, _ in net.named_modules()} - {""}
            assert not layers or layers & set(caught.value.subject.split())
            assert str(size[-1]) in caught.value.expected or str(spec.example().input.size) in caught.value.expected
            assert str(shape) in caught.value.got
        return
    some = batch(spec, 4)
    wrong = next(k for k, tensor in enumerate(some.inputs) if tensor.ndim >= 2 or not tensor.is_floating_point())
    inputs = list(some.inputs)
    inputs[wrong] = inputs[wrong][..., None].expand(*inputs[wrong].shape, 2)
    asked = task(spec)
    assert isinstance(asked, Trainable)
    with pytest.raises(ShapeError):
        asked.forward(net, dataclasses.replace(some, inputs=tuple(inputs)), Context())


@every
def test_numbers_of_rows_that_are_not_there_are_refused(name: str) -> None:
    """A word, an element, a node of an edge: whatever is counted, one number too many and one below 0."""
    spec = SPECS[name]
    net, asked, some = build(spec).eval(), task(spec), batch(spec, 4)
    for place, field in enumerate(map(spec.example().inputs.get, some.names[: len(some.inputs)])):
        if field is None or not (field.categories or field.points_to):
            continue
        for wrong in (-1, 10_000):
            inputs = [tensor.clone(memory_format=torch.contiguous_format) for tensor in some.inputs]
            inputs[place].view(-1)[0] = wrong
            assert isinstance(asked, Trainable)
            with pytest.raises(ShapeError, match=str(wrong)):
                asked.forward(net, dataclasses.replace(some, inputs=tuple(inputs)), Context())


@every
def test_exports_with_a_free_batch_size(name: str) -> None:
    spec = SPECS[name]
    if not dense(spec) or not by_gradient(spec):
        return
    net = build(spec).eval()
    free = ({0: torch.export.Dim.DYNAMIC},)
    program = torch.export.export(net, (batch(spec, 4).x,), dynamic_shapes=free).module()
    x = batch(spec, 7).x
    torch.testing.assert_close(program(x), net(x))


@every
def test_builds_for_color_images(name: str) -> None:
    spec = SPECS[name]
    if not spec.example().input.is_image:
        return
    colored = Schema({"x": Field((3, 32, 32))}, spec.example().targets)
    net = build(spec, colored).eval()
    assert len(net(torch.zeros(2, 3, 32, 32))) == 2


@every
def test_refuses_data_of_another_kind(name: str) -> None:
    """A net says in a sentence that it cannot take examples that are not those it is made for."""
    spec = SPECS[name]
    tokens = Schema({"tokens": Field((None,), ("a", "b"), axis="tokens")}, spec.example().targets)
    other = Schema({"x": Field((5,))}, spec.example().targets)
    if spec.example().input.categories:
        tokens = other
    if dense(spec) or spec.example().input.categories:
        with pytest.raises(UserError):
            build(spec, tokens)


def calls(spec: NetSpec, double: bool = False):  # type: ignore[no-untyped-def]
    """A net's answer to some drawn examples, in whatever way its task calls it."""
    some, asked = batch(spec, 4, double=double), task(spec)

    def call(net: nn.Module) -> object:
        if isinstance(asked, Trainable):
            return asked.forward(net, some, Context())
        return net(*some.inputs)

    return call
