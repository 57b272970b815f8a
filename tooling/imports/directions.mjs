// Which package may know which, tests and development dependencies included.

/** @type {Record<string, readonly string[]>} */
export const directions = {
  "@convoke/shape": [],
  "@convoke/datasets": [],
  "@convoke/core": ["@convoke/shape"],
  "@convoke/layers": ["@convoke/shape", "@convoke/core"],
  "@convoke/optimizers": ["@convoke/shape", "@convoke/core"],
  "@convoke/onnx": ["@convoke/shape", "@convoke/core"],
  "@convoke/conformance": ["@convoke/shape", "@convoke/core"],
  "@convoke/backend-cpu": ["@convoke/shape", "@convoke/core", "@convoke/conformance"],
  // Its tests take the software driver that comes with the tests' browser.
  "@convoke/backend-webgpu": [
    "@convoke/shape",
    "@convoke/core",
    "@convoke/conformance",
    "@convoke-tooling/browser",
  ],
  "@convoke/shape-checker": ["@convoke/shape", "@convoke/core"],
  "@convoke/models": ["@convoke/shape", "@convoke/core", "@convoke/layers"],
  "@convoke/train": [
    "@convoke/shape",
    "@convoke/core",
    "@convoke/layers",
    "@convoke/optimizers",
    "@convoke/datasets",
  ],
  "@convoke/backend-onnxruntime": [
    "@convoke/shape",
    "@convoke/core",
    "@convoke/onnx",
    "@convoke/conformance",
  ],
};

/** The umbrella package, the apps and the tooling may know every package; nothing may know an app. */
export const knowsEverything = ["convoke", "@convoke-apps/demo", "@convoke-apps/docs"];
