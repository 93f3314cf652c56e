// Runs published repositories in transformers.js, as `tests/hub/test_onnx_files.py` asks: node run.js FOLDER
//
// FOLDER holds the repositories me/net and me/net-ONNX, the picture photo.png, and the inputs of me/net as raw numbers.
// What comes out is written beside them.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AutoModel, Tensor, env, pipeline } from "@huggingface/transformers";

const folder = process.argv[2];
env.allowRemoteModels = false;
env.localModelPath = folder;

const { dims } = JSON.parse(readFileSync(join(folder, "inputs.json")));
const raw = (name) => Uint8Array.from(readFileSync(join(folder, name))).buffer;
const network = await AutoModel.from_pretrained("me/net", { dtype: "fp32" });
const { reconstruction } = await network({
  pixel_values: new Tensor("float32", new Float32Array(raw("pixel_values")), dims.pixel_values),
  quantization: new Tensor("int32", new Int32Array(raw("quantization")), dims.quantization),
});
writeFileSync(join(folder, "reconstruction"), reconstruction.data);

for (const dtype of ["fp32", "fp16"]) {
  const restore = await pipeline("image-to-image", "me/net-ONNX", { dtype });
  const { data, width, height, channels } = await restore(join(folder, "photo.png"));
  writeFileSync(join(folder, `restored-${dtype}`), data);
  writeFileSync(join(folder, `restored-${dtype}.json`), JSON.stringify([height, width, channels]));
}
