// The network that learned to play Atari games.
import { conv2d, dense, flatten, input, relu, sequential, type Sequential } from "@convoke/layers";
import type { Shape } from "@convoke/shape";

export interface DqnOptions {
  /** The last frames of the game as channels: [frames, height, width]. Default [4, 84, 84]. */
  readonly inputShape?: Shape | undefined;
  /** The number of actions: the output is the value of each. Default 18. */
  readonly actions?: number | undefined;
}

/**
 * The deep Q-network (Mnih et al., Playing Atari with deep reinforcement learning, arXiv:1312.5602): 680,770 parameters
 * for 18 actions.
 */
export function dqn({ inputShape = [4, 84, 84], actions = 18 }: DqnOptions = {}): Sequential {
  return sequential(input(...inputShape), {
    conv1: conv2d({ filters: 16, kernelSize: 8, stride: 4 }),
    relu1: relu(),
    conv2: conv2d({ filters: 32, kernelSize: 4, stride: 2 }),
    relu2: relu(),
    flatten: flatten(),
    fc: dense({ units: 256 }),
    relu3: relu(),
    output: dense({ units: actions }),
  });
}
