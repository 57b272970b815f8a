// Random numbers: ONNX has none that are a function of a key, so the host computes the bits.
import { hostInput } from "./lowering.js";

export const randomLowerings = { randomBits: hostInput, foldIn: hostInput } as const;
