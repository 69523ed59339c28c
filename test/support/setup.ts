// Setup of every test file: silences tfjs's advice to install tfjs-node, and no test asks a hub but its own.
import * as tf from '@tensorflow/tfjs';

tf.env().set('IS_TEST', true);
process.env['HF_HUB_OFFLINE'] = '1';
