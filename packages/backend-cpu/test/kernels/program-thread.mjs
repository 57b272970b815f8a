// One worker of program.test.ts: runs the program that it is given, and answers with what runProgram returned.
import { parentPort, workerData } from "node:worker_threads";

const { module, memory, program, worker, workers, control, kernels } = workerData;
const { exports } = new WebAssembly.Instance(module, { env: { memory } });
exports.table.grow(kernels.length);
kernels.forEach((name, i) => exports.table.set(i, exports[name]));
parentPort.postMessage(exports.runProgram(program, worker, workers, control));
