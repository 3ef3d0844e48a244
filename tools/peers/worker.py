"""One contender of the race: makes what the job says, prints one line about it, then measures once for each line it is sent.

    python worker.py '{"peer": "openvino", "precision": "int8", "case": "image-b32", "batch": 1, "threads": 2, "time": 0.8, "file": ...}'
"""
import json
import os
import resource
import statistics
import sys
import time
import warnings


def with_torch(job, x):
    import torch
    if job["precision"] == "bf16" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        sys.exit("this processor has no products of bf16, and emulating them takes some twenty times as long as f32")
    torch.set_num_threads(job["threads"])
    torch.set_float32_matmul_precision("highest")
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[job["precision"]]
    import towers
    model, t = towers.model(job["case"]).to(dtype), torch.from_numpy(x)
    t = t.to(dtype) if t.is_floating_point() else t

    def run():
        with torch.inference_mode():
            return model(t)
    return run, lambda: run().float().numpy(), torch.backends.cpu.get_cpu_capability()


def with_onnxruntime(job, x):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = job["threads"], 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = ort.InferenceSession(job["file"], options, providers=["CPUExecutionProvider"])

    def run():
        return session.run(None, {"x": x})[0]
    return run, run, "CPUExecutionProvider"


def with_openvino(job, x):
    import collections
    import openvino as ov
    model = ov.Core().compile_model(job["file"], "CPU", {
        "INFERENCE_PRECISION_HINT": "f32" if job["precision"] == "f32" else "bf16",  # f32 is not the default with AMX, nor on ARM
        "INFERENCE_NUM_THREADS": job["threads"], "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"})
    request = model.create_infer_request()

    def run():
        request.infer({0: x}, share_inputs=True)

    def answer():
        run()
        return request.get_output_tensor(0).data.copy()
    kinds = collections.Counter()
    for op in model.get_runtime_model().get_ops():
        layer, primitive = (op.get_rt_info()[k].astype(str) for k in ("layerType", "primitiveType"))
        if layer in ("FullyConnected", "MatMul", "Subgraph", "ScaledDotProductAttention") or "MHA" in layer:
            kinds[f"{layer} {primitive}"] += 1
    note = f"computes in {model.get_property('INFERENCE_PRECISION_HINT').get_type_name()}: " + ", ".join(f"{n} {k}" for k, n in kinds.most_common())
    return run, answer, note


def with_ctranslate2(job, x):
    import ctranslate2
    model = ctranslate2.models.Whisper(job["file"], device="cpu", compute_type={"f32": "float32", "int8": "int8_float32"}[job["precision"]],
                                       inter_threads=1, intra_threads=job["threads"])

    def run():
        return model.encode(ctranslate2.StorageView.from_array(x), to_cpu=True)
    return run, None, f"weights of its own, computes in {model.compute_type}"


def with_faster_whisper(job):
    from faster_whisper import BatchedInferencePipeline, WhisperModel
    model = WhisperModel(job["file"], device="cpu", compute_type={"f32": "float32", "int8": "int8_float32"}[job["precision"]], cpu_threads=job["threads"], num_workers=1)
    options = dict(language="en", beam_size=5, temperature=0.0, vad_filter=True, word_timestamps=False)
    if job["peer"] == "faster-whisper-batched":
        transcribe, options = BatchedInferencePipeline(model).transcribe, {**options, "batch_size": 8, "without_timestamps": False}
    else:
        transcribe, options = model.transcribe, {**options, "condition_on_previous_text": False}

    def run():
        return list(transcribe(job["sound"], **options)[0])
    segments = run()
    return run, None, f"{len(segments)} segments, {sum(len(s.text) for s in segments)} letters"


def main():
    warnings.filterwarnings("ignore")
    job = json.loads(sys.argv[1])
    out = os.dup(1)  # libraries may print; only we answer
    os.dup2(2, 1)
    say = lambda answer: os.write(out, (json.dumps(answer) + "\n").encode())  # noqa: E731
    if "verb" in job:
        import pictures
        run, answer, note = pictures.contender(job)
        first = answer()
    elif "train" in job:
        import training
        run, answer, note = training.contender(job)
        first = answer()
    elif "sound" in job:
        run, answer, note = with_faster_whisper(job)
        first = None
    else:
        import towers
        x = towers.example(job["case"], job["batch"])
        run, answer, note = {"torch": with_torch, "onnxruntime": with_onnxruntime, "openvino": with_openvino,
                             "ctranslate2": with_ctranslate2}[job["peer"]](job, x)
        first = answer and towers.first(answer())
    say({"note": note, "answer": first})
    for _ in sys.stdin:
        run()
        times, begin = [], time.perf_counter()
        while not times or time.perf_counter() - begin < job["time"]:
            start = time.perf_counter()
            run()
            times.append(1e3 * (time.perf_counter() - start))
        say({"ms_median": statistics.median(times), "ms_mean": statistics.mean(times), "ms_min": min(times), "runs": len(times) + 1, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3})


if __name__ == "__main__":
    main()
