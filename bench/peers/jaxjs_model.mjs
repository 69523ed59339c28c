// timm's VisionTransformer and AdamW in jax-js, as pure functions to be compiled by its jit. A function consumes
// the arrays that it takes (jax-js counts references), so an array that is needed again is passed as `.ref`.

/** (parameters by timm's names, images [B, H, W, C]) → logits [B, K]; `shape` is the model of a task. */
export function forwardOf({ numpy: np, nn }, shape) {
  const { imageSize, patchSize, inChannels, embedDim, depth, numHeads } = shape;
  const [rows, columns] = imageSize.map((length, axis) => length / patchSize[axis]);
  const [high, wide] = patchSize;
  const tokens = 1 + rows * columns;
  const headDim = embedDim / numHeads;
  return (w, images) => {
    const [batch] = images.shape;
    const linear = (x, name) =>
      np.matmul(x, np.matrixTranspose(w[`${name}.weight`])).add(w[`${name}.bias`]);
    const norm = (x, name) =>
      nn.standardize(x, -1, { epsilon: 1e-6 }).mul(w[`${name}.weight`]).add(w[`${name}.bias`]);
    const attention = (x, name) => {
      const split = linear(x, `${name}.qkv`).reshape([batch, tokens, 3, numHeads, headDim]);
      const [q, k, v] = np
        .split(split.transpose([2, 0, 3, 1, 4]), 3, 0)
        .map((part) => part.reshape([batch, numHeads, tokens, headDim]));
      const weights = nn.softmax(np.matmul(q, np.matrixTranspose(k)).mul(headDim ** -0.5), -1);
      const heads = np.matmul(weights, v).transpose([0, 2, 1, 3]);
      return linear(heads.reshape([batch, tokens, embedDim]), `${name}.proj`);
    };
    const mlp = (x, name) =>
      linear(nn.gelu(linear(x, `${name}.fc1`), { approximate: false }), `${name}.fc2`);

    // In the order of a convolution's weight [C, channels, high, wide].
    const patches = images
      .reshape([batch, rows, high, columns, wide, inChannels])
      .transpose([0, 1, 3, 5, 2, 4])
      .reshape([batch, rows * columns, inChannels * high * wide]);
    const kernel = w['patch_embed.proj.weight'].reshape([embedDim, inChannels * high * wide]);
    const embedded = np.matmul(patches, np.matrixTranspose(kernel)).add(w['patch_embed.proj.bias']);
    const cls = np.broadcastTo(w['cls_token'], [batch, 1, embedDim]);
    let x = np.concatenate([cls, embedded], 1).add(w['pos_embed']);
    for (let i = 0; i < depth; i++) {
      const block = `blocks.${i}`;
      x = x.ref.add(attention(norm(x, `${block}.norm1`), `${block}.attn`));
      x = x.ref.add(mlp(norm(x, `${block}.norm2`), `${block}.mlp`));
    }
    return linear(norm(x.slice([], 0), 'norm'), 'head');
  };
}

/** ({w, m, v}, corrections, images, targets) → [loss, {w, m, v} after one update by AdamW with timm's parameter groups]. */
export function trainingStepOf({ nn, numpy: np, valueAndGrad }, shape, rate, decay) {
  const forward = forwardOf({ numpy: np, nn }, shape);
  const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8];
  const lossOf = (w, images, targets) => {
    const [batch] = images.shape;
    return nn
      .logSoftmax(forward(w, images), -1)
      .mul(targets)
      .sum()
      .mul(-1 / batch);
  };
  return ({ w, m, v }, corrections, images, targets) => {
    const [loss, gradients] = valueAndGrad(lossOf)(refs(w), images, targets);
    const after = { w: {}, m: {}, v: {} };
    for (const name of Object.keys(w)) {
      const g = gradients[name];
      const exempt = g.shape.length <= 1 || ['cls_token', 'pos_embed'].includes(name);
      const first = m[name].mul(beta1).add(g.ref.mul(1 - beta1));
      const second = v[name].mul(beta2).add(np.square(g).mul(1 - beta2));
      const root = np.sqrt(second.ref.mul(corrections.second.ref)).add(epsilon);
      const update = first.ref.mul(corrections.first.ref).div(root).mul(rate);
      after.w[name] = w[name].mul(exempt ? 1 : 1 - rate * decay).sub(update);
      after.m[name] = first;
      after.v[name] = second;
    }
    corrections.first.dispose();
    corrections.second.dispose();
    return [loss, after];
  };
}

/** The same arrays, to be consumed once more. */
export function refs(arrays) {
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, array.ref]));
}
