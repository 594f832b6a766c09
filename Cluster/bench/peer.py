#!/usr/bin/env python3
"""Training steps of a LoRA in diffusers and PEFT, timed: what Danlu is measured against.

Prints one line of JSON: `step_seconds` (median over the steps after the warm-up), `start_to_first_step_seconds` (from the
start of the process until the first step begins), `peak_rss_bytes`, `loss`, and the arguments.

As diffusers' own train_text_to_image_lora.py and kohya's train_network.py do it: the LoRA in fp32; with bf16 the frozen model
is held in bf16 and the forward pass runs under autocast. UNet only, rank 16, on attention, feed-forward and
projections; conditioning and latents are given, as they are cached.
"""

import argparse
import json
import os
import resource
import statistics
import time


def process_start() -> float:
    """When the kernel started this process, on the clock of `time.clock_gettime(CLOCK_BOOTTIME)`."""
    with open("/proc/self/stat") as file:
        # The name in parentheses may have blanks; the start is the 22nd field, the 20th after it.
        ticks = int(file.read().rsplit(")", 1)[1].split()[19])
    return ticks / os.sysconf("SC_CLK_TCK")


def parse() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--model", required=True, help="a diffusers folder")
    arguments.add_argument("--resolution", type=int, default=256)
    arguments.add_argument("--batch", type=int, default=1)
    arguments.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    arguments.add_argument("--rank", type=int, default=16)
    arguments.add_argument("--threads", type=int, default=os.cpu_count())
    arguments.add_argument("--steps", type=int, default=5)
    arguments.add_argument("--warmup", type=int, default=1)
    arguments.add_argument("--device", default="cpu")
    arguments.add_argument("--json", action="store_true", help="taken for likeness: the answer is always JSON")
    return arguments.parse_args()


def main() -> None:
    options = parse()
    import torch
    from diffusers import DDPMScheduler, UNet2DConditionModel
    from peft import LoraConfig

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    device = torch.device(options.device)
    frozen = torch.bfloat16 if options.precision == "bf16" else torch.float32
    unet = UNet2DConditionModel.from_pretrained(options.model, subfolder="unet", torch_dtype=frozen).to(device)
    unet.requires_grad_(False)
    unet.add_adapter(LoraConfig(
        r=options.rank, lora_alpha=options.rank, init_lora_weights=True,
        target_modules=["to_q", "to_k", "to_v", "to_out.0", "proj_in", "proj_out", "ff.net.0.proj", "ff.net.2"]))
    parameters = [parameter for parameter in unet.parameters() if parameter.requires_grad]
    for parameter in parameters:
        parameter.data = parameter.data.float()
    optimizer = torch.optim.AdamW(parameters, lr=1e-4)
    scheduler = DDPMScheduler.from_pretrained(options.model, subfolder="scheduler")

    side = options.resolution // 8
    latents = torch.randn(options.batch, 4, side, side, device=device)
    told = {"encoder_hidden_states": torch.randn(options.batch, 77, unet.config.cross_attention_dim, device=device)}
    if unet.config.addition_embed_type == "text_time":
        # Stable Diffusion XL: the whole text as one vector, and six sizes of the picture.
        width = unet.config.projection_class_embeddings_input_dim - 6 * unet.config.addition_time_embed_dim
        sizes = [options.resolution, options.resolution, 0, 0, options.resolution, options.resolution]
        told["added_cond_kwargs"] = {
            "text_embeds": torch.randn(options.batch, width, device=device),
            "time_ids": torch.tensor([sizes] * options.batch, dtype=torch.float32, device=device)}

    def step() -> float:
        noise = torch.randn_like(latents)
        timesteps = torch.randint(0, 1000, (options.batch,), device=device)
        noisy = scheduler.add_noise(latents, noise, timesteps)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=options.precision == "bf16"):
            prediction = unet(noisy, timesteps, **told).sample
        loss = torch.nn.functional.mse_loss(prediction.float(), noise)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.item()  # waits for the device

    seconds, processor, first = [], [], None
    for k in range(options.warmup + options.steps):
        if first is None:
            first = time.clock_gettime(time.CLOCK_BOOTTIME) - process_start()
        start, used = time.perf_counter(), time.process_time()
        loss = step()
        if k == 0:
            done = time.clock_gettime(time.CLOCK_BOOTTIME) - process_start()
        if k >= options.warmup:
            seconds.append(time.perf_counter() - start)
            processor.append(time.process_time() - used)
    print(json.dumps({
        "program": "diffusers + PEFT", "batch": options.batch, "precision": options.precision, "rank": options.rank,
        "resolution": options.resolution, "threads": options.threads, "steps": options.steps,
        "step_seconds": round(statistics.median(seconds), 4),
        "step_processor_seconds": round(statistics.median(processor), 4),
        "start_to_first_step_done_seconds": round(done, 2), "start_to_first_step_seconds": round(first, 2),
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "loss": round(loss, 6),
        "parameters": sum(parameter.numel() for parameter in parameters),
    }))


if __name__ == "__main__":
    main()
