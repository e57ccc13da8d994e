#!/usr/bin/env python3
"""Trains the digits network and exports digits.onnx beside this file.

    python3 train.py       needs numpy and torch (written for 1.13); run make_data.py first

The training images are made in memory by make_data.py. The exported graph is the inference graph with BatchNormalization
left as it is: folding it into the convolutions is the compiler's work.
"""
import json
import os
import time

os.environ["OMP_NUM_THREADS"] = "2"  # before numpy and torch look at it
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from make_data import HERE, SIZE, make

TRAIN_IMAGES = 20000
EPOCHS = 12
BATCH = 100


class Digits(nn.Module):
    """1x20x20 to 10 logits, with one residual block at 10x10."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(32)
        self.conv3 = nn.Conv2d(32, 32, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(32)
        self.conv4 = nn.Conv2d(32, 32, 3, padding=1, bias=False)
        self.bn4 = nn.BatchNorm2d(32)
        self.fc1 = nn.Linear(32 * 5 * 5, 32)
        self.fc2 = nn.Linear(32, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.relu(self.bn2(self.conv2(x)))
        y = F.relu(self.bn3(self.conv3(x)))
        x = F.relu(self.bn4(self.conv4(y)) + x)
        # No padding here, so counting it changes nothing; counted, the exporter would put an empty Pad before the pool.
        x = torch.flatten(F.avg_pool2d(x, 2, count_include_pad=False), 1)
        return self.fc2(F.relu(self.fc1(x)))


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        answer = torch.cat([model(part).argmax(1) for part in x.split(250)])
    return (answer == y).float().mean().item()


def main():
    torch.manual_seed(20)
    torch.set_num_threads(2)
    torch.use_deterministic_algorithms(True)
    pre = json.loads((HERE / "preprocess.json").read_text())

    def tensors(x, y):
        mean, std = (np.array(pre[k], np.float32).reshape(1, -1, 1, 1) for k in ("mean", "std"))
        scaled = (x.astype(np.float32) * np.float32(pre["scale"]) - mean) / std
        return torch.from_numpy(scaled), torch.from_numpy(y)

    started = time.time()
    x, y = tensors(*make("train", TRAIN_IMAGES))
    test = np.load(HERE / "test.npz")
    test_x, test_y = tensors(test["x"], test["y"])
    print(f"{TRAIN_IMAGES} training images made in {time.time() - started:.0f} s")

    model = Digits()
    print(sum(p.numel() for p in model.parameters()), "parameters")
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.01)
    steps = EPOCHS * (TRAIN_IMAGES // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.006, total_steps=steps)
    for epoch in range(EPOCHS):
        model.train()
        total = 0.0
        for pick in torch.randperm(TRAIN_IMAGES).split(BATCH):
            loss = F.cross_entropy(model(x[pick]), y[pick])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(pick)
        print(f"epoch {epoch + 1:2d}  loss {total / TRAIN_IMAGES:.4f}  {time.time() - started:.0f} s", flush=True)
    print(f"training accuracy {100 * accuracy(model, x, y):.2f} %")
    print(f"test accuracy {100 * accuracy(model, test_x, test_y):.2f} %")

    model.eval()
    torch.onnx.export(
        model, torch.zeros(1, 1, SIZE, SIZE), str(HERE / "digits.onnx"),
        input_names=["image"], output_names=["logits"],
        dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}},
        opset_version=13, do_constant_folding=False, training=torch.onnx.TrainingMode.PRESERVE, verbose=False,
    )
    print(f"digits.onnx: {(HERE / 'digits.onnx').stat().st_size} bytes")


if __name__ == "__main__":
    main()
