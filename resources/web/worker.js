"use strict";
// The model, in a thread of its own so that the page never waits for it. Started from its source as text: a page that
// was opened as a file may not load a worker from another file.
var graft = self.graft || (self.graft = {});

graft.workerMain = function () {
  const parts = new Map();
  let session = null;
  let ort = null;

  function bytesOf(text) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
    return bytes;
  }

  async function whole(name) {
    const blob = new Blob(parts.get(name));
    parts.delete(name);
    const stream = blob.stream().pipeThrough(new DecompressionStream("gzip"));
    return await new Response(stream).arrayBuffer();
  }

  async function start(threads, check) {
    const script = new Blob([await whole("script")], { type: "text/javascript" });
    ort = await import(URL.createObjectURL(script));
    ort.env.wasm.numThreads = threads;
    ort.env.wasm.wasmBinary = await whole("wasm");
    ort.env.logLevel = "error";
    session = await ort.InferenceSession.create(new Uint8Array(await whole("model")), {
      executionProviders: ["wasm"],
      enableMemPattern: false, // Shapes change with every picture.
      logSeverityLevel: 3,
    });
    // The same test picture as the exporter's, made of whole numbers, so that both have the same pixels.
    const { width, height } = check;
    const pixels = new Uint8Array(width * height * 3);
    for (let y = 0, place = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (let c = 0; c < 3; c++)
          pixels[place++] = (x * (3 + c) + y * (5 - c) + ((x * y) >> 4) * (c + 1) + 40 * c) & 255;
    const answer = await ask(pixels, width, height);
    return Math.max(...check.probabilities.map((value, index) => Math.abs(value - answer.probabilities[index])));
  }

  async function ask(pixels, width, height) {
    const before = performance.now();
    const outputs = await session.run({ image: new ort.Tensor("uint8", pixels, [height, width, 3]) });
    const strangeness = outputs.unknown_score ? outputs.unknown_score.data[0] : null;
    return {
      probabilities: Array.from(outputs.probabilities.data),
      unknownScore: strangeness,
      ms: performance.now() - before,
    };
  }

  function withoutAlpha(rgba) {
    const rgb = new Uint8Array((rgba.length / 4) * 3);
    for (let from = 0, to = 0; from < rgba.length; from += 4) {
      rgb[to++] = rgba[from];
      rgb[to++] = rgba[from + 1];
      rgb[to++] = rgba[from + 2];
    }
    return rgb;
  }

  self.onmessage = async ({ data }) => {
    try {
      if (data.kind === "part") {
        if (!parts.has(data.name)) parts.set(data.name, []);
        parts.get(data.name)[data.index] = bytesOf(data.text);
      } else if (data.kind === "start") {
        self.postMessage({ kind: "ready", difference: await start(data.threads, data.check) });
      } else {
        const rgb = withoutAlpha(new Uint8Array(data.pixels));
        self.postMessage({ kind: "answer", id: data.id, ...(await ask(rgb, data.width, data.height)) });
      }
    } catch (error) {
      self.postMessage({ kind: "failed", id: data.id, message: String((error && error.message) || error) });
    }
  };
};
