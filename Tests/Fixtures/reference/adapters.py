"""A LoRA made by PEFT on the modules that kohya's scripts adapt, under the names they give it."""

import torch
from diffusers import StableDiffusionPipeline
from peft import LoraConfig

from .models import Model
from .randomness import normal
from .xl import LoneUNet

RANK, ALPHA = 3, 2
TARGETS = {
    "unet": ["to_q", "to_k", "to_v", "to_out.0", "proj_in", "proj_out", "ff.net.0.proj", "ff.net.2"],
    "text_encoder": ["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"],
}
PREFIXES = {"unet": "lora_unet_", "text_encoder": "lora_te_text_model_"}


def attach(model: Model | LoneUNet) -> dict[str, torch.nn.Parameter]:
    """Puts adapters on, with weights at which neither half's gradient vanishes; the parameters by kohya key."""
    parameters = {}
    for part, targets in TARGETS.items():
        module = getattr(model, part, None)
        if module is None:
            continue
        module.add_adapter(LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=targets))
        for name, child in module.named_modules():
            if hasattr(child, "lora_A"):
                key = PREFIXES[part] + name.replace(".", "_")
                parameters[f"{key}.lora_down.weight"] = child.lora_A["default"].weight
                parameters[f"{key}.lora_up.weight"] = child.lora_B["default"].weight
    with torch.no_grad():
        for key, parameter in parameters.items():
            fan_in = parameter[0].numel()
            parameter.copy_(normal(f"{model.name}.{key}", *parameter.shape, std=0.5 / fan_in**0.5))
    return parameters


def file(parameters: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors of a kohya LoRA file."""
    modules = [key.removesuffix(".lora_down.weight") for key in parameters if key.endswith(".lora_down.weight")]
    alphas = {f"{module}.alpha": torch.tensor(float(ALPHA)) for module in modules}
    return {key: value.detach().clone() for key, value in parameters.items()} | alphas


METADATA = {
    "ss_network_module": "networks.lora", "ss_network_dim": str(RANK), "ss_network_alpha": str(float(ALPHA)),
}


@torch.no_grad()
def check(folder, adapter, step: dict[str, torch.Tensor]) -> None:
    """diffusers must read the file and say with it what PEFT said: the names, shapes and scale are kohya's."""
    pipeline = StableDiffusionPipeline.from_pretrained(folder)
    pipeline.load_lora_weights(adapter)
    states = pipeline.text_encoder(step["input_ids"][:, 0]).last_hidden_state
    said = pipeline.unet(step["noisy_latents"], step["timesteps"], encoder_hidden_states=states).sample
    torch.testing.assert_close(states, step["encoder_hidden_states"], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(said, step["prediction"], rtol=1e-5, atol=1e-5)
