#!/usr/bin/env python3
"""One rank of PyTorch's all-reduce over Gloo, as DDP does it: the other side of Cluster/bench/exchange.

    gloo.py RANK WORLD HOST:PORT NUMBERS STEPS [SECONDS]

All ranks reduce NUMBERS floats in DDP's buckets (1 MiB, then 25 MiB each), STEPS times after two that do not count. Each
bucket goes as soon as the gradients in it are there: at once, or, where a step takes SECONDS to compute, in the last two thirds of them, in
which a rank sleeps and its gradients come to be. Rank 0 prints the seconds of each as JSON. GLOO_SOCKET_IFNAME names the interface.
"""

import datetime
import json
import sys
import time

import torch
import torch.distributed as dist

rank, world, address, numbers, steps = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
compute = float(sys.argv[6]) if len(sys.argv) > 6 else 0.0
torch.set_num_threads(1)
dist.init_process_group("gloo", init_method=f"tcp://{address}", rank=rank, world_size=world,
                        timeout=datetime.timedelta(seconds=300))
gradient = torch.full((numbers,), float(rank + 1))
sizes = [1 << 18] + [25 << 18] * (numbers // (25 << 18) + 1)
seconds = []
for step in range(steps + 2):
    gradient.fill_(float(rank + 1))
    dist.barrier()
    began = time.perf_counter()
    rest, work = gradient, []
    for size in sizes:
        if rest.numel() > 0:
            there = min(1, 1 - (rest.numel() - size) / numbers)
            time.sleep(max(0, began + compute * (1 + 2 * there) / 3 - time.perf_counter()))
            work.append(dist.all_reduce(rest[:size], async_op=True))
            rest = rest[size:]
    for each in work:
        each.wait()
    # The step is over when the slowest rank has everything.
    dist.barrier()
    seconds.append(time.perf_counter() - began)
    if float(gradient[-1]) != world * (world + 1) / 2:
        sys.exit(f"rank {rank}: the sum is {float(gradient[-1])}")
if rank == 0:
    print(json.dumps({"stepSeconds": seconds[2:]}))
