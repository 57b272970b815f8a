// The models by name, for whoever gets the name from a user.
import { ConvokeError, type DType, type Module } from "@convoke/core";
import type { Shape } from "@convoke/shape";
import { alexNet } from "./alexnet.js";
import { cifarResNet } from "./cifar-resnet.js";
import { denseNet } from "./densenet.js";
import { dqn } from "./dqn.js";
import { lenet5 } from "./lenet5.js";
import { mlp } from "./mlp.js";
import type { ImageModelOptions } from "./options.js";
import { resNet } from "./resnet.js";
import { textCnn } from "./text-cnn.js";
import { vgg } from "./vgg.js";

/** A model of the registry. */
export interface ModelEntry {
  /** What it is, in one line. */
  readonly description: string;
  /** The shape of one sample that it is made for, without the batch axis. */
  readonly inputShape: Shape;
  /** The element type of the samples. */
  readonly dtype: DType;
  /** How many classes (or actions) it is made for. */
  readonly classes: number;
  /** Builds it, for other samples and classes if given. */
  create(options?: ImageModelOptions): Module;
}

function entry(
  description: string,
  [inputShape, classes, dtype = "float32"]: readonly [Shape, number, DType?],
  create: (options: { inputShape: Shape; classes: number }) => Module,
): ModelEntry {
  return {
    description,
    inputShape,
    dtype,
    classes,
    create: (options = {}) =>
      create({ inputShape: options.inputShape ?? inputShape, classes: options.classes ?? classes }),
  };
}

const digits = [[1, 28, 28], 10] as const;
const cifar = [[3, 32, 32], 10] as const;
const imageNet = [[3, 224, 224], 1000] as const;

/** Every model by name. */
export const models: Readonly<Record<string, ModelEntry>> = {
  lenet5: entry("LeNet-5 with ReLU and max pooling", digits, lenet5),
  "lenet5-tanh": entry("LeNet-5 as in 1998: tanh and average pooling", digits, (options) =>
    lenet5({ ...options, activation: "tanh", pooling: "average" }),
  ),
  linear: entry("a linear classifier", digits, (options) => mlp({ ...options, units: [] })),
  mlp: entry("one hidden layer of 512 units", digits, mlp),
  alexnet: entry("AlexNet, one tower", imageNet, alexNet),
  "alexnet-two-gpu": entry("AlexNet in its two-GPU form", imageNet, (options) =>
    alexNet({ ...options, groups: 2 }),
  ),
  vgg11: entry("VGG with 11 layers", imageNet, (options) => vgg(11, options)),
  vgg13: entry("VGG with 13 layers", imageNet, (options) => vgg(13, options)),
  vgg16: entry("VGG with 16 layers", imageNet, (options) => vgg(16, options)),
  vgg19: entry("VGG with 19 layers", imageNet, (options) => vgg(19, options)),
  resnet18: entry("ResNet with 18 layers", imageNet, (options) => resNet(18, options)),
  resnet34: entry("ResNet with 34 layers", imageNet, (options) => resNet(34, options)),
  resnet50: entry("ResNet with 50 layers", imageNet, (options) => resNet(50, options)),
  resnet101: entry("ResNet with 101 layers", imageNet, (options) => resNet(101, options)),
  resnet152: entry("ResNet with 152 layers", imageNet, (options) => resNet(152, options)),
  resnet20: entry("ResNet with 20 layers for small images", cifar, (options) => cifarResNet(20, options)),
  resnet56: entry("ResNet with 56 layers for small images", cifar, (options) => cifarResNet(56, options)),
  plain20: entry("ResNet-20 without its shortcuts", cifar, (options) =>
    cifarResNet(20, { ...options, plain: true }),
  ),
  densenet: entry("a small DenseNet", cifar, denseNet),
  dqn: entry("the deep Q-network for Atari games", [[4, 84, 84], 18], ({ inputShape, classes }) =>
    dqn({ inputShape, actions: classes }),
  ),
  textcnn: entry("a text classifier over 10,000 words", [[64], 2, "int32"], ({ inputShape, classes }) =>
    textCnn({ length: inputShape[0], classes }),
  ),
};

/**
 * The model of this name.
 *
 * @throws ConvokeError that lists the names there are.
 * @example
 * ```ts
 * import { modelNamed } from "@convoke/models";
 *
 * const model = modelNamed("lenet5").create({ inputShape: [3, 32, 32] });
 * console.log(model.outputShape); // [1, 10]
 * ```
 */
export function modelNamed(name: string): ModelEntry {
  const found = Object.hasOwn(models, name) ? models[name] : undefined;
  if (found !== undefined) return found;
  throw new ConvokeError({
    operation: `model "${name}"`,
    problem: "there is no model of this name.",
    wayOut: `Known models: ${Object.keys(models).join(", ")}.`,
  });
}
