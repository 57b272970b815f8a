// The shaders that a device compiles.

/** Keeps the text of each shader that a device is given, for `openForTest(…, { watch })`. */
export function watchShaders(): { shaders: string[]; watch: (device: GPUDevice) => void } {
  const shaders: string[] = [];
  const watch = (device: GPUDevice): void => {
    const create = device.createShaderModule.bind(device);
    device.createShaderModule = (descriptor) => {
      shaders.push(descriptor.code);
      return create(descriptor);
    };
  };
  return { shaders, watch };
}
