"""The script of PyTorch's tutorials: DataLoader over a TensorDataset, default Adam, `loss.item()` in every step."""

import torch
from images import Images
from protocol import BATCH, RATE, SEED, serve
from textbook_nets import textbook_net
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch_score import as_images, test_accuracy


class Textbook:
    """Net, loader and optimizer."""

    def __init__(self, images: Images, net: str) -> None:
        torch.manual_seed(SEED)
        self.test, self.test_targets = as_images(images.scaled_test()), images.test_targets
        dataset = TensorDataset(as_images(images.scaled_train()), torch.from_numpy(images.train_targets))
        self.loader = DataLoader(dataset, batch_size=BATCH, shuffle=True)
        self.net = textbook_net(net)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=RATE)
        self.mean_loss = 0.0

    def epoch(self) -> None:
        """One pass over the loader."""
        self.net.train()
        running = 0.0
        for inputs, targets in self.loader:
            self.optimizer.zero_grad()
            loss = self.criterion(self.net(inputs), targets)
            loss.backward()
            self.optimizer.step()
            running += loss.item()
        self.mean_loss = running / len(self.loader)

    def accuracy(self) -> float:
        """On the test images."""
        return test_accuracy(self.net, self.test, self.test_targets)


if __name__ == "__main__":
    serve(Textbook)
