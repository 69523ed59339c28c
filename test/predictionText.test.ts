// The line of vis and demo that says what was predicted: a wrong answer is called wrong.

import { predictionText } from '../lib/cli/drawAttention.ts';

const probabilities = Float32Array.of(0.25, 0.75);
const prediction = { classIndex: 1, className: 'dog', confidence: 0.75, probabilities };

test.each([
  ['the true class', 1, 'dog with 75.00 %'],
  ['no true class', undefined, 'dog with 75.00 %'],
  ['another true class', 0, 'dog with 75.00 %, wrong: it is cat'],
])('%s', (_, label, text) => {
  expect(predictionText(prediction, label, ['cat', 'dog'])).toBe(text);
});
