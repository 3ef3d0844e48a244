"""What AutoGluon-Multimodal makes of the sets: all features as columns of numbers, which is what its models take without a checkpoint from a hub.

    python gluon.py DIR

DIR holds what `fusion data` wrote. Jobs and outcomes are those of race.py. Needs autogluon.multimodal.
"""
import contextlib
import json
import os
import shutil
import sys
import tempfile
import time

os.environ["HF_HUB_OFFLINE"] = "1"
import pandas as pd  # noqa: E402
import torch  # noqa: E402
from autogluon.multimodal import MultiModalPredictor  # noqa: E402
from safetensors import safe_open  # noqa: E402


def read(name):
    """Sides of a set as tables."""
    with safe_open(os.path.join(sys.argv[1], name + ".safetensors"), "pt") as f:
        xs = [f.get_tensor(f"x{m}").flatten(1) for m in range(len(f.metadata()["modalities"].split()))]
        labels, side = f.get_tensor("class").tolist(), f.get_tensor("side").numpy()
    table = pd.concat([pd.DataFrame(x.float().numpy(), columns=[f"m{m}_{j}" for j in range(x.shape[1])]) for m, x in enumerate(xs)], axis=1)
    table["label"] = [f"class {v}" for v in labels]
    return [table[side == k] for k in range(3)]


def work(job):
    torch.set_num_threads(job["threads"])
    learn, valid, test = read(job["set"])
    folder = tempfile.mkdtemp()
    shutil.rmtree(folder)  # which it wants to make
    try:
        predictor = MultiModalPredictor(label="label", problem_type="multiclass", path=folder, verbosity=1, eval_metric="accuracy")
        wall, cpu = time.perf_counter(), time.process_time()
        predictor.fit(train_data=learn, tuning_data=valid, seed=job["seed"], hyperparameters={
            "model.names": [job["method"]], "optim.lr": job["rate"], "optim.lr_choice": "single_stage", "optim.max_epochs": job["epochs"],
            "optim.patience": 1000, "optim.top_k": 1, "env.batch_size": job["batch"], "env.per_gpu_batch_size": job["batch"], "env.num_workers": 0,
            "env.num_workers_inference": 0, "env.accelerator": "cpu", "env.num_gpus": 0, "env.precision": "32"})
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        said = predictor.predict(test.drop(columns="label")).to_numpy()
        return {"wall": wall, "cpu": cpu, "right": [int(v) for v in said == test["label"].to_numpy()], "values": predictor.total_parameters}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    for line in sys.stdin:
        with contextlib.redirect_stdout(sys.stderr):
            outcome = work(json.loads(line))
        print(json.dumps(outcome), flush=True)
