"""Vectors for the race of search, and the peers that search them: FAISS, USearch and hnswlib.

    python vectors.py '{"peer": "hnswlib", "n": 100000, "cache": "/tmp/vectors", "data": "/dev/shm", "threads": 1, "time": 0.5, "batch": 1, "recall": 0.95}'

makes or opens the peer's index, prints one line about it, then measures once for each line it is sent, as worker.py does.

The data lie near a curved surface, as what models of pictures make: a point of 32 dimensions, whose spread falls as 1/sqrt(i), is drawn from one
of n/200 overlapping clusters (their sizes fall as 1/sqrt(rank); half of the variance is between clusters), goes through tanh of 256 random directions, is turned into 512 dimensions, put into
a cone by a common direction, given noise in all dimensions that is 0.25 long, and made 1 long. Queries are drawn like vectors. The seed is 7.
"""
import json
import os
import statistics
import sys
import time

import numpy as np

D, QUERIES, K = 512, 1000, 10


def draw(n, first, count, salt):
    """count vectors [count, D], those from number first on of n."""
    r = np.random.default_rng(7)
    spread = 1 / np.sqrt(np.arange(1, 33))
    bend = (r.standard_normal((32, 256)) * spread[:, None] * 2.2).astype(np.float32)
    turn = np.linalg.qr(r.standard_normal((D, D)))[0].astype(np.float32)[:257]
    clusters = max(n // 200, 16)
    centres = r.standard_normal((clusters, 32), dtype=np.float32)
    sizes = 1 / np.sqrt(np.arange(1, clusters + 1))
    r = np.random.default_rng([7, salt, first])
    label = r.choice(clusters, count, p=sizes / sizes.sum())
    point = (centres[label] + r.standard_normal((count, 32), dtype=np.float32)) * np.float32(np.sqrt(0.5))
    x = np.tanh(point @ bend) @ turn[:256]
    x += turn[256] * np.float32(0.8 * np.sqrt((x**2).sum(1).mean()))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    x += r.standard_normal((count, D), dtype=np.float32) * np.float32(0.25 / np.sqrt(D))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def files(folder, n):
    """The files of vectors and of queries, which are made if they are not there."""
    paths = [os.path.join(folder, f"clustered-{n}.f32"), os.path.join(folder, f"clustered-{n}.queries.f32")]
    if not all(map(os.path.exists, paths)):
        os.makedirs(folder, exist_ok=True)
        draw(n, 0, QUERIES, 1).tofile(paths[1])
        with open(paths[0] + ".part", "wb") as f:
            for first in range(0, n, 50000):
                draw(n, first, min(50000, n - first), 0).tofile(f)
        os.rename(paths[0] + ".part", paths[0])
    return paths


def load(folder, n):
    vectors, queries = files(folder, n)
    return np.memmap(vectors, np.float32, "r", shape=(n, D)), np.fromfile(queries, np.float32).reshape(QUERIES, D)


def cached(job, name, make, save):
    """Makes an index once and writes how long that took beside it."""
    path = os.path.join(job["cache"], f"{name}-{job['n']}")
    if not os.path.exists(path + ".json"):
        start, cpu = time.perf_counter(), time.process_time()
        index = make()
        fact = {"build_s": time.perf_counter() - start, "build_cpu_s": time.process_time() - cpu}
        save(index, path)
        with open(path + ".json", "w") as f:
            json.dump(fact, f)
    with open(path + ".json") as f:
        return path, json.load(f)


def faiss_flat(job, vectors):
    import faiss
    faiss.omp_set_num_threads(job["threads"])
    index = faiss.IndexFlatIP(D)
    index.add(np.ascontiguousarray(vectors))
    return lambda q: index.search(q, K)[1], None, {}


def faiss_ivf(job, vectors):
    import faiss
    faiss.omp_set_num_threads(job["threads"])
    lists = 1024 if job["n"] < 500000 else 4096

    def make():
        quantizer = faiss.IndexFlatIP(D)
        index = faiss.IndexIVFFlat(quantizer, D, lists, faiss.METRIC_INNER_PRODUCT)
        index.cp.seed = 7
        index.train(np.ascontiguousarray(vectors[:: max(1, len(vectors) // (lists * 40))]))
        label = index.quantizer.search(np.ascontiguousarray(vectors), 1)[1].astype(np.int64).ravel()
        return index.quantizer.reconstruct_n(0, lists), label

    path, fact = cached(job, "faiss-ivf", make, lambda made, p: np.savez(p + ".npz", centres=made[0], label=made[1]))
    saved = np.load(path + ".npz")  # the lists themselves are the vectors again
    quantizer = faiss.IndexFlatIP(D)
    quantizer.add(saved["centres"])
    index = faiss.IndexIVFFlat(quantizer, D, lists, faiss.METRIC_INNER_PRODUCT)
    index.is_trained = True
    label = saved["label"]
    for first in range(0, len(vectors), 100000):
        part = np.ascontiguousarray(vectors[first:first + 100000])
        index.add_core(len(part), faiss.swig_ptr(part), None, faiss.swig_ptr(np.ascontiguousarray(label[first:first + 100000])))

    def breadth(n):
        index.nprobe = n
    return lambda q: index.search(q, K)[1], breadth, fact


def hnswlib(job, vectors):
    import hnswlib
    index = hnswlib.Index("ip", D)

    def make():
        index.init_index(len(vectors), ef_construction=128, M=16, random_seed=7)
        index.set_num_threads(job.get("building", job["threads"]))
        for first in range(0, len(vectors), 50000):
            index.add_items(vectors[first:first + 50000], np.arange(first, min(first + 50000, len(vectors))))
        return index

    path, fact = cached(job, "hnswlib", make, lambda index, p: index.save_index(p))
    if index.element_count == 0:
        index.load_index(path)
    index.set_num_threads(job["threads"])
    return lambda q: index.knn_query(q, K)[0], index.set_ef, fact


def usearch(job, vectors):
    from usearch.index import Index
    dtype = job["peer"].rsplit("-", 1)[1]

    def make():
        index = Index(ndim=D, metric="ip", dtype=dtype, connectivity=16, expansion_add=128)
        for first in range(0, len(vectors), 50000):
            index.add(np.arange(first, min(first + 50000, len(vectors))), vectors[first:first + 50000], threads=job.get("building", job["threads"]))
        return index

    path, fact = cached(job, job["peer"], make, lambda index, p: index.save(p))
    index = Index.restore(path, view=False)

    def breadth(n):
        index.expansion_search = n
    return lambda q: index.search(q, K, threads=job["threads"]).keys.reshape(len(q), K), breadth, fact


def usearch_exact(job, vectors):
    from usearch.index import MetricKind, search
    return lambda q: search(vectors, q, K, MetricKind.IP, exact=True, threads=job["threads"]).keys.reshape(len(q), K), None, {}


PEERS = {"faiss-flat": faiss_flat, "faiss-ivf": faiss_ivf, "hnswlib": hnswlib, "usearch-exact": usearch_exact,
         "usearch-bf16": usearch, "usearch-f16": usearch, "usearch-i8": usearch, "usearch-f32": usearch}


def recall(found, truth):
    return float(np.mean([len(set(a) & set(b)) / K for a, b in zip(found.tolist(), truth.tolist())]))


def broad_enough(find, breadth, queries, truth, least):
    """The smallest breadth that reaches the recall, and the recall; None where 4096 does not."""
    def reached(n):
        breadth(n)
        return recall(np.concatenate([find(queries[i:i + 100]) for i in range(0, len(queries), 100)]), truth)
    low, high = 0, 8
    while reached(high) < least:
        low, high = high, 2 * high
        if high > 4096:
            return None, reached(4096)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) >= least else (middle, high)
    return high, reached(high)


def measure(find, queries, batch, seconds, at):
    """Milliseconds of each call, for some seconds, beginning with query number at."""
    times, begin = [], time.perf_counter()
    while not times or time.perf_counter() - begin < seconds:
        q = queries[at:at + batch] if at + batch <= len(queries) else queries[:batch]
        at = (at + batch) % len(queries)
        start = time.perf_counter()
        find(q)
        times.append(1e3 * (time.perf_counter() - start))
    return times, at


def resident():
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) / 1e3 for line in f if line.startswith("VmRSS"))


def main():
    job = json.loads(sys.argv[1])
    out = os.dup(1)
    os.dup2(2, 1)
    say = lambda answer: os.write(out, (json.dumps(answer) + "\n").encode())  # noqa: E731
    vectors, queries = load(job["data"], job["n"])
    find, breadth, fact = PEERS[job["peer"]](job, vectors)
    ready = dict(fact, note="", mb=resident())
    truth = os.path.join(job["data"], f"clustered-{job['n']}.truth")
    if breadth:
        nearest = np.fromfile(truth, np.int64).reshape(QUERIES, K)
        ready["breadth"], ready["recall"] = broad_enough(find, breadth, queries, nearest, job["recall"])
        if ready["breadth"] is None:
            raise SystemExit(f"recall {ready['recall']:.3f} at the most")
    else:
        ready["answer"] = find(queries[:64]).tolist()
    say(ready)
    at = 0
    for _ in sys.stdin:
        times, at = measure(find, queries, job["batch"], job["time"], at)
        times.sort()
        say({"ms_median": statistics.median(times), "ms_mean": statistics.mean(times), "ms_min": times[0], "ms_p99": times[int(0.99 * (len(times) - 1))], "runs": len(times)})


if __name__ == "__main__":
    main()
