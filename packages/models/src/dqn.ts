// The network that learned to play Atari games.
import { conv2d, dense, flatten, input, relu, sequential } from "@convoke/layers";
import type { Shape } from "@convoke/shape";
import { classifier, type Classifier } from "./options.js";

export interface DqnOptions<S extends Shape = Shape, Actions extends number = number> {
  /** The last frames of the game as channels: [frames, height, width]. Default [4, 84, 84]. */
  readonly inputShape?: S | undefined;
  /** The number of actions: the output is the value of each. Default 18. */
  readonly actions?: Actions | undefined;
}

/**
 * The deep Q-network (Mnih et al., Playing Atari with deep reinforcement learning, arXiv:1312.5602): 680,770 parameters
 * for 18 actions.
 */
export function dqn<const S extends Shape = [4, 84, 84], Actions extends number = 18>(
  options: DqnOptions<S, Actions> = {},
): Classifier<S, Actions> {
  const { inputShape = [4, 84, 84], actions = 18 } = options;
  return classifier(
    sequential(input(...inputShape), {
      conv1: conv2d({ filters: 16, kernelSize: 8, stride: 4 }),
      relu1: relu(),
      conv2: conv2d({ filters: 32, kernelSize: 4, stride: 2 }),
      relu2: relu(),
      flatten: flatten(),
      fc: dense({ units: 256 }),
      relu3: relu(),
      output: dense({ units: actions }),
    }),
  );
}
