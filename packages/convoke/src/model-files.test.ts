// Models with their weights in a file beside them: written, verified, read again, used by the command.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openClassifier } from "./cli/classifier.js";
import {
  conv2d,
  dense,
  exportOnnx,
  flatten,
  importOnnxFile,
  input,
  onnxRunner,
  OnnxFormatError,
  reference,
  relu,
  sequential,
  tensor,
  useBackend,
  type Module,
  type OnnxRunner,
} from "./index.js";

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), "convoke-files-"));
  await useBackend(reference());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function net(): Module {
  return sequential(
    input(3, 8, 8),
    conv2d({ filters: 4, kernelSize: 3 }),
    relu(),
    flatten(),
    dense({ units: 5 }),
  );
}

function pictures() {
  return tensor(
    Array.from({ length: 2 * 3 * 64 }, (_, i) => Math.sin(i)),
    { shape: [2, 3, 8, 8] },
  );
}

describe("exportOnnx with externalData", () => {
  it("writes two files, verified from disk, that everybody reads", async () => {
    const opened: string[] = [];
    const real = await onnxRunner({ threads: 1 });
    const verify: OnnxRunner = {
      ...real,
      openFile: (file) => {
        opened.push(path.relative(folder, path.dirname(file)));
        return real.openFile!(file);
      },
    };
    const model = net();
    const file = path.join(folder, "two/net.onnx");
    const exported = await exportOnnx(model, file, { verify, externalData: { threshold: 0 } });
    expect(exported.maxAbsDiff).toBeLessThanOrEqual(1e-5);
    expect(exported.data!.file).toBe("net.onnx.data");
    // What the verification wrote is gone.
    expect(opened).toEqual([expect.stringMatching(/^two\/\.convoke-/)]);
    expect(readdirSync(path.dirname(file))).toEqual(["net.onnx", "net.onnx.data"]);
    expect(readFileSync(`${file}.data`).length).toBe(exported.data!.byteLength);

    const expected = await model.forward(pictures()).data();
    expect(await (await importOnnxFile(file)).forward(pictures()).data()).toEqual(expected);
    const session = await real.openFile!(file);
    const data = Float32Array.from((await pictures().data()) as Float32Array);
    const { output } = await session.run({ input: { dtype: "float32", shape: [2, 3, 8, 8], data } });
    await session.dispose();
    expected.forEach((value, i) => expect(output!.data[i]).toBeCloseTo(Number(value), 5));
    const classifier = await openClassifier(file);
    const { data: scores } = await classifier.scores(data, 2);
    await classifier.dispose();
    expect(scores).toEqual(output!.data);
  });

  it("keeps small weights inside, and takes another name in a folder of its own", async () => {
    const file = path.join(folder, "named/net.onnx");
    const { data } = await exportOnnx(net(), file, {
      externalData: { file: "weights/all.bin" },
      verify: true,
    });
    expect(data!.file).toBe("weights/all.bin");
    // The filters and the biases are less than 1024 bytes.
    expect(data!.byteLength).toBe(4 * 5 * 4 * 36);
    expect(readdirSync(path.join(folder, "named/weights"))).toEqual(["all.bin"]);
    expect((await importOnnxFile(file)).parameters()).toHaveLength(4);
  });

  it("gives both parts without a name, and one file where nothing is large", async () => {
    const { data, bytes } = await exportOnnx(net(), { externalData: true, verify: true });
    expect(data!.file).toBe("model.onnx.data");
    expect(bytes.length).toBeLessThan(data!.byteLength);
    const small = sequential(input(4), dense({ units: 2 }));
    const file = path.join(folder, "small.onnx");
    expect((await exportOnnx(small, file, { externalData: true })).data).toBeUndefined();
    expect(existsSync(`${file}.data`)).toBe(false);
  });

  it("writes nothing when the verification fails, or a name leads out of the folder", async () => {
    const real = await onnxRunner({ threads: 1 });
    const wrong: OnnxRunner = { ...real, openFile: () => Promise.reject(new Error("it does not load")) };
    const target = path.join(folder, "none/net.onnx");
    await expect(
      exportOnnx(net(), target, { verify: wrong, externalData: { threshold: 0 } }),
    ).rejects.toThrow("it does not load");
    expect(readdirSync(path.dirname(target))).toEqual([]);
    await expect(exportOnnx(net(), target, { externalData: { file: "../x" } })).rejects.toBeInstanceOf(
      OnnxFormatError,
    );
    expect(readdirSync(path.dirname(target))).toEqual([]);
  });
});

describe("importOnnxFile refuses weights", () => {
  async function written(name: string): Promise<string> {
    const file = path.join(folder, name, "net.onnx");
    await exportOnnx(net(), file, { externalData: { threshold: 0 } });
    return file;
  }

  it("that are missing", async () => {
    const file = await written("missing");
    rmSync(`${file}.data`);
    await expect(importOnnxFile(file)).rejects.toThrow('external data "net.onnx.data" that was not given');
  });

  it("that are cut off", async () => {
    const file = await written("short");
    truncateSync(`${file}.data`, 100);
    await expect(importOnnxFile(file)).rejects.toThrow("the file has 100 bytes");
  });

  it("outside the model's folder", async () => {
    const file = await written("linked");
    mkdirSync(path.join(folder, "elsewhere"));
    const secret = path.join(folder, "elsewhere/secret");
    writeFileSync(secret, readFileSync(`${file}.data`));
    rmSync(`${file}.data`);
    symlinkSync(secret, `${file}.data`);
    await expect(importOnnxFile(file)).rejects.toThrow("that was not given");
  });
});
