"""PyTorch on the CPU, as its users write it: nn modules, torch.optim, batches indexed out of a tensor."""

import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

THREADS = int(sys.argv[1])
torch.set_num_threads(THREADS)
torch.manual_seed(0)


def answer(message):
    print("@bench " + json.dumps(message), flush=True)


class Block(nn.Module):
    """The block of ResNet-20, with a shortcut that has no parameters."""

    def __init__(self, channels, filters, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, filters, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)
        self.stride, self.extra = stride, filters - channels

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.stride > 1:
            x = x[:, :, :: self.stride, :: self.stride]
        if self.extra > 0:
            before = self.extra // 2
            x = F.pad(x, (0, 0, 0, 0, before, self.extra - before))
        return F.relu(y + x)


def build(network):
    channels, height, _ = network["image"]
    features, layers = 0, []
    for layer in network["layers"]:
        kind = layer["kind"]
        if kind == "conv":
            layers.append(
                nn.Conv2d(channels, layer["filters"], layer["kernel"], padding=layer["padding"], bias=layer["bias"])
            )
            channels = layer["filters"]
            height += 2 * layer["padding"] + 1 - layer["kernel"]
        elif kind == "batch-norm":
            layers.append(nn.BatchNorm2d(channels))
        elif kind == "relu":
            layers.append(nn.ReLU())
        elif kind == "max-pool":
            layers.append(nn.MaxPool2d(2))
            height //= 2
        elif kind == "block":
            layers.append(Block(channels, layer["filters"], layer["stride"]))
            channels = layer["filters"]
            height //= layer["stride"]
        elif kind == "global-average":
            layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
            features = channels
        elif kind == "flatten":
            layers.append(nn.Flatten())
            features = channels * height * height
        elif kind == "dense":
            layers.append(nn.Linear(features, layer["units"]))
            features = layer["units"]
    return nn.Sequential(*layers)


def training(job):
    model = build(job["network"])
    model.train()
    if job["optimizer"] == "adam":
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    batch = job["batch"]
    images = torch.rand(16 * batch, *job["network"]["image"])
    labels = torch.arange(16 * batch) % 10
    state = {"order": torch.randperm(16 * batch), "next": 0}

    def once():
        if state["next"] + batch > 16 * batch:
            state.update(order=torch.randperm(16 * batch), next=0)
        chosen = state["order"][state["next"] : state["next"] + batch]
        state["next"] += batch
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images[chosen]), labels[chosen])
        loss.backward()
        optimizer.step()

    return once, batch


def inference(job):
    model = build(job["network"]).eval()
    x = torch.rand(job["batch"], *job["network"]["image"])

    def once():
        with torch.no_grad():
            model(x)

    return once, job["batch"]


def convolution(job):
    images, channels, size = job["images"], job["channels"], job["size"]
    kernel, groups = job["kernel"], job["groups"]
    pad = (kernel - 1) // 2
    x = torch.randn(images, channels, size, size)
    y = torch.randn(images, channels, size, size)
    w = torch.randn(channels, channels // groups, kernel, kernel)
    work = 2 * y.numel() * w[0].numel() / 1e9
    if job["kind"] == "conv":
        return lambda: F.conv2d(x, w, padding=pad, groups=groups), work

    def gradients(of_input):
        return torch.ops.aten.convolution_backward(
            *(y, x, w, None, [1, 1], [pad, pad], [1, 1], False, [0, 0], groups),
            [of_input, not of_input, False],
        )

    return lambda: gradients(job["kind"] == "conv-input-grad"), work


def prepare(job):
    kind = job["kind"]
    if kind == "matmul":
        a, b = torch.randn(job["size"], job["size"]), torch.randn(job["size"], job["size"])
        return lambda: a @ b, 2 * job["size"] ** 3 / 1e9
    if kind == "train":
        return training(job)
    return inference(job) if kind == "infer" else convolution(job)


def milliseconds_since(start):
    return 1000 * (time.perf_counter() - start)


def main():
    answer({"version": torch.__version__, "threads": torch.get_num_threads()})
    once, work = None, 0
    for line in sys.stdin:
        request = json.loads(line)
        try:
            start = time.perf_counter()
            if "prepare" in request:
                once, work = prepare(request["prepare"])
                once()
                answer({"prepared": milliseconds_since(start)})
            elif "run" in request:
                count, elapsed = 0, 0.0
                while elapsed < request["run"] or count == 0:
                    once()
                    count += 1
                    elapsed = milliseconds_since(start)
                answer({"value": 1000 * count * work / elapsed, "milliseconds": elapsed})
            else:
                once = None
                answer({})
        except Exception as error:  # whatever it is, the parent prints it
            answer({"error": str(error).splitlines()[0]})


main()
