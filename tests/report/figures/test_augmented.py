from dataclasses import replace

import torch
from torch.utils.data import IterableDataset

from neurarium import api


class Rows(IterableDataset):
    def __len__(self):
        return 60

    def __iter__(self):
        generator = torch.Generator().manual_seed(0)
        return iter([(torch.rand(1, 28, 28, generator=generator), k % 10) for k in range(60)])


def test_examples_that_only_come_one_after_the_other_have_no_such_figure(tmp_path):
    run = api.train(replace(api.recipe("lenet5"), epochs=1, batch_size=30), data=Rows(), out=tmp_path / "r")
    assert run.recipe.augmentation.active
    assert (run.folder / "report.html").exists()
    assert not (run.folder / "augmented.png").exists()
