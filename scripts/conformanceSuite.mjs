// The entry that scripts/conformance.mjs bundles: the environment first, then tfjs's specs, which read it when they are loaded.

import './conformanceEnvironment.mjs';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import '@tensorflow/tfjs-core/dist/tests';
