"""Has OpenAI's own client for Python talk to a running server: python check.py BASE_URL MODEL [TOKEN] [PICTURE]."""

import base64
import math
import struct
import sys

import openai


def main(url, model, token="none", picture=None):
    client = openai.OpenAI(base_url=url.rstrip("/") + "/v1", api_key=token, max_retries=0)
    print("models:", [m.id for m in client.models.list().data])
    texts = ["a cat", "a dog", "\u4e00\u53ea\u732b"]
    # Without encoding_format the client asks for base64 and decodes it itself.
    plain = client.embeddings.create(model=model, input=texts, encoding_format="float").data
    coded = client.embeddings.create(model=model, input=texts).data
    for a, b in zip(plain, coded, strict=True):
        assert len(a.embedding) == len(b.embedding), (len(a.embedding), len(b.embedding))
        assert max(abs(x - y) for x, y in zip(a.embedding, b.embedding)) < 1e-6
        assert abs(math.hypot(*a.embedding) - 1) < 1e-4
    print("vectors of", len(plain), "texts, dimension", len(plain[0].embedding))
    raw = client.embeddings.with_raw_response.create(model=model, input="a cat", encoding_format="base64").http_response.json()
    data = base64.b64decode(raw["data"][0]["embedding"])
    assert len(struct.unpack(f"<{len(data) // 4}f", data)) == len(plain[0].embedding)
    if picture:
        with open(picture, "rb") as f:
            uri = "data:image/" + ("png" if picture.endswith("png") else "jpeg") + ";base64," + base64.b64encode(f.read()).decode()
        v = client.embeddings.create(model=model, input=[uri]).data[0].embedding
        print("cosines of the picture:", [round(sum(x * y for x, y in zip(v, t.embedding)), 3) for t in plain])
    for wrong, kind in ((lambda: client.models.retrieve("nothing"), openai.NotFoundError),
                        (lambda: client.embeddings.create(model=model, input=[]), openai.BadRequestError)):
        try:
            wrong()
        except kind as e:
            print(type(e).__name__ + ":", e.body["message"])
        else:
            raise AssertionError(f"want {kind.__name__}")
    print("all is well")


if __name__ == "__main__":
    main(*sys.argv[1:])
