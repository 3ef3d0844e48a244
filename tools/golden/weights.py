"""Writes small checkpoints in every form that torch and safetensors save, with a JSON file of their values."""
import collections, json, os, struct, sys
import torch
from safetensors.torch import save_file

out = sys.argv[1] if len(sys.argv) > 1 else "weights/testdata"
os.makedirs(out, exist_ok=True)
torch.manual_seed(5)

base = torch.randn(4, 6)
tensors = collections.OrderedDict(
    f32=torch.randn(2, 3), f64=torch.randn(3, dtype=torch.float64), f16=torch.randn(2, 2).half(), bf16=torch.randn(5).bfloat16(),
    i8=torch.tensor([-128, 0, 127], dtype=torch.int8), u8=torch.tensor([0, 255], dtype=torch.uint8), i16=torch.tensor([-32768, 7], dtype=torch.int16),
    i32=torch.tensor([[-5], [6]], dtype=torch.int32), i64=torch.tensor([1 << 40, -1]), bool=torch.tensor([True, False]),
    scalar=torch.tensor(2.5), empty=torch.zeros(0, 3), transposed=base.t(), slice=base[1:3, 2:5], shared_a=base, shared_b=base[2],
)
values = {k: {"shape": list(v.shape), "values": [float(x) for x in v.flatten().tolist()]} for k, v in tensors.items()}
with open(f"{out}/values.json", "w") as f:
    json.dump(values, f)

torch.save(tensors, f"{out}/zip.bin")
torch.save(tensors, f"{out}/legacy.bin", _use_new_zipfile_serialization=False)
torch.save({"epoch": 3, "optimizer": {"lr": 0.1, "betas": (0.9, 0.999)}, "state_dict": tensors}, f"{out}/nested.pt")


class Inner(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(tensors["f32"].clone())
        self.register_buffer("steps", tensors["i64"].clone())

    def forward(self, x):
        return x @ self.weight


class Outer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Inner()
        self.small = torch.nn.Parameter(tensors["f16"].clone())

    def forward(self, x):
        return self.inner(x)


outer = Outer()
torch.save(outer.state_dict(), f"{out}/module.pt")
torch.jit.script(outer).save(f"{out}/script.pt")
torch.save(outer.inner.weight, f"{out}/nameless.pt")
torch.save(outer, f"{out}/pickled.pt")  # a whole module: needs code, must be refused

# What lies beside tensors in checkpoints, in a later pickle protocol: everything but the two tensors is passed over.
mixed = {
    "a": tensors["f32"], "b": torch.nn.Parameter(tensors["bf16"].clone()), "repeated": torch.tensor([1.5]).expand(2, 2), "dtype": torch.float16,
    "size": torch.Size([1, 2]), "numbers": [1, -2.5, None, True, (3, "x")], "storage": torch.zeros(3).untyped_storage(), 7: {"state": base}, "list": [base],
    "ordered": collections.OrderedDict(c=tensors["i64"]), "long": 1 << 70,
}
torch.save(mixed, f"{out}/mixed.pt", pickle_protocol=4)
torch.save({"state_dict": {"model": mixed}}, f"{out}/mixed-legacy.pt", pickle_protocol=4, _use_new_zipfile_serialization=False)
torch.save({"a": torch.tensor([1], dtype=torch.uint16)}, f"{out}/unsigned.pt")  # a dtype without a storage of its own
torch.save({"a": torch.tensor([1j])}, f"{out}/complex.pt")

solid = {k: v.contiguous().clone() for k, v in tensors.items()}
save_file(solid, f"{out}/all.safetensors", metadata={"format": "pt", "note": "h\u00e9"})
names = sorted(solid)
shards = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
os.makedirs(f"{out}/sharded", exist_ok=True)
for file, keys in shards.items():
    save_file({k: solid[k] for k in keys}, f"{out}/sharded/{file}")
with open(f"{out}/sharded/model.safetensors.index.json", "w") as f:
    json.dump({"metadata": {"total_size": 1}, "weight_map": {k: file for file, keys in shards.items() for k in keys}}, f, indent=1)

# The same archive with sizes in zip64's fields, as files of more than 4 GiB have them.
import zipfile
with zipfile.ZipFile(f"{out}/zip.bin") as old, zipfile.ZipFile(f"{out}/zip64.bin", "w", zipfile.ZIP_STORED) as new:
    for name in old.namelist():
        with new.open(zipfile.ZipInfo(name), "w", force_zip64=True) as f:
            f.write(old.read(name))

# A pickle that would run a command if anybody let it.
evil = b"\x80\x02cposix\nsystem\nX\x0c\x00\x00\x00touch /pwned\x85R."
with zipfile.ZipFile(f"{out}/evil.bin", "w", zipfile.ZIP_STORED) as z:
    z.writestr("archive/data.pkl", evil)
