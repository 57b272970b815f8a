import { reference } from "@convoke/core";
import { describeBackend } from "./vitest.js";

describeBackend({ name: "reference", create: () => reference() });
