"""A training loop over neurarium's net, made as fast as plain PyTorch allows by hand.

Images scaled beforehand and gathered by index, channels-last weights, fused Adam, gradients dropped, not
zeroed; linear layers by oneDNN (`FastLinear`); loss and errors are kept as they come and summed once an epoch,
so that no step waits for a number. The shuffling is neurarium's own, hence both learn from the same batches and must
end with the same weights.
"""

from contextlib import AbstractContextManager

import torch
from images import CLASSES, SIDE, Images
from protocol import BATCH, RATE, SEED, serve
from torch.nn import functional as F
from torch_score import as_images, test_accuracy

from neurarium.data.plan import permutation
from neurarium.nets.catalog import NETS
from neurarium.record.schema import image_schema
from neurarium.training.matrix_products import FastLinear


class HandTuned:
    """Net, tensors and optimizer."""

    faster: AbstractContextManager[object] = FastLinear()

    def __init__(self, images: Images, net: str) -> None:
        self.inputs, self.targets = as_images(images.scaled_train()), torch.from_numpy(images.train_targets)
        self.test, self.test_targets = as_images(images.scaled_test()), images.test_targets
        torch.manual_seed(SEED)
        built = NETS[net]().build(image_schema((1, SIDE, SIDE), CLASSES))
        self.net = built.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=RATE, fused=True)
        self.epochs = 0
        self.mean_loss = self.error = 0.0

    def epoch(self) -> None:
        """One pass in the order of (seed, epoch)."""
        self.net.train()
        self.epochs += 1
        inputs, net, optimizer, parameters = self.inputs, self.net, self.optimizer, list(self.net.parameters())
        losses, answers = [], []
        order = permutation(len(inputs), seed=SEED, epoch=self.epochs)
        all_targets = self.targets.index_select(0, order)
        for index, targets in zip(order.split(BATCH), all_targets.split(BATCH), strict=True):
            with self.faster:
                logits = net(inputs.index_select(0, index))
            loss = F.cross_entropy(logits, targets)
            for parameter in parameters:
                parameter.grad = None  # zero_grad(set_to_none=True) does this too, and takes ten times as long
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
            answers.append(logits.detach())
        sizes = torch.tensor([len(part) for part in answers])
        self.mean_loss = float((torch.stack(losses) * sizes).sum()) / len(order)
        self.error = float((torch.cat(answers).argmax(1) != all_targets).float().mean())

    def accuracy(self) -> float:
        """On the test images."""
        return test_accuracy(self.net, self.test, self.test_targets)


if __name__ == "__main__":
    serve(HandTuned)
